"""Halving and doubling of sides through the filter [1, 3, 3, 1].

The blurred resampling of Karras et al. 2019 (arXiv:1812.04948, section 2), after Zhang
2019 (arXiv:1904.11486): nearest neighbours and then [1, 2, 1], or [1, 2, 1] and then
means of squares, are this filter.
"""

import keras
from keras import ops


def doubled(x):
    """Tensor (batch, h, w, c) as (batch, 2 h, 2 w, c): bilinear, edges repeated."""
    for axis in (1, 2):
        shape = list(x.shape)
        padded = _padded(x, axis, 1)
        before, after = (_cut(padded, axis, k, shape[axis]) for k in (0, 2))
        x = ops.stack([0.75 * x + 0.25 * y for y in (before, after)], axis + 1)
        shape[axis] *= 2
        x = ops.reshape(x, (-1, *shape[1:]))
    return x


def halved(x):
    """Tensor (batch, h, w, c) of even sides as (batch, h / 2, w / 2, c)."""
    for axis in (1, 2):
        x = _filtered(_padded(x, axis, 1), axis, x.shape[axis] // 2, 2)
    return x


def blurred(x, pad):
    """Tensor (batch, h, w, c) filtered, `pad` pixels of each edge repeated before.

    Sides grow by 2 pad - 3.
    """
    for axis in (1, 2):
        x = _filtered(_padded(x, axis, pad), axis, x.shape[axis] + 2 * pad - 3)
    return x


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


def _filtered(x, axis, count, step=1):
    """`count` places of an axis, `step` apart, of the filter over a padded tensor."""
    outer, *inner, last = (_cut(x, axis, k, count, step) for k in range(4))
    return 0.125 * (outer + last) + 0.375 * sum(inner)


def _padded(x, axis, pad):
    width = [(0, 0)] * 4
    width[axis] = (pad, pad)
    return ops.pad(x, width, mode="symmetric")


def _cut(x, axis, start, count, step=1):
    """`count` lines of an axis, every `step`th from `start` on."""
    part = slice(start, start + step * (count - 1) + 1, step)
    return x[(slice(None),) * axis + (part,)]
