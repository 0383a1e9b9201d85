"""Padding that continues a picture."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gen")
class ReflectionPadding2D(keras.layers.Layer):
    """Pictures (batch, h, w, c) mirrored beyond their edges, which are not repeated.

    Args:
        padding: pixels on every side; smaller pictures are mirrored over and over.
    """

    def __init__(self, padding, **kwargs):
        super().__init__(**kwargs)
        self.padding = padding
        self.built = True

    def call(self, inputs):
        if all(side and side > self.padding for side in inputs.shape[1:3]):
            sides = (self.padding, self.padding)
            return ops.pad(inputs, ((0, 0), sides, sides, (0, 0)), mode="reflect")
        # Sides that are not known before they come, or too small for that.
        for axis in (1, 2):
            places = self._places(ops.shape(inputs)[axis])
            inputs = ops.take(inputs, places, axis=axis)
        return inputs

    def _places(self, side):
        """Where along a side (side + 2 * padding,) pixels come from, int32."""
        places = ops.arange(-self.padding, side + self.padding, dtype="int32")
        period = ops.maximum(2 * (side - 1), 1)
        places = ops.mod(places, period)
        return ops.minimum(places, period - places)

    def compute_output_shape(self, input_shape):
        batch, *sides, channels = input_shape
        sides = (side and side + 2 * self.padding for side in sides)
        return (batch, *sides, channels)

    def get_config(self):
        return {**super().get_config(), "padding": self.padding}
