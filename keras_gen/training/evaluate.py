"""Measure a preset on held-out data, by its recipe's protocol."""

import inspect
import os
import platform
import time

import keras
import numpy as np

from keras_gen import __version__, presets
from keras_gen.training import panels, sides
from keras_gen.training.recipes import load_recipe

BATCH_SIZE = 250  # divides the test sets, so that every example counts once
SAMPLES, QUICK_SAMPLES = 10_000, 500
FEW = 2_000  # held-out pictures, below which a Frechet distance is mostly noise
DIGITS = 6  # significant digits kept


def evaluate(
    model,
    recipe=None,
    *,
    samples=None,
    seed=0,
    batch_size=BATCH_SIZE,
    headline=None,
    headline_only=False,
    verbose=0,
):
    """Everything that the zoo measures of a model, on held-out data.

    Args:
        model: a name from `keras_gen.list_presets()`, a preset's folder, or a model.
        recipe: the `Recipe` whose data and protocol to use; by default the
            `recipe.toml` in the preset's folder, as in those of the zoo.
        samples: how many samples are compared with as many held-out pictures (all,
            where there are fewer); by default the recipe's number, else 10,000.
        seed: int in [0, 2**31) of the samples and of the intervals. Two evaluations
            with one seed on one machine agree.
        batch_size: examples a step of the validation losses. The model's noise is
            drawn anew for each step: these losses repeat at one batch size.
        headline: name of the figure that stands for the whole; by default the
            recipe's, else the first that is measured. Where fewer than 2,000 pictures
            are held out that is the kernel distance in place of the Frechet distance,
            which is mostly noise then.
        headline_only: measure the headline figure alone, without losses and rivals.
        verbose: 1 for a progress bar.

    Returns:
        A dict, as `metrics.json` holds it: `headline`, `figures` (figure's name to
        row's name to value, low, high: ends of a 95 % interval), `losses`, their
        `meaning`, `protocol` and `seconds`.

    Raises:
        ValueError: no such preset, or no recipe for it.
        FileNotFoundError: the recipe's data is absent.
    """
    weights = None
    if not isinstance(model, keras.Model):
        recipe = recipe or load_recipe(presets.find(model))
        weights = presets.info(model)["metadata"]["weights"]["sha256"]
        model = presets.from_preset(model)
    elif recipe is None:
        raise ValueError("Expected a recipe with a model. Received: None")
    start = time.perf_counter()
    if not model.compiled:
        model.compile()
    options = recipe.evaluation()
    _check_conditions(model, options["generate"])
    table = _data_table(recipe)
    headline = _headline(model, headline or options.get("headline"), table)
    bench = panels.Bench(
        model=model,
        table=table,
        options=options,
        samples=samples or options.get("samples", SAMPLES),
        seed=seed,
        recipe=recipe,
        rivals=not headline_only,
        figures=(headline,) if headline_only else None,
    )
    measured = {"headline": headline, "figures": _figures(panels.measure(bench))}
    if headline not in measured["figures"]:
        raise ValueError(
            "Expected as headline a figure that this model and these pictures have, "
            f"{sorted(measured['figures'])}. Received: {headline!r}"
        )
    if not headline_only:
        measured |= _losses(bench, batch_size, verbose)
    measured["protocol"] = _protocol(bench, recipe, weights, batch_size)
    measured["seconds"] = round(time.perf_counter() - start, 1)
    return measured


def _check_conditions(model, conditions):
    known = set(inspect.signature(model.sample).parameters)
    known -= {"n", *model.scalar_specs()}
    if not set(conditions) <= known:
        raise ValueError(
            f"Expected options of {type(model).__name__}.sample, {sorted(known)}. "
            f"Received: {sorted(conditions)}"
        )


def _headline(model, wanted, table):
    """The figure that stands for the whole, by `evaluate`'s rule."""
    names = [n for names, applies, _ in panels.PANELS if applies(model) for n in names]
    if wanted is not None and wanted not in names:
        raise ValueError(
            f"Expected as headline one of this model's figures, {names}. "
            f"Received: {wanted!r}"
        )
    if wanted is None and names[0] == "frechet_distance":
        held_out = _held_out(table, batch_size=1).num_examples
        return "kernel_distance" if held_out < FEW else names[0]
    return wanted or names[0]


def _data_table(recipe):
    defaults = {"split": "train", "validation_split": "test"}
    table = {"image_size": None, "channels": None, **defaults, **recipe.tables["data"]}
    if isinstance(table["image_size"], list):
        table["image_size"] = tuple(table["image_size"])
    return table


def _held_out(table, batch_size):
    return sides.pipeline(table, "validation", batch_size=batch_size, shuffle=False)


def _losses(bench, batch_size, verbose):
    pipeline = _held_out(bench.table, batch_size)
    losses = bench.model.evaluate(pipeline, verbose=verbose, return_dict=True)
    return {
        "losses": {k: float(np.mean(v)) for k, v in losses.items()},
        "meaning": bench.model.loss_meaning,
    }


def _figures(rows):
    def plain(estimate):
        ends = {"value": float(estimate), "low": estimate.low, "high": estimate.high}
        return {k: float(f"{v:.{DIGITS}g}") for k, v in ends.items()}

    return {
        name: {row: plain(estimate) for row, estimate in found.items()}
        for name, found in rows.items()
    }


def _protocol(bench, recipe, weights, batch_size):
    protocol = {
        "source": bench.table["source"],
        "split": bench.table["validation_split"],
        "seed": bench.seed,
        "loss_batch_size": batch_size,
        "interval": f"95 %, bootstrap, {panels.RESAMPLES} resamples "
        f"({panels.DISTANCE_RESAMPLES} for distances)",
        "keras-gen": __version__,
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "weights": weights,
    }
    if bench.words:
        protocol["rows"] = bench.words
    if bench.model.samples() or panels.translates(bench.model):
        judge = bench.extractor
        protocol["extractor"] = {"name": judge.name, "sha256": judge.sha256}
    if bench.model.samples():
        table = recipe.tables.get("evaluate", {})
        protocol |= {
            "samples": bench.samples,
            "references": len(bench.real),
            "generate": table.get("generate", {}),
        }
        if bench.rivals:
            protocol["gaussian_mixture"] = bench.mixture[1]
    return protocol
