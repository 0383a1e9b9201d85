"""Halving and doubling of sides through the filter [1, 3, 3, 1].

The blurred resampling of Karras et al. 2019 (arXiv:1812.04948, section 2), after Zhang
2019 (arXiv:1904.11486): nearest neighbours and then [1, 2, 1], or [1, 2, 1] and then
means of squares, are this filter.
"""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gen")
class SmoothUpsampling2D(keras.layers.Layer):
    """(batch, h, w, c) to (batch, 2 h, 2 w, c): bilinear, edges repeated."""

    def call(self, inputs):
        x = inputs
        for axis in (1, 2):
            padded = _padded(x, axis, 1)
            n = x.shape[axis]
            before, after = (_cut(padded, axis, k, n) for k in (0, 2))
            x = ops.stack([0.75 * x + 0.25 * y for y in (before, after)], axis + 1)
            x = ops.reshape(x, (-1, *_doubled(inputs.shape, axis)))
        return x

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *_doubled(input_shape, 2))


@keras.saving.register_keras_serializable("keras_gen")
class SmoothDownsampling2D(keras.layers.Layer):
    """(batch, h, w, c) of even sides to (batch, h / 2, w / 2, c), edges repeated."""

    def call(self, inputs):
        x = inputs
        for axis in (1, 2):
            n, padded = x.shape[axis] // 2, _padded(x, axis, 1)
            outer, *inner, last = (_cut(padded, axis, k, n, 2) for k in range(4))
            x = 0.125 * (outer + last) + 0.375 * sum(inner)
        return x

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return (batch, height // 2, width // 2, channels)


@keras.saving.register_keras_serializable("keras_gen")
class Blur2D(keras.layers.Layer):
    """The filter alone, padded by `pad` of each edge: sides grow by 2 pad - 3.

    Args:
        pad: pixels that repeat each edge, as many as a picture has at most.
    """

    def __init__(self, pad, **kwargs):
        super().__init__(**kwargs)
        self.pad = pad

    def call(self, inputs):
        x = inputs
        for axis in (1, 2):
            n, padded = x.shape[axis] + 2 * self.pad - 3, _padded(x, axis, self.pad)
            outer, *inner, last = (_cut(padded, axis, k, n) for k in range(4))
            x = 0.125 * (outer + last) + 0.375 * sum(inner)
        return x

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        more = 2 * self.pad - 3
        return (batch, height + more, width + more, channels)

    def get_config(self):
        return super().get_config() | {"pad": self.pad}


def _padded(x, axis, pad):
    """With the edges repeated, the last pixel first."""
    width = [(0, 0)] * 4
    width[axis] = (pad, pad)
    return ops.pad(x, width, mode="symmetric")


def _cut(x, axis, start, count, step=1):
    """`count` lines of an axis, every `step`th from `start` on."""
    part = slice(start, start + step * (count - 1) + 1, step)
    return x[(slice(None),) * axis + (part,)]


def _doubled(shape, last):
    """A shape without the batch whose axes up to `last` are doubled."""
    _, height, width, channels = shape
    return (2 * height, 2 * width if last > 1 else width, channels)
