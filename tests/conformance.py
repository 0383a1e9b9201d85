"""What the conformance tests do with each class's tiny configuration.

Run as a program it makes the update of the classes named on the JAX backend, with
tensorflow made unimportable: `KERAS_BACKEND=jax python conformance.py OUT.npz VAE`.
"""

import sys

import numpy as np

if __name__ == "__main__":
    sys.modules["tensorflow"] = None  # any import of it now fails

import keras
from conformance_data import IMAGE_SHAPE, images, noise
from conformance_goldens import GOLDENS, dense

from keras_gen import callbacks, layers
from keras_gen.engine import random

# What tests take from here; the first half is defined beside.
__all__ = ["GOLDENS", "IMAGE_SHAPE", "LEADING", "dense", "images", "noise"]
__all__ += ["WAYS", "assert_same_state", "examples", "labels", "make", "one_update"]
__all__ += ["randomize", "slow_but", "state"]

# Those that the costliest tests run for by default.
LEADING = {"Classifier", "DenoisingAutoencoder", "StackedAutoencoder", "VAE", "WGANGP"}
# One of each way from what `fit` is given to `update`: pictures alone, with labels to
# learn or to go by, in pairs, of two kinds, made smaller, in stages, and sequences.
WAYS = ["VAE", "Classifier", "ConditionalGAN", "Pix2Pix", "CycleGAN", "SRGAN"]
WAYS += ["StackedAutoencoder", "DDPM", "LSTMAutoencoder"]


def slow_but(default, names):
    """Parametrizes `name`: tests of those not in `default` are slow ones."""
    import pytest  # which the program does without

    slow = [[pytest.mark.slow] * (name not in default) for name in names]
    rows = [pytest.param(n, marks=m) for n, m in zip(names, slow, strict=True)]
    return pytest.mark.parametrize("name", rows)


def examples(name, n, seed=0):
    """Training data of a class: `n` examples."""
    return GOLDENS[name].data(n, seed)


def labels(name, rows):
    """Labels or targets for a class that trains on some, else None."""
    if GOLDENS[name].beside:
        return GOLDENS[name].beside(rows)
    classes = GOLDENS[name].classes
    return np.arange(rows) % classes if classes else None


def make(name, seed=0, **options):
    """A tiny uncompiled model of a class with seeded weights, none of them zero."""
    model = GOLDENS[name].make(**options)
    randomize(model, seed)
    return model


def randomize(model, seed=0):
    """Set weights that are the same on every backend and let all gradients flow."""
    rng = np.random.default_rng(seed)
    rates = {
        id(layer.weight): layer.rate
        for layer in model._flatten_layers()
        if isinstance(layer, layers.EqualizedDense)
    }
    for variable in model.weights:
        if "int" in variable.dtype:  # a count
            continue
        if len(variable.shape) == 1:  # biases from 0, scales from 1
            value = variable.numpy() + rng.normal(0, 0.1, variable.shape)
        else:
            fan_in = np.prod(variable.shape[:-1])
            equal = variable.name == "equalized_kernel"
            size = 1 / rates.get(id(variable), 1.0) if equal else fan_in**-0.5
            value = rng.normal(0, size, variable.shape)
        variable.assign(value.astype("float32"))


class Recorded:
    """A stream that returns NumPy's numbers, the same on every backend."""

    override = True

    def __init__(self):
        self.index = 0

    def draw(self, kind, shape, step=None):
        self.index += 1
        rng = np.random.default_rng([self.index, 7])
        draw = rng.normal if kind == "normal" else rng.uniform
        values = draw(size=tuple(int(side) for side in shape)).astype("float32")
        return keras.ops.convert_to_tensor(values)


def one_update(name):
    """A step of each stage on recorded draws: (losses and weights, the model)."""
    model = make(name)
    before = model.get_weights()
    model.compile(run_eagerly=keras.backend.backend() == "tensorflow")
    with random.use(Recorded()):
        logs = model.fit(
            examples(name, 8),
            labels(name, 8),
            batch_size=8,
            epochs=model.num_stages,
            callbacks=[callbacks.Stages([1] * model.num_stages)],
            shuffle=False,
            verbose=0,
        ).history
    arrays = {f"{name}/logs/{key}": np.array(value) for key, value in logs.items()}
    moved = 0
    for i, variable in enumerate(model.weights):
        arrays[f"{name}/weights/{i}"] = variable.numpy()
        moved += i < len(before) and not np.array_equal(variable.numpy(), before[i])
    arrays[f"{name}/moved"] = np.array(moved / len(before))
    return arrays, model


def state(model):
    """All values that training changes: weights, averages and optimizer."""
    return [v.numpy() for v in [*model.weights, *model.optimizer.variables]]


def assert_same_state(first, second, atol=0.0):
    """Weights, averages and optimizers of two models agree, to the bit by default."""
    first, second = state(first), state(second)
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=atol)


if __name__ == "__main__":
    results = {}
    for class_name in sys.argv[2:]:
        arrays, model = one_update(class_name)
        results |= arrays
        if model.samples():
            first = model.generate(3, seed=1)
            assert first.dtype == "float32"
            np.testing.assert_array_equal(first, model.generate(3, seed=1))
    assert not any(module.startswith("tensorflow.") for module in sys.modules)
    np.savez(sys.argv[1], **results)
