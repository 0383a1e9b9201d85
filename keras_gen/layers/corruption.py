"""Corruptions that a denoising autoencoder undoes: Vincent et al. 2010, section 3.3.

Each takes float pictures (batch, h, w, c) in [0, 1] and returns some. The noise is the
training step's or the verb's own. They corrupt whenever they are called, training or
not; a network that holds one corrupts its input always.
"""

import keras
from keras import ops

from keras_gen.engine import random


class Corruption(keras.layers.Layer):
    """The thin base: a subclass writes `corrupt`."""

    def call(self, inputs):
        # A functional network is laid out once without any noise to draw from.
        return inputs if isinstance(inputs, keras.KerasTensor) else self.corrupt(inputs)

    def corrupt(self, inputs):
        """Corrupted inputs, of their shape and dtype."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable("keras_gen")
class GaussianNoise(Corruption):
    """Add N(0, deviation^2) to every value; the sum is not clipped.

    Args:
        deviation: of the noise, at least 0, on the scale of [0, 1].
    """

    def __init__(self, deviation, **kwargs):
        super().__init__(**kwargs)
        if not deviation >= 0:
            raise ValueError(f"Expected a deviation from 0 on. Received: {deviation}")
        self.deviation = deviation
        self.built = True

    def corrupt(self, inputs):
        noise = ops.cast(random.normal(ops.shape(inputs)), inputs.dtype)
        return inputs + self.deviation * noise

    def get_config(self):
        return {**super().get_config(), "deviation": self.deviation}


class _Share(Corruption):
    """A corruption of a share of the values."""

    def __init__(self, share, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= share <= 1:
            raise ValueError(f"Expected a share in [0, 1]. Received: {share}")
        self.share = share
        self.built = True

    def get_config(self):
        return {**super().get_config(), "share": self.share}


@keras.saving.register_keras_serializable("keras_gen")
class MaskingNoise(_Share):
    """Set a share of the values to 0, each on its own.

    Args:
        share: expected share of values masked, in [0, 1].
    """

    def corrupt(self, inputs):
        kept = random.uniform(ops.shape(inputs)) >= self.share
        return inputs * ops.cast(kept, inputs.dtype)


@keras.saving.register_keras_serializable("keras_gen")
class SaltAndPepper(_Share):
    """Set a share of the values to 0 or to 1, by a fair coin each.

    Args:
        share: expected share of values replaced, in [0, 1].
    """

    def corrupt(self, inputs):
        draw = random.uniform(ops.shape(inputs))
        extreme = ops.cast(draw < self.share / 2, inputs.dtype)
        return ops.where(draw < self.share, extreme, inputs)
