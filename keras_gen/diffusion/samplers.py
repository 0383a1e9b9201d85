"""Samplers: pure functions of a denoiser, each one compiled loop.

A sampler is a frozen dataclass, so that it can be an option of a compiled program. It
is called as `sampler(denoise, levels, x)`: `denoise(x, sigma)` estimates the clean
examples, of the shape of `x`, at a noise level, a scalar tensor; `levels` (steps + 1,)
falls from the level of `x` to where to stop, 0 for examples without noise; `x` is
float (batch, ...) of the form x_0 + levels[0] * n. See `keras_gen.diffusion.schedules`
for these coordinates.
"""

import dataclasses
import numbers

from keras import ops

from keras_gen.diffusion import schedules
from keras_gen.engine import random


@dataclasses.dataclass(frozen=True)
class KarrasLevels:
    """Noise levels whose rho-th roots are evenly spaced (Karras et al., equation 5).

    Args:
        rho: 7 takes most steps at small noise; 1 spaces evenly.
        sigma_min, sigma_max: the ends, those of the model's schedule by default.
    """

    rho: float = 7.0
    sigma_min: float | None = None
    sigma_max: float | None = None

    def __post_init__(self):
        given = [self.rho, self.sigma_min, self.sigma_max]
        if any(value is not None and not value > 0 for value in given):
            raise ValueError(
                f"Expected rho, sigma_min and sigma_max above 0. Received: {self}"
            )

    def __call__(self, schedule, steps):
        low = schedule.sigma_min if self.sigma_min is None else self.sigma_min
        high = schedule.sigma_max if self.sigma_max is None else self.sigma_max
        return schedules.karras_levels(steps, low, high, self.rho)


@dataclasses.dataclass(frozen=True)
class Sampler:
    """What samplers have in common.

    Args:
        steps: how many; None for as many as the model's schedule has.
        spacing: noise levels in place of the schedule's own, a `KarrasLevels`.
    """

    steps: int | None = None
    spacing: KarrasLevels | None = None

    def __post_init__(self):
        if self.steps is not None:
            check_count(self, "steps")
        if self.spacing is not None and not isinstance(self.spacing, KarrasLevels):
            raise ValueError(
                f"Expected spacing as KarrasLevels. Received: spacing={self.spacing!r}"
            )

    def path(self, schedule, steps=None):
        """The noise levels (steps + 1,) that this sampler takes, float32.

        Args:
            steps: int32 scalar tensor in place of the sampler's own number.
        """
        if steps is None:
            steps = schedule.steps if self.steps is None else self.steps
        if self.spacing is None:
            return schedule.levels(steps)
        return self.spacing(schedule, steps)

    def over(self, share):
        """The sampler that takes the same steps on a last share of the path alone."""
        return self


def loop(levels, body, state):
    """Fold `body(k, sigma, following, *state)` over the pairs of adjacent levels.

    Args:
        levels: (steps + 1,) float.
        body: function of the step's number, its two levels, and the state, to the
            new state.
        state: tuple of tensors, the first of them the examples.

    Returns:
        The state after the last step, a tuple.
    """
    levels = ops.cast(levels, state[0].dtype)

    def step(k, state):
        return body(k, ops.take(levels, k), ops.take(levels, k + 1), *state)

    return ops.fori_loop(0, ops.shape(levels)[0] - 1, step, state)


@dataclasses.dataclass(frozen=True)
class DDIM(Sampler):
    """Denoising diffusion implicit models (Song et al. 2021, arXiv:2010.02502).

    Equation 12 with sigma_t of equation 16: eta = 0 is deterministic given the first
    noise, Euler's method for the probability flow; eta = 1 the ancestral sampler on
    the chosen steps.

    Args:
        steps: how many times the denoiser is called.
        eta: share of fresh noise at each step, in [0, 1].
    """

    steps: int | None = 50
    eta: float = 0.0

    def __post_init__(self):
        super().__post_init__()
        check_number(self, "eta", "in [0, 1]", 0 <= self.eta <= 1)

    def __call__(self, denoise, levels, x):
        def step(k, sigma, following, x):
            clean = denoise(x, sigma)
            fresh = self.eta * posterior_deviation(sigma, following)
            kept = ops.sqrt(ops.maximum(following**2 - fresh**2, 0.0))
            x = clean + kept / sigma * (x - clean)
            return (_add_noise(x, fresh, k) if self.eta else x,)

        return loop(levels, step, (x,))[0]


@dataclasses.dataclass(frozen=True)
class Ancestral(Sampler):
    """Ancestral sampling (Ho et al. 2020, arXiv:2006.11239, algorithm 2).

    Draws from the posterior q(x_{t-1} | x_t, x_0) of equations 6 and 7 at the estimated
    x_0, by every step of the schedule or fewer (Nichol and Dhariwal 2021,
    arXiv:2102.09672, section 4; which of them, `DiscreteSchedule.levels` says).

    Args:
        variance: 0 for the posterior's own, the lower bound of section 3.2; 1 for the
            upper bound, beta; between them the logarithms mix, as in equation 15 of
            Nichol and Dhariwal. None for the model's where it has learned one, else 0.
    """

    variance: float | None = None

    def __post_init__(self):
        super().__post_init__()
        if self.variance is not None:
            check_number(self, "variance", "in [0, 1]", 0 <= self.variance <= 1)

    def __call__(self, denoise, levels, x):
        def step(k, sigma, following, x):
            found = denoise(x, sigma)
            clean, fraction = found if isinstance(found, tuple) else (found, 0.0)
            fraction = fraction if self.variance is None else self.variance
            mean = clean + (following / sigma) ** 2 * (x - clean)
            return (
                _add_noise(mean, ancestral_deviation(sigma, following, fraction), k),
            )

        return loop(levels, step, (x,))[0]


@dataclasses.dataclass(frozen=True)
class DPMSolver(Sampler):
    """DPM-Solver++ of second order, multistep (Lu et al. 2022, arXiv:2211.01095).

    Algorithm 2: one call of the denoiser a step, and the last one's estimate to
    extrapolate by. The first step is of first order, and so is one to level 0.
    """

    steps: int | None = 10

    def __call__(self, denoise, levels, x):
        def step(k, sigma, following, x, last, width):
            clean = denoise(x, sigma)
            # h = ln(sigma / following) as in the paper; 0 where nothing is to be
            # extrapolated, so that the share is 0.
            ends, starts = ops.equal(following, 0.0), ops.equal(k, 0)
            h = ops.log(sigma / ops.where(ends, sigma, following))
            share = ops.where(starts, 0.0 * h, h / (2 * ops.where(starts, 1.0, width)))
            ahead = clean + share * (clean - last)
            return ahead + following / sigma * (x - ahead), clean, h

        return loop(levels, step, (x, x, 0 * ops.cast(levels[0], x.dtype)))[0]


@dataclasses.dataclass(frozen=True)
class Heun(Sampler):
    """Heun's method with churn (Karras et al. 2022, arXiv:2206.00364, algorithm 2).

    Calls the denoiser twice a step, once in one to level 0.

    Args:
        churn: S_churn, how much fresh noise over all steps, 0 for none: the result is
            then a function of the first noise, of second order.
        churn_min, churn_max: S_tmin and S_tmax, between which levels noise is added.
        inflation: S_noise, standard deviation of that noise.
    """

    steps: int | None = 18
    churn: float = 0.0
    churn_min: float = 0.0
    churn_max: float = float("inf")
    inflation: float = 1.0

    def __post_init__(self):
        super().__post_init__()
        for name in ("churn", "inflation"):
            value = getattr(self, name)
            check_number(self, name, "from 0 on, finite", 0 <= value < float("inf"))
        if not 0 <= self.churn_min <= self.churn_max:
            raise ValueError(
                "Expected 0 <= churn_min <= churn_max. "
                f"Received: churn_min={self.churn_min}, churn_max={self.churn_max}"
            )

    def over(self, share):
        return dataclasses.replace(self, churn=self.churn * share)

    def __call__(self, denoise, levels, x):
        count = ops.cast(ops.shape(levels)[0] - 1, x.dtype)

        def step(k, sigma, following, x):
            if self.churn:
                x, sigma = self._churned(x, sigma, count, k)
            slope = (x - denoise(x, sigma)) / sigma
            ahead = x + (following - sigma) * slope

            def corrected():
                second = (ahead - denoise(ahead, following)) / following
                return x + (following - sigma) * 0.5 * (slope + second)

            return (ops.cond(following > 0, corrected, lambda: ahead),)

        return loop(levels, step, (x,))[0]

    def _churned(self, x, sigma, count, k):
        """x at a level raised by fresh noise (lines 4 to 6), and that level."""
        gamma = ops.minimum(self.churn / count, 2**0.5 - 1)
        inside = (sigma >= self.churn_min) & (sigma <= self.churn_max)
        raised = sigma * (1 + ops.where(inside, gamma, 0.0 * gamma))
        added = self.inflation * ops.sqrt(ops.maximum(raised**2 - sigma**2, 0.0))
        return _add_noise(x, added, k), raised


def check_number(sampler, name, wanted, fits):
    """Raise ValueError unless a sampler's option fits; `wanted` says what does."""
    if not fits:
        value = getattr(sampler, name)
        raise ValueError(f"Expected {name} {wanted}. Received: {name}={value}")


def check_count(sampler, name, least=1):
    """Raise ValueError unless a sampler's option is an int from `least` on."""
    value = getattr(sampler, name)
    whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    check_number(sampler, name, f"as an int from {least} on", whole and value >= least)


def posterior_deviation(sigma, following):
    """Standard deviation of q(x_{t-1} | x_t, x_0) (Ho et al., equation 7)."""
    return following * ops.sqrt(ops.maximum(sigma**2 - following**2, 0.0)) / sigma


def ancestral_deviation(sigma, following, fraction):
    """Standard deviation of an ancestral step between its two bounds; 0 to level 0.

    Args:
        fraction: 0 for the posterior's, 1 for sqrt(beta) of the variance-preserving
            process, in these coordinates divided by its signal.
    """
    ends = ops.equal(following, 0.0)
    following = ops.where(ends, 0.5 * sigma, following)  # so that powers are finite
    low = posterior_deviation(sigma, following)
    high = ops.sqrt((sigma**2 - following**2) * (1 + following**2) / (1 + sigma**2))
    mixed = low ** (1 - fraction) * high**fraction
    return ops.where(ends, ops.zeros_like(mixed), mixed)


def _add_noise(x, deviation, step):
    noise = random.normal(ops.shape(x), step=step)
    return x + deviation * ops.cast(noise, x.dtype)
