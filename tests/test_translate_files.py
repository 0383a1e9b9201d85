"""Translated picture files, from Python and from a shell."""

import numpy as np
import pytest
from PIL import Image

import keras_gen
from keras_gen import applications, cli
from keras_gen.data import images as decoding


@pytest.fixture(scope="module")
def model():
    return keras_gen.Pix2Pix(
        image_shape=(8, 8, 3), filters=(4, 4), receptive_field=1, critic_filters=4
    )


@pytest.fixture(scope="module")
def preset(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("preset") / "tiny"
    model.save_to_preset(folder)
    return folder


def write(path, height=10, width=14, mode="RGB", seed=0, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    channels = len(mode)
    shape = (height, width) if channels == 1 else (height, width, channels)
    values = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    Image.fromarray(values, mode).save(path, **options)
    return values


def test_a_folders_files_keep_names_places_and_sizes(model, tmp_path):
    source, target = tmp_path / "in", tmp_path / "out"
    first = write(source / "a.png")
    write(source / "deep" / "b.jpg", 9, 5)
    (source / "notes.txt").write_text("no picture")
    made = applications.translate_files(model, source, target)
    assert made == [target / "a.png", target / "deep" / "b.jpg"]
    assert sorted(p.name for p in target.rglob("*") if p.is_file()) == [
        "a.png",
        "b.jpg",
    ]
    expected = np.round(model.translate(first[None])[0] * 255)
    np.testing.assert_allclose(np.asarray(Image.open(made[0])), expected, atol=1)
    assert Image.open(made[1]).size == (5, 9)


def test_transparency_stays(model, tmp_path):
    values = write(tmp_path / "a.png", mode="RGBA")
    applications.translate_files(model, tmp_path / "a.png", tmp_path / "b.png")
    found = np.asarray(Image.open(tmp_path / "b.png"))
    np.testing.assert_array_equal(found[..., 3], values[..., 3])
    on_white = decoding.decode(tmp_path / "a.png")
    expected = np.round(model.translate(on_white[None])[0] * 255)
    np.testing.assert_allclose(found[..., :3], expected, atol=1)
    assert decoding.transparency(tmp_path / "a.png").shape == (10, 14)
    applications.translate_files(model, tmp_path / "a.png", tmp_path / "b.jpg")
    assert Image.open(tmp_path / "b.jpg").mode == "RGB"


def test_transparency_grows_with_the_picture(tmp_path):
    model = keras_gen.SRResNet(image_shape=(8, 8, 3), scale=2, filters=4, blocks=1)
    write(tmp_path / "a.png", 6, 5, "RGBA")
    applications.translate_files(model, tmp_path / "a.png", tmp_path / "b.png")
    made = Image.open(tmp_path / "b.png")
    assert made.size == (10, 12)
    assert made.mode == "RGBA"


def test_progress_is_shown_where_it_is_wanted(model, tmp_path, capsys):
    for name in ("a.png", "b.png"):
        write(tmp_path / "in" / name)
    for verbose, shown in ((False, False), (True, True)):
        applications.translate_files(
            model, tmp_path / "in", tmp_path / "out", verbose=verbose
        )
        assert ("2/2" in capsys.readouterr().out) == shown


def test_nothing_is_left_half_done(model, tmp_path, monkeypatch):
    source, target = tmp_path / "in", tmp_path / "out"
    write(source / "a.png")
    (source / "b.png").write_bytes(b"no picture")
    target.mkdir()
    (target / "b.png").write_bytes(b"what was there")
    with pytest.raises(ValueError, match=r"readable image file. Received: .*b.png"):
        applications.translate_files(model, source, target)
    assert (target / "b.png").read_bytes() == b"what was there"

    def broken(self, file, **options):
        file.write(b"half of it")
        raise OSError("no space left")

    monkeypatch.setattr(Image.Image, "save", broken)
    with pytest.raises(OSError, match="no space"):
        applications.translate_files(model, source / "a.png", target / "c.png")
    assert {path.name for path in target.iterdir()} == {"a.png", "b.png"}


@pytest.mark.parametrize(
    ("source", "target", "options", "error"),
    [
        ("absent", "out", {}, "a picture file or a folder"),
        ("a.png", "a.png", {}, "two different places"),
        ("a.png", ".", {}, "two different places"),
        ("a.png", "absent/b.png", {}, "a folder that exists"),
        ("a.png", "b.doc", {}, "a name ending in .png"),
        ("empty", "out", {}, "Expected picture files"),
        ("a.png", "b.png", {"reverse": True}, "whose translate takes"),
    ],
)
def test_clear_errors(model, tmp_path, source, target, options, error):
    write(tmp_path / "a.png")
    (tmp_path / "empty").mkdir()
    places = tmp_path / source, tmp_path / target
    with pytest.raises((ValueError, FileNotFoundError), match=f"{error}.*Received: "):
        applications.translate_files(model, *places, **options)
    with pytest.raises(ValueError, match="whose translate takes.*Received: GAN"):
        applications.translate_files(keras_gen.GAN(), *places, tile=8)


def test_the_command_translates(preset, tmp_path, capsys):
    write(tmp_path / "in" / "a.png", 20, 33)
    argv = ["translate", str(preset), str(tmp_path / "in"), str(tmp_path / "out")]
    assert cli.main([*argv, "--tile", "16", "--overlap", "4"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "out" / "a.png")
    assert Image.open(tmp_path / "out" / "a.png").size == (33, 20)
    assert cli.main([*argv, "--reverse"]) == 2
    assert "keras-gen: error: Expected a model whose" in capsys.readouterr().err
    assert cli.main([*argv, "--tile", "7"]) == 2


def test_the_way_back_takes_the_channels_of_the_other_kind(tmp_path):
    model = keras_gen.CycleGAN(
        image_shape=(16, 16, 3),
        outputs=1,
        identity_weight=0.0,
        filters=(4, 4),
        blocks=1,
        receptive_field=1,
        critic_filters=4,
    )
    write(tmp_path / "a.png", 6, 4, "L")
    made = applications.translate_files(
        model, tmp_path / "a.png", tmp_path / "b.png", reverse=True
    )
    assert Image.open(made[0]).mode == "RGB"


def test_colours_keep_the_lightness(tmp_path):
    model = keras_gen.Pix2Pix(
        image_shape=(8, 8, 3),
        filters=(4, 4),
        receptive_field=1,
        critic_filters=4,
        corruption=keras_gen.layers.Greyscale(),
    )
    grey = np.random.default_rng(0).random((2, 9, 6, 1)).astype("float32")
    made = model.colorize(grey)
    assert made.shape == (2, 9, 6, 3)
    np.testing.assert_allclose(made @ [0.299, 0.587, 0.114], grey[..., 0], atol=1e-5)
    np.testing.assert_allclose(made, model.colorize(grey.repeat(3, axis=-1)), atol=1e-6)
    write(tmp_path / "a.png", 9, 6)
    applications.translate_files(model, tmp_path / "a.png", tmp_path / "b.png")
    colours, made = (np.asarray(Image.open(tmp_path / f"{n}.png")) for n in "ab")
    weights = [0.299, 0.587, 0.114]
    np.testing.assert_allclose(made @ weights, colours @ weights, atol=1)
    with pytest.raises(ValueError, match=r"trained with layers.Greyscale. Received"):
        keras_gen.SRResNet(image_shape=(8, 8, 3), filters=4, blocks=1).colorize(grey)
