"""Likelihoods of diffusion models, by the flow and by the bound, against exact ones."""

import math

import keras
import numpy as np
import pytest
from test_diffusion_models import SHAPE, SIZE, gaussian, pictures, tiny

import keras_gen
from keras_gen import diffusion


def exact_nats(images, deviation):
    """Log-density of N(0, deviation^2) at the pixels, times the size of a level."""
    x = images.reshape(len(images), -1) / 127.5 - 1
    density = -0.5 * (x / deviation) ** 2
    density -= math.log(deviation * math.sqrt(2 * math.pi))
    return (density + math.log(diffusion.bound.LEVEL)).sum(axis=1)


def gaussian_pictures(deviation, n=40):
    x = np.random.default_rng(0).normal(0, deviation, (n, *SHAPE))
    return np.clip(np.round(x * 127.5 + 127.5), 0, 255).astype("uint8")


@pytest.mark.parametrize(
    ("cls", "options"),
    [
        (keras_gen.EDM, {}),
        (keras_gen.ScoreModel, {}),
        (keras_gen.ScoreModel, {"schedule": diffusion.VariancePreserving()}),
        (keras_gen.DDPM, {}),
    ],
    ids=["EDM", "VE", "VP", "DDPM"],
)
def test_the_flow_s_likelihood_is_exact_to_a_hundredth_of_a_bit(cls, options):
    model, images = gaussian(cls, 0.3, **options), gaussian_pictures(0.3)
    bits = model.log_likelihood(images) - exact_nats(images, 0.3)
    bits /= SIZE * math.log(2)
    assert bits.mean() == pytest.approx(0, abs=1e-2)


PLACES = np.stack(np.divmod(np.arange(SIZE), SHAPE[1]), axis=1)
DISTANCES = np.linalg.norm(PLACES[:, None] - PLACES[None], axis=-1)
COVARIANCE = 0.3**2 * np.exp(-DISTANCES / 2)
TARGET = diffusion.Preconditioned(sigma_data=0.3)


@keras.saving.register_keras_serializable("keras_gen_tests")
class Correlated(keras.layers.Layer):
    """What an EDM's network says of pictures N(0, C): D(x) = C (C + sigma^2)^-1 x."""

    def call(self, images, times):
        values, vectors = (x.astype("float32") for x in np.linalg.eigh(COVARIANCE))
        sigma = keras.ops.exp(times / 250)[:, None]
        skip, out, into = TARGET.scales(sigma)
        x = keras.ops.reshape(images, (-1, SIZE)) / into
        shrunk = (x @ vectors) * (values / (values + sigma**2))
        output = (shrunk @ vectors.T - skip * x) / out
        return keras.ops.reshape(output, (-1, *SHAPE))


def test_probes_find_the_divergence_of_correlated_pixels():
    inputs = keras.Input(SHAPE), keras.Input(())
    network = keras.Model(inputs, Correlated()(*inputs))
    model = keras_gen.EDM(image_shape=SHAPE, target=TARGET, denoiser=network)
    model.compile()
    x = np.random.default_rng(0).multivariate_normal(np.zeros(SIZE), COVARIANCE, 200)
    images = np.clip(np.round(x * 127.5 + 127.5), 0, 255).astype("uint8")
    x = images.reshape(200, SIZE) / 127.5 - 1
    _, log_determinant = np.linalg.slogdet(2 * math.pi * COVARIANCE)
    exact = -0.5 * (x * np.linalg.solve(COVARIANCE, x.T).T).sum(axis=1)
    exact += SIZE * math.log(diffusion.bound.LEVEL) - 0.5 * log_determinant
    # A probe's error is about 0.12 bits, the mean's of 1,200 so 0.0035.
    nats = [
        model.log_likelihood(images.reshape(200, *SHAPE), steps=240, seed=seed)
        for seed in range(6)
    ]
    bits = (np.stack(nats) - exact) / (SIZE * math.log(2))
    assert bits.mean() == pytest.approx(0, abs=1e-2)
    assert bits.std() > 1e-2  # which the mean is without


@pytest.mark.parametrize(
    ("steps", "count"), [(100, 1200), pytest.param(4000, 128, marks=pytest.mark.slow)]
)
def test_the_variational_bound_is_the_likelihood_less_what_steps_lose(steps, count):
    deviation, model = 0.3, gaussian(keras_gen.DDPM, 0.3, schedule=Fine(steps=steps))
    images = gaussian_pictures(deviation, count)
    bits = exact_nats(images, deviation) - model.variational_bound(images)
    bits = (bits / (SIZE * math.log(2))).mean()
    # Each step's expected error in closed form, against the integral over all levels.
    sigmas = model.schedule.sigmas()
    error = 1 / (1 / deviation**2 + 1 / sigmas**2)
    stepped = 0.5 * np.sum((sigmas[:-1] ** -2 - sigmas[1:] ** -2) * error[1:])
    ends = 1 + (deviation / sigmas[[0, -1]]) ** 2
    lost = (stepped - 0.5 * np.log(ends[0] / ends[1])) / math.log(2)
    assert bits == pytest.approx(lost, abs=1e-2)
    if steps == 4000:  # the more there are, the nearer to the likelihood itself
        assert 0 < lost < 1e-2


class Fine(diffusion.LinearSchedule):
    """Levels in geometric progression."""

    def sigmas(self):
        return np.geomspace(0.01, 4.0, self.steps)


@pytest.mark.slow
def test_labels_change_the_likelihood():
    edm, images = tiny(keras_gen.EDM, num_classes=3), pictures()
    nats = [edm.log_likelihood(images, labels=k, steps=5) for k in (None, 0, 2)]
    assert len({float(x.sum()) for x in nats}) == 3
    assert nats[0].dtype == "float64"
