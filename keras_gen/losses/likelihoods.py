"""Likelihoods of data given a decoder's output, as objects that models take."""

import keras
from keras import ops

from keras_gen.losses import densities
from keras_gen.losses.reductions import sum_per_example


@keras.saving.register_keras_serializable("keras_gen")
class SquaredError:
    """Values as Gaussians of unit variance: half the squared error, its constant left
    out, so that the loss of a perfect reconstruction is 0.

    Args:
        bounded: whether values lie in [0, 1], as pixels do, and means are clipped to
            that; False for real vectors and sequences.
    """

    eight_bit = False

    def __init__(self, *, bounded=True):
        self.bounded = bounded

    def channels(self, image_channels):
        """How many channels the decoder must output."""
        return image_channels

    def log_likelihood(self, images, parameters):
        """-1/2 sum (x - m)^2 of images (batch, h, w, c) in [0, 1]: (batch,) nats."""
        return -0.5 * sum_per_example(ops.square(images - parameters))

    def mean(self, parameters):
        """The parameters (batch, ...), clipped to [0, 1] where values are bounded."""
        return ops.clip(parameters, 0.0, 1.0) if self.bounded else parameters

    def get_config(self):
        return {"bounded": self.bounded}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable("keras_gen")
class Bernoulli:
    """Pixels as independent Bernoulli variables given by logits; a VAE's `likelihood`.

    Grey values stand for probabilities, as in the paper's experiments.

    Attributes:
        eight_bit: whether this is a probability of 8-bit pixels, so that bits per
            dimension mean something.
    """

    eight_bit = False

    def channels(self, image_channels):
        """How many channels the decoder must output."""
        return image_channels

    def log_likelihood(self, images, parameters):
        """Log-likelihood of images (batch, h, w, c) in [0, 1]: (batch,) nats."""
        return densities.bernoulli_log_likelihood(images, parameters)

    def mean(self, parameters):
        """Expected images (batch, h, w, c) in [0, 1]."""
        return ops.sigmoid(parameters)

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable("keras_gen")
class DiscretizedLogistic:
    """8-bit pixels as logistic variables integrated over their bins.

    Args:
        minimum_log_scale: least log scale, on the scale of [-1, 1]; it keeps the
            likelihood of constant pixels finite in float32.
    """

    eight_bit = True

    def __init__(self, *, minimum_log_scale=-7.0):
        self.minimum_log_scale = minimum_log_scale

    def channels(self, image_channels):
        """How many channels the decoder must output: a mean and a log scale each."""
        return 2 * image_channels

    def log_likelihood(self, images, parameters):
        """Log-probability of images (batch, h, w, c) in [0, 1], read as 8-bit levels.

        Returns:
            (batch,) nats.
        """
        mean, log_scale = ops.split(parameters, 2, axis=-1)
        log_scale = ops.maximum(log_scale, self.minimum_log_scale)
        levels = ops.round(images * 255.0)
        return densities.discretized_logistic_log_likelihood(levels, mean, log_scale)

    def mean(self, parameters):
        """Images (batch, h, w, c) in [0, 1] at the logistic's centre."""
        mean, _ = ops.split(parameters, 2, axis=-1)
        return ops.clip(mean * 0.5 + 0.5, 0.0, 1.0)

    def get_config(self):
        return {"minimum_log_scale": self.minimum_log_scale}

    @classmethod
    def from_config(cls, config):
        return cls(**config)
