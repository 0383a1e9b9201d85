"""Priors fitted to codes afterwards."""

import keras
import numpy as np
import pytest
from test_vaes import SHAPE, blobs, trained

import keras_gen
from keras_gen.applications import priors


def test_a_fitted_mixture_has_the_codes_moments():
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0, 0], [8, 0, 4], [0, 8, -4]])
    mix = np.array([[1, 0.8, 0], [0, 0.5, 0], [0.2, 0, 1]])
    codes = centres[rng.choice(3, 3000, p=[0.6, 0.3, 0.1])]
    codes = codes + rng.normal(size=(3000, 3)) @ mix
    prior = priors.MixturePrior(components=3).fit(codes)
    order = np.argsort(-prior.weights)
    np.testing.assert_allclose(prior.weights[order], [0.6, 0.3, 0.1], atol=0.03)
    np.testing.assert_allclose(prior.means[order], centres, atol=0.2)
    found = prior.sample(20_000, seed=1)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found.mean(axis=0), codes.mean(axis=0), atol=0.1)
    np.testing.assert_allclose(np.cov(found.T), np.cov(codes.T), rtol=0.06, atol=0.15)


def test_sample_i_of_a_prior_depends_on_seed_and_place_alone():
    codes = np.random.default_rng(0).normal(size=(200, 2))
    prior = priors.MixturePrior(components=2).fit(codes)
    many = prior.sample(2500, seed=3)
    for n in (1, 1024, 1030):
        np.testing.assert_array_equal(prior.sample(n, seed=3), many[:n])
    assert np.abs(prior.sample(5, seed=4) - many[:5]).max() > 0.1
    assert np.abs(many[1024:1034] - many[:10]).max() > 0.1


def test_wrong_codes_for_a_prior_are_refused():
    prior = priors.MixturePrior(components=3)
    with pytest.raises(RuntimeError, match="Expected a fitted prior"):
        prior.sample(3)
    for bad in (np.zeros((2, 2)), np.zeros(9), np.full((9, 2), np.nan)):
        with pytest.raises(ValueError, match=r"Expected .*codes.*Received: "):
            prior.fit(bad)


def test_a_fitted_prior_draws_better_samples_than_the_plain_one():
    # A plain autoencoder's codes are no standard normal; the mixture knows them.
    keras.utils.set_random_seed(0)
    x = blobs(512)
    model = keras_gen.Autoencoder(image_shape=SHAPE, latent_dim=3, hidden=(32,))
    trained(model, x, epochs=40)
    prior = priors.MixturePrior().fit(model.encode(x))
    fitted = priors.sample_with_prior(model, prior, 200, seed=0)
    assert fitted.shape == (200, *SHAPE)
    normal = np.random.default_rng(0).normal(size=(200, 3))

    def distance(pictures):  # to the nearest picture of the data
        pairs = pictures.reshape(-1, 1, 64) - x.reshape(1, -1, 64)
        return (pairs**2).sum(axis=-1).min(axis=1).mean()

    assert distance(fitted) < 0.7 * distance(model.decode(normal))
