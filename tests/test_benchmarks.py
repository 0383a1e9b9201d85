"""The benchmark's two sides do the same work, and its interval is right."""

import keras
import numpy as np
import pytest

pytest.importorskip("tensorflow")
if keras.backend.backend() != "tensorflow":
    pytest.skip("the loops by hand are TensorFlow's", allow_module_level=True)

import tensorflow as tf

from benchmarks import engine as benchmark
from keras_gen.engine import random


class Constant:
    """A stream whose every number is a half."""

    override = True

    def draw(self, kind, shape, step=None):
        return tf.fill(shape, 0.5)


def half(shape):
    return tf.fill(shape, 0.5)


@pytest.mark.parametrize(
    "name",
    [
        "vae",
        pytest.param("wgan_gp", marks=pytest.mark.slow),
        pytest.param("ddpm", marks=pytest.mark.slow),
    ],
)
def test_both_sides_train_by_the_same_algorithm(name):
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28, 1), "uint8")
    case = benchmark.CASES[name]
    model, options = case.make()
    model.compile(**options, run_eagerly=True)
    loop = case.loop(batch_size=len(images), compiled=False)
    loop.normal = loop.uniform = half
    for network in model.networks:
        getattr(loop, network).set_weights(getattr(model, network).get_weights())
    with random.use(Constant()):
        history = model.fit(
            images,
            batch_size=len(images),
            steps_per_epoch=2,  # the second sees what the first has done to weights
            shuffle=False,
            verbose=0,
        )
    for _ in range(2):
        loop.update(tf.constant(images))
    losses = {key: float(mean.result()) for key, mean in loop.means.items()}
    ours = {key: values[0] for key, values in history.history.items()}
    assert losses == pytest.approx(ours, rel=1e-4)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        # Of ten values the 2nd and the 9th, 1 - 2 * 11 / 1024.
        (range(10, 0, -1), (5.5, 2, 9, 1 - 22 / 1024)),
        # Of six the whole range, 1 - 2 / 64; five cannot reach 95 %.
        (range(6), (2.5, 0, 5, 1 - 2 / 64)),
        (range(5), (2, 0, 4, 1 - 2 / 32)),
        ([3.0], (3.0, 3.0, 3.0, 0.0)),
    ],
)
def test_median_interval(values, expected):
    assert benchmark.median_interval(list(values)) == pytest.approx(expected)
