"""Tiny data, a judge of them and recipes, for the tests of what measures models."""

import json

import conformance
import keras
import numpy as np

import keras_gen
from keras_gen import training

IMAGE_SHAPE = (12, 12, 1)


def pictures(n, seed=0):
    """Uint8 images (n, 12, 12, 1) of bars, and labels: across, upright or both."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 40, (n, *IMAGE_SHAPE)).astype("uint8")
    labels = rng.integers(0, 3, n)
    places = rng.integers(1, 9, (n, 2))
    for image, label, (row, column) in zip(images, labels, places, strict=True):
        if label != 1:
            image[row : row + 3] += 180
        if label == 1:
            image[:, column : column + 3] += 180
        if label == 2:
            image[:row, column : column + 3] += 180
    return images, labels


def source(folder, *, train=120, test=40):
    """Path of an `.npz` file of both splits, with labels."""
    arrays = {}
    for seed, (split, count) in enumerate({"train": train, "test": test}.items()):
        images, labels = pictures(count, seed)
        arrays |= {f"{split}_images": images, f"{split}_labels": labels}
    folder.mkdir(exist_ok=True)
    np.savez(folder / "data.npz", **arrays)
    return str(folder / "data.npz")


def judge(seed=0):
    """A classifier of these pictures, trained for a moment."""
    model = keras_gen.Classifier(
        image_shape=IMAGE_SHAPE, num_classes=3, num_features=8, filters=(4, 8)
    )
    conformance.randomize(model, seed)
    model.compile(optimizer=keras.optimizers.Adam(0.01), seed=seed)
    model.fit(*pictures(300, seed=2), epochs=4, batch_size=20, verbose=0)
    return model


def colour_judge(folder, **options):
    """The folder of an untrained classifier's preset, of colour pictures of 16x16."""
    sizes = {"image_shape": (16, 16, 3), "num_classes": 2, "filters": (4, 8)}
    keras_gen.Classifier(**sizes | options).save_to_preset(folder)
    return str(folder)


def vae(seed=0, **options):
    """A VAE of these pictures, its weights seeded."""
    sizes = {"image_shape": IMAGE_SHAPE, "latent_dim": 3, "filters": (4,), "hidden": 8}
    model = keras_gen.VAE(**sizes | options)
    conformance.randomize(model, seed)
    model.compile()
    return model


def recipe(folder, source, *, evaluate="", data="", model='class_name = "VAE"'):
    """Write a `recipe.toml` into a folder, and read it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "recipe.toml").write_text(
        f"[model]\n{model}\n"
        f"[data]\nsource = {json.dumps(str(source))}\nbatch_size = 20\n{data}\n"
        f"[fit]\nepochs = 1\n"
        f"[evaluate]\n{evaluate}\n"
    )
    return training.load_recipe(folder)
