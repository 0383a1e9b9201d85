"""What generated pictures add to few real ones, for a classifier.

    python -m benchmarks.augmentation

100 labelled training pictures of each class, drawn anew for each seed, train a small
classifier: by themselves, shifted and mirrored, and beside 1,000 generated pictures of
each class, half of each batch; as many updates in all of them. The generators are the
zoo's conditional ones, which have seen all 60,000 labelled training pictures: the gain
is what a preset carries over, not something for nothing.
"""

import argparse
import statistics

import keras
import numpy as np

import keras_gen
from keras_gen import data
from keras_gen.applications import augment

REAL, GENERATED, UPDATES, BATCH = 100, 1000, 1500, 64
GENERATORS = ("conditional_gan_fashion_mnist", "conditional_vae_fashion_mnist")
T = 2.776  # of Student's distribution for 4 degrees of freedom, 95 %


def few(images, labels, seed):
    """`REAL` pictures of each class."""
    rng = np.random.default_rng(seed)
    rows = [
        rng.choice(np.flatnonzero(labels == k), REAL, replace=False)
        for k in np.unique(labels)
    ]
    rows = np.concatenate(rows)
    return images[rows].astype("float32") / 255, labels[rows]


def mixed(real, generated, seed):
    """Batches' worth of pictures, every other one generated: (images, labels)."""
    rng = np.random.default_rng(seed)
    half = UPDATES * BATCH // 2
    rows = [rng.integers(len(labels), size=half) for _, labels in (real, generated)]
    parts = [[x[r] for x in pair] for pair, r in zip((real, generated), rows)]
    return tuple(
        np.stack(columns, axis=1).reshape(-1, *columns[0].shape[1:])
        for columns in zip(*parts)
    )


def trained(pictures, seed, **options):
    """A small classifier after `UPDATES` updates."""
    keras.utils.set_random_seed(seed)
    options = {"image_shape": pictures[0].shape[1:], "num_features": 64} | options
    model = keras_gen.Classifier(filters=(16, 32, 64), **options)
    model.compile(keras.optimizers.Adam(1e-3), seed=seed)
    options = {"batch_size": BATCH, "steps_per_epoch": UPDATES, "verbose": 0}
    model.fit(*pictures, shuffle=len(pictures[0]) < UPDATES * BATCH, **options)
    return model


def accuracy(model, test):
    """Share of test pictures that a classifier sorts rightly."""
    images, labels = test
    return float((model.classify(images).argmax(axis=1) == labels).mean())


def rows(generators=GENERATORS, seeds=5):
    """Name to accuracies, one a seed."""
    train, test = (data.load("fashion_mnist", split) for split in ("train", "test"))
    found = {}
    made = {
        name: augment(name, range(10), GENERATED, verbose=False) for name in generators
    }
    for seed in range(seeds):
        real = few(*train, seed)

        def add(name, pictures, **options):
            values = found.setdefault(name, [])
            values.append(accuracy(trained(pictures, seed, **options), test))  # noqa: B023

        add("1,000 real pictures", real)
        add("the same, shifted and mirrored", real, shift=1, flip=True)
        for name, pictures in made.items():
            add(f"and 10,000 of {name}", mixed(real, pictures, seed))
    return found


def table(found):
    """Markdown of accuracies and of their gains over the first row, seed by seed."""
    lines = ["| training pictures | test accuracy | gain |", "| --- | --- | --- |"]
    base = next(iter(found.values()))
    for name, values in found.items():
        gains = [a - b for a, b in zip(values, base, strict=True)]
        gain = _interval(gains) if values is not base else ""
        lines.append(f"| {name} | {_interval(values)} | {gain} |")
    return "\n".join(lines)


def _interval(values):
    mean = statistics.mean(values)
    half = T * statistics.stdev(values) / len(values) ** 0.5
    return f"{mean:.2%} [{mean - half:.2%}, {mean + half:.2%}]"


if __name__ == "__main__":
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    print(table(rows()))
