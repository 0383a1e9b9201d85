"""Diffusion of a Gaussian, whose denoiser and flow are known in closed form."""

import numpy as np
import tensorflow as tf

from keras_gen import diffusion, engine
from keras_gen.engine import random

MEAN, DEVIATION = 0.2, 0.5  # of the Gaussian data


def optimal(x, sigma):
    """E[x_0 | x] for x_0 ~ N(MEAN, DEVIATION^2): linear in x."""
    gain = DEVIATION**2 / (DEVIATION**2 + sigma**2)
    return MEAN + gain * (x - MEAN)


def transported(x, sigma, following):
    """Where the probability flow takes x: its place in deviations stays."""
    spread = [np.sqrt(DEVIATION**2 + s**2) for s in (sigma, following)]
    return MEAN + (x - MEAN) * spread[1] / spread[0]


def seeded(function, seed=0):
    """What a function of tensors gives as one program, with the noise of a seed."""

    @tf.function(autograph=False)
    def program():
        key = engine.backend.key(seed)
        with random.use(random.Stream(engine.backend, key, lambda n: (n, None))):
            return function()

    return program().numpy()


def karras(steps, low=0.02, high=20.0):
    return diffusion.schedules.karras_levels(steps, low, high, 7.0)


def draw(sampler, levels, rows, seed=0, denoise=optimal):
    """Samples (64 * rows,) from pure noise, 64 dimensions an example."""

    def program():
        return sampler(denoise, levels, levels[0] * random.normal((rows, 64)))

    return seeded(program, seed).ravel()
