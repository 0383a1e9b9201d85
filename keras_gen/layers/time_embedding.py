"""Numbers as vectors of sines and cosines."""

import math

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gen")
class SinusoidalEmbedding(keras.layers.Layer):
    """Times (batch,) to (batch, dimension): sines and cosines of geometric periods.

    Vaswani et al. 2017 (arXiv:1706.03762), section 3.5, as used for diffusion steps.

    Args:
        dimension: even number of features.
    """

    def __init__(self, dimension, **kwargs):
        super().__init__(autocast=False, **kwargs)  # bfloat16 has no 257
        if dimension % 2:
            raise ValueError(f"Expected an even dimension. Received: {dimension}")
        self.dimension = dimension

    def call(self, inputs):
        half = self.dimension // 2
        exponents = -math.log(10000.0) / half * ops.arange(half, dtype="float32")
        angles = ops.cast(inputs, "float32")[:, None] * ops.exp(exponents)[None]
        features = ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)
        return ops.cast(features, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.dimension)

    def get_config(self):
        return {**super().get_config(), "dimension": self.dimension}
