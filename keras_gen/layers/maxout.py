"""Maxout units."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gen")
class Maxout(keras.layers.Layer):
    """The largest of several linear functions, unit by unit; it follows a dense layer.

    Goodfellow et al. 2013 (arXiv:1302.4389), equations 1 and 2: the hidden units of
    the first discriminator. (batch, units * pieces) becomes (batch, units).

    Args:
        pieces: linear functions of each unit, neighbours among the inputs.
    """

    def __init__(self, pieces=5, **kwargs):
        super().__init__(**kwargs)
        self.pieces = pieces
        self.built = True

    def call(self, inputs):
        units = inputs.shape[-1] // self.pieces
        return ops.max(ops.reshape(inputs, (-1, units, self.pieces)), axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] // self.pieces)

    def get_config(self):
        return super().get_config() | {"pieces": self.pieces}
