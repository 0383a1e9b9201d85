"""Train a recipe in a run folder, from the start or from where it was killed."""

import contextlib
import hashlib
import json
import logging
import os
import pathlib
import platform
import shutil
import tempfile
import time

import keras
import numpy as np

from keras_gen import __version__, callbacks, engine, pictures
from keras_gen.callbacks import Diverged

logger = logging.getLogger("keras_gen")
CHECKPOINT = "checkpoint.weights.h5"
SECONDS = "seconds.json"
DIAGNOSED = 240  # held-out examples: packs of up to six fill it


def train(recipe, *, runs="runs", strategy="auto", verbose=2, export=True):
    """Train a recipe, or go on with a run that was stopped, even by `kill -9`.

    The run's folder, `runs/NAME`, holds the recipe as run, versions, a checkpoint,
    TensorBoard logs, sample grids, an exported SavedModel and `result.json`. A run
    that has ended is not repeated.

    Args:
        recipe: a `Recipe`; `recipe.quick()` for its short run.
        runs: folder of run folders.
        strategy: "one", "mirrored", "multiworker" or "auto"; see the engine's
            `make_strategy`.
        verbose: as in `keras.Model.fit`.
        export: whether to export a SavedModel (TensorFlow backend only).

    Returns:
        The result, a dict: `entry`, `steps`, `images_per_second`, `minutes`,
        `precision`, `validation_loss`, `run`, `weights_hash`.

    Raises:
        ValueError: the run's folder holds the run of a different recipe.
        Diverged: a loss or weight turned NaN or infinite; the last good checkpoint
            stays.
    """
    run = pathlib.Path(runs) / recipe.name
    finished = _begin(run, recipe)
    if finished:
        logger.info("%s has ended already; its run lies in %s", recipe.name, run)
        return finished
    seed = recipe.tables.get("compile", {}).get("seed", 0)
    engine.backend.make_deterministic(seed)
    with _workplace(run) as place:
        with engine.backend.make_strategy(strategy):
            model = recipe.model()
            result = _fit(model, recipe, run, place, verbose)
        _write_out(model, recipe.held_out_pairs(64), place, export)
        _write(place / "result.json", result)
    return result


def _workplace(run):
    """Where this process writes: the run's folder, or one that is thrown away.

    Reading variables can be a collective operation. So all workers do the same, and
    what all but the first of them write is dropped.
    """
    if engine.backend.is_chief():
        return contextlib.nullcontext(run)
    return _Throwaway()


class _Throwaway(tempfile.TemporaryDirectory):
    def __enter__(self):
        return pathlib.Path(super().__enter__())


def _write_out(model, held_out, place, export):
    shown = model.showcase(*held_out)
    sheet = pictures.grid(shown.images, columns=shown.columns)
    pictures.save_png(place / "samples.png", sheet, scale=2)
    # A process killed while it saved leaves half a preset.
    shutil.rmtree(place / "preset", ignore_errors=True)
    model.save_to_preset(place / "preset")
    if export and keras.backend.backend() == "tensorflow":
        model.export(place / "export")


def _fit(model, recipe, run, place, verbose):
    options = {**recipe.tables["fit"], "epochs": recipe.epochs()}
    every = options.pop("samples_every", 1)
    pipeline, held_out = recipe.pipeline(), recipe.pipeline("validation")
    steps = options.get("steps_per_epoch") or len(pipeline)
    epoch = callbacks.Checkpoint(run / CHECKPOINT).resume(model, steps)
    if epoch:
        logger.info("%s goes on after epoch %d", recipe.name, epoch)
    else:
        recipe.begin(model)
    timing = _Timing(run / SECONDS, place / SECONDS, epoch)
    model.fit(
        pipeline,
        validation_data=held_out,
        initial_epoch=epoch,
        callbacks=[*_callbacks(model, recipe, place, every), timing],
        verbose=verbose,
        **options,
    )
    losses = model.evaluate(
        held_out, batch_size=pipeline.batch_size, verbose=0, return_dict=True
    )
    total = int(model.optimizer.iterations.numpy())
    images = total * pipeline.batch_size
    return {
        "entry": recipe.name,
        "steps": total,
        # A kill between checkpoint and clock can leave no time at all.
        "images_per_second": round(images / max(timing.seconds, 1e-3), 1),
        "minutes": round(timing.seconds / 60, 2),
        "precision": recipe.precision(),
        "validation_loss": float(np.mean(losses["loss"])),
        "run": str(run),
        "weights_hash": weights_hash(model),
    }


def _callbacks(model, recipe, place, samples_every):
    logs = callbacks.TensorBoardLogs(place / "logs")
    images = recipe.held_out(64)
    stages = recipe.stages()
    diagnostics = []
    if hasattr(model, "diagnose"):
        pairs = recipe.held_out_pairs(DIAGNOSED)
        diagnostics = [callbacks.Diagnostics(logs, *pairs, every=samples_every)]
    return [
        *([callbacks.Stages(stages)] if stages else []),
        callbacks.StopOnNaN(),
        logs,
        *diagnostics,
        callbacks.SampleGrid(
            place / "samples", logs, images=images, every=samples_every
        ),
        # Last: an epoch that a kill leaves without log or picture is then repeated.
        callbacks.Checkpoint(place / CHECKPOINT),
    ]


class _Timing(keras.callbacks.Callback):
    """Seconds spent in training steps, kept over a run's processes."""

    def __init__(self, kept, path, epoch):
        super().__init__()
        self.path = path
        kept = json.loads(kept.read_text()) if kept.is_file() and epoch else {}
        self.seconds = kept.get("seconds", 0.0)

    def on_epoch_begin(self, epoch, logs=None):
        self._start = time.perf_counter()

    def on_test_begin(self, logs=None):
        self._stop()

    def on_epoch_end(self, epoch, logs=None):
        self._stop()
        _write(self.path, {"seconds": self.seconds})

    def _stop(self):
        if self._start is not None:
            self.seconds += time.perf_counter() - self._start
        self._start = None


def weights_hash(model):
    """SHA-256 over the values of all weights and optimizer variables, in order."""
    digest = hashlib.sha256()
    for variable in [*model.weights, *model.optimizer.variables]:
        digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    return digest.hexdigest()


def _begin(run, recipe):
    """Open the run's folder; return its result where it has ended already."""
    as_run = recipe.as_run()
    path = run / "recipe.json"
    if path.is_file():
        kept = json.loads(path.read_text())
        if kept != as_run:
            raise ValueError(
                f"Expected {run} to hold a run of this recipe. Received: a run of "
                f"another one, {path}; remove the folder or choose another with --runs"
            )
        result = run / "result.json"
        return json.loads(result.read_text()) if result.is_file() else None
    if engine.backend.is_chief():
        run.mkdir(parents=True, exist_ok=True)
        versions = {
            "python": platform.python_version(),
            "keras-gen": __version__,
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
            "numpy": np.__version__,
            "machine": platform.machine(),
            "cores": os.cpu_count(),
        }
        _write(run / "versions.json", versions)
        _write(path, as_run)
    return None


def _write(path, value):
    unfinished = path.with_name(f"unfinished-{path.name}")
    unfinished.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
    os.replace(unfinished, path)


__all__ = ["Diverged", "train", "weights_hash"]
