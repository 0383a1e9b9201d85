"""The tables of models from pictures to pictures."""

import atexit
import functools
import tempfile

import keras
import numpy as np
from conformance_data import IMAGE_SHAPE, images
from conformance_parts import Golden, classifier, dense

import keras_gen


def _translation(cls, **defaults):
    sizes = {"image_shape": IMAGE_SHAPE, "critic_filters": 4, "receptive_field": 16}
    return lambda **options: cls(**sizes | defaults | options)


def _given_pix2pix():
    return {
        "critic": dense((*IMAGE_SHAPE[:2], 2), (1,), "critic"),
        "generator": dense(IMAGE_SHAPE, IMAGE_SHAPE, "generator"),
        "loss": keras_gen.losses.RelativisticPairing(),
        "augmentation": keras_gen.layers.RandomShift(1),
        "stride": 8,
    }


def _given_cycle_gan():
    names = keras_gen.CycleGAN.networks
    given = {n: dense(IMAGE_SHAPE, IMAGE_SHAPE, n) for n in names[2:]}
    given |= {n: dense(IMAGE_SHAPE, (1,), n) for n in names[:2]}
    return {**given, "loss": keras_gen.losses.Hinge(), "history": 0}


def _super_resolution(cls, **defaults):
    sizes = {"image_shape": IMAGE_SHAPE, "scale": 2, "filters": 4, "blocks": 1}
    return lambda **options: cls(**sizes | defaults | options)


def _srgan(**options):
    sizes = {"critic_filters": (4, 4), "critic_hidden": 4, "adversarial_weight": 0.1}
    sizes |= {"features": _features(), "feature_scale": 1.0}
    return _super_resolution(keras_gen.SRGAN, **sizes)(**options)


def _doubling():
    inputs = keras.Input((None, None, 1))
    x = keras.layers.Conv2D(4, 3, padding="same")(inputs)
    return keras.Model(inputs, keras_gen.layers.DepthToSpace(2)(x), name="generator")


@functools.cache
def _features():
    """The folder of a tiny classifier, the same on every backend."""
    model = classifier()
    rng = np.random.default_rng(5)
    model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    model.save_to_preset(folder.name)
    return folder.name


TRANSLATION = {
    "Pix2Pix": Golden(
        _translation(
            keras_gen.Pix2Pix,
            corruption=keras_gen.layers.Edges(),
            filters=(4, 4),
            dropped=1,
        ),
        _given_pix2pix,
        lambda: images(3),
    ),
    "CycleGAN": Golden(
        _translation(keras_gen.CycleGAN, filters=(4, 8), blocks=1, history=10),
        _given_cycle_gan,
        lambda: images(3),
        beside=lambda rows: 255 - images(rows, seed=1),
    ),
    "SRResNet": Golden(
        _super_resolution(keras_gen.SRResNet),
        lambda: {"generator": _doubling()},
        lambda: images(3)[:, ::2, ::2],
    ),
    "SRGAN": Golden(
        _srgan,
        lambda: {
            "critic": dense(IMAGE_SHAPE, (1,), "critic"),
            "generator": _doubling(),
            "loss": keras_gen.losses.RelativisticPairing(),
        },
        lambda: images(3)[:, ::2, ::2],
        stages=(2, 2),
    ),
}
