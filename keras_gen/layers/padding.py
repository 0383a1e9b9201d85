"""Padding that continues a picture."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gen")
class ReflectionPadding2D(keras.layers.Layer):
    """Pictures (batch, h, w, c) mirrored beyond their edges, which are not repeated.

    Args:
        padding: pixels on every side, fewer than the picture's sides.
    """

    def __init__(self, padding, **kwargs):
        super().__init__(**kwargs)
        self.padding = padding
        self.built = True

    def call(self, inputs):
        sides = (self.padding, self.padding)
        return ops.pad(inputs, ((0, 0), sides, sides, (0, 0)), mode="reflect")

    def compute_output_shape(self, input_shape):
        batch, *sides, channels = input_shape
        sides = (side and side + 2 * self.padding for side in sides)
        return (batch, *sides, channels)

    def get_config(self):
        return {**super().get_config(), "padding": self.padding}
