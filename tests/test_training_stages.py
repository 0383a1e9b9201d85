"""Runs of recipes whose training has stages."""

import json
import signal

import pytest
from tiny_runs import end, scalars, start, wait_for_epochs, write_recipe

import keras_gen
from keras_gen import training

STACKED = """
[model]
class_name = "StackedAutoencoder"
[model.config]
image_shape = [8, 8, 1]
hidden = [8]
latent_dim = 4
corruption = { class_name = "MaskingNoise", config = { share = 0.25 } }
"""


def test_recipe_with_stages_goes_through_them(tmp_path):
    extra = "[quick.stages]\nepochs = [1, 1, 1]\n"
    path = write_recipe(tmp_path, "deep", STACKED, epochs=[1, 2, 1], extra=extra)
    recipe = training.load_recipe(path)
    assert (recipe.epochs(), recipe.quick().epochs()) == (4, 3)
    result = training.train(recipe, runs=tmp_path, verbose=0, export=False)
    assert result["steps"] == 24
    assert keras_gen.from_preset(tmp_path / "deep" / "preset").stage == 2
    steps, _ = scalars(tmp_path / "deep")
    assert steps["val_reconstruction"] == [6, 12, 18, 24]


@pytest.mark.parametrize(
    "stages",
    ["[stages]\nepochs = [1, 1]", "[stages]", "[quick.stages]\nepochs = [1]"],
)
def test_epochs_are_given_once(stages, tmp_path):
    path = write_recipe(tmp_path, "twice", extra=stages)
    if stages == "[stages]":
        path.write_text(path.read_text().replace("epochs = 2", ""))
    with pytest.raises(ValueError, match=r"Expected `epochs` in \[fit\] or.*Received"):
        training.load_recipe(path)


@pytest.mark.slow
def test_run_killed_within_a_stage_goes_on_bit_for_bit(tmp_path):
    recipe = write_recipe(tmp_path, "deep", STACKED, epochs=[3, 24, 3])
    end(start(recipe, tmp_path / "whole"))
    whole = json.loads((tmp_path / "whole/deep/result.json").read_text())
    run = tmp_path / "killed" / "deep"
    process = start(recipe, run.parent)
    wait_for_epochs(6, run, process)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "the run ended before the kill"
    assert not (run / "result.json").exists()
    end(start(recipe, run.parent))
    resumed = json.loads((run / "result.json").read_text())
    assert resumed["weights_hash"] == whole["weights_hash"]
    assert resumed["validation_loss"] == whole["validation_loss"]
    # No epoch is missing from the logs, and none is there twice.
    losses = [
        scalars(folder)[0]["val_loss"] for folder in (run, tmp_path / "whole/deep")
    ]
    assert losses[0] == losses[1] == list(range(6, 181, 6))
