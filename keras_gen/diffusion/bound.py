"""The variational bound of a discrete diffusion, term by term, in nats an example.

-log p(x_0) <= L_T + sum of L_{t-1} + L_0 (Ho et al. 2020, arXiv:2006.11239,
equation 5), written in the coordinates of `keras_gen.diffusion.schedules`.
"""

from keras import ops

from keras_gen.diffusion.samplers import ancestral_deviation, posterior_deviation

LEVEL = 1 / 127.5  # distance of two 8-bit levels on the scale of [-1, 1]


def prior_term(clean, sigma):
    """L_T = KL(q(x_T | x_0) || N(0, I)) of the variance-preserving process.

    Args:
        clean: (batch, ...) on the scale of [-1, 1].
        sigma: the greatest noise level, a scalar.

    Returns:
        (batch,) nats.
    """
    signal = 1 / (1 + sigma**2)
    noise = sigma**2 * signal  # 1 - signal, exact where little is left
    return _total(0.5 * (signal * clean**2 + noise - 1 - ops.log(noise)))


def step_term(clean, estimate, sigma, following, fraction=0.0):
    """L_{t-1} = KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t)) at one noisy example.

    Args:
        clean, estimate: x_0 and what the denoiser takes it for, (batch, ...).
        sigma, following: levels of x_t and x_{t-1}, both above 0, broadcast to these.
        fraction: of the variance of p; see `samplers.ancestral_deviation`.

    Returns:
        (batch,) nats.
    """
    posterior = posterior_deviation(sigma, following)
    own = ancestral_deviation(sigma, following, fraction)
    ratio = (posterior / own) ** 2
    apart = (1 - (following / sigma) ** 2) * (clean - estimate) / own
    return _total(0.5 * (apart**2 + ratio - 1 - ops.log(ratio)))


def decoder_term(clean, estimate, sigma):
    """L_0 = -log p(x_0 | x_1) of 8-bit levels (Ho et al., equation 13).

    Args:
        clean: (batch, ...) 8-bit levels on the scale of [-1, 1].
        estimate: the denoiser's, at the least level.
        sigma: the least level; the deviation is that of the upper bound, sqrt(beta_1).

    Returns:
        (batch,) nats.
    """
    deviation = sigma * (1 + sigma**2) ** -0.5
    apart = ops.abs(clean - estimate)
    # Both ends mirrored to the lower tail, where a difference of two masses is exact.
    low, high = ((k * LEVEL / 2 - apart) / deviation for k in (-1, 1))
    outwards = (clean - estimate) * ops.sign(clean) > 0
    ends = ops.abs(clean) > 1 - LEVEL / 2
    inner = _cumulative(high) - _cumulative(low)
    outer = ops.where(outwards, _cumulative(high), _cumulative(-low))
    mass = ops.where(ends, outer, inner)
    return -_total(ops.log(ops.maximum(mass, 1e-12)))


def _cumulative(x):
    return 0.5 * ops.erfc(-x / 2**0.5)


def _total(x):
    return ops.sum(x, axis=tuple(range(1, len(x.shape))))
