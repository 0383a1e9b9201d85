"""The command `keras-gen`, in this process, on a tiny preset."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

import keras_gen
from keras_gen import cli

COMMANDS = ("list", "info", "sample", "train", "evaluate", "reproduce")
COMMANDS += ("gallery", "export")


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """The folder of a tiny VAE's preset."""
    folder = tmp_path_factory.mktemp("cli") / "tiny"
    model = keras_gen.VAE(
        image_shape=(8, 8, 1), latent_dim=2, filters=(4,), hidden=8, name="tiny"
    )
    model.save_to_preset(folder)
    return str(folder)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main([command, "--help"])
    assert ended.value.code == 0
    assert f"keras-gen {command}" in capsys.readouterr().out


def test_help_names_the_commands(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    assert ended.value.code == 0
    output = capsys.readouterr().out
    words = {line.split()[0] for line in output.splitlines() if line.startswith("    ")}
    assert set(COMMANDS) <= words


def test_list(capsys):
    assert cli.main(["list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == keras_gen.list_presets()
    assert cli.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:4] == ["name", "class", "parameters", "size"]
    assert [line.split()[0] for line in lines[1:]] == keras_gen.list_presets()
    assert cli.main(["list", "no_such_*"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_info(preset, capsys):
    assert cli.main(["info", preset]) == 0
    assert json.loads(capsys.readouterr().out) == keras_gen.info(preset)


def test_sample(preset, tmp_path, capsys):
    path = tmp_path / "grid.png"
    command = ["sample", preset, "-n", "6", "--seed", "3", "-o", str(path)]
    assert cli.main([*command, "--columns", "3", "--scale", "1", "--npy"]) == 0
    assert capsys.readouterr().out.split() == [str(path), str(tmp_path / "grid.npy")]
    picture = np.asarray(Image.open(path))
    assert picture.shape == (2 * 10 + 2, 3 * 10 + 2)  # a margin of two around each
    images = np.load(tmp_path / "grid.npy")
    expected = keras_gen.from_preset(preset).generate(6, seed=3)
    np.testing.assert_array_equal(images, expected)
    first = np.round(images[0, :, :, 0] * 255).astype("uint8")
    np.testing.assert_array_equal(picture[2:10, 2:10], first)


def test_export(preset, tmp_path, capsys):
    folder = tmp_path / "serving"
    assert cli.main(["export", preset, str(folder)]) == 0
    assert capsys.readouterr().out.strip() == str(folder)
    assert (folder / "saved_model.pb").is_file()


def test_evaluate(preset, tmp_path, capsys):
    images = np.random.default_rng(0).integers(0, 256, (90, 8, 8, 1), "u1")
    np.savez(tmp_path / "data.npz", train_images=images[:40], test_images=images[40:])
    folder = tmp_path / "tiny"
    shutil.copytree(preset, folder)
    (folder / "recipe.toml").write_text(
        "[model]\nclass_name = 'VAE'\n"
        f"[data]\nsource = '{tmp_path}/data.npz'\nbatch_size = 4\n"
        "[fit]\nepochs = 5\n"
    )
    command = ["evaluate", str(folder), "--samples", "50", "--seed", "3"]
    assert cli.main([*command, "--json"]) == 0
    measured = json.loads(capsys.readouterr().out)
    losses = measured["losses"]
    assert losses["loss"] == pytest.approx(losses["kl"] + losses["reconstruction"])
    assert measured["protocol"]["samples"] == 50
    assert measured["protocol"]["seed"] == 3
    assert cli.main(command) == 0
    head, *lines, _, words = capsys.readouterr().out.splitlines()
    assert head.split("  ")[0] == "figure"
    shown = {line.partition("  ")[0]: line.split()[-1] for line in lines}
    assert {k: v for k, v in shown.items() if k in losses} == {
        name: f"{value:.6g}" for name, value in losses.items()
    }
    distance = measured["figures"]["frechet_distance"]["model"]
    (line,) = (line for line in lines if line.startswith("Frechet distance"))
    assert f"{distance['value']:.4g} [{distance['low']:.4g}, " in line
    assert "50 samples (seed 3) against 50 pictures" in words


def test_gallery(preset, tmp_path, capsys):
    assert cli.main(["gallery", str(tmp_path / "page"), preset]) == 0
    path = tmp_path / "page" / "index.html"
    assert capsys.readouterr().out.strip() == str(path)
    assert "<html" in path.read_text()


def test_train(tmp_path, capsys):
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1), "u1")
    np.savez(tmp_path / "data.npz", images=images)
    recipe = tmp_path / "tiny_vae" / "recipe.toml"
    recipe.parent.mkdir()
    recipe.write_text(
        "[model]\nclass_name = 'VAE'\n"
        "config = { image_shape = [8, 8, 1], latent_dim = 2, filters = [4] }\n"
        f"[data]\nsource = '{tmp_path}/data.npz'\nbatch_size = 4\n"
        "[fit]\nepochs = 5\n[quick.fit]\nepochs = 1\n"
    )
    runs = tmp_path / "runs"
    assert cli.main(["train", str(recipe), "--quick", "--runs", str(runs)]) == 0
    last = capsys.readouterr().out.splitlines()[-1].split()
    assert last[:2] == ["tiny_vae", "9"]
    assert last[-1] == str(runs / "quick" / "tiny_vae")
    assert not (runs / "tiny_vae").exists()


BAD = {
    "no command": ([], "required"),
    "unknown command": (["paint"], "invalid choice"),
    "unknown preset": (["info", "no_such"], "Expected the name of a preset"),
    "unknown preset to sample": (["sample", "no_such"], "Expected the name"),
    "no samples": (["sample", "PRESET", "-n", "0"], "Expected n above 0"),
    "not a number": (["sample", "PRESET", "-n", "many"], "invalid int"),
    "negative seed": (["sample", "PRESET", "--seed", "-1"], "Expected an int in"),
    "no columns": (["sample", "PRESET", "--columns", "0"], "columns above 0"),
    "no PNG": (["sample", "PRESET", "-o", "grid.jpg"], "ending in .png"),
    "no folder": (["sample", "PRESET", "-o", "TMP/a/b.png"], "folder that exists"),
    "unknown recipe": (["train", "no_such"], "Expected names of recipes"),
    "absent data": (["train", "vae_cifar10"], "Expected the data of a recipe"),
    "unknown to evaluate": (["evaluate", "no_such"], "Expected the name of a preset"),
    "nothing to evaluate with": (["evaluate", "PRESET"], "Expected a recipe's name"),
    "too few samples": (["evaluate", "PRESET", "--samples", "1"], "at least 10"),
    "another protocol to publish": (
        ["evaluate", "PRESET", "--publish", "--samples", "50"],
        "Expected --publish alone",
    ),
    "unknown to reproduce": (["reproduce", "no_such"], "Expected the name of a preset"),
    "nothing to reproduce": (["reproduce", "PRESET"], "Expected a recipe's name"),
    "unknown to show": (["gallery", "TMP/x", "no_such"], "Expected the name"),
    "unknown to export": (["export", "no_such", "TMP/x"], "Expected the name"),
    "folder in use": (["export", "PRESET", "TMP"], "which holds other files"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_status_2(
    case, preset, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("KERAS_GEN_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.txt").write_text("mine")
    argv, expected = BAD[case]
    argv = [arg.replace("PRESET", preset).replace("TMP", str(tmp_path)) for arg in argv]
    try:
        status = cli.main(argv)
    except SystemExit as ended:
        status = ended.code
    assert status == 2
    output, errors = capsys.readouterr()
    errors = [line for line in errors.splitlines() if line.startswith("keras-gen")]
    assert len(errors) == 1
    assert errors[0].startswith("keras-gen: error: ")
    assert expected in errors[0]
    assert "Traceback" not in output
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
