"""Pure, per-example losses, densities and penalties, named as their papers name them.

All log-densities and divergences are in nats. Tensors are float32 or float64, the
first axis is the batch, and results are summed over all other axes: shape (batch,).
"""

import math

import keras
from keras import ops

LOG_2PI = math.log(2 * math.pi)


def sum_per_example(values):
    """Sum (batch, ...) over all axes but the first: (batch,)."""
    return ops.sum(ops.reshape(values, (ops.shape(values)[0], -1)), axis=1)


def mean_per_example(values):
    """Mean of (batch, ...) over all axes but the first: (batch,)."""
    return ops.mean(ops.reshape(values, (ops.shape(values)[0], -1)), axis=1)


# Densities and divergences


def gaussian_log_likelihood(x, mean, log_variance):
    """log N(x; mean, exp(log_variance)), diagonal, summed over dimensions.

    -1/2 sum [log 2 pi + log s^2 + (x - m)^2 / s^2] (Bishop, PRML, equation 1.46).

    Args:
        x, mean, log_variance: (batch, ...), any real values; shapes broadcast.

    Returns:
        (batch,) nats.
    """
    squared = ops.square(x - mean) * ops.exp(-log_variance)
    return -0.5 * sum_per_example(LOG_2PI + log_variance + squared)


def bernoulli_log_likelihood(x, logits):
    """sum x log p + (1 - x) log(1 - p) with p = sigmoid(logits).

    Kingma and Welling 2014 (arXiv:1312.6114), equation 11. For x strictly between 0
    and 1 this is the cross-entropy that the paper trains on grey values with, not a
    normalised density.

    Args:
        x: (batch, ...) in [0, 1].
        logits: (batch, ...) real.

    Returns:
        (batch,) nats.
    """
    return sum_per_example(x * logits - ops.softplus(logits))


def discretized_logistic_log_likelihood(levels, mean, log_scale):
    """log P(level) of a logistic density integrated over each 8-bit level's bin.

    log [F((x + 1/255 - m) / s) - F((x - 1/255 - m) / s)] with x the level scaled to
    [-1, 1] and F the logistic function; the end bins reach to infinity (Kingma et al.
    2016, arXiv:1606.04934, section 5.2; Salimans et al. 2017, arXiv:1701.05517,
    equation 2). The 256 probabilities add up to one.

    Args:
        levels: (batch, ...) whole numbers in [0, 255], as floats.
        mean: (batch, ...) on the scale of [-1, 1].
        log_scale: (batch, ...) log of s, on the same scale.

    Returns:
        (batch,) nats.
    """
    centred = levels / 127.5 - 1.0 - mean
    precision = ops.exp(-log_scale)
    above = precision * (centred + 1 / 255)
    below = precision * (centred - 1 / 255)
    # With F = sigmoid: log(F(a) - F(b)) = log F(a) + log F(-b) + log(1 - e^(b - a)),
    # which is exact and never takes the difference of two rounded numbers.
    width = precision * (2 / 255)
    inner = ops.log_sigmoid(above) + ops.log_sigmoid(-below) + _log1mexp(width)
    first = ops.log_sigmoid(above)
    last = ops.log_sigmoid(-below)
    result = ops.where(levels < 0.5, first, ops.where(levels > 254.5, last, inner))
    return sum_per_example(result)


def _log1mexp(x):
    """log(1 - exp(-x)) for x > 0, accurate at both ends (Maechler 2012)."""
    small = x < math.log(2)
    safe_small = ops.where(small, x, 0.5)
    safe_large = ops.where(small, 1.0, x)
    return ops.where(
        small, ops.log(-ops.expm1(-safe_small)), ops.log1p(-ops.exp(-safe_large))
    )


def gaussian_kl(mean, log_variance, prior_mean=0.0, prior_log_variance=0.0):
    """KL(N(mean, exp(log_variance)) || N(prior_mean, exp(prior_log_variance))).

    1/2 sum [log (s2^2 / s1^2) + (s1^2 + (m1 - m2)^2) / s2^2 - 1]; with the standard
    normal as prior, Kingma and Welling 2014, appendix B.

    Args:
        mean, log_variance: (batch, ...) of the first Gaussian, diagonal.
        prior_mean, prior_log_variance: of the second; they broadcast.

    Returns:
        (batch,) nats, at least 0.
    """
    prior_log_variance = ops.convert_to_tensor(prior_log_variance, log_variance.dtype)
    difference = log_variance - prior_log_variance
    squared = ops.square(mean - prior_mean) * ops.exp(-prior_log_variance)
    return 0.5 * sum_per_example(ops.exp(difference) - 1.0 - difference + squared)


def monte_carlo_kl(log_p, log_q, samples):
    """KL(P || Q) for any two densities, estimated from samples of P.

    The mean of log p(x) - log q(x) over x ~ P (the definition of the divergence).

    Args:
        log_p, log_q: functions from samples (n, ...) to log-densities (n,), nats.
        samples: (n, ...) drawn from P.

    Returns:
        A pair of scalars: the estimate in nats, and its standard error.
    """
    ratios = log_p(samples) - log_q(samples)
    count = ops.cast(ops.shape(ratios)[0], ratios.dtype)
    return ops.mean(ratios), ops.std(ratios) / ops.sqrt(count - 1)


# Likelihoods of images, as objects that a likelihood model takes


@keras.saving.register_keras_serializable("keras_gen")
class SquaredError:
    """Pixels as Gaussians of unit variance: half the squared error, its constant left
    out, so that the loss of a perfect reconstruction is 0.
    """

    eight_bit = False

    def channels(self, image_channels):
        """How many channels the decoder must output."""
        return image_channels

    def log_likelihood(self, images, parameters):
        """-1/2 sum (x - m)^2 of images (batch, h, w, c) in [0, 1]: (batch,) nats."""
        return -0.5 * sum_per_example(ops.square(images - parameters))

    def mean(self, parameters):
        """Images (batch, h, w, c) in [0, 1]: the parameters, clipped."""
        return ops.clip(parameters, 0.0, 1.0)

    def get_config(self):
        return {}

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
        return bernoulli_log_likelihood(images, parameters)

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
        return discretized_logistic_log_likelihood(levels, mean, log_scale)

    def mean(self, parameters):
        """Images (batch, h, w, c) in [0, 1] at the logistic's centre."""
        mean, _ = ops.split(parameters, 2, axis=-1)
        return ops.clip(mean * 0.5 + 0.5, 0.0, 1.0)

    def get_config(self):
        return {"minimum_log_scale": self.minimum_log_scale}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


# Penalties on codes


@keras.saving.register_keras_serializable("keras_gen")
class L1Sparsity:
    """weight * sum_j |h_j|: as a Laplace prior on the code, it makes units zero.

    Args:
        weight: of the penalty, beside a loss in nats.
    """

    def __init__(self, weight=0.1):
        self.weight = weight

    def penalty(self, codes):
        """Of codes (batch, units): a scalar, the mean over the batch."""
        return self.weight * ops.mean(sum_per_example(ops.abs(codes)))

    def get_config(self):
        return {"weight": self.weight}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable("keras_gen")
class KLSparsity:
    """weight * sum_j KL(target || mean of h_j): each unit is active that often.

    KL(r || q) = r log(r / q) + (1 - r) log((1 - r) / (1 - q)), q the unit's mean over
    the batch (Ng 2011, CS294A lecture notes, section 3).

    Args:
        target: mean activation r of every unit, in (0, 1).
        weight: of the penalty, beside a loss in nats.

    Raises:
        ValueError: the target is out of range.
    """

    def __init__(self, target=0.05, weight=10.0):
        if not 0 < target < 1:
            raise ValueError(f"Expected a target in (0, 1). Received: {target}")
        self.target = target
        self.weight = weight

    def penalty(self, codes):
        """Of codes (batch, units) in [0, 1]: a scalar."""
        tiny = 1e-6  # a mean of exactly 0 or 1 has no finite divergence
        mean = ops.clip(ops.mean(codes, axis=0), tiny, 1 - tiny)
        active = self.target * ops.log(self.target / mean)
        silent = (1 - self.target) * ops.log((1 - self.target) / (1 - mean))
        return self.weight * ops.sum(active + silent)

    def get_config(self):
        return {"target": self.target, "weight": self.weight}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def sigmoid_jacobian_norm(codes, kernel):
    """||J||_F^2 of one sigmoid layer: sum_j (h_j (1 - h_j))^2 sum_i W_ij^2.

    Rifai et al. 2011 (ICML, "Contractive auto-encoders"), equation 5.

    Args:
        codes: (batch, units) h, the layer's outputs in (0, 1).
        kernel: (inputs, units) W.

    Returns:
        (batch,).
    """
    slopes = ops.square(codes * (1 - codes))
    return ops.sum(slopes * ops.sum(ops.square(kernel), axis=0), axis=-1)


# Adversarial losses and penalties


def wasserstein_critic_loss(real_scores, fake_scores):
    """f(fake) - f(real): minus the critic's estimate of the Wasserstein distance.

    Arjovsky et al. 2017 (arXiv:1701.07875), equation 2.

    Args:
        real_scores, fake_scores: (batch, 1) or (batch,) real.

    Returns:
        (batch,).
    """
    return mean_per_example(fake_scores) - mean_per_example(real_scores)


def wasserstein_generator_loss(fake_scores):
    """-f(fake), (batch,), from scores (batch, 1) or (batch,); equation 3 there."""
    return -mean_per_example(fake_scores)


def gradient_penalty(gradients, target=1.0):
    """(||gradient||_2 - target)^2 of each example.

    Gulrajani et al. 2017 (arXiv:1704.00028), equation 3.

    Args:
        gradients: (batch, ...) of the critic with respect to its inputs, float32.

    Returns:
        (batch,) float32.
    """
    # The epsilon keeps the square root's own gradient finite at zero.
    norm = ops.sqrt(sum_per_example(ops.square(gradients)) + 1e-12)
    return ops.square(norm - target)


def squared_error(target, prediction):
    """Mean over dimensions of (target - prediction)^2: (batch,)."""
    return mean_per_example(ops.square(target - prediction))
