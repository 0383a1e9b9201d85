"""The mixture of discretised logistics, against its definition in float64."""

import keras
import numpy as np
import pytest
import scipy.special
import tensorflow as tf

import keras_gen
from keras_gen import losses

LEVELS = np.arange(256) / 255.0


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


def drawn_parameters(likelihood, channels=1, seed=0, spread=1.5):
    """What a decoder might give, float64 (1, 1, 1, channels of the likelihood)."""
    size = (1, 1, 1, likelihood.channels(channels))
    return np.random.default_rng(seed).normal(0.0, spread, size)


def table(likelihood, parameters):
    """Probabilities of the 256 levels of one value: (256,)."""
    repeated = np.repeat(parameters, 256, axis=0)
    images = LEVELS.reshape(256, 1, 1, 1)
    return np.exp(numbers(likelihood.log_likelihood(images, repeated)))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("spread", [0.1, 1.5, 6.0])
@pytest.mark.parametrize("components", [1, 2, 5])
def test_mixture_probabilities_add_up_to_one(components, spread, seed):
    likelihood = losses.DiscretizedLogisticMixture(components=components)
    parameters = drawn_parameters(likelihood, seed=seed, spread=spread)
    assert table(likelihood, parameters).sum() == pytest.approx(1.0, abs=1e-9)


def test_one_component_is_the_discretized_logistic():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 3, 3, 2)) / 255.0
    means, log_scales, logits = rng.normal(0, 2.0, (3, 6, 3, 3, 2))
    single = losses.DiscretizedLogistic()
    mixture = losses.DiscretizedLogisticMixture(components=1)
    shifted = log_scales - mixture.initial_log_scale
    np.testing.assert_allclose(
        mixture.log_likelihood(images, np.concatenate([logits, means, shifted], -1)),
        single.log_likelihood(images, np.concatenate([means, log_scales], -1)),
        rtol=1e-12,
    )


def test_mixture_is_the_weighted_sum_of_its_logistics():
    likelihood = losses.DiscretizedLogisticMixture(components=3)
    parameters = drawn_parameters(likelihood)
    logits, means, log_scales = parameters.reshape(3, 3)
    edges = (np.arange(1, 256) - 0.5) / 127.5 - 1.0  # between the levels
    scales = np.exp(log_scales - 2.0)
    inner = scipy.special.expit((edges[:, None] - means) / scales)
    cdf = np.concatenate([np.zeros((1, 3)), inner, np.ones((1, 3))])
    expected = np.diff(cdf, axis=0) @ scipy.special.softmax(logits)
    np.testing.assert_allclose(table(likelihood, parameters), expected, atol=1e-12)


def test_mixture_channels_are_independent_and_in_order():
    likelihood = losses.DiscretizedLogisticMixture(components=2)
    assert likelihood.channels(3) == 18
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (4, 2, 2, 3)) / 255.0
    parameters = rng.normal(0, 1.5, (4, 2, 2, 18))
    by_channel = parameters.reshape(4, 2, 2, 3, 3, 2)  # kind, channel, component
    parts = [
        likelihood.log_likelihood(
            images[..., c : c + 1], by_channel[..., c, :].reshape(4, 2, 2, 6)
        )
        for c in range(3)
    ]
    whole = likelihood.log_likelihood(images, parameters)
    np.testing.assert_allclose(whole, np.sum(parts, axis=0), rtol=1e-12)


@pytest.mark.parametrize("spread", [0.3, 1.5, 4.0])
def test_mixture_mean_is_that_of_its_levels(spread):
    likelihood = losses.DiscretizedLogisticMixture(components=4)
    for seed in range(5):
        parameters = drawn_parameters(likelihood, seed=seed, spread=spread)
        expected = table(likelihood, parameters) @ LEVELS
        mean = numbers(likelihood.mean(parameters))
        assert mean.shape == (1, 1, 1, 1)
        # Levels are whole: a narrow logistic's mean is rounded to one of them.
        assert mean.item() == pytest.approx(expected, abs=0.5 / 255)


def test_mixture_is_finite_with_its_gradient_at_extremes():
    likelihood = losses.DiscretizedLogisticMixture(components=2)
    extremes = [-1e4, -30.0, 0.0, 30.0, 1e4]
    # Scales are left below e^30: float32 has no more than e^88.
    grid = np.meshgrid(extremes, [-1e3, -1.0, 0.0, 1.0, 1e3], [-1e4, -5.0, 0.0, 30.0])
    logits, means, log_scales = (g.ravel() for g in grid)
    other = np.zeros_like(logits)
    rows = np.stack([logits, other, means, other, log_scales, other], -1)
    parameters = tf.constant(rows[:, None, None], "float32")
    for level in (0, 1, 127, 254, 255):
        images = tf.fill((len(rows), 1, 1, 1), np.float32(level / 255))
        with tf.GradientTape() as tape:
            tape.watch(parameters)
            value = likelihood.log_likelihood(images, parameters)
        assert np.isfinite(value).all()
        assert np.isfinite(tape.gradient(value, parameters)).all()
        assert np.isfinite(numbers(likelihood.mean(parameters))).all()


def test_mixture_refuses_no_components():
    with pytest.raises(ValueError, match="at least one component.*Received.*0"):
        losses.DiscretizedLogisticMixture(components=0)


def test_vae_keeps_its_mixture_when_saved(tmp_path):
    likelihood = losses.DiscretizedLogisticMixture(components=3, minimum_log_scale=-5.0)
    model = keras_gen.VAE(
        image_shape=(8, 8, 1),
        latent_dim=2,
        filters=(4, 4),
        hidden=8,
        likelihood=likelihood,
    )
    model.save_to_preset(tmp_path / "vae")
    again = keras_gen.from_preset(str(tmp_path / "vae"))
    assert again.likelihood.get_config() == {
        "components": 3,
        "minimum_log_scale": -5.0,
    }
    images = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 1), "uint8")
    np.testing.assert_array_equal(model.reconstruct(images), again.reconstruct(images))
