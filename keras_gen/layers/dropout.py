"""Dropout whose noise is the model's own, the same on any number of replicas."""

import keras
from keras import ops

from keras_gen.engine import random


@keras.saving.register_keras_serializable("keras_gen")
class Dropout(keras.layers.Layer):
    """Set entries to zero in training and scale the others up.

    Srivastava et al. 2014. Unlike `keras.layers.Dropout` it draws from the training
    step's stream, so that a resumed run and a run on other replicas see the same mask.

    Args:
        rate: share of entries set to zero, in [0, 1).
    """

    def __init__(self, rate, **kwargs):
        super().__init__(**kwargs)
        if not 0 <= rate < 1:
            raise ValueError(f"Expected a rate in [0, 1). Received: {rate}")
        self.rate = rate
        self.built = True

    def call(self, inputs, training=False):
        # A functional network is laid out once without any noise to draw from.
        if not training or not self.rate or isinstance(inputs, keras.KerasTensor):
            return inputs
        kept = random.uniform(ops.shape(inputs)) >= self.rate
        return ops.where(kept, inputs / (1 - self.rate), ops.zeros_like(inputs))

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "rate": self.rate}
