"""Denoisers made of others: functions denoise(x, sigma) from such functions.

One that has learned its variances returns, for `samplers.Ancestral` alone, a tuple of
the estimate and the place of the variances between their bounds.
"""

from keras import ops


def clipped(denoise, low=-1.0, high=1.0):
    """Estimates kept in the range of images."""

    return _mapped(denoise, lambda clean: ops.clip(clean, low, high))


def guided(conditional, unconditional, weight, interval=None):
    """Classifier-free guidance (Ho and Salimans 2022, arXiv:2207.12598, equation 6).

    D = D_unconditional + weight * (D_conditional - D_unconditional), so that weight 1
    is the conditional denoiser, 0 the unconditional one, and more than 1 goes beyond:
    the paper's w plus one.

    Args:
        weight: number, or tensor that broadcasts to `x`.
        interval: (low, high), the noise levels between which to guide, and elsewhere
            take the conditional denoiser alone, at half the work (Kynkaanniemi et al.
            2024, arXiv:2404.07724); None for all.
    """

    def guide(x, sigma):
        without = unconditional(x, sigma)
        towards = _mapped(conditional, lambda c: without + weight * (c - without))
        return towards(x, sigma)

    if interval is None:
        return guide

    def guide_inside(x, sigma):
        inside = (sigma > interval[0]) & (sigma <= interval[1])
        return ops.cond(inside, lambda: guide(x, sigma), lambda: conditional(x, sigma))

    return guide_inside


def given(denoise, known, mask):
    """Estimates where the mask is 1, and what is known where it is 0: inpainting.

    A sampler then takes known pixels through their own noise to what they are, the
    replacement of Song et al. 2021 (arXiv:2011.13456, appendix I.2), and with
    `Ancestral` that of RePaint (Lugmayr et al. 2022, arXiv:2201.09865, equation 8).

    Args:
        known: as `x`, clean.
        mask: of 0 and 1, broadcasts to `x`: where pixels are missing.
    """

    return _mapped(denoise, lambda clean: ops.where(mask > 0, clean, known))


def _mapped(denoise, function):
    """A denoiser whose estimates go through a function; their variances stay."""

    def mapped(x, sigma):
        found = denoise(x, sigma)
        if isinstance(found, tuple):
            return (function(found[0]), *found[1:])
        return function(found)

    return mapped
