"""A classifier for pictures of a style that nobody has labelled."""

import numpy as np

from keras_gen import presets


def adapt(preset, images, labels, *, keep=False, **options):
    """Labelled pictures of one domain as ones of another, to train a classifier on.

    A translation learnt without pairs needs no label of the other domain: what a
    classifier learns from the translated pictures holds there as far as translating
    keeps what the label is about. Measure, as `benchmarks/adaptation.py` does.

    Args:
        preset: name or folder of a pretrained translation model, or the model itself;
            a `CycleGAN` to go both ways.
        images: (n, h, w, c), uint8 in [0, 255] or float in [0, 1], of any height and
            width.
        labels: (n, ...), one a picture.
        keep: return the given pictures too, after the translated ones, of as many
            channels and as large.
        **options: of the model's `translate`, such as `reverse=True`.

    Returns:
        (pictures float32 (n, h, w, c), or twice as many with `keep`, in [0, 1];
        labels, as many).

    Raises:
        ValueError: a model that does not translate, pictures that it does not take, or
            not as many labels as pictures.
    """
    is_model = hasattr(preset, "fit")
    model = preset if is_model else presets.from_preset(preset, compile=False)
    if not hasattr(model, "translate"):
        raise ValueError(
            "Expected a model that translates pictures, as CycleGAN. "
            f"Received: {type(model).__name__}"
        )
    images, labels = np.asarray(images), np.asarray(labels)
    if labels.shape[:1] != images.shape[:1]:
        raise ValueError(
            f"Expected a label for each of {len(images)} pictures. "
            f"Received: labels of shape {labels.shape}"
        )
    made = model.translate(images, **options)
    if not keep:
        return made, labels
    if images.dtype == np.uint8:
        images = images.astype("float32") / 255
    return np.concatenate([made, images]), np.concatenate([labels, labels])
