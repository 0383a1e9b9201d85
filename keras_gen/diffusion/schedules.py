"""Noise schedules of discrete-time diffusion: how much signal is left at each step.

x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) noise, with a_t the product of (1 - beta) up to t
(Ho et al. 2020, arXiv:2006.11239, equation 4). Steps are numbered from 0.
"""

import keras
import numpy as np


class Schedule:
    """A schedule of `steps` values of beta, float64 in (0, 1)."""

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

    def get_config(self):
        return {"steps": self.steps}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable("keras_gen")
class LinearSchedule(Schedule):
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

    def get_config(self):
        return {**super().get_config(), "first": self.first, "last": self.last}


@keras.saving.register_keras_serializable("keras_gen")
class CosineSchedule(Schedule):
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

    def get_config(self):
        return {**super().get_config(), "offset": self.offset}
