"""Runs of recipes that begin with the networks of presets."""

import numpy as np
import pytest
from tiny_runs import write_recipe

import keras_gen
from keras_gen import training

MODEL = """
[model]
class_name = "VAE"
config = {{ image_shape = [8, 8, 1], latent_dim = 2, filters = [4], hidden = {width} }}
"""


def begun(tmp_path, name, *, width=8, network="encoder", preset=None):
    """A recipe of two epochs, with `[start]` where there is a preset."""
    extra = f'[start]\n{network} = "{preset}"\n' if preset else ""
    extra += "[compile]\naverages = { encoder = 0.5 }\n"
    model = MODEL.format(width=width)
    return training.load_recipe(write_recipe(tmp_path, name, model, extra=extra))


def weights(network):
    return np.concatenate([w.ravel() for w in network.get_weights()])


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("start")
    training.train(begun(folder, "first"), runs=folder, verbose=0, export=False)
    return folder / "first" / "preset"


def test_a_run_begins_with_the_weights_of_a_preset(tmp_path, preset):
    recipe = begun(tmp_path, "second", preset=preset)
    recipe.tables["compile"]["optimizer"] = {"class_name": "SGD", "learning_rate": 0.0}
    training.train(recipe, runs=tmp_path, verbose=0, export=False)
    model = keras_gen.from_preset(tmp_path / "second" / "preset")
    first = keras_gen.from_preset(preset)
    for found in (model.encoder, model.averaged("encoder")):
        np.testing.assert_allclose(
            weights(found), weights(first.averaged("encoder")), rtol=1e-6
        )
    assert np.abs(weights(model.decoder) - weights(first.decoder)).max() > 1e-3


def test_a_run_that_goes_on_keeps_what_it_has_learnt(tmp_path, preset):
    recipe = begun(tmp_path, "second", preset=preset)
    recipe.tables["fit"]["epochs"] = 3
    whole = training.train(recipe, runs=tmp_path / "a", verbose=0, export=False)
    again = training.train(recipe, runs=tmp_path / "b", verbose=0, export=False)
    assert again["weights_hash"] == whole["weights_hash"]
    (tmp_path / "b" / "second" / "result.json").unlink()
    resumed = training.train(recipe, runs=tmp_path / "b", verbose=0, export=False)
    assert resumed["weights_hash"] == whole["weights_hash"]


def test_what_does_not_fit_is_refused(tmp_path, preset):
    for name, options, message in (
        ("wide", {"width": 9}, "as large as the model's.*Received"),
        ("other", {"network": "critic"}, r"\[start\] the networks.*Received: 'critic'"),
    ):
        recipe = begun(tmp_path, name, preset=preset, **options)
        with pytest.raises(ValueError, match=message):
            training.train(recipe, runs=tmp_path, verbose=0, export=False)
