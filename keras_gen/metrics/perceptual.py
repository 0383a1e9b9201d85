"""A distance of two pictures in what a network sees in them, place by place."""

import functools

import keras
import numpy as np

from keras_gen.metrics.extractors import (
    BATCH,
    default_extractor,
    find_extractor,
    signed,
)
from keras_gen.metrics.pictures import chunks


def perceptual_distance(reference, pictures, extractor=None) -> np.ndarray:
    """Distance in the maps of a network's layers: LPIPS with equal weights.

    Equation 1 of Zhang et al. 2018 (arXiv:1801.03924), w = 1, for which it is the sum
    over layers of the mean over places of 2 - 2 cos(y, y'). The layers are the
    last activations of each resolution. In contrast to `features`, which are pooled
    over places, these maps know how a thing is drawn, not only what it is.

    Args:
        reference, pictures: images (n, h, w, c), uint8 or float in [0, 1].
        extractor: as in `features`, of a classifier's preset.

    Returns:
        (n,) float64, at least 0, at most 4 for each layer.

    Raises:
        ValueError: as `mean_squared_error`; an extractor without maps.
    """
    judge = find_extractor(extractor or default_extractor(np.asarray(reference)))
    if not has_maps(judge):
        raise ValueError(
            "Expected the preset of a classifier as extractor. "
            f"Received: {getattr(judge, 'name', judge)!r}"
        )
    network = _maps(judge)

    def seen(images):
        return network.predict_on_batch(signed(judge.fitted(images)))

    pairs = chunks(reference, pictures, BATCH)
    return np.concatenate([sum(map(_apart, *map(seen, pair))) for pair in pairs])


def has_maps(extractor):
    """Whether what an extractor's layers see can be had: a classifier's."""
    return "backbone" in getattr(getattr(extractor, "model", None), "networks", ())


def _apart(one, other):
    """Mean over places of the squared distance of unit vectors: (batch,)."""
    difference = _unit(one) - _unit(other)
    return np.square(difference).sum(axis=-1).mean(axis=(1, 2))


def _unit(maps):
    maps = np.asarray(maps, "float64")
    norms = np.linalg.norm(maps, axis=-1, keepdims=True)
    return maps / np.maximum(norms, 1e-10)


@functools.cache
def _maps(extractor):
    """A network from pictures to a list of maps, the finest first."""
    backbone = extractor.model.averaged("backbone")
    last = {
        layer.output.shape[1:3]: layer.output
        for layer in backbone.layers
        if isinstance(layer, keras.layers.Activation) and len(layer.output.shape) == 4
    }
    return keras.Model(backbone.input, list(last.values()))
