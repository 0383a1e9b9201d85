"""What pretraining layer by layer gives, on the published stacked autoencoder.

    python -m benchmarks.stacked

Each function returns rows (task, data, ours, the simple tool, the published figure).
"""

import itertools
import json
import statistics

import keras
import numpy as np

import keras_gen
from keras_gen import data, presets, training

PRESET = "stacked_fashion_mnist"
SETTINGS = {"batch_size": 50, "epochs": 60}  # of the classifier, and its rate:
RATE = 3e-4


def few_labels(model=None, *, labels_a_class=100, seeds=5):
    """Test accuracy of a classifier that few labelled pictures have trained.

    On top of the model's layers, and of the same layers from random weights: the same
    labelled pictures, settings and order of batches for both, other ones for each seed.

    Args:
        model: a `StackedAutoencoder`; by default the published one.
        labels_a_class: labelled training pictures of each of the ten classes.
        seeds: how many times.
    """
    model = model or keras_gen.from_preset(PRESET)
    train = data.load("fashion_mnist", "train")
    test = data.load("fashion_mnist", "test")
    ours, theirs = [], []
    for seed in range(seeds):
        few = _labelled(*train, labels_a_class, seed)
        ours.append(accuracy(model, few, test, seed))
        keras.utils.set_random_seed(seed)
        fresh = type(model).from_config(model.get_config())
        theirs.append(accuracy(fresh, few, test, seed))
    task = f"classification, {10 * labels_a_class:,} labels, pretrained"
    words = f"{_spread(theirs)} (the same network from random weights)"
    return [(task, "Fashion-MNIST", _spread(ours), words, "")]


def stages(name=PRESET):
    """Mean squared error of held-out pictures as each stage began and ended.

    As the published training logged them: the error after a stage's first epoch and
    after its last one, through the layers reached, and what they fall to in the last
    stage, which trains all of them, beside where layer-wise training ended.

    Args:
        name: of the published preset.
    """
    recipe = training.load_recipe(name)
    curves = json.loads((presets.find(name) / "curves.json").read_text())
    pixels = np.prod(presets.build(recipe.tables["model"]).data_shape())
    # The loss is half the squared error of all pixels.
    errors = 2 / pixels * np.array(curves["val_reconstruction"]["values"])
    ends = list(itertools.accumulate(recipe.stages()))
    begins = [0, *ends[:-1]]
    rows = []
    for k, (begin, end) in enumerate(zip(begins, ends, strict=True), start=1):
        last = k == len(ends)
        what = "all layers together" if last else f"layer {k} alone"
        before = errors[begin - 1] if last else errors[begin]
        words = "after layer-wise training" if last else "after its first epoch"
        rows.append(
            (
                f"reconstruction, {what}",
                "Fashion-MNIST",
                f"{errors[end - 1]:.5f}",
                f"{before:.5f} ({words})",
                "",
            )
        )
    return rows


def accuracy(model, few, test, seed):
    """Share of test pictures that a classifier on a model's layers puts right.

    Args:
        model: a `StackedAutoencoder`, which stays as it is.
        few, test: (images, labels).
        seed: of the classifier's head and of the order of its batches.
    """
    keras.utils.set_random_seed(seed)
    classifier = model.classifier(10)
    classifier.compile(keras.optimizers.Adam(RATE), seed=seed)
    classifier.fit(*few, verbose=0, **SETTINGS)
    images, labels = test
    return float((classifier.classify(images).argmax(axis=1) == labels).mean())


def _labelled(images, labels, a_class, seed):
    """So many pictures of each class, drawn anew for each seed."""
    rng = np.random.default_rng(seed)
    rows = [
        rng.choice(np.flatnonzero(labels == k), a_class, replace=False)
        for k in np.unique(labels)
    ]
    rows = np.concatenate(rows)
    return images[rows], labels[rows]


def _spread(shares):
    mean, deviation = statistics.mean(shares), statistics.stdev(shares)
    return f"{mean:.2%}, deviation {deviation:.2%}"


def rows():
    """All rows, of the published preset."""
    return [*stages(), *few_labels()]


if __name__ == "__main__":
    for row in rows():
        print("  ".join(cell for cell in row if cell))
