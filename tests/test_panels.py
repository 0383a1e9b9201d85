"""Panels of figures on data that recipes seldom have."""

import types

import conformance
import numpy as np
import pytest
import tiny

import keras_gen
from keras_gen import losses, training
from keras_gen.training import panels

DATA = {"split": "train", "validation_split": "test"}
DATA |= {"image_size": None, "channels": None}
SILENT = types.SimpleNamespace(
    generate=lambda n, **options: np.zeros((n, 12, 12, 1)), takes_labels=lambda: False
)


def bench(model, source, *, samples=20, figures=None, **table):
    return panels.Bench(
        model=model,
        table={**DATA, "source": str(source), **table},
        options={},
        samples=samples,
        seed=0,
        figures=figures,
    )


def save(folder, **arrays):
    np.savez(folder / "data.npz", **arrays)
    return folder / "data.npz"


def test_pictures_smaller_than_the_window_of_ssim(tmp_path):
    x = conformance.images(20)
    source = save(tmp_path, train_images=x, test_images=x)
    measuring = bench(conformance.make("VAE"), source, figures=("mse", "psnr", "ssim"))
    assert set(panels.measure(measuring)) == {"mse", "psnr"}


def test_pictures_that_come_back_exactly(tmp_path):
    blank = np.zeros((20, 12, 12, 1), "uint8")
    source = save(tmp_path, train_images=blank, test_images=blank)
    model = tiny.vae(likelihood=losses.DiscretizedLogistic())
    model.decoder.trainable_weights[-1].assign([-9.0, 0.0])  # below black
    np.testing.assert_array_equal(model.reconstruct(blank), 0)
    rows = panels.reconstructions(bench(model, source))
    assert rows["mse"]["model"] == 0
    assert rows["ssim"]["model"] == 1


def test_floor_and_rival_are_of_the_recipe_s_split(tmp_path):
    images = tiny.pictures(60)[0]
    images[30:] = 255 - images[30:]
    source = save(tmp_path, train_images=images[:30], extra_images=images[30:])
    rows = bench(SILENT, source, samples=30, split="extra").generators
    np.testing.assert_array_equal(rows["floor"], images[30:])
    assert rows["gaussian_mixture"].mean() == pytest.approx(
        images[30:].mean() / 255, abs=0.05
    )


def test_floor_and_rival_have_the_recipe_s_channels(tmp_path):
    images = tiny.pictures(30)[0]
    source = save(tmp_path, train_images=images.repeat(3, axis=3))
    rows = bench(SILENT, source, channels=1).generators
    shapes = {row: pictures.shape[1:] for row, pictures in rows.items()}
    assert shapes == dict.fromkeys(rows, (12, 12, 1))


def test_the_floor_and_the_held_out_pictures_are_drawn_by_the_seed(tmp_path):
    images = tiny.pictures(60)[0]
    source = save(tmp_path, train_images=images, test_images=images)
    first, again = (bench(SILENT, source) for _ in range(2))
    for pictures in (first.real, first.generators["floor"]):
        assert len(np.unique(pictures, axis=0)) == 20
    np.testing.assert_array_equal(first.real, again.real)
    # The two draws differ, or a shared source would be its own floor.
    assert not np.array_equal(first.real, first.generators["floor"])


def test_of_few_held_out_pictures_the_kernel_distance_is_the_headline(tmp_path):
    tiny.judge().save_to_preset(tmp_path / "judge")
    extractor = f'extractor = "{tmp_path / "judge"}"'
    sizes = {"latent_dim": 4, "filters": (4, 8), "kernel_size": 3}
    gan = keras_gen.WGANGP(image_shape=(12, 12, 1), **sizes)
    few = tiny.source(tmp_path, train=30, test=20)
    many = tiny.source(tmp_path / "many", train=30, test=2000)
    for source, expected in ((few, "kernel_distance"), (many, "frechet_distance")):
        recipe = tiny.recipe(tmp_path, source, evaluate=extractor)
        found = training.evaluate(gan, recipe, samples=20, headline_only=True)
        assert found["headline"] == expected
        assert expected in found["figures"]


@pytest.mark.parametrize("name", ["ProgressiveGAN", "StyleGAN2", "DCGAN"])
def test_path_lengths_are_measured_of_growing_and_styled_generators(name, tmp_path):
    x = conformance.images(20)
    source = save(tmp_path, train_images=x, test_images=x)
    figure = "perceptual_path_length"
    rows = panels.measure(bench(conformance.make(name), source, figures=(figure,)))
    assert set(rows) == (set() if name == "DCGAN" else {figure})
    if rows:
        found = rows[figure]["model"]
        assert 0 < found.low < found < found.high


def test_samples_of_models_with_labels_are_of_each_class_as_often_as_data(tmp_path):
    x, labels = conformance.images(20), np.arange(20) % 4
    images = {"train_images": x, "test_images": x}
    classes = {"train_labels": labels, "test_labels": labels}
    asked = []
    labelled = types.SimpleNamespace(
        num_classes=4,
        takes_labels=lambda: True,
        generate=lambda n, labels, **options: asked.append((n, list(labels))),
    )
    bench(labelled, save(tmp_path, **images, **classes), samples=6).drawn()
    assert asked == [(6, [0, 1, 2, 3, 0, 1])]
    uneven = panels.spread([0, 2, 0, 2, 0], 3, 500)
    assert np.bincount(uneven).tolist() == [300, 0, 200]
    assert np.bincount(uneven[:10]).tolist() == [6, 0, 4]
