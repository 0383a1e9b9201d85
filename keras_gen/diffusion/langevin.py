"""Samplers that wander by the score, the gradient of the logarithm of the density.

The score at a noise level is (D(x; sigma) - x) / sigma^2, with D the denoiser.
Dataclasses called as those in `keras_gen.diffusion.samplers`.
"""

import dataclasses

from keras import ops

from keras_gen.diffusion.samplers import Sampler, check_count, check_number, loop
from keras_gen.engine import random


@dataclasses.dataclass(frozen=True)
class AnnealedLangevin(Sampler):
    """Langevin dynamics at falling noise (Song and Ermon 2019, arXiv:1907.05600).

    Algorithm 1: at each level T moves x + alpha / 2 * score + sqrt(alpha) z, with
    alpha = step_size * sigma^2; then the last level's noise is removed by the denoiser
    (Jolicoeur-Martineau et al. 2021, arXiv:2009.05475), as the estimate at level 0.

    Args:
        steps: number of levels.
        repeats: T, moves at each.
        step_size: alpha / sigma^2 in (0, 2): the paper's epsilon / sigma_L^2 is 0.2.
    """

    steps: int | None = 10
    repeats: int = 100
    step_size: float = 0.2

    def __post_init__(self):
        super().__post_init__()
        check_count(self, "repeats")
        check_number(self, "step_size", "in (0, 2)", 0 < self.step_size < 2)

    def __call__(self, denoise, levels, x):
        def step(k, sigma, following, x):
            def move(j, x):
                noise = _noise(x, k * self.repeats + j)
                drift = 0.5 * self.step_size * (denoise(x, sigma) - x)
                return x + drift + self.step_size**0.5 * sigma * noise

            x = ops.fori_loop(0, self.repeats, move, x)
            return (ops.cond(following > 0, lambda: x, lambda: denoise(x, sigma)),)

        return loop(levels, step, (x,))[0]


@dataclasses.dataclass(frozen=True)
class PredictorCorrector(Sampler):
    """Reverse diffusion and Langevin corrections (Song et al. 2021, arXiv:2011.13456).

    Algorithm 2 for the variance-exploding process, corrections before each prediction
    as in its authors' program; a step to level 0 adds no noise. The size of a
    correction is set by `snr` for every example apart, so that a sample does not depend
    on the others.

    Args:
        steps: number of predictions.
        corrections: moves at each level.
        snr: r of algorithm 4, the ratio of a move's drift to its noise.
    """

    steps: int | None = 100
    corrections: int = 1
    snr: float = 0.16

    def __post_init__(self):
        super().__post_init__()
        check_count(self, "corrections", least=0)
        check_number(self, "snr", "above 0, finite", 0 < self.snr < float("inf"))

    def __call__(self, denoise, levels, x):
        def step(k, sigma, following, x):
            first = k * (self.corrections + 1)
            for j in range(self.corrections):
                score = (denoise(x, sigma) - x) / sigma**2
                noise = _noise(x, first + j)
                size = 2 * (self.snr * _length(noise) / _length(score)) ** 2
                x = x + size * score + ops.sqrt(2 * size) * noise
            score = (denoise(x, sigma) - x) / sigma**2
            fall = sigma**2 - following**2
            noise = _noise(x, first + self.corrections)
            added = ops.sqrt(fall) * ops.cast(following > 0, x.dtype)
            return (x + fall * score + added * noise,)

        return loop(levels, step, (x,))[0]


def _noise(x, step):
    return ops.cast(random.normal(ops.shape(x), step=step), x.dtype)


def _length(x):
    """Euclidean length of every example, above 0, its axes kept."""
    axes = tuple(range(1, len(x.shape)))
    return ops.sqrt(ops.sum(x**2, axis=axes, keepdims=True) + 1e-20)
