"""More training pictures than there are."""

import numpy as np

from keras_gen import presets


def augment(preset, labels, n, *, seed=0, **options):
    """Generated examples of given classes, to train a classifier on beside real ones.

    They tell a classifier what the generator has seen: a preset trained on more
    labelled pictures than are at hand brings their knowledge, one trained on the same
    ones little. Measure, as `benchmarks/augmentation.py` does.

    Args:
        preset: name or folder of a pretrained conditional model, or the model itself.
        labels: (k,) ints, classes wanted; one that stands twice is drawn twice.
        n: examples of each, at least 1.
        seed: int in [0, 2**31), of the samples.
        **options: further options of the model's `generate`.

    Returns:
        (examples float32 (k * n, ...), images in [0, 1]; labels int64 (k * n,)), in the
        order of `labels`, n of each.

    Raises:
        ValueError: a model that takes no labels, labels out of range, or n below 1.
    """
    is_model = hasattr(preset, "generate")
    model = preset if is_model else presets.from_preset(preset, compile=False)
    if "labels" not in model.condition_specs():
        raise ValueError(
            "Expected a model that generates examples of a class asked for. "
            f"Received: {type(model).__name__}"
        )
    labels = np.atleast_1d(labels)
    if isinstance(n, bool) or int(n) != n or n < 1:
        raise ValueError(f"Expected n to be an int of at least 1. Received: {n!r}")
    labels = np.repeat(model.check_labels(labels, len(labels)), int(n))
    images = model.generate(len(labels), labels=labels, seed=seed, **options)
    return images, labels
