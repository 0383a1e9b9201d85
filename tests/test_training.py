"""A recipe's run: its folder, resuming, divergence, and the loop over recipes."""

import copy
import functools
import json
import random
import re
import shutil
import signal
import time

import conformance
import h5py
import keras
import numpy as np
import pytest
from PIL import Image
from tiny_runs import ROOT, end, scalars, start, wait_for_epochs, write_recipe

import keras_gen
from keras_gen import training
from keras_gen.training import batch

WGAN_GP = """
[model]
class_name = "WGANGP"
config = { image_shape = [8, 8, 1], latent_dim = 2, filters = [4], critic_updates = 2 }
"""
# Its histories of 50 pictures are full after five steps of ten.
CYCLE_GAN = """
[model]
class_name = "CycleGAN"
[model.config]
image_shape = [8, 8, 1]
filters = [4, 4]
blocks = 1
critic_filters = 4
receptive_field = 1
"""
# In the second epoch of six steps the rate becomes one that no network bears.
BREAKS = """
[compile.optimizer]
class_name = "Adam"
[compile.optimizer.learning_rate]
class_name = "PiecewiseConstantDecay"
boundaries = [8]
values = [1e-3, 1e30]
"""
# The first of the critic's two updates in step 8 breaks the second.
CRITIC_BREAKS = """
[compile.optimizer.generator]
class_name = "Adam"
[compile.optimizer.critic]
class_name = "Adam"
[compile.optimizer.critic.learning_rate]
class_name = "PiecewiseConstantDecay"
boundaries = [6]
values = [1e-3, 1e30]
"""
RESULT = {"entry", "steps", "images_per_second", "minutes", "validation_loss"}
RESULT |= {"precision", "run", "weights_hash"}


def weights(path):
    """All arrays of a checkpoint."""
    arrays = []
    with h5py.File(path) as file:
        file.visititems(
            lambda _, item: (
                arrays.append(item[()]) if isinstance(item, h5py.Dataset) else None
            )
        )
    return arrays


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A recipe that has been trained, its run's folder and its result."""
    folder = tmp_path_factory.mktemp("finished")
    recipe = training.load_recipe(write_recipe(folder, "tiny"))
    result = training.train(recipe, runs=folder / "runs", verbose=0)
    return recipe, folder / "runs" / "tiny", result


def test_run_folder_is_complete(finished):
    recipe, run, result = finished
    assert set(result) == RESULT
    assert result["entry"] == "tiny"
    assert result["steps"] == 12
    assert result["run"] == str(run)
    assert np.isfinite(result["validation_loss"])
    assert json.loads((run / "result.json").read_text()) == result
    as_run = json.loads((run / "recipe.json").read_text())
    assert as_run == {"name": "tiny", **recipe.tables}
    versions = json.loads((run / "versions.json").read_text())
    assert versions["keras-gen"] == keras_gen.__version__
    assert (run / "checkpoint.weights.h5").is_file()
    assert (run / "export" / "saved_model.pb").is_file()
    assert not list(run.glob("unfinished-*"))


def test_logs_are_readable_by_tensorboard(finished):
    _, run, _ = finished
    steps, images = scalars(run)
    assert {"loss", "reconstruction", "kl", "val_loss"} <= set(steps)
    assert set(map(tuple, steps.values())) == {(6, 12)}
    assert images == ["samples"]


def test_samples_are_pictures_of_the_saved_preset(finished):
    _, run, _ = finished
    model = keras_gen.from_preset(run / "preset")
    sheet = keras_gen.pictures.grid(model.generate(64, seed=0), columns=16)
    for name in ("samples.png", "samples/epoch_0002.png"):
        picture = np.asarray(Image.open(run / name))
        expected = sheet[..., 0].repeat(2, axis=0).repeat(2, axis=1)
        assert np.abs(picture.astype(int) - expected).max() <= 1


def test_ended_run_is_not_repeated(finished):
    recipe, run, result = finished
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    assert training.train(recipe, runs=run.parent, verbose=0) == result
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before


def test_another_recipe_is_refused(finished):
    recipe, run, _ = finished
    fit = {**recipe.tables["fit"], "epochs": 3}
    changed = training.Recipe("tiny", {**recipe.tables, "fit": fit})
    with pytest.raises(ValueError, match=r"Expected .* a run of this recipe"):
        training.train(changed, runs=run.parent, verbose=0)


def test_run_killed_while_it_saved_ends_alike(finished, tmp_path):
    recipe, run, result = finished
    copy = shutil.copytree(run, tmp_path / "tiny")
    (copy / "result.json").unlink()
    (copy / "seconds.json").unlink()
    shutil.rmtree(copy / "preset")
    (copy / "preset" / ".preset-half").mkdir(parents=True)
    again = training.train(recipe, runs=tmp_path, verbose=0)
    assert again["weights_hash"] == result["weights_hash"]
    assert again["validation_loss"] == result["validation_loss"]
    assert keras_gen.from_preset(copy / "preset").generate(1, seed=0).shape


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "average", "data"),
    [
        (WGAN_GP, "generator", ""),
        (CYCLE_GAN, "generator_ab", 'unpaired = { split = "train" }'),
    ],
    ids=["WGANGP", "CycleGAN"],
)
def test_run_killed_within_an_epoch_goes_on_bit_for_bit(model, average, data, tmp_path):
    extra = f"[compile]\naverages = {{ {average} = 0.9 }}\n"
    recipe = write_recipe(tmp_path, "tiny", model, epochs=60, data=data, extra=extra)
    end(start(recipe, tmp_path / "whole"))
    whole = json.loads((tmp_path / "whole/tiny/result.json").read_text())

    run = tmp_path / "killed" / "tiny"
    moments = random.Random(2)
    for _ in range(2):
        process = start(recipe, run.parent)
        wait_for_epochs(moments.randint(1, 15), run, process)
        time.sleep(moments.uniform(0, 0.1))
        process.kill()
        assert process.wait() == -signal.SIGKILL, "the run ended before the kill"
        assert not (run / "result.json").exists()
    end(start(recipe, run.parent))
    resumed = json.loads((run / "result.json").read_text())
    assert resumed["weights_hash"] == whole["weights_hash"]
    assert resumed["validation_loss"] == whole["validation_loss"]
    # No epoch is missing from the logs, and none is there twice.
    steps, images = scalars(run)
    assert steps["val_loss"] == scalars(tmp_path / "whole/tiny")[0]["val_loss"]
    assert len(steps["val_loss"]) == 60
    assert images == ["samples"]


def test_divergence_stops_and_keeps_the_last_good_checkpoint(tmp_path):
    recipe = training.load_recipe(write_recipe(tmp_path, "bad", extra=BREAKS))
    pattern = r"\w+ is (nan|inf) at step \d+ \(network: encoder and decoder\)"
    with pytest.raises(training.Diverged, match=pattern):
        training.train(recipe, runs=tmp_path, verbose=0)
    arrays = weights(tmp_path / "bad" / "checkpoint.weights.h5")
    assert len(arrays) > 10
    assert all(np.isfinite(array).all() for array in arrays)
    # The same command goes on from there, to the same end.
    with pytest.raises(training.Diverged, match=pattern):
        training.train(recipe, runs=tmp_path, verbose=0)


@pytest.mark.slow
def test_failure_is_in_the_table_and_the_others_go_on(tmp_path, train_all, capsys):
    bad = write_recipe(tmp_path, "bad", WGAN_GP, extra=CRITIC_BREAKS)
    good = write_recipe(tmp_path, "good")
    absent = write_recipe(tmp_path, "gone")
    (absent.parent / "data.npz").unlink()
    paths = [str(path) for path in (bad, good, absent)]
    assert train_all.main([*paths, "--runs", str(tmp_path / "runs")]) == 1
    table = capsys.readouterr().out.rpartition("\n\n")[2]
    assert re.search(r"^good +12 +[\d,.]+ +[\d.]+ +\S+runs/good$", table, re.M)
    failure = r"^failed: bad: critic_loss is \S+ at step 8 \(network: critic\)$"
    assert re.search(failure, table, re.M), table
    assert re.search(r"^not run: gone: its data is absent", table, re.M)


@pytest.fixture
def train_all(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    import train_all

    return train_all


@pytest.fixture
def nothing_downloaded(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_GEN_DATA", str(tmp_path))


@pytest.mark.usefixtures("nothing_downloaded")
def test_plan_takes_one_recipe_of_every_class():
    jobs = batch.plan(quick=True)
    taken = [job.recipe for job in jobs if not job.skipped]
    classes = [recipe.tables["model"]["class_name"] for recipe in taken]
    assert sorted(classes) == sorted(set(classes))
    assert set(classes) == {job.recipe.tables["model"]["class_name"] for job in jobs}
    assert all("quick" not in recipe.tables for recipe in taken)
    skipped = {job.recipe.name: job.skipped for job in jobs if job.skipped}
    assert skipped["vae_cifar10"] == "its data is absent (cifar10)"


@pytest.mark.usefixtures("nothing_downloaded")
def test_plan_by_pattern():
    jobs = batch.plan(["vae_*", "*_cifar10"])
    names = [job.recipe.name for job in jobs]
    assert {"vae_celeb_a", "vae_fashion_mnist", "ddpm_cifar10"} <= set(names)
    assert names == sorted(set(names))
    with pytest.raises(ValueError, match="Expected names of recipes"):
        batch.plan(["nothing_*"])


@pytest.mark.usefixtures("nothing_downloaded")
def test_list_and_dry_run(tmp_path, train_all, capsys):
    assert train_all.main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(training.list_recipes())
    assert re.search(
        r"^vae_cifar10 +VAE +cifar10 +absent +none$", "\n".join(lines), re.M
    )
    recipe = write_recipe(tmp_path, "tiny")
    command = [str(recipe), "vae_cifar10", "--dry-run", "--runs", str(tmp_path / "r")]
    assert train_all.main(command) == 0
    output = capsys.readouterr().out
    assert "tiny: VAE, parameters: encoder" in output
    assert "2 epochs of 6 steps of 10 images (60 in all, 20 held out)" in output
    assert "not run: vae_cifar10" in output
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize("argv", [["nothing_*"], ["--quick", "--publish"]])
def test_bad_arguments_of_train_all(train_all, argv, capsys):
    with pytest.raises(SystemExit) as ended:
        train_all.main(argv)
    assert ended.value.code == 2
    assert "Expected" in capsys.readouterr().err


# Recipes that ship without weights, on mock data of the true shapes

SHAPES = {"cifar10": (32, 32, 3), "celeb_a": (218, 178, 3), "facades": (256, 512, 3)}
SHAPES["div2k/bicubic_x4"] = (120, 150, 3)  # parts of 96 are cut out of any size
SHAPES["ffhq"] = (64, 64, 3)  # reduced
SHAPES |= {
    f"cycle_gan/{kinds}": (256, 256, 3)
    for kinds in ("horse2zebra", "monet2photo", "summer2winter_yosemite")
}
SPLITS = ("train", "validation", "test", "trainA", "trainB", "testA", "testB")


def source_of(name):
    return training.load_recipe(name).tables["data"]["source"]


DOWNLOADS = [n for n in training.list_recipes() if source_of(n) in SHAPES]
# A kind of source each: pictures, labels, pairs in a folder, two sets, crops.
KINDS = {"dcgan_celeb_a", "conditional_gan_cifar10", "pix2pix_facades"}
KINDS |= {"cyclegan_horse2zebra", "srgan_div2k"}
# Of recipes whose networks are the same, the first; for those of 1024 pixels there is a
# test of their own.
MODELS = [copy.deepcopy(training.load_recipe(n).tables["model"]) for n in DOWNLOADS]
for table in MODELS:
    table["config"].pop("identity_weight", None)
UNLIKE = [n for k, n in enumerate(DOWNLOADS) if MODELS.index(MODELS[k]) == k]
UNLIKE.remove("stylegan2_ffhq")


def mock(source, folder, rows):
    """A source of the true shapes, `rows` a split: a folder of pairs, or an archive."""
    rng = np.random.default_rng(0)
    shape = (rows, *SHAPES[source])
    if source == "facades":
        for split in ("train", "test"):
            (folder / split).mkdir()
            for k, picture in enumerate(rng.integers(0, 256, shape, "u1")):
                Image.fromarray(picture).save(folder / split / f"{k}.png")
        return folder
    field = "hr" if source.startswith("div2k") else "images"
    arrays = {f"{s}_{field}": rng.integers(0, 256, shape, "u1") for s in SPLITS}
    labels = {f"{s}_labels": np.arange(rows) % 10 for s in SPLITS}
    np.savez(folder / "mock.npz", **arrays, **labels)
    return folder / "mock.npz"


def one_step(name, tables, folder, batch_size):
    """Train one step on mock data; how far each network moved."""
    size = min(batch_size, tables["data"]["batch_size"])
    source = mock(tables["data"]["source"], folder, size)
    data = {"source": str(source), "batch_size": size}
    tables = {**tables, "data": {**tables["data"], **data}}
    recipe = training.Recipe(name, tables)
    model = recipe.model()

    def weights(network):
        return [v.numpy() for v in getattr(model, network).trainable_variables]

    before = {n: weights(n) for n in model.networks}
    held_out = recipe.pipeline("validation")
    history = model.fit(
        recipe.pipeline(),
        epochs=1,
        steps_per_epoch=1,
        validation_data=held_out,
        verbose=0,
    )
    for values in history.history.values():
        assert np.isfinite(values).all()
    return {
        n: max(np.abs(new - old).max() for new, old in zip(weights(n), before[n]))
        for n in model.networks
    }


@pytest.fixture
def untrained_vgg19(monkeypatch):
    """VGG19 without its weights, which are a download."""
    vgg19 = functools.partial(keras.applications.VGG19, weights=None)
    monkeypatch.setattr(keras.applications, "VGG19", vgg19)


@pytest.mark.usefixtures("untrained_vgg19")
@conformance.slow_but(KINDS, DOWNLOADS)
def test_short_runs_of_downloads_train_a_step(name, tmp_path):
    recipe = training.load_recipe(name).quick()
    moved = one_step(name, recipe.tables, tmp_path, batch_size=10)
    assert all(0 < distance < 1 for distance in moved.values()), moved


@pytest.mark.slow
def test_a_model_of_1024_pixels_is_built_and_its_smaller_twin_trains(tmp_path):
    recipe = training.load_recipe("stylegan2_ffhq")
    assert recipe.model().generator.built
    tables = copy.deepcopy(recipe.tables)
    config = tables["model"]["config"]
    config["image_shape"], config["filters"] = [256, 256, 3], config["filters"][2:]
    tables["data"]["image_size"] = 256
    moved = one_step(recipe.name, tables, tmp_path, batch_size=2)
    assert all(0 < distance < 1 for distance in moved.values()), moved


@pytest.mark.slow
@pytest.mark.usefixtures("untrained_vgg19")
@pytest.mark.parametrize("name", UNLIKE)
def test_full_runs_of_downloads_train_a_step(name, tmp_path):
    tables = training.load_recipe(name).tables
    rows = 2 if tables["model"]["class_name"] == "StyleGAN" else 5  # it is the slowest
    moved = one_step(name, tables, tmp_path, batch_size=rows)
    assert all(0 < distance < 1 for distance in moved.values()), moved
