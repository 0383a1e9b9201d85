"""Train an entry again and see whether its published figure still holds."""

import math
import pathlib
import statistics
import tempfile

import keras

from keras_gen import presets
from keras_gen.training.evaluate import QUICK_SAMPLES, evaluate
from keras_gen.training.recipes import Recipe, load_recipe
from keras_gen.training.train import train

SEEDS = 5  # quick runs behind an interval
# Student's t at 99.5 % with four degrees of freedom.
STUDENT = 4.604


def reproduce(name, *, quick=False, runs="runs/reproduced", verbose=2):
    """Train a published entry's recipe anew and measure its headline figure.

    Args:
        name: of an entry of the zoo, or the folder of a published one.
        quick: take the short run, whose figure has an interval of its own.
        runs: folder of run folders; a run that was stopped there goes on.
        verbose: as in `keras.Model.fit`.

    Returns:
        A dict: `figure` (its name), `value`, the published `low` and `high`, and
        `holds`, whether the value lies between them.

    Raises:
        ValueError: no such entry, or one whose figures state no interval.
    """
    entry = presets.find(name)
    recipe = load_recipe(entry)
    stated = presets.info(entry).get("metrics", {}).get("reproduce", {})
    wanted = stated.get("quick" if quick else "full")
    if wanted is None:
        raise ValueError(
            "Expected an entry whose metrics.json states what a "
            f"{'quick' if quick else 'full'} run must give. Received: {str(name)!r}"
        )
    folder = pathlib.Path(runs) / ("quick" if quick else "full")
    recipe = recipe.quick() if quick else recipe
    result = train(recipe, runs=folder, verbose=verbose, export=False)
    samples = QUICK_SAMPLES if quick else None
    figure, low, high = wanted["figure"], wanted["low"], wanted["high"]
    value = _measured(figure, pathlib.Path(result["run"]), recipe, samples)
    holds = low <= value <= high
    return {"figure": figure, "value": value, "low": low, "high": high, "holds": holds}


def short_runs(recipe, figure):
    """A figure, by its name, of a recipe's short run with five seeds: a list."""
    values = []
    for seed in range(SEEDS):
        run = _reseeded(recipe.quick(), seed)
        with tempfile.TemporaryDirectory() as runs:
            result = train(run, runs=runs, verbose=0, export=False)
            place = pathlib.Path(result["run"])
            values.append(_measured(figure, place, run, QUICK_SAMPLES))
        keras.backend.clear_session()
    return values


def intervals(figure, published, values):
    """What further runs of a recipe must give.

    A further short run lies within the prediction interval of five, with 99 %
    probability where figures are normal. The full recipe is too long to be run that
    often: its interval adds, in quadrature, twice the relative deviation of the short
    runs to the published figure's own interval.

    Args:
        figure: name of the headline figure.
        published: its `value`, `low` and `high`.
        values: figures of five short runs, other seeds each.

    Returns:
        A dict with "full" and "quick", each `figure`, `low`, `high` and `how`.
    """
    middle, deviation = statistics.mean(values), statistics.stdev(values)
    reach = STUDENT * deviation * math.sqrt(1 + 1 / len(values))
    value = published["value"]
    # Short runs that all gave 0 tell nothing of a full one's spread.
    spread = 2 * deviation / abs(middle) * value if middle else 0.0
    full = {
        "figure": figure,
        "low": _short(value - math.hypot(value - published["low"], spread)),
        "high": _short(value + math.hypot(published["high"] - value, spread)),
        "how": "the figure's interval, and twice the short runs' relative deviation",
    }
    quick = {
        "figure": figure,
        "low": _short(middle - reach),
        "high": _short(middle + reach),
        "how": f"99 % prediction interval of {len(values)} short runs",
        "values": [_short(value) for value in values],
    }
    return {"full": full, "quick": quick}


def _measured(figure, run, recipe, samples):
    options = {"samples": samples, "headline": figure, "headline_only": True}
    found = evaluate(run / "preset", recipe, **options)
    keras.backend.clear_session()
    return found["figures"][figure]["model"]["value"]


def _reseeded(recipe, seed):
    tables = {**recipe.tables}
    tables["compile"] = {**tables.get("compile", {}), "seed": seed}
    tables["data"] = {**tables["data"], "seed": seed}
    return Recipe(recipe.name, tables)


def _short(value):
    return float(f"{value:.6g}")
