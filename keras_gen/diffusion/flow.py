"""The probability flow: noise and examples as the two ends of one path.

dx / d sigma = (x - D(x; sigma)) / sigma has at each level the distribution of noisy
examples (Karras et al. 2022, arXiv:2206.00364, equations 1 and 3; Song et al. 2021,
arXiv:2011.13456, equation 13).
"""

import math

from keras import ops

from keras_gen.diffusion.samplers import loop


def invert(denoise, levels, x):
    """The way from examples to their noise, by Heun's method.

    Song et al. 2021 (arXiv:2010.02502), section 4.3, with a method of second order.

    Args:
        denoise: function of x and a scalar level.
        levels: (steps + 1,), falling to 0, as a sampler takes them.
        x: examples (batch, ...).

    Returns:
        x at the greatest level.
    """

    def step(k, sigma, following, x):
        slope = (x - denoise(x, sigma)) / sigma
        ahead = x + (following - sigma) * slope
        second = (ahead - denoise(ahead, following)) / following
        return (x + (following - sigma) * 0.5 * (slope + second),)

    return loop(ops.flip(levels[:-1]), step, (x,))[0]


def log_density(rest_and_divergence, levels, x):
    """Logarithm of the density of x by the change of variables.

    log p(x) = log N(x(T); 0, sigma_max^2) + integral of the flow's divergence (Song et
    al. 2021, equation 39): x by Heun's method, the integral by trapezoids in ln sigma,
    in which its integrand is bounded.

    Args:
        rest_and_divergence: function of x and a level to x - D(x; sigma), (batch,
            ...), and its divergence (batch,), or an unbiased estimate of that.
        levels: (steps + 1,), falling to 0, as a sampler takes them: integrates from the
            last but one, the noise that `x` is thought to have, to the first.
        x: examples (batch, ...).

    Returns:
        (batch,) nats.
    """

    def step(k, sigma, following, x, total):
        width, ratio = following - sigma, ops.log(following / sigma)
        first, change = rest_and_divergence(x, sigma)
        slope = first / sigma
        second, later = rest_and_divergence(x + width * slope, following)
        x = x + width * 0.5 * (slope + second / following)
        return x, total + ratio * 0.5 * (change + later)

    total = ops.zeros((ops.shape(x)[0],), x.dtype)
    x, total = loop(ops.flip(levels[:-1]), step, (x, total))
    axes = tuple(range(1, len(x.shape)))
    greatest = ops.cast(levels[0], x.dtype)
    size = math.prod(x.shape[1:])
    prior = -0.5 * ops.sum(x**2, axis=axes) / greatest**2
    return total + prior - size * (ops.log(greatest) + 0.5 * math.log(2 * math.pi))
