"""Likelihoods of data given a decoder's output, as objects that models take."""

import keras
from keras import ops

from keras_gen.engine.configured import Configured
from keras_gen.losses import densities
from keras_gen.losses.reductions import sum_per_example


@keras.saving.register_keras_serializable("keras_gen")
class SquaredError(Configured):
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


@keras.saving.register_keras_serializable("keras_gen")
class Bernoulli(Configured):
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


@keras.saving.register_keras_serializable("keras_gen")
class DiscretizedLogistic(Configured):
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

    def logistics(self, parameters):
        """As a mixture's: a logit of 0, mean and log scale, (..., c, 1) each."""
        mean, log_scale = ops.split(parameters[..., None], 2, axis=-2)
        log_scale = ops.maximum(log_scale, self.minimum_log_scale)
        return ops.zeros_like(mean), mean, log_scale

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


@keras.saving.register_keras_serializable("keras_gen")
class DiscretizedLogisticMixture(Configured):
    """8-bit values, each a mixture of logistic variables integrated over their bins.

    P(x) = sum_i w_i [F((x + 1/255 - m_i) / s_i) - F((x - 1/255 - m_i) / s_i)], x and
    m on the scale of [-1, 1], F the logistic function, the end bins reaching to
    infinity (Salimans et al. 2017, arXiv:1701.05517, equation 2). The channels of a
    pixel are independent: the paper's regression of one on another is left out.

    Args:
        components: of the mixture, at least 1.
        minimum_log_scale: least log s, as in `DiscretizedLogistic`.

    Raises:
        ValueError: there are no components.
    """

    eight_bit = True
    # What a decoder's output of 0 means: s = 0.14, about 17 levels. Logistics that
    # start at s = 1 cover the whole range and tell nothing apart for long.
    initial_log_scale = -2.0

    def __init__(self, *, components=5, minimum_log_scale=-7.0):
        if components < 1:
            raise ValueError(
                f"Expected at least one component. Received: components={components}"
            )
        self.components = components
        self.minimum_log_scale = minimum_log_scale

    def channels(self, image_channels):
        """How many channels the decoder must output: three a component and channel."""
        return 3 * self.components * image_channels

    def logistics(self, parameters):
        """What a decoder's output (..., 3 * components * c) stands for.

        Returns:
            The weights' logits, means and log scales, (..., c, components) each.
        """
        shape = (*ops.shape(parameters)[:-1], -1, self.components)
        logits, means, log_scales = (
            ops.reshape(part, shape) for part in ops.split(parameters, 3, axis=-1)
        )
        log_scales = log_scales + self.initial_log_scale
        return logits, means, ops.maximum(log_scales, self.minimum_log_scale)

    def log_likelihood(self, images, parameters):
        """Log-probability of images (batch, h, w, c) in [0, 1], read as 8-bit levels.

        Returns:
            (batch,) nats.
        """
        logits, means, log_scales = self.logistics(parameters)
        log_weights = ops.log_softmax(logits, axis=-1)
        levels = ops.round(images * 255.0)[..., None]  # (batch, h, w, c, 1)
        each = densities.discretized_logistic_log_probability(levels, means, log_scales)
        return sum_per_example(ops.logsumexp(log_weights + each, axis=-1))

    def mean(self, parameters):
        """Expected images (batch, h, w, c) in [0, 1]."""
        return self.expected(*self.logistics(parameters))

    def expected(self, logits, means, log_scales):
        """Expected values in [0, 1] of mixtures (..., components): (...).

        A component's part beyond the range counts at the range's end, as in its end
        bins: E[clip(X, -1, 1)] = -1 + integral of P(X > t) over t in [-1, 1].
        """
        scales = ops.exp(log_scales)
        upper = ops.softplus((means + 1.0) / scales)
        lower = ops.softplus((means - 1.0) / scales)
        unit = ops.clip(0.5 * scales * (upper - lower), 0.0, 1.0)
        values = ops.sum(ops.softmax(logits, axis=-1) * unit, axis=-1)
        return ops.clip(values, 0.0, 1.0)  # weights add up to 1 but for rounding
