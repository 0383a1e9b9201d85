"""How noisy training examples are, and by which levels of noise samples come about.

Everywhere in this package a noisy example is x = x_0 + sigma * n, n standard normal,
with a noise level sigma from 0 up: the coordinates of Karras et al. 2022
(arXiv:2206.00364). The processes of other papers are the same ones rescaled, by
sqrt(a_t) where Ho et al. 2020 (arXiv:2006.11239, equation 4) write
x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) n: there sigma^2 = (1 - a_t) / a_t.
"""

import math
import numbers

import keras
import numpy as np
from keras import ops

from keras_gen.engine import random
from keras_gen.engine.configured import Configured

TIMES = 1000  # what a network is told reaches so far, as in Ho et al.


class Schedule(Configured):
    """The noise levels of a diffusion model.

    Attributes:
        steps: how many noise levels an ancestral sampler takes by default.
        sigma_min, sigma_max: least and greatest noise level, floats.
    """

    def draw(self, rows):
        """Noise levels of training examples: float32 (rows,)."""
        raise NotImplementedError

    def time(self, sigma):
        """What the network is told of noise levels: float32 of the same shape."""
        raise NotImplementedError

    def levels(self, steps):
        """Noise levels of a sampler: float32 (steps + 1,), falling to 0.

        Args:
            steps: int of at least 1, or int32 scalar tensor, as which it is taken to
                the nearest number that fits.
        """
        raise NotImplementedError


class DiscreteSchedule(Schedule):
    """A schedule of `steps` values of beta, float64 in (0, 1), steps numbered from 0.

    Args:
        steps: how many, at least 2.
    """

    def __init__(self, *, steps=1000):
        if steps < 2:
            raise ValueError(f"Expected at least 2 steps. Received: steps={steps}")
        self.steps = steps

    def betas(self):
        """The variances of the forward steps: float64 (steps,) in (0, 1)."""
        raise NotImplementedError

    def signal(self):
        """The products a_t of 1 - beta: float64 (steps,), falling, in (0, 1)."""
        return np.cumprod(1.0 - self.betas())

    def sigmas(self):
        """The noise level of every step: float64 (steps,), rising."""
        signal = self.signal()
        return np.sqrt((1 - signal) / signal)

    @property
    def sigma_min(self):
        return float(self.sigmas()[0])

    @property
    def sigma_max(self):
        return float(self.sigmas()[-1])

    def draw(self, rows):
        """The levels of steps drawn uniformly (Ho et al., algorithm 1)."""
        t = ops.cast(random.uniform((rows,)) * self.steps, "int32")
        return ops.take(self.sigmas().astype("float32"), t)

    def time(self, sigma):
        """Step numbers, between two steps in proportion to the logarithm of sigma."""
        table = ops.convert_to_tensor(np.log(self.sigmas()).astype("float32"))
        place = ops.log(ops.reshape(sigma, (-1,)))
        right = ops.clip(ops.searchsorted(table, place), 1, self.steps - 1)
        ends = [ops.take(table, ops.cast(right - k, "int32")) for k in (1, 0)]
        share = ops.clip((place - ends[0]) / (ends[1] - ends[0]), 0.0, 1.0)
        return ops.reshape(ops.cast(right - 1, "float32") + share, ops.shape(sigma))

    def levels(self, steps):
        """The levels of steps spread evenly, the last one included.

        The first step is not: the "trailing" spacing of Lin et al. 2024
        (arXiv:2305.08891, section 3.3), where the samplers' papers keep it.

        Raises:
            ValueError: `steps` is an int and not in [1, self.steps].
        """
        if not isinstance(steps, numbers.Integral):
            steps = ops.clip(steps, 1, self.steps)  # an input cannot be refused
        elif not 1 <= steps <= self.steps:
            raise ValueError(
                f"Expected steps in [1, {self.steps}]. Received: steps={steps}"
            )
        else:
            steps = int(steps)
        table = np.concatenate([[0.0], self.sigmas()]).astype("float32")
        places = ops.arange(steps + 1, dtype="int32") * self.steps
        places = (2 * places + steps) // (2 * steps)  # rounded, in whole numbers
        return ops.flip(ops.take(table, places))


@keras.saving.register_keras_serializable("keras_gen")
class LinearSchedule(DiscreteSchedule):
    """Betas in equal steps from `first` to `last` (Ho et al. 2020, section 4).

    For another number of steps than 1000 the betas are scaled by 1000 / steps, so
    that the last step is as noisy.
    """

    def __init__(self, *, steps=1000, first=1e-4, last=0.02):
        super().__init__(steps=steps)
        self.first = first
        self.last = last

    def betas(self):
        scale = 1000 / self.steps
        betas = np.linspace(self.first * scale, self.last * scale, self.steps)
        return np.clip(betas, 0.0, 0.999)


@keras.saving.register_keras_serializable("keras_gen")
class CosineSchedule(DiscreteSchedule):
    """a_t = f(t) / f(0), f(t) = cos^2((t / T + s) / (1 + s) pi / 2).

    Nichol and Dhariwal 2021 (arXiv:2102.09672), equation 17; betas are clipped at
    0.999 as there.
    """

    def __init__(self, *, steps=1000, offset=0.008):
        super().__init__(steps=steps)
        self.offset = offset

    def betas(self):
        t = np.arange(self.steps + 1) / self.steps
        f = np.cos((t + self.offset) / (1 + self.offset) * np.pi / 2) ** 2
        return np.clip(1.0 - f[1:] / f[:-1], 0.0, 0.999)


class ContinuousSchedule(Schedule):
    """Noise levels that are a function of a time in [0, 1], drawn uniformly.

    A subclass writes `sigma(t)` and its inverse `at(sigma)`. Levels are those of
    evenly spaced times.
    """

    steps = 1000
    first = 0.0  # the least time trained at and sampled from

    def sigma(self, t):
        """Noise levels of times, rising."""
        raise NotImplementedError

    def at(self, sigma):
        """Times of noise levels."""
        raise NotImplementedError

    def draw(self, rows):
        return self.sigma(self.first + (1 - self.first) * random.uniform((rows,)))

    def time(self, sigma):
        """The time, a thousandfold."""
        return (TIMES - 1) * self.at(sigma)

    def levels(self, steps):
        shares = _shares(steps)
        return _to_zero(self.sigma(1.0 - (1 - self.first) * shares))


@keras.saving.register_keras_serializable("keras_gen")
class VariancePreserving(ContinuousSchedule):
    """The VP process of Song et al. 2021 (arXiv:2011.13456, equation 11).

    beta(t) = beta_min + t (beta_max - beta_min): DDPM's linear betas in the limit of
    many steps, so sigma(t)^2 = exp(t^2 (beta_max - beta_min) / 2 + t beta_min) - 1
    (equation 33).

    Args:
        beta_min, beta_max: 0 < beta_min < beta_max.
        first: least time, above 0 for the sake of the score (appendix C).
    """

    def __init__(self, *, beta_min=0.1, beta_max=20.0, first=1e-3):
        if not 0 < beta_min < beta_max or not 0 < first < 1:
            raise ValueError(
                "Expected 0 < beta_min < beta_max and first in (0, 1). Received: "
                f"beta_min={beta_min}, beta_max={beta_max}, first={first}"
            )
        self.beta_min = beta_min
        self.beta_max = beta_max
        self.first = first

    def sigma(self, t):
        rise = self.beta_max - self.beta_min
        return ops.sqrt(ops.expm1(0.5 * rise * t**2 + self.beta_min * t))

    def at(self, sigma):
        rise = self.beta_max - self.beta_min
        root = ops.sqrt(self.beta_min**2 + 2 * rise * ops.log1p(sigma**2))
        return (root - self.beta_min) / rise

    @property
    def sigma_min(self):
        return self._level(self.first)

    @property
    def sigma_max(self):
        return self._level(1.0)

    def _level(self, t):
        """`sigma` of a float, outside of any program."""
        rise = self.beta_max - self.beta_min
        return math.sqrt(math.expm1(0.5 * rise * t**2 + self.beta_min * t))


@keras.saving.register_keras_serializable("keras_gen")
class VarianceExploding(ContinuousSchedule):
    """Noise levels in geometric progression (Song et al. 2021, equation 9 and after).

    sigma(t) = sigma_min (sigma_max / sigma_min)^t, which also are the levels of noise
    conditional score networks (Song and Ermon 2019, arXiv:1907.05600).

    Args:
        sigma_min, sigma_max: 0 < sigma_min < sigma_max. The greatest should be about
            the greatest distance between two examples (Song and Ermon 2020,
            arXiv:2006.09011, technique 1).
    """

    def __init__(self, *, sigma_min=0.01, sigma_max=50.0):
        _check_range(sigma_min, sigma_max)
        self.sigma_min = sigma_min
        self.sigma_max = sigma_max

    def sigma(self, t):
        return self.sigma_min * (self.sigma_max / self.sigma_min) ** t

    def at(self, sigma):
        octaves = np.log(self.sigma_max / self.sigma_min)
        return ops.log(sigma / self.sigma_min) / octaves


@keras.saving.register_keras_serializable("keras_gen")
class LogNormalSchedule(Schedule):
    """ln sigma normal in training, sampled as `KarrasLevels` (Karras et al. 2022).

    Table 1, right column; section 5 for the training levels.

    Args:
        mean, deviation: of ln sigma in training.
        sigma_min, sigma_max, rho: of the levels that samples come about by.
    """

    steps = 18

    def __init__(
        self, *, mean=-1.2, deviation=1.2, sigma_min=0.002, sigma_max=80.0, rho=7.0
    ):
        _check_range(sigma_min, sigma_max)
        if deviation <= 0:
            raise ValueError(f"Expected a deviation above 0. Received: {deviation}")
        self.mean = mean
        self.deviation = deviation
        self.sigma_min = sigma_min
        self.sigma_max = sigma_max
        self.rho = rho

    def draw(self, rows):
        return ops.exp(self.mean + self.deviation * random.normal((rows,)))

    def time(self, sigma):
        """c_noise = ln(sigma) / 4, a thousandfold."""
        return 0.25 * TIMES * ops.log(sigma)

    def levels(self, steps):
        return karras_levels(steps, self.sigma_min, self.sigma_max, self.rho)


def karras_levels(steps, sigma_min, sigma_max, rho):
    """Levels whose rho-th roots are evenly spaced, then 0 (Karras et al., equation 5).

    Args:
        steps: int or int32 scalar tensor, at least 1.

    Returns:
        float32 (steps + 1,) from sigma_max down; 0 after sigma_min.
    """
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    return _to_zero((high + _shares(steps) * (low - high)) ** rho)


def check_falling(levels, whose):
    """Raise ValueError unless noise levels fall from a finite one to 0.

    Args:
        levels: float (steps + 1,).
        whose: what gave them, for the error.
    """
    levels = ops.convert_to_numpy(levels)
    if not np.isfinite(levels).all() or not (np.diff(levels) < 0).all() or levels[-1]:
        few = ", ".join(f"{level:.4g}" for level in levels[:5])
        raise ValueError(
            "Expected finite noise levels that fall to 0. "
            f"Received: {few}{', ...' * (len(levels) > 5)} of {whose!r}"
        )


def _shares(steps):
    """Evenly from 0 to 1, float32 (steps,); 0 alone where there is one step."""
    if not isinstance(steps, numbers.Integral):
        steps = ops.maximum(steps, 1)
    elif steps < 1:
        raise ValueError(f"Expected at least 1 step. Received: steps={steps}")
    last = ops.maximum(ops.cast(steps, "float32") - 1.0, 1.0)
    return ops.arange(steps, dtype="float32") / last


def _to_zero(levels):
    return ops.concatenate([levels, ops.zeros((1,), levels.dtype)])


def _check_range(sigma_min, sigma_max):
    if not 0 < sigma_min < sigma_max:
        raise ValueError(
            "Expected 0 < sigma_min < sigma_max. "
            f"Received: sigma_min={sigma_min}, sigma_max={sigma_max}"
        )
