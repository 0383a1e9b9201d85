"""Log-densities and divergences, in nats."""

import math

from keras import ops

from keras_gen.losses.reductions import sum_per_example

LOG_2PI = math.log(2 * math.pi)


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

    The sum over an example of what `discretized_logistic_log_probability` gives.

    Args:
        levels: (batch, ...) whole numbers in [0, 255], as floats.
        mean: (batch, ...) on the scale of [-1, 1].
        log_scale: (batch, ...) log of s, on the same scale.

    Returns:
        (batch,) nats.
    """
    return sum_per_example(
        discretized_logistic_log_probability(levels, mean, log_scale)
    )


def discretized_logistic_log_probability(levels, mean, log_scale):
    """log P(level) of each value by itself; arguments as above, which broadcast.

    log [F((x + 1/255 - m) / s) - F((x - 1/255 - m) / s)] with x the level scaled to
    [-1, 1] and F the logistic function; the end bins reach to infinity (Kingma et al.
    2016, arXiv:1606.04934, section 5.2; Salimans et al. 2017, arXiv:1701.05517,
    equation 2). The 256 probabilities add up to one.

    Returns:
        (batch, ...) nats.
    """
    centred = levels / 127.5 - 1.0 - mean
    precision = ops.exp(-log_scale)
    above = precision * (centred + 1 / 255)
    below = precision * (centred - 1 / 255)
    # With F = sigmoid: log(F(a) - F(b)) = log F(a) + log F(-b) + log(1 - e^(b - a)),
    # which is exact and never takes the difference of two rounded numbers.
    width = precision * (2 / 255)
    first = ops.log_sigmoid(above)
    last = ops.log_sigmoid(-below)
    inner = first + last + _log1mexp(width)
    return ops.where(levels < 0.5, first, ops.where(levels > 254.5, last, inner))


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
