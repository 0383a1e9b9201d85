"""Many recipes in a row: which to run, what became of each, and the tables of it."""

import dataclasses
import fnmatch
import gc
import logging
import pathlib
import sys
import traceback

import keras

from keras_gen import engine, presets
from keras_gen.training.publish import publish
from keras_gen.training.recipes import Recipe, list_recipes, load_recipe
from keras_gen.training.train import Diverged, train


@dataclasses.dataclass
class Job:
    """A recipe and what became of it.

    Attributes:
        recipe: a `Recipe`, its short run where that was asked for.
        skipped: why it is not run, "" if it is.
        result: what `train` returned, None before.
        failure: why it failed, "" if it did not.
    """

    recipe: Recipe
    skipped: str = ""
    result: dict | None = None
    failure: str = ""


def plan(patterns=(), *, every=False, quick=False):
    """Which recipes to run.

    Args:
        patterns: names of the zoo's entries, as in a shell ("*gan*"), or paths of
            recipes. Without any, one recipe of every model class is run: one whose
            data is there if possible, then one with published weights.
        every: run every recipe of the zoo.
        quick: take the short runs.

    Returns:
        A list of `Job`, those not to be run among them, sorted by name.

    Raises:
        ValueError: a pattern that matches no recipe, or a damaged recipe.
    """
    recipes = [load_recipe(name) for name in _names(patterns)]
    jobs = [Job(recipe.quick() if quick else recipe) for recipe in recipes]
    absent = {job.recipe.name for job in jobs if not job.recipe.available()}
    wanted = {job.recipe.name for job in jobs}
    if not patterns and not every:
        wanted = _one_a_class(jobs, absent)
    for job in jobs:
        if job.recipe.name in absent:
            job.skipped = f"its data is absent ({job.recipe.tables['data']['source']})"
        elif job.recipe.name not in wanted:
            job.skipped = "not asked for; --all takes every recipe"
    return jobs


def show_log():
    """Print what the package logs, such as that a run goes on."""
    logging.basicConfig(format="%(message)s")
    logging.getLogger("keras_gen").setLevel(logging.INFO)


def run_folder(runs, quick):
    """The folder of run folders; short runs lie apart from full ones."""
    return pathlib.Path(runs) / "quick" if quick else pathlib.Path(runs)


def run(jobs, *, runs="runs", strategy="auto", publishing=False, verbose=None):
    """Train the recipes of a plan one after another; one's failure stops no other.

    Args:
        jobs: from `plan`; results and failures are written into them.
        runs, strategy: as `train` takes them.
        verbose: likewise; by default a bar at a terminal, else a line an epoch.
        publishing: whether to publish each run into the zoo.

    Returns:
        The exit status: 1 if a recipe failed, else 0.
    """
    if verbose is None:
        verbose = 1 if sys.stdout.isatty() else 2
    for job in jobs:
        if job.skipped:
            continue
        print(f"\n{job.recipe.name}", flush=True)
        try:
            job.result = train(
                job.recipe, runs=runs, strategy=strategy, verbose=verbose
            )
            if publishing and engine.backend.is_chief():
                publish(job.result["run"], job.recipe)
        except (Diverged, ValueError, OSError) as error:
            job.failure = _one_line(error)
        except Exception as error:
            traceback.print_exc()
            job.failure = f"{type(error).__name__}: {_one_line(error)}"
        if job.failure:
            print(f"failed: {job.recipe.name}: {job.failure}", flush=True)
        # The next model starts with the names and the memory of a new process.
        keras.backend.clear_session()
        gc.collect()
    return int(any(job.failure for job in jobs))


def dry_run(jobs):
    """Build what each recipe of a plan would train, and train nothing.

    Returns:
        The exit status: 1 if something could not be built, else 0.
    """
    for job in jobs:
        if job.skipped:
            continue
        try:
            print(_described(job.recipe), flush=True)
        except (ValueError, OSError) as error:
            job.failure = _one_line(error)
        keras.backend.clear_session()
        gc.collect()
    print(_remarks(jobs))
    return int(any(job.failure for job in jobs))


def table(jobs):
    """What became of the jobs, as text."""
    head = ("entry", "steps", "images/s", "validation loss", "run")
    rows = [
        (
            job.result["entry"],
            f"{job.result['steps']:,}",
            f"{job.result['images_per_second']:,.1f}",
            f"{job.result['validation_loss']:.4f}",
            job.result["run"],
        )
        for job in jobs
        if job.result is not None
    ]
    return "\n".join(filter(None, [columns(head, rows, "<>>><"), _remarks(jobs)]))


def listing(jobs):
    """The recipes of a plan, as text."""
    published = presets.list_presets()
    rows = []
    for job in jobs:
        name, tables = job.recipe.name, job.recipe.tables
        source = tables["data"]["source"]
        data = "there" if job.recipe.available() else "absent"
        weights = "published" if name in published else "none"
        rows.append((name, tables["model"]["class_name"], source, data, weights))
    return columns(("entry", "class", "source", "data", "weights"), rows, "<<<<<")


def columns(head, rows, align):
    """Lay rows of strings out in columns, `align` "<" or ">" for each."""
    rows = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            f"{cell:{side}{width}}" for cell, side, width in zip(row, align, widths)
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def _remarks(jobs):
    failed = [f"failed: {j.recipe.name}: {j.failure}" for j in jobs if j.failure]
    skipped = [f"not run: {j.recipe.name}: {j.skipped}" for j in jobs if j.skipped]
    return "\n".join(failed + skipped)


def _names(patterns):
    known = list_recipes()
    names = [] if patterns else known
    for pattern in patterns:
        found = fnmatch.filter(known, pattern)
        if not found and pathlib.Path(pattern).exists():
            found = [pattern]
        if not found:
            raise ValueError(
                f"Expected names of recipes ({', '.join(known)}), patterns of such, "
                f"or paths. Received: {pattern!r}"
            )
        names += [name for name in found if name not in names]
    return sorted(names)


def _one_a_class(jobs, absent):
    published = presets.list_presets()

    def rank(job):
        name = job.recipe.name
        return name in absent, name not in published, name

    best = {}
    for job in sorted(jobs, key=rank):
        best.setdefault(job.recipe.tables["model"]["class_name"], job.recipe.name)
    return set(best.values())


def _described(recipe):
    model = recipe.model()
    pipeline, held_out = recipe.pipeline(), recipe.pipeline("validation")
    fit = recipe.tables["fit"]
    steps = fit.get("steps_per_epoch") or len(pipeline)
    counts = [(name, getattr(model, name).count_params()) for name in model.networks]
    parameters = ", ".join(f"{name} {count:,}" for name, count in counts)
    return (
        f"{recipe.name}: {type(model).__name__}, parameters: {parameters}; "
        f"{recipe.epochs()} epochs of {steps:,} steps of {pipeline.batch_size} images "
        f"({pipeline.num_examples:,} in all, {held_out.num_examples:,} held out)"
    )


def _one_line(error):
    return " ".join(str(error).split())
