"""Extractors: what turns pictures into the features that distances compare."""

import dataclasses
import functools
import hashlib
from typing import Any

import keras
import numpy as np

from keras_gen import presets
from keras_gen.data.images import Fit

INCEPTION = "InceptionV3"
INCEPTION_SIDE = 299
BATCH = 64
_DEFAULTS = {1: "classifier_fashion_mnist", 3: "classifier_emoji"}


@dataclasses.dataclass(frozen=True)
class Extractor:
    """A network that describes pictures, and what pins it down in a protocol.

    Attributes:
        name: of the preset, or "InceptionV3".
        sha256: of the file of its weights, or of their values where there is none.
        model: the network itself.
        shape: (height, width, channels) that pictures are brought to: cropped to the
            aspect ratio, resized with antialiasing (Lanczos), grey repeated.
    """

    name: str
    sha256: str
    model: Any
    shape: tuple[int, int, int]

    def features(self, images):
        """Features float32 (n, d) of images (n, h, w, c), uint8 or float in [0, 1]."""
        return self.model.features(self.fitted(images))

    def classify(self, images):
        """Probabilities float32 (n, classes) of images as above."""
        return self.model.classify(self.fitted(images))

    def fitted(self, images):
        """Images as the network takes them: of its `shape`, their dtype kept."""
        return Fit(self.shape[:2], self.shape[2]).batch(np.asarray(images))


def features(data, extractor=None):
    """Features of pictures, float64.

    Args:
        data: (n, d) features, taken as they are; or images (n, h, w, c), uint8 in
            [0, 255] or float in [0, 1].
        extractor: a name that `find_extractor` takes, or an object with
            `features(images)`; None for "classifier_fashion_mnist" where images are
            grey and "classifier_emoji" where they have colours.

    Returns:
        float64 array (n, d).

    Raises:
        ValueError: data of another rank, or with NaN or infinity in their features.
    """
    data = np.asarray(data)
    if data.ndim == 4:
        extractor = default_extractor(data) if extractor is None else extractor
        data = find_extractor(extractor).features(data)
    elif data.ndim != 2 or extractor is not None:
        raise ValueError(
            "Expected images (n, h, w, c), or features (n, d) without an extractor. "
            f"Received: shape {data.shape}, extractor {extractor!r}"
        )
    data = np.asarray(data, "float64")
    if not np.isfinite(data).all():
        raise ValueError("Expected finite features. Received: NaN or infinity")
    return data


def default_extractor(images):
    """Name of the extractor that judges images (n, h, w, c) by default."""
    channels = images.shape[-1]
    if channels not in _DEFAULTS:
        raise ValueError(
            f"Expected images of 1 or 3 channels, or an extractor. Received: {channels}"
        )
    return _DEFAULTS[channels]


def find_extractor(extractor):
    """An extractor by its name.

    Args:
        extractor: a classifier's preset, by name or folder; "InceptionV3", which
            keras.applications downloads; or an object with `features`, returned as
            it is.

    Raises:
        ValueError: no such preset, or one that has no features.
        FileNotFoundError: Inception's weights cannot be had.
    """
    if hasattr(extractor, "features"):
        return extractor
    return _inception() if extractor == INCEPTION else _classifier(str(extractor))


@functools.cache
def _classifier(name):
    model = presets.from_preset(name, compile=False)
    if not hasattr(model, "features"):
        raise ValueError(
            "Expected a preset with features, as classifiers have. "
            f"Received: {name!r}, a {type(model).__name__}"
        )
    known = presets.info(name)
    sha256 = known["metadata"]["weights"]["sha256"]
    return Extractor(known["name"], sha256, model, tuple(model.data_shape()))


class _Inception:
    """Inception-v3 with its 2048 pooled features and its 1,000 classes.

    Szegedy et al. 2016 (arXiv:1512.00567), weights of keras.applications: not those
    of the 2015 graph behind most published distances.
    """

    def __init__(self):
        whole = keras.applications.InceptionV3(weights="imagenet")
        self.pooled = keras.Model(whole.inputs, whole.get_layer("avg_pool").output)
        self.head = whole.layers[-1]

    def features(self, images):
        parts = [images[k : k + BATCH] for k in range(0, len(images), BATCH)]
        return np.concatenate([self.pooled.predict_on_batch(signed(p)) for p in parts])

    def classify(self, images):
        return keras.ops.convert_to_numpy(self.head(self.features(images)))


def signed(images):
    """Images, uint8 or float in [0, 1], as float32 in [-1, 1]."""
    scale = 255 if images.dtype == np.uint8 else 1
    return images.astype("float32") * (2 / scale) - 1


@functools.cache
def _inception():
    try:
        model = _Inception()
    except Exception as error:  # whatever the download raises
        raise FileNotFoundError(
            "Expected the ImageNet weights of keras.applications.InceptionV3: go "
            "online once, or put inception_v3_weights_tf_dim_ordering_tf_kernels.h5 "
            "into the folder models of the Keras home. "
            f"Received: {' '.join(str(error).split())}"
        ) from error
    digest = hashlib.sha256()
    for values in (*model.pooled.get_weights(), *model.head.get_weights()):
        digest.update(np.ascontiguousarray(values).tobytes())
    shape = (INCEPTION_SIDE, INCEPTION_SIDE, 3)
    return Extractor(INCEPTION, digest.hexdigest(), model, shape)
