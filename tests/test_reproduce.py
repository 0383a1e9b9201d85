"""Reproduction: what a new training must give, and whether one does."""

import json
import shutil
import types

import numpy as np
import pytest
import scipy.stats
import tiny

import keras_gen
from keras_gen import callbacks, cards, cli, presets, training
from keras_gen.training.curves import read_curves
from keras_gen.training.reproduce import STUDENT, intervals

# An entry is trained and published for these, and trained anew.
trains = pytest.mark.slow

RECIPE = """
[model]
class_name = "VAE"
config = { image_shape = [12, 12, 1], latent_dim = 3, filters = [4], hidden = 16 }
[data]
source = SOURCE
batch_size = 20
[compile]
seed = 7
[compile.optimizer]
class_name = "Adam"
learning_rate = 0.02
[fit]
epochs = 3
steps_per_epoch = 15
samples_every = 3
[quick.fit]
epochs = 2
[evaluate]
samples = 40
headline = "mse"
extractor = JUDGE
[source]
title = "A title"
authors = "Ho"
year = 2020
url = "https://example.org"
[card]
summary = "Squares."
"""


def squares(n, seed):
    """Uint8 images (n, 12, 12, 1) of one bright square in noise, learned at once."""
    images = np.random.default_rng(seed).integers(0, 40, (n, 12, 12, 1))
    images[:, 3:9, 2:8] += 180
    return images.astype("uint8")


@pytest.fixture(scope="module")
def entry(tmp_path_factory):
    """A tiny published entry, its short runs measured."""
    folder = tmp_path_factory.mktemp("reproduce")
    source = folder / "data.npz"
    np.savez(source, train_images=squares(120, 0), test_images=squares(40, 1))
    tiny.judge().save_to_preset(folder / "judge")
    text = RECIPE.replace("SOURCE", json.dumps(str(source)))
    text = text.replace("JUDGE", json.dumps(str(folder / "judge")))
    entry = folder / "zoo" / "tiny_vae"
    entry.mkdir(parents=True)
    (entry / "recipe.toml").write_text(text)
    recipe = training.load_recipe(entry)
    training.train(recipe, runs=folder / "runs", verbose=0, export=False)
    training.publish(folder / "runs" / "tiny_vae", recipe, zoo=folder / "zoo")
    return entry


@pytest.fixture(scope="module")
def runs(entry):
    """A folder of run folders, in which a short run of the entry has ended."""
    folder = entry.parent.parent / "reproduced"
    training.reproduce(entry, quick=True, runs=folder, verbose=0)
    return folder


def copied(entry, folder):
    """A copy of an entry under its own name."""
    return shutil.copytree(entry, folder / "zoo" / entry.name)


def stated(entry):
    return presets.info(entry)["metrics"]["reproduce"]


def test_student_s_quantile():
    assert pytest.approx(scipy.stats.t.ppf(0.995, df=4), abs=5e-4) == STUDENT


def test_intervals_by_hand():
    # Five values of mean 14 and of variance 40 / 4.
    values = [10.0, 12.0, 14.0, 16.0, 18.0]
    published = {"value": 20.0, "low": 19.0, "high": 22.0}
    found = intervals("frechet_distance", published, values)
    reach = 4.604 * 10**0.5 * 1.2**0.5
    assert found["quick"]["low"] == pytest.approx(14 - reach, rel=1e-5)
    assert found["quick"]["high"] == pytest.approx(14 + reach, rel=1e-5)
    assert found["quick"]["values"] == values
    # Twice the relative deviation: 2 * 3.16228 / 14 * 20 = 9.03508.
    assert found["full"]["low"] == pytest.approx(20 - (1 + 9.03508**2) ** 0.5, rel=1e-5)
    assert found["full"]["high"] == pytest.approx(20 + (4 + 9.03508**2) ** 0.5)
    for which in ("full", "quick"):
        assert found[which]["figure"] == "frechet_distance"
        assert found[which]["how"]


def test_intervals_of_figures_below_zero():
    published = {"value": -100.0, "low": -103.0, "high": -98.0}
    values = [-110.0, -112.0, -108.0, -111.0, -109.0]
    found = intervals("elbo", published, values)
    deviation = 2.5**0.5
    spread = 2 * deviation / 110 * 100
    assert found["full"]["low"] == pytest.approx(-100 - np.hypot(3, spread), rel=1e-5)
    assert found["full"]["high"] == pytest.approx(-100 + np.hypot(2, spread), rel=1e-5)
    assert found["quick"]["low"] < -112 < -108 < found["quick"]["high"]


def test_short_runs_that_agree_leave_the_figure_s_own_interval():
    published = {"value": 3.0, "low": 2.0, "high": 5.0}
    found = intervals("mse", published, [4.0] * 5)
    assert [found["full"]["low"], found["full"]["high"]] == [2.0, 5.0]
    assert [found["quick"]["low"], found["quick"]["high"]] == [4.0, 4.0]


def test_short_runs_whose_figure_is_zero():
    published = {"value": 0.2, "low": 0.1, "high": 0.4}
    found = intervals("recall", published, [0.0] * 5)
    assert found["full"]["low"] <= 0.1
    assert found["full"]["high"] >= 0.4


@trains
def test_a_published_entry_says_what_a_new_training_must_give(entry):
    measured = presets.info(entry)["metrics"]
    assert measured["seal"] == cards.seal(measured)
    assert measured["headline"] == "mse"
    figure = measured["figures"]["mse"]["model"]
    full, quick = measured["reproduce"]["full"], measured["reproduce"]["quick"]
    assert full["low"] < figure["low"] <= figure["value"] <= figure["high"]
    assert figure["high"] < full["high"]
    assert len(set(quick["values"])) == 5
    assert quick["low"] < min(quick["values"]) < max(quick["values"]) < quick["high"]
    expected = intervals("mse", figure, quick["values"])
    for which in ("full", "quick"):
        for end in ("low", "high"):
            value = measured["reproduce"][which][end]
            assert value == pytest.approx(expected[which][end], rel=1e-3)


@trains
def test_a_card_says_what_a_new_training_must_give(entry):
    text = (entry / "README.md").read_text()
    assert "`keras-gen reproduce tiny_vae`" in text
    for ends in stated(entry).values():
        assert f"{ends['low']:.4g} to {ends['high']:.4g}" in text
    assert cards.card(entry, training.load_recipe(entry)) == text


@trains
def test_an_entry_keeps_its_curves(entry):
    curves = json.loads((entry / "curves.json").read_text())
    assert {"loss", "kl", "val_loss"} <= set(curves)
    assert curves["loss"]["steps"] == [15, 30, 45]
    assert curves["loss"]["values"][2] < curves["loss"]["values"][0]


@trains
def test_a_short_run_holds(entry, runs, capsys):
    # The run has ended: the command measures it and trains no other.
    command = ["reproduce", str(entry), "--quick", "--runs", str(runs)]
    assert cli.main(command) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith(": holds")
    ended = json.loads((runs / "quick" / "tiny_vae" / "result.json").read_text())
    assert ended["steps"] == 30
    found = training.reproduce(entry, quick=True, runs=runs, verbose=0)
    quick = stated(entry)["quick"]
    assert list(found) == ["figure", "value", "low", "high", "holds"]
    assert found["figure"] == "mse"
    assert found["holds"] is True
    assert [found["low"], found["high"]] == [quick["low"], quick["high"]]
    assert quick["low"] < found["value"] < quick["high"]


@trains
def test_a_full_run_is_measured_as_the_entry_was(entry, runs):
    ended = entry.parent.parent / "runs" / "tiny_vae"
    shutil.copytree(ended, runs / "full" / "tiny_vae")
    found = training.reproduce(entry, runs=runs, verbose=0)
    published = presets.info(entry)["metrics"]["figures"]["mse"]["model"]["value"]
    assert found["value"] == published
    full = stated(entry)["full"]
    assert [found["low"], found["high"]] == [full["low"], full["high"]]
    assert found["holds"] is True


@trains
def test_a_broken_training_does_not_hold(entry, tmp_path, capsys):
    broken = copied(entry, tmp_path)
    text = (broken / "recipe.toml").read_text()
    assert "learning_rate = 0.02" in text
    text = text.replace("learning_rate = 0.02", "learning_rate = 0.0")
    (broken / "recipe.toml").write_text(text)
    runs = ["--runs", str(tmp_path / "runs")]
    assert cli.main(["reproduce", str(broken), "--quick", *runs]) == 1
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("mse ")
    assert last.endswith(": does not hold")
    found = training.reproduce(broken, quick=True, runs=tmp_path / "runs", verbose=0)
    assert found["holds"] is False
    # Far outside, not by chance.
    assert found["value"] > 2 * stated(entry)["quick"]["high"]


@trains
def test_the_stated_figure_is_measured_whatever_the_recipe_now_says(
    entry, runs, tmp_path
):
    other = copied(entry, tmp_path)
    text = (other / "recipe.toml").read_text()
    text = text.replace('headline = "mse"', 'headline = "psnr"')
    (other / "recipe.toml").write_text(text)
    measured = json.loads((other / "metrics.json").read_text())
    measured["reproduce"]["quick"] |= {"low": -1e9, "high": 1e9}
    (other / "metrics.json").write_text(json.dumps(measured))
    found = training.reproduce(other, quick=True, runs=runs, verbose=0)
    assert found["figure"] == "mse"
    assert found["holds"] is True


@trains
def test_a_run_of_another_recipe_is_not_taken_for_one(entry, runs, tmp_path):
    other = copied(entry, tmp_path)
    text = (other / "recipe.toml").read_text()
    (other / "recipe.toml").write_text(text.replace("seed = 7", "seed = 8"))
    with pytest.raises(ValueError, match="Received: a run of another one"):
        training.reproduce(other, quick=True, runs=runs, verbose=0)


@trains
def test_an_entry_without_an_interval_is_refused(entry, tmp_path, capsys):
    bare = copied(entry, tmp_path)
    measured = json.loads((bare / "metrics.json").read_text())
    del measured["reproduce"]
    (bare / "metrics.json").write_text(json.dumps(measured))
    runs = tmp_path / "runs"
    for quick in (True, False):
        with pytest.raises(ValueError, match="Expected an entry whose metrics.json"):
            training.reproduce(bare, quick=quick, runs=runs)
    (bare / "metrics.json").unlink()
    assert cli.main(["reproduce", str(bare), "--quick", "--runs", str(runs)]) == 2
    assert "Expected an entry whose metrics.json" in capsys.readouterr().err
    assert cli.main(["reproduce", "no_such"]) == 2
    assert not runs.exists()


@trains
def test_a_recipe_without_a_short_run_states_nothing(entry, tmp_path):
    other = copied(entry, tmp_path)
    tables = dict(training.load_recipe(other).tables)
    del tables["quick"]
    measured = training.publish_figures(other, training.Recipe("tiny_vae", tables))
    assert "reproduce" not in measured
    assert "keras-gen reproduce" not in (other / "README.md").read_text()
    assert presets.info(other)["metrics"] == measured


class Steps:
    """A model as far as `TensorBoardLogs` looks at it."""

    def __init__(self):
        self.step = 0
        iterations = types.SimpleNamespace(numpy=lambda: self.step)
        self.optimizer = types.SimpleNamespace(iterations=iterations)


def write_logs(folder, steps, value=float, start=0):
    logs, model = callbacks.TensorBoardLogs(folder), Steps()
    logs.set_model(model)
    model.step = start
    logs.on_train_begin()
    for epoch, step in enumerate(steps):
        model.step = step
        logs.on_epoch_end(epoch, {"loss": value(step), "val_loss": np.pi})
    logs.on_train_end()


def test_curves_are_what_was_logged(tmp_path):
    write_logs(tmp_path, range(5, 45, 5))
    curves = read_curves(tmp_path)
    assert set(curves) == {"loss", "val_loss"}
    assert curves["loss"]["steps"] == list(range(5, 45, 5))
    assert curves["loss"]["values"] == list(range(5, 45, 5))
    assert curves["val_loss"]["values"] == [3.14159] * 8


@pytest.mark.parametrize("epochs", [100, 101, 250, 1000])
def test_long_curves_are_thinned_evenly_and_keep_their_end(epochs, tmp_path):
    write_logs(tmp_path, range(1, epochs + 1))
    steps = read_curves(tmp_path)["loss"]["steps"]
    assert 50 <= len(steps) <= 100
    assert steps[-1] == epochs
    assert len(set(np.diff(steps))) == 1
    assert steps[0] <= steps[1] - steps[0]
    assert read_curves(tmp_path)["loss"]["values"] == steps


def test_curves_of_a_run_that_went_on_repeat_no_step(tmp_path):
    write_logs(tmp_path, [10, 20, 30, 40], value=lambda step: 1.0)
    write_logs(tmp_path, [30, 40, 50], value=lambda step: 2.0, start=20)
    curve = read_curves(tmp_path)["loss"]
    assert curve["steps"] == [10, 20, 30, 40, 50]
    assert curve["values"] == [1, 1, 2, 2, 2]


def test_a_preset_alone_is_no_entry_to_reproduce(tmp_path):
    keras_gen.presets.save(tiny.vae(), tmp_path / "bare")
    with pytest.raises(ValueError, match="Expected a recipe's name"):
        training.reproduce(tmp_path / "bare", quick=True, runs=tmp_path / "runs")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["classifier", "ddpm", "vae", "wgan_gp"])
def test_short_runs_of_the_zoo_hold(kind, tmp_path):
    found = training.reproduce(f"{kind}_fashion_mnist", quick=True, runs=tmp_path)
    assert found["holds"], found
