"""From a run to an entry of a zoo: files, figures, golden outputs and the card."""

import json

import numpy as np
import pytest

import keras_gen
from keras_gen import cards, presets, training

TABLES = {
    "model": {
        "class_name": "VAE",
        "config": {
            "image_shape": [8, 8, 1],
            "latent_dim": 3,
            "filters": [4],
            "hidden": 8,
            "likelihood": {"class_name": "DiscretizedLogistic"},
        },
    },
    "data": {"batch_size": 20},
    "fit": {"epochs": 2},
    "quick": {"fit": {"epochs": 1}},
    "evaluate": {"samples": 60},
    "source": {"title": "A title", "authors": "Ho", "year": 2020, "url": "u"},
    "card": {"summary": "Eight by eight.", "limits": "Tiny."},
}


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("publish")
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (150, 8, 8, 1), dtype=np.uint8)
    np.savez(folder / "data.npz", train_images=images[:100], test_images=images[100:])
    tables = json.loads(json.dumps(TABLES))
    tables["data"]["source"] = str(folder / "data.npz")
    recipe = training.Recipe("tiny_vae", tables)
    training.train(recipe, runs=folder / "runs", strategy="one", verbose=0)
    run = folder / "runs" / "tiny_vae"
    training.publish(run, recipe, zoo=folder / "zoo")
    return recipe, run, folder / "zoo" / "tiny_vae"


def test_an_entry_is_complete(published):
    _, _, entry = published
    assert {path.name for path in entry.iterdir()} == {
        *("config.json", "model.weights.h5", "metadata.json", "metrics.json"),
        *("golden.npz", "README.md", "samples.png", "curves.json"),
    }


def test_metadata_tells_how_the_weights_came_about(published):
    _, _, entry = published
    metadata = presets.info(entry)["metadata"]
    assert metadata["steps"] == 10
    assert metadata["parameters"].keys() == {"encoder", "decoder"}
    assert metadata["weights"]["sha256"] == presets.file_hash(
        entry / "model.weights.h5"
    )
    assert {"licence", "commit", "hardware", "minutes", "versions"} <= set(metadata)
    assert metadata["precision"] == "float32"


def test_figures_are_of_the_published_file_and_repeat(published):
    recipe, _, entry = published
    metrics = presets.info(entry)["metrics"]
    assert metrics["protocol"]["samples"] == 60
    assert metrics["protocol"]["references"] == 50
    assert metrics["protocol"]["weights"] == presets.file_hash(
        entry / "model.weights.h5"
    )
    losses = metrics["losses"]
    assert losses["loss"] == pytest.approx(
        losses["reconstruction"] + losses["kl"], rel=1e-5
    )
    again = training.evaluate(entry, recipe)
    for part in ("losses", "figures", "protocol"):
        assert again[part] == metrics[part]
    bits = metrics["figures"]["bits_per_dim"]["model"]["value"]
    nats = metrics["figures"]["log_likelihood"]["model"]["value"]
    assert bits == pytest.approx(-nats / 64 / np.log(2), rel=1e-4)


def test_golden_outputs_are_reproduced(published):
    _, _, entry = published
    model = keras_gen.from_preset(entry)
    kept = np.load(entry / "golden.npz")
    again = training.golden(model)
    assert set(kept) == set(again)
    for name in kept:
        np.testing.assert_allclose(kept[name], again[name], atol=1e-5, err_msg=name)


def test_the_card_says_what_was_measured(published):
    recipe, _, entry = published
    text = (entry / "README.md").read_text()
    metrics = presets.info(entry)["metrics"]
    assert f"loss {metrics['losses']['loss']:.5g}" in text
    assert cards.interval(metrics["figures"]["frechet_distance"]["model"]) in text
    assert "64 samples, seed 0" in text
    assert "Eight by eight." in text
    assert cards.card(entry, recipe) == text


def test_a_quick_run_is_not_published(published, tmp_path):
    recipe, run, _ = published
    with pytest.raises(ValueError, match="Received: a quick or different run"):
        training.publish(run, recipe.quick(), zoo=tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="Expected the folder of a run"):
        training.publish(tmp_path / "empty", recipe, zoo=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_generated_files_of_the_checkout_are_up_to_date(capsys):
    assert cards.main(["--check"]) == 0, capsys.readouterr().out
