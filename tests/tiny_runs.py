"""Recipes on tiny data, and their runs in processes of their own."""

import json
import pathlib
import subprocess
import sys
import time

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

ROOT = pathlib.Path(__file__).parent.parent
VAE = """
[model]
class_name = "VAE"
config = { image_shape = [8, 8, 1], latent_dim = 2, filters = [4], hidden = 8 }
"""


def write_recipe(folder, name, model=VAE, *, epochs=2, data="", extra=""):
    """A recipe on 60 + 20 images of 8x8, as the path of its file.

    With a list of epochs it has stages; `data` and `extra` are lines of its `data`
    table and at its end.
    """
    folder = folder / name
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    splits = {"train_images": 60, "test_images": 20}
    arrays = {k: rng.integers(0, 256, (n, 8, 8, 1), "u1") for k, n in splits.items()}
    np.savez(folder / "data.npz", **arrays)
    source = json.dumps(str(folder / "data.npz"))
    if isinstance(epochs, list):
        fit = f"[fit]\nsamples_every = {sum(epochs)}\n[stages]\nepochs = {epochs}\n"
    else:
        fit = f"[fit]\nepochs = {epochs}\nsamples_every = {epochs}\n"
    data = f"[data]\nsource = {source}\nbatch_size = 10\n{data}\n"
    path = folder / "recipe.toml"
    path.write_text(f"{model}\n{data}\n{fit}\n{extra}\n", encoding="utf-8")
    return path


def scalars(run):
    """Steps of each scalar in a run's logs, by tag, and its image tags."""
    events = EventAccumulator(str(run / "logs"))
    events.Reload()
    tags = events.Tags()
    steps = {tag: [e.step for e in events.Scalars(tag)] for tag in tags["scalars"]}
    return steps, tags["images"]


def start(recipe, runs):
    command = [sys.executable, "train_all.py", str(recipe), "--runs", str(runs)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def end(process):
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output


def wait_for_epochs(count, run, process):
    """Wait until a run's checkpoint has been written so many times more."""
    path, before = run / "checkpoint.weights.h5", None
    count += path.is_file()
    for _ in range(60_000):
        now = path.stat().st_mtime_ns if path.is_file() else None
        count -= now != before
        if not count:
            return
        before = now
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.01)
    raise AssertionError(f"{path} was not written")
