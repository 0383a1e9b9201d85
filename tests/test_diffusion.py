"""Inversion, density and the variational bound of a Gaussian, in closed form."""

import math

import numpy as np
import pytest
import tensorflow as tf
from gaussians import DEVIATION, MEAN, karras, optimal, transported

from keras_gen import diffusion
from keras_gen.diffusion import bound, flow

# The probability flow


def test_inversion_is_of_second_order_and_leads_back():
    x = tf.constant([[0.9], [-0.4]], tf.float64)
    errors = []
    for steps in (32, 64, 128):
        levels = tf.cast(
            tf.concat([np.geomspace(4.0, 0.1, steps + 1), [0]], 0), "float64"
        )
        found = flow.invert(optimal, levels, x)
        errors.append(np.abs(found - transported(x.numpy(), 0.1, 4.0)).max())
        back = diffusion.Heun()(optimal, levels[:-1], found)
        assert np.abs(back - x).max() < 0.01
    slopes = np.diff(-np.log2(errors))
    np.testing.assert_allclose(slopes, 2, atol=0.2)


def test_the_flow_s_density_is_that_of_a_gaussian_to_a_hundredth_of_a_bit():
    dimensions = 20
    x = MEAN + DEVIATION * np.random.default_rng(0).normal(size=(8, dimensions))

    def rest_and_divergence(x, sigma):
        gain = DEVIATION**2 / (DEVIATION**2 + sigma**2)
        divergence = tf.fill(tf.shape(x)[:1], dimensions * (1 - gain))
        return x - optimal(x, sigma), divergence

    levels = tf.cast(karras(60, 0.002, 80.0), "float64")
    found = flow.log_density(rest_and_divergence, levels, tf.constant(x))
    place = (x - MEAN) / DEVIATION
    exact = -0.5 * place**2 - math.log(DEVIATION * math.sqrt(2 * math.pi))
    bits = (found - exact.sum(axis=1)) / dimensions / math.log(2)
    assert np.abs(bits).max() < 1e-2


# The variational bound


def test_terms_of_the_bound_are_kullback_leibler_divergences():
    # Of one dimension, against the closed form in the coordinates of Ho et al.
    schedule = diffusion.LinearSchedule()
    (now, then), sigmas = schedule.signal()[[300, 299]], schedule.sigmas()[[300, 299]]
    beta, clean, guess = 1 - now / then, 0.3, -0.2
    variances = {0.0: (1 - then) / (1 - now) * beta, 1.0: beta}
    apart = np.sqrt(then) * beta / (1 - now) * (clean - guess)
    for fraction, own in variances.items():
        ratio = variances[0.0] / own
        expected = 0.5 * (apart**2 / own + ratio - 1 - math.log(ratio))
        found = bound.step_term(
            np.array([[clean]]), np.array([[guess]]), *sigmas, fraction
        )
        np.testing.assert_allclose(found, [expected], rtol=1e-6)
    signal = schedule.signal()[-1]
    expected = 0.5 * (signal * clean**2 - signal - math.log1p(-signal))
    found = bound.prior_term(np.array([[clean]]), schedule.sigmas()[-1])
    np.testing.assert_allclose(found, [expected], rtol=1e-4)


def test_the_decoder_s_levels_have_masses_that_sum_to_one():
    levels = np.arange(256) / 127.5 - 1
    for guess, sigma in ((0.1, 0.01), (-0.999, 0.02), (1.0, 0.3), (0.7, 0.002)):
        nats = bound.decoder_term(levels[:, None], np.full((256, 1), guess), sigma)
        assert np.exp(-np.array(nats)).sum() == pytest.approx(1, abs=1e-6)


def test_the_bound_of_a_gaussian_is_its_likelihood_to_a_hundredth_of_a_bit():
    # Every step's term is exact in expectation: E (x_0 - D)^2 = s^2 sigma^2 / (s^2 +
    # sigma^2). The first level is the paper's, about the distance of two 8-bit levels;
    # the others lie so closely that almost nothing is lost between them.
    sigmas, spread = np.geomspace(0.01, 200.0, 32_000), 0.3
    error = spread**2 * sigmas**2 / (spread**2 + sigmas**2)
    apart = np.sqrt(error[1:, None])
    total = np.sum(bound.step_term(apart, 0.0, sigmas[1:, None], sigmas[:-1, None]))
    rng = np.random.default_rng(0)
    clean = np.round(rng.normal(0, spread, (200_000, 1)) * 127.5) / 127.5
    clean = clean[np.abs(clean[:, 0]) < 1]
    noisy = clean + sigmas[0] * rng.normal(size=clean.shape)
    guess = noisy * spread**2 / (spread**2 + sigmas[0] ** 2)
    last = np.mean(bound.decoder_term(clean, guess, sigmas[0]))
    first = np.mean(bound.prior_term(clean, sigmas[-1]))
    exact = 0.5 * np.log(2 * np.pi * np.e * spread**2) - np.log(bound.LEVEL)
    assert (total + first + last - exact) / math.log(2) == pytest.approx(0, abs=1e-2)
