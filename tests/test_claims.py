"""What entries must be better than to be in the zoo, by their published figures."""

import json
import pathlib

import pytest

import keras_gen
from keras_gen import metrics, presets, training

DIFFUSION = (
    "ddpm_fashion_mnist",
    "ddpm_fashion_mnist_conditional",
    "score_fashion_mnist",
    "edm_emoji",
)
STYLED = ("progressive_gan_fashion_mnist", "stylegan_emoji", "stylegan2_emoji")
# Not the colouring: there both are so near that their order is chance's.
PIX2PIX = ("pix2pix_emoji", "pix2pix_emoji_edges")
TOOLS = {
    "pix2pix_emoji": ("translated_l1", ("noisy", "neighbour")),
    "pix2pix_emoji_colorize": ("translated_l1", ("noisy", "neighbour", "tool")),
    "pix2pix_emoji_edges": ("translated_l1", ("noisy", "neighbour")),
    # Features in their places: pooled ones hide style, for the judge has learnt both
    # (their kernel distance between the styles is -.02).
    "cyclegan_emoji": ("perceptual_distance", ("noisy", "neighbour")),
    "srresnet_emoji_x4": ("translated_psnr", ("bicubic", "lanczos")),
    "srgan_emoji_x4": ("feature_distance", ("bicubic", "lanczos")),
}
# Entry, figure, rows that the model's must be better than.
WITHIN = [
    *((name, "kernel_distance", ("gaussian_mixture",)) for name in DIFFUSION + STYLED),
    *((name, "coverage", ("gaussian_mixture",)) for name in DIFFUSION),
    *((name, "kernel_distance", ("twin",)) for name in PIX2PIX),
    *((name, *claim) for name, claim in TOOLS.items()),
    ("srgan_emoji_x4", "feature_distance", ("rival",)),
]
# Entry, figure, other entries that it must be better than.
BETWEEN = [
    ("progressive_gan_fashion_mnist", "frechet_distance", ("dcgan_fashion_mnist",)),
    ("stylegan2_emoji", "kernel_distance", ("stylegan_emoji",)),
]


def cells(name, figure):
    """A published figure's rows, name to value, low and high."""
    path = pathlib.Path(presets.zoo_folder()) / name / "metrics.json"
    return json.loads(path.read_text())["figures"][figure]


def rows(name, figure):
    """A published figure's rows, name to value."""
    return {row: cell["value"] for row, cell in cells(name, figure).items()}


def better(figure, one, other):
    return one > other if metrics.CATALOGUE[figure].better == "higher" else one < other


@pytest.mark.parametrize(("name", "figure", "others"), WITHIN)
def test_entries_beat_the_simple_ways(name, figure, others):
    if name not in keras_gen.list_presets():
        pytest.skip("not published")
    found = rows(name, figure)
    for other in others:
        assert better(figure, found["model"], found[other]), other


@pytest.mark.parametrize(("name", "figure", "others"), BETWEEN)
def test_entries_beat_those_that_they_succeed(name, figure, others):
    if not {name, *others} <= set(keras_gen.list_presets()):
        pytest.skip("not published")
    for other in others:
        assert better(figure, *(rows(n, figure)["model"] for n in (name, other))), other


@pytest.mark.parametrize("name", training.list_recipes())
def test_no_loss_sees_the_judge(name):
    tables = training.load_recipe(name).tables
    judge = tables.get("evaluate", {}).get("extractor", "classifier_emoji")
    for model in (tables["model"], tables.get("quick", {}).get("model", {})):
        assert model.get("config", {}).get("features") != judge


def test_pictures_are_nearer_translated_than_before_by_more_than_chance():
    assert cells("cyclegan_emoji", "perceptual_gain")["model"]["low"] > 0


def test_super_resolution_is_a_decibel_above_interpolation():
    found = rows("srresnet_emoji_x4", "translated_psnr")
    assert found["model"] > found["bicubic"] + 1
