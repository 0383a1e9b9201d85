"""Halving and doubling of sides through the filter [1, 3, 3, 1].

The blurred resampling of Karras et al. 2019 (arXiv:1812.04948, section 2), after Zhang
2019 (arXiv:1904.11486): nearest neighbours and then [1, 2, 1], or [1, 2, 1] and then
means of squares, are this filter.
"""

import functools

import keras
import numpy as np
from keras import ops

LONGEST = 64  # side that is multiplied by a matrix


def doubled(x):
    """Tensor (batch, h, w, c) as (batch, 2 h, 2 w, c): bilinear, edges repeated."""
    return _resampled(x, _doubling)


def halved(x):
    """Tensor (batch, h, w, c) of even sides as (batch, h / 2, w / 2, c)."""
    return _resampled(x, _halving)


def blurred(x, pad):
    """Tensor (batch, h, w, c) filtered, `pad` pixels of each edge repeated before.

    Sides grow by 2 pad - 3.
    """
    return _resampled(x, _blurring, pad)


@keras.saving.register_keras_serializable("keras_gen")
class SmoothUpsampling2D(keras.layers.Layer):
    """(batch, h, w, c) to (batch, 2 h, 2 w, c), edges repeated."""

    def call(self, inputs):
        return doubled(inputs)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, 2 * height, 2 * width, channels)


@keras.saving.register_keras_serializable("keras_gen")
class SmoothDownsampling2D(keras.layers.Layer):
    """(batch, h, w, c) of even sides to (batch, h / 2, w / 2, c), edges repeated."""

    def call(self, inputs):
        return halved(inputs)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, height // 2, width // 2, channels)


@keras.saving.register_keras_serializable("keras_gen")
class Blur2D(keras.layers.Layer):
    """The filter alone: (batch, h, w, c) to sides greater by 2 pad - 3.

    Args:
        pad: pixels of each edge that are repeated, at most as many as there are.
    """

    def __init__(self, pad, **kwargs):
        super().__init__(**kwargs)
        self.pad = pad

    def call(self, inputs):
        return blurred(inputs, self.pad)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        more = 2 * self.pad - 3
        return (batch, height + more, width + more, channels)

    def get_config(self):
        return super().get_config() | {"pad": self.pad}


def _resampled(x, filtered, *options):
    """A tensor (batch, h, w, c), both sides through a filter of lines.

    Short sides are multiplied by a matrix: a gradient through slices takes far longer
    than the convolutions that stand between, on CPUs. Of long sides the matrix, nearly
    all zeros, would cost more than these.
    """
    _, height, width, channels = x.shape
    if max(height, width) > LONGEST:
        for axis in (1, 2):
            lines = filtered(ops.moveaxis(x, axis, 0), ops, *options)
            x = ops.moveaxis(lines, 0, axis)
        return x
    across, down = (_matrix(side, filtered, *options) for side in (width, height))
    x = ops.matmul(ops.cast(across, x.dtype), x)
    width = x.shape[2]
    x = ops.reshape(x, (-1, height, width * channels))
    x = ops.matmul(ops.cast(down, x.dtype), x)
    return ops.reshape(x, (-1, x.shape[1], width, channels))


@functools.cache
def _matrix(side, filtered, *options):
    return filtered(np.eye(side, dtype="float32"), np, *options)


# Filters of lines (side, ...): of arrays by NumPy, of tensors by Keras's operations.


def _doubling(lines, xp):
    lines = xp.repeat(_with_edges(lines, 1, xp), 2, axis=0)
    return (lines[:-2] + 2 * lines[1:-1] + lines[2:])[1:-1] / 4


def _halving(lines, xp):
    return _blurring(lines, xp, 1)[::2]


def _blurring(lines, xp, pad):
    lines = _with_edges(lines, pad, xp)
    outer, inner = lines[:-3] + lines[3:], lines[1:-2] + lines[2:-1]
    return (outer + 3 * inner) / 8


def _with_edges(lines, pad, xp):
    """`pad` lines at both ends repeated."""
    if not pad:
        return lines
    first, last = xp.flip(lines[:pad], axis=0), xp.flip(lines[-pad:], axis=0)
    return xp.concatenate([first, lines, last], axis=0)
