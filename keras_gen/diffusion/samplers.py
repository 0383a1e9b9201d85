"""Samplers: pure functions of a denoiser, each one compiled loop.

A sampler is a frozen dataclass, so that it can be an option of a compiled program. It
is called as `sampler(denoise, schedule, shape)`, where `denoise(x, t)` estimates x_0,
float32 `shape` in [-1, 1], from x at step t, an int32 tensor (batch,).
"""

import dataclasses

import numpy as np
from keras import ops

from keras_gen.engine import random


def spaced(steps, total):
    """`steps` step numbers out of `total`, evenly spaced, the last one included.

    Raises:
        ValueError: `steps` is not in [1, total].
    """
    if not 1 <= steps <= total:
        raise ValueError(f"Expected steps in [1, {total}]. Received: steps={steps}")
    return np.round(np.linspace(-1, total - 1, steps + 1)[1:]).astype("int32")


@dataclasses.dataclass(frozen=True)
class DDIM:
    """Denoising diffusion implicit models (Song et al. 2021, arXiv:2010.02502).

    Equation 12 with sigma_t of equation 16: eta = 0 is deterministic given the first
    noise, eta = 1 the ancestral sampler on the chosen steps.

    Args:
        steps: how many times the denoiser is called, spread evenly over the schedule.
        eta: share of fresh noise at each step, at least 0.
    """

    steps: int = 50
    eta: float = 0.0

    def __call__(self, denoise, schedule, shape):
        times = spaced(self.steps, schedule.steps)
        now = schedule.signal()[times]
        then = np.concatenate([[1.0], now[:-1]])
        sigma = self.eta * np.sqrt((1 - then) / (1 - now) * (1 - now / then))
        direction = np.sqrt(np.maximum(1 - then - sigma**2, 0.0))
        return _run(denoise, shape, times, now, then, sigma, direction)


@dataclasses.dataclass(frozen=True)
class Ancestral:
    """Ancestral sampling (Ho et al. 2020, arXiv:2006.11239, algorithm 2).

    Draws from the posterior q(x_{t-1} | x_t, x_0) of equations 6 and 7, its variance
    the smaller of the two that section 3.2 offers, at the estimated x_0.

    Args:
        steps: None for every step of the schedule, or how many, spread evenly over it
            (Nichol and Dhariwal 2021, arXiv:2102.09672, section 4).
    """

    steps: int | None = None

    def __call__(self, denoise, schedule, shape):
        steps = schedule.steps if self.steps is None else self.steps
        # With eta = 1 DDIM's update is the posterior's mean and variance (Song et al.
        # 2021, section 4.1), so the loop is written once.
        return DDIM(steps, eta=1.0)(denoise, schedule, shape)


def _run(denoise, shape, times, now, then, sigma, direction):
    """The loop over all steps, from pure noise down to x_0 in [-1, 1]."""
    columns = np.stack([np.sqrt(now), np.sqrt(1 - now), np.sqrt(then)], axis=1)
    columns = np.concatenate([columns, sigma[:, None], direction[:, None]], axis=1)
    table = ops.convert_to_tensor(columns[::-1].astype("float32"))
    clock = ops.convert_to_tensor(times[::-1].copy())
    fresh = bool(np.any(sigma > 0))

    def body(k, x):
        a, s, a_next, sigma, direction = ops.unstack(ops.take(table, k, axis=0), 5)
        t = ops.broadcast_to(ops.take(clock, k), (ops.shape(x)[0],))
        clean = ops.clip(denoise(x, t), -1.0, 1.0)
        noise = (x - a * clean) / s
        x = a_next * clean + direction * noise
        if fresh:
            x = x + sigma * random.normal(shape, step=k)
        return x

    return ops.fori_loop(0, len(times), body, random.normal(shape))
