"""Maxout units."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gen")
class Maxout(keras.layers.Layer):
    """The largest of several linear functions, unit by unit.

    Goodfellow et al. 2013 (arXiv:1302.4389), equations 1 and 2: the hidden units of
    the first discriminator. (batch, features) becomes (batch, units).

    Args:
        units: outputs.
        pieces: linear functions of each unit.
    """

    def __init__(self, units, pieces=5, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.pieces = pieces
        self.linear = keras.layers.Dense(units * pieces, dtype=self.dtype_policy)

    def build(self, input_shape):
        self.linear.build(input_shape)
        self.built = True

    def call(self, inputs):
        values = ops.reshape(self.linear(inputs), (-1, self.units, self.pieces))
        return ops.max(values, axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        own = {"units": self.units, "pieces": self.pieces}
        return super().get_config() | own
