"""The likelihood in which pixels depend on those before, pixel by pixel in float64."""

import keras
import numpy as np
import pytest

from keras_gen import losses

SIDES = (5, 4)


def mixture(channels, seed=0):
    """The likelihood, and parameters (2, h, w, ...) for it."""
    likelihood = losses.AutoregressiveLogisticMixture(components=2)
    shape = (2, *SIDES, likelihood.channels(channels))
    parameters = np.random.default_rng(seed).normal(0, 0.5, shape)
    parameters[..., 6 * channels :] *= 0.2  # else float64 runs out of digits
    return likelihood, parameters.astype("float32")


def parts(parameters, channels):
    """Logits, means, log scales (..., c, 2) and coefficients (..., c, 4), float64."""
    own, others = np.split(parameters.astype("float64"), [6 * channels], axis=-1)
    shape = (*parameters.shape[:-1], channels, -1)
    split = [part.reshape(shape) for part in np.split(own, 3, axis=-1)]
    return *split[:2], split[2] - 2, others.reshape(shape)


def shift(coefficients, values, row, column):
    """What a pixel's means take from its neighbours, values in [0, 2]: (n, c)."""
    total = 0.0
    for k, (down, right) in enumerate(((0, -1), (-1, 0), (-1, -1), (-1, 1))):
        i, j = row + down, column + right
        if i >= 0 and 0 <= j < SIDES[1]:
            total = total + coefficients[:, row, column, :, k] * values[:, i, j]
    return total + np.zeros(values.shape[::3])


def log_probability(level, logits, means, log_scales):
    """Of a value (n, c) under mixtures (n, c, components)."""

    def distribution(edge):
        z = ((edge[..., None] - 0.5) / 127.5 - 1 - means) / np.exp(log_scales)
        inside = 1 / (1 + np.exp(-z))
        inside = np.where(edge[..., None] == 0, 0, inside)
        return np.where(edge[..., None] == 256, 1, inside)

    shares = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    bins = distribution(level + 1) - distribution(level)
    return np.log((shares * bins).sum(axis=-1))


@pytest.mark.parametrize("channels", [1, 3])
def test_each_pixel_is_a_mixture_that_its_neighbours_move(channels):
    likelihood, parameters = mixture(channels)
    rng = np.random.default_rng(1)
    levels = rng.integers(0, 256, (2, *SIDES, channels)) // 64 * 85  # ends among them
    logits, means, log_scales, coefficients = parts(parameters, channels)
    expected = np.zeros(2)
    for i in range(SIDES[0]):
        for j in range(SIDES[1]):
            moved = (
                means[:, i, j] + shift(coefficients, levels / 127.5, i, j)[..., None]
            )
            args = (logits[:, i, j], moved, log_scales[:, i, j])
            expected += log_probability(levels[:, i, j], *args).sum(axis=-1)
    images = (levels / 255).astype("float32")
    found = likelihood.log_likelihood(images, parameters)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_mean_is_each_pixels_given_those_before(channels):
    likelihood, parameters = mixture(channels)
    images = keras.ops.convert_to_numpy(likelihood.mean(parameters))
    assert images.shape == (2, *SIDES, channels)
    logits, means, log_scales = likelihood.logistics(parameters)
    *_, coefficients = parts(parameters, channels)
    moves = np.zeros(images.shape)
    for i in range(SIDES[0]):
        for j in range(SIDES[1]):
            moves[:, i, j] = shift(coefficients, 2 * images, i, j)
    moved = means + moves[..., None].astype("float32")
    again = likelihood.expected(logits, moved, log_scales)
    np.testing.assert_allclose(images, again, atol=1e-6)


def test_without_coefficients_it_is_the_plain_mixture():
    likelihood, parameters = mixture(1)
    parameters[..., 6:] = 0
    plain = losses.DiscretizedLogisticMixture(components=2)
    images = np.random.default_rng(0).random((2, *SIDES, 1), "float32")
    np.testing.assert_allclose(
        likelihood.log_likelihood(images, parameters),
        plain.log_likelihood(images, parameters[..., :6]),
        rtol=1e-6,
    )
    np.testing.assert_allclose(
        likelihood.mean(parameters), plain.mean(parameters[..., :6]), atol=1e-6
    )


def test_it_comes_back_from_its_config():
    likelihood = losses.AutoregressiveLogisticMixture(
        components=3, minimum_log_scale=-5
    )
    config = keras.saving.serialize_keras_object(likelihood)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(likelihood)
    assert again.get_config() == likelihood.get_config()
