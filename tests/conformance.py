"""One tiny configuration a model class, and what the conformance tests do with it.

Run as a program it makes the update of every class on the JAX backend, with
tensorflow made unimportable: `KERAS_BACKEND=jax python conformance.py OUT.npz`.
"""

import dataclasses
import sys
from collections.abc import Callable

import numpy as np

if __name__ == "__main__":
    sys.modules["tensorflow"] = None  # any import of it now fails

import keras

import keras_gen
from keras_gen.engine import random

IMAGE_SHAPE = (8, 8, 1)


@dataclasses.dataclass(frozen=True)
class Golden:
    """What the conformance tests need to know of a class.

    Args:
        make: builds a tiny model, uncompiled.
        given: builds the networks to hand to the class, and the keywords with them.
        call_inputs: inputs of `call` for three rows.
        classes: number of classes of a model that trains on labels, else 0.
        output_shape: of a row of `call`.
    """

    make: Callable
    given: Callable
    call_inputs: Callable
    classes: int = 0
    output_shape: tuple = IMAGE_SHAPE


def _vae(**options):
    sizes = {"latent_dim": 4, "filters": (4, 8), "hidden": 8}
    return keras_gen.VAE(image_shape=IMAGE_SHAPE, **sizes | options)


def _wgan_gp(**options):
    sizes = {"latent_dim": 4, "filters": (4, 8), "kernel_size": 3, "critic_updates": 2}
    return keras_gen.WGANGP(image_shape=IMAGE_SHAPE, **sizes | options)


def _ddpm(**options):
    sizes = {"filters": (8,), "shuffle": 2, "dropout": 0.1}
    sizes["schedule"] = keras_gen.diffusion.LinearSchedule(steps=8)
    return keras_gen.DDPM(image_shape=IMAGE_SHAPE, **sizes | options)


def _plain(cls, **defaults):
    """A maker of tiny autoencoders of one dense layer each way, or one convolution."""
    sizes = {"image_shape": IMAGE_SHAPE, "latent_dim": 4} | defaults
    return lambda **options: cls(**sizes | options)


def _given_autoencoder(**more):
    return {
        "encoder": dense(IMAGE_SHAPE, (4,), "encoder"),
        "decoder": dense((4,), IMAGE_SHAPE, "decoder"),
        **more,
    }


def _classifier(**options):
    sizes = {"num_classes": 3, "num_features": 6, "filters": (4, 8), "dropout": 0.2}
    sizes |= {"shift": 1, "flip": True, "label_smoothing": 0.1}
    return keras_gen.Classifier(image_shape=IMAGE_SHAPE, **sizes | options)


def _given_classifier():
    return {
        "backbone": dense(IMAGE_SHAPE, (6,), "backbone"),
        "head": dense((6,), (3,), "head"),
    }


def _given_vae():
    logistic = keras_gen.losses.DiscretizedLogistic()
    encoder = dense(IMAGE_SHAPE, (8,), "encoder")
    decoder = dense((4,), (8, 8, 2), "decoder")
    return {"encoder": encoder, "decoder": decoder, "likelihood": logistic}


def _given_wgan_gp():
    return {
        "critic": dense(IMAGE_SHAPE, (1,), "critic"),
        "generator": dense((4,), IMAGE_SHAPE, "generator"),
    }


def _given_ddpm():
    denoiser = keras_gen.networks.unet(
        IMAGE_SHAPE, filters=(4, 8), shuffle=1, groups=4, heads=2
    )
    return {"denoiser": denoiser, "target": keras_gen.diffusion.Velocity()}


GOLDENS = {
    "Autoencoder": Golden(
        _plain(
            keras_gen.Autoencoder,
            hidden=(8,),
            kernel_regularizer=keras.regularizers.L2(0.01),
        ),
        lambda: _given_autoencoder(likelihood=keras_gen.losses.Bernoulli()),
        lambda: images(3),
    ),
    "ConvolutionalAutoencoder": Golden(
        _plain(keras_gen.ConvolutionalAutoencoder, filters=(4,), hidden=8),
        _given_autoencoder,
        lambda: images(3),
    ),
    "DenoisingAutoencoder": Golden(
        _plain(keras_gen.DenoisingAutoencoder, filters=(4,)),
        lambda: _given_autoencoder(corruption=keras_gen.layers.SaltAndPepper(0.2)),
        lambda: images(3),
    ),
    "SparseAutoencoder": Golden(
        _plain(keras_gen.SparseAutoencoder),
        lambda: _given_autoencoder(sparsity=keras_gen.losses.L1Sparsity(0.01)),
        lambda: images(3),
    ),
    "ContractiveAutoencoder": Golden(
        _plain(keras_gen.ContractiveAutoencoder, hidden=(6,)),
        _given_autoencoder,
        lambda: images(3),
    ),
    "VAE": Golden(_vae, _given_vae, lambda: images(3)),
    "WGANGP": Golden(_wgan_gp, _given_wgan_gp, lambda: noise(3, 4)),
    "Classifier": Golden(
        _classifier,
        _given_classifier,
        lambda: images(3),
        classes=3,
        output_shape=(3,),
    ),
    "DDPM": Golden(
        _ddpm, _given_ddpm, lambda: [noise(3, *IMAGE_SHAPE), np.array([0, 3, 7])]
    ),
}


def dense(inputs, outputs, name):
    """A network of one dense layer between shapes without their batch."""
    return keras.Sequential(
        [
            keras.Input(inputs),
            keras.layers.Flatten(),
            keras.layers.Dense(int(np.prod(outputs)), activation="tanh"),
            keras.layers.Reshape(outputs),
        ],
        name=name,
    )


def images(n, seed=0):
    """Uint8 images (n, 8, 8, 1): a bright square on a dark ground, noise on both."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 100, (n, *IMAGE_SHAPE))
    values[:, 2:6, 3:7] += 120
    return values.astype("uint8")


def labels(name, rows):
    """Labels for a class that trains on them, else None."""
    classes = GOLDENS[name].classes
    return np.arange(rows) % classes if classes else None


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def make(name, seed=0, **options):
    """A tiny uncompiled model of a class with seeded weights, none of them zero."""
    model = GOLDENS[name].make(**options)
    randomize(model, seed)
    return model


def randomize(model, seed=0):
    """Set weights that are the same on every backend and let all gradients flow."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        if len(variable.shape) == 1:  # biases from 0, scales from 1
            value = variable.numpy() + rng.normal(0, 0.1, variable.shape)
        else:
            fan_in = np.prod(variable.shape[:-1])
            value = rng.normal(0, fan_in**-0.5, variable.shape)
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
    """One step on recorded draws: (dict of losses and weights, the model)."""
    model = make(name)
    before = model.get_weights()
    model.compile(run_eagerly=keras.backend.backend() == "tensorflow")
    with random.use(Recorded()):
        logs = model.fit(
            images(8), labels(name, 8), batch_size=8, shuffle=False, verbose=0
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
    for class_name in GOLDENS:
        arrays, model = one_update(class_name)
        results |= arrays
        if model.samples():
            first = model.generate(3, seed=1)
            assert first.dtype == "float32"
            np.testing.assert_array_equal(first, model.generate(3, seed=1))
    assert not any(module.startswith("tensorflow.") for module in sys.modules)
    np.savez(sys.argv[1], **results)
