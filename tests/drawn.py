"""Pictures drawn for tests, and layers run under a stream of noise."""

import keras
import numpy as np

from keras_gen.engine import backend, random


def under_noise(function, x, seed=0):
    """What a function of a tensor gives where it draws from a stream: an array."""
    stream = random.Stream(backend, backend.key(seed), lambda rows: (rows, None))
    with random.use(stream):
        made = function(keras.ops.convert_to_tensor(x))
    return keras.ops.convert_to_numpy(made)


def colours(n, side=6, seed=0):
    """Float pictures (n, side, side, 3) in [0, 1] of independent pixels."""
    rng = np.random.default_rng(seed)
    return rng.random((n, side, side, 3), "float32")


def luma(x):
    """BT.601 luma (..., 1) of colours (..., 3)."""
    return x @ np.array([[0.299], [0.587], [0.114]])


def blobs(n, seed=0):
    """Float images (n, 8, 8, 1) in [0, 1]: a bright bump at a random place."""
    return labelled_blobs(n, seed)[0]


def labelled_blobs(n, seed=0):
    """`blobs`, and in which quarter of the image each bump is."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:8, :8]
    centres = rng.uniform(1, 6, (n, 2, 1, 1))
    squares = (y - centres[:, 0]) ** 2 + (x - centres[:, 1]) ** 2
    labels = (centres[:, :, 0, 0] > 3.5) @ [1, 2]
    return np.exp(-squares / 3)[..., None].astype("float32"), labels
