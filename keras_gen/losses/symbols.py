"""Symbols, such as characters, as a likelihood."""

import keras
from keras import ops

from keras_gen.engine.configured import Configured
from keras_gen.losses.reductions import sum_per_example


@keras.saving.register_keras_serializable("keras_gen")
class Categorical(Configured):
    """Symbols as categorical variables given by logits: cross-entropy (Bishop, PRML,
    equation 4.108).

    Symbols are one-hot, (batch, ..., K) float.
    """

    eight_bit = False

    def channels(self, symbols):
        """How many logits the decoder must output for each place."""
        return symbols

    def log_likelihood(self, symbols, parameters):
        """sum of log softmax(logits) at the symbols: (batch,) nats."""
        return sum_per_example(symbols * ops.log_softmax(parameters, axis=-1))

    def mean(self, parameters):
        """The likeliest symbols, one-hot, as symbols have no mean."""
        likeliest = ops.argmax(parameters, axis=-1)
        return ops.one_hot(likeliest, parameters.shape[-1], dtype=parameters.dtype)
