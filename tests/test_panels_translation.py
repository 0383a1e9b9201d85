"""The panel of translations, against what it must be by hand."""

import numpy as np
import pytest
import tiny
from PIL import Image
from test_panels import bench, save

import keras_gen
from keras_gen import layers, metrics, training
from keras_gen.training import panels, sides
from keras_gen.training.panels import translation

SHAPE = (16, 16, 3)

BACK = {"perceptual_gain", "back_perceptual_gain", "back_feature_distance"}
FORWARD = set(translation.FIGURES) - BACK


def pictures(n, seed=0):
    """Smooth uint8 pictures (n, 16, 16, 3)."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (n, 4, 4, 3), dtype=np.uint8)
    enlarged = [Image.fromarray(x).resize((16, 16), 2) for x in small]
    return np.stack([np.asarray(x) for x in enlarged])


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    return tiny.colour_judge(tmp_path_factory.mktemp("judge") / "judge")


class Means:
    """What knows features alone: the mean of each channel."""

    def features(self, images):
        return np.asarray(images).mean(axis=(1, 2))


def measured(model, source, judge, *, data=None, **options):
    measuring = bench(model, source, samples=20)
    measuring.table.update(data or {})
    measuring.options.update({"extractor": judge, **options})
    return measuring, panels.measure(measuring)


def identity(**options):
    """A Pix2Pix that returns what it is given."""
    model = keras_gen.Pix2Pix(
        image_shape=SHAPE, filters=(4,), critic_filters=4, receptive_field=1, **options
    )
    model.call = lambda images: images
    return model


def test_the_identity_is_the_picture_before(tmp_path, judge):
    x, y = pictures(30), 255 - pictures(30)
    arrays = {"train_a": x, "train_b": y, "test_a": x[:20], "test_b": y[:20]}
    source = save(tmp_path, **arrays)
    measuring, rows = measured(identity(), source, judge, data={"fields": ["a", "b"]})
    assert set(rows) == FORWARD
    for row in rows.values():
        assert row["model"] == row["noisy"]
    expected = np.abs(x[:20] / 255.0 - y[:20] / 255.0).mean()
    assert rows["translated_l1"]["model"] == pytest.approx(expected, rel=1e-5)
    # Every held-out input is a training input too: its target is the nearest pair's.
    assert rows["translated_l1"]["neighbour"] == 0
    assert rows["feature_distance"]["neighbour"] == pytest.approx(0, abs=1e-5)
    assert set(measuring.words) == {"noisy", "neighbour"}


def test_an_extractor_without_maps_gives_no_perceptual_distance(tmp_path):
    x = pictures(30)
    arrays = {"train_a": x, "train_b": x, "test_a": x[:20], "test_b": x[:20]}
    source = save(tmp_path, **arrays)
    _, rows = measured(identity(), source, Means(), data={"fields": ["a", "b"]})
    assert set(rows) == FORWARD - {"perceptual_distance"}


def test_colouring_has_a_tool_and_keeps_its_own_figure(tmp_path, judge):
    x = pictures(30)
    source = save(tmp_path, train_images=x, test_images=x[:20])
    model = identity(corruption=layers.Greyscale())
    _, rows = measured(model, source, judge)
    assert set(rows) == {*FORWARD, "colorized_error"}
    assert {"model", "noisy", "tool", "neighbour"} == set(rows["translated_psnr"])
    assert rows["translated_l1"]["tool"] < rows["translated_l1"]["noisy"]


def test_super_resolution_is_held_against_interpolation(tmp_path, judge):
    x = pictures(30)
    source = save(tmp_path, train_images=x, test_images=x[:20])
    model = keras_gen.SRResNet(image_shape=SHAPE, filters=4, blocks=1)
    _, rows = measured(model, source, judge)
    tools = {"bicubic", "lanczos", "neighbour"}
    assert set(rows["translated_psnr"]) == {"model", *tools}
    small = model.corrupt(x[:20])
    plane = Image.fromarray(small[0, ..., 0]).resize((16, 16), Image.Resampling.BICUBIC)
    made = translation._resized(small, (16, 16), translation.FILTERS["bicubic"])
    np.testing.assert_allclose(made[0, ..., 0], np.clip(plane, 0, 1), atol=1e-6)
    # Pictures enlarged by a smooth filter: interpolation is near.
    assert rows["translated_psnr"]["bicubic"] > 20


def test_unpaired_pictures_have_distances_alone_unless_they_are_pairs(tmp_path, judge):
    x, y = pictures(30), pictures(30, seed=1)
    arrays = {"train_a": x, "train_b": y, "test_a": x[:20], "test_b": y[:20]}
    source = save(tmp_path, **arrays)
    model = keras_gen.CycleGAN(
        image_shape=SHAPE, filters=(4,), blocks=1, critic_filters=4, receptive_field=16
    )
    data = {"fields": ["a"], "unpaired": {"fields": ["b"]}}
    _, rows = measured(model, source, judge, data=data)
    assert set(rows) == {"frechet_distance", "kernel_distance"}
    measuring, rows = measured(model, source, judge, data=data, pairs=True)
    assert set(rows) == set(translation.FIGURES)
    gains = [
        rows[name]["model"] for name in ("perceptual_gain", "back_perceptual_gain")
    ]
    distances = rows["perceptual_distance"]
    assert gains[0] == pytest.approx(distances["noisy"] - distances["model"], abs=1e-6)
    back = [model.translate(y[:20], reverse=True), y[:20]]
    made, before = (
        metrics.perceptual_distance(x[:20], z, measuring.extractor).mean() for z in back
    )
    assert gains[1] == pytest.approx(before - made, abs=1e-6)
    assert set(rows["translated_l1"]) == {"model", "noisy", "neighbour"}
    apart = np.square(x[:20, None] / 255.0 - y[None] / 255.0).sum(axis=(2, 3, 4))
    nearest = y[apart.argmin(axis=1)] / 255.0
    assert rows["translated_l1"]["neighbour"] == pytest.approx(
        np.abs(nearest - y[:20] / 255.0).mean(), rel=1e-4
    )
    # Both ways the picture before is as far from the true one.
    there, back = (rows[f"{way}feature_distance"] for way in ("", "back_"))
    assert there["noisy"] == back["noisy"]
    made = model.translate(y[:20], reverse=True)
    seen, real = (metrics.features(z, measuring.extractor) for z in (made, x[:20]))
    expected = np.linalg.norm(seen - real, axis=1).mean()
    assert back["model"] == pytest.approx(expected, rel=1e-4)


def test_an_entry_of_pairs_is_trained_published_and_checked(tmp_path, judge):
    x, y = pictures(30), 255 - pictures(30)
    arrays = {"train_a": x, "train_b": y, "test_a": x[:20], "test_b": y[:20]}
    source = save(tmp_path, **arrays)
    config = "image_shape = [16, 16, 3]\nfilters = [4, 4]\nreceptive_field = 16"
    recipe = tiny.recipe(
        tmp_path / "tiny",
        source,
        data='fields = ["a", "b"]',
        model=f'class_name = "Pix2Pix"\n[model.config]\n{config}\ncritic_filters = 4',
        evaluate=f'extractor = "{judge}"\nheadline = "translated_psnr"',
    )
    training.train(recipe, runs=tmp_path / "runs", strategy="one", verbose=0)
    entry = tmp_path / "zoo" / "tiny"
    training.publish(tmp_path / "runs" / "tiny", recipe, zoo=tmp_path / "zoo")
    golden = np.load(entry / "golden.npz")
    again = keras_gen.from_preset(entry)
    made = again.translate(golden["serving_default/images"])
    np.testing.assert_allclose(made, golden["serving_default/outputs"], atol=1e-5)
    card = (entry / "README.md").read_text()
    assert "nearest pair" in card
    assert "the true ones" in card
    sheet = np.asarray(Image.open(entry / "samples.png"))
    assert sheet.shape[:2] == (3 * 18 + 2, 8 * 18 + 2)


@pytest.mark.parametrize("pairs", [False, True])
def test_a_sheet_shows_the_true_pictures_of_pairs_alone(tmp_path, pairs):
    x = pictures(12)
    source = save(tmp_path, train_a=x, train_b=x, test_a=x, test_b=255 - x)
    recipe = tiny.recipe(
        tmp_path / "tiny",
        source,
        data='fields = ["a"]\nunpaired = { fields = ["b"] }',
        evaluate=f"pairs = {str(pairs).lower()}",
    )
    inputs, truth = recipe.held_out_pairs(8)
    assert len(inputs) == 8
    assert (np.asarray(inputs) != x[:8]).any()  # in an order of their own
    if pairs:
        np.testing.assert_array_equal(truth, 255 - np.asarray(inputs))
    else:
        assert truth is None


def test_a_table_of_unpaired_pictures_opens_both(tmp_path):
    x, y = pictures(12), pictures(8, seed=1)
    source = save(tmp_path, train_a=x, train_b=y[:6], test_a=x[:4], test_b=y[6:])
    first = {"source": source, "batch_size": 2, "fields": ["a"], "image_size": [8, 8]}
    table = {**first, "unpaired": {"fields": ["b"]}}
    made = sides.pipeline(table, "train", batch_size=2)
    assert len(made) == 6
    assert made.element_spec == (((8, 8, 3), "uint8"), ((8, 8, 3), "uint8"))
    held_out = sides.load(table, "validation")
    assert [len(part) for part in held_out] == [4, 2]
