"""What translating between styles does for a classifier that knows one of them.

    python -m benchmarks.adaptation

A small classifier learns the category of emoji drawn in one style, 32x32, and is tested
on held-out emoji in the other: as it is, on test pictures translated back to the style
that it knows, and trained on its own training pictures translated to the style of the
test. `cyclegan_emoji` translates: it has seen half of the training emoji in each style,
no emoji in both, and no category. The last row is what labels in the test's own style
would give.
"""

import argparse

import numpy as np

import keras_gen
from benchmarks.augmentation import BATCH, UPDATES, accuracy, table, trained
from keras_gen import data
from keras_gen.applications import adapt

PRESET = "cyclegan_emoji"
STYLES = {"twemoji": "Twemoji", "noto": "Noto"}


def emoji(split, style, size=32):
    """Pictures uint8 in a style, and their categories."""
    return data.load("emoji", split, fields=(style, "category"), image_size=size)


def batches(pictures, seed):
    """All updates' batches, drawn from pictures at random."""
    rows = np.random.default_rng(seed).integers(len(pictures[1]), size=UPDATES * BATCH)
    return tuple(column[rows] for column in pictures)


def rows(source, target, model, seeds=5):
    """Name to accuracies on the target style, one a seed."""
    reverse = source == "noto"
    first, second = STYLES[source], STYLES[target]
    known, wanted = emoji("train", source), emoji("train", target)
    test = emoji("test", target)
    there = adapt(model, *known, reverse=reverse)
    back = adapt(model, *test, reverse=not reverse)
    both = adapt(model, *known, reverse=reverse, keep=True)
    # Training pictures, and the rows that they give: name to test pictures.
    cases = (
        (known, {first: test, f"{first}; the test translated to it": back}),
        (there, {f"{first}, translated": test}),
        (both, {f"{first}, as it is and translated": test}),
        (wanted, {second: test}),
    )
    found = {}
    for pictures, tests in cases:
        for seed in range(seeds):
            judge = trained(batches(pictures, seed), seed, shift=2, flip=True)
            for name, tested in tests.items():
                found.setdefault(name, []).append(accuracy(judge, tested))
    return found


def main(argv=None):
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=style)
    parser.parse_args(argv)
    model = keras_gen.from_preset(PRESET)
    for source, target in (("twemoji", "noto"), ("noto", "twemoji")):
        print(f"Tested on {STYLES[target]}:\n")
        print(table(rows(source, target, model)), "\n", flush=True)


if __name__ == "__main__":
    main()
