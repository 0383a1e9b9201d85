"""Put an ended run into the zoo: the only way that weights get there."""

import json
import os
import pathlib
import platform
import subprocess

import keras
import numpy as np

from keras_gen import cards, pictures, presets
from keras_gen.training.curves import read_curves
from keras_gen.training.evaluate import evaluate
from keras_gen.training.reproduce import intervals, short_runs

ROUNDED_ABOVE = 500_000  # bytes; an entry is at most 4 MB, the zoo 47
GOLDEN_ROWS = 2


def publish(run, recipe, *, zoo=None):
    """Write the zoo's entry of an ended run, and measure it.

    Args:
        run: the run's folder, as `train` left it.
        recipe: its `Recipe`.
        zoo: folder of entries, the zoo itself by default.

    Returns:
        The entry's metadata, a dict.

    Raises:
        ValueError: the run has not ended, or is a quick one.
    """
    run = pathlib.Path(run)
    entry = pathlib.Path(zoo or presets.zoo_folder()) / recipe.name
    result = _ended(run, recipe)
    model = presets.from_preset(run / "preset")
    heavy = (run / "preset" / presets.WEIGHTS).stat().st_size > ROUNDED_ABOVE
    metadata = presets.save(model, entry, bits=model.weight_bits if heavy else None)
    model = presets.from_preset(entry)
    np.savez_compressed(entry / "golden.npz", **golden(model))
    shown = model.showcase(*recipe.held_out_pairs(64))
    sheet = pictures.grid(shown.images, columns=shown.columns)
    pictures.save_png(entry / "samples.png", sheet)
    metadata |= {
        "licence": "Apache-2.0",
        "commit": _commit(),
        "hardware": f"{platform.machine()}, {os.cpu_count()} cores",
        "precision": result["precision"],
        "minutes": result["minutes"],
        "steps": result["steps"],
        "showcase": shown.caption,
    }
    _write(entry / "metadata.json", metadata)
    _write(entry / "curves.json", read_curves(run / "logs"), indent=None)
    publish_figures(entry, recipe)
    return metadata


def publish_figures(entry, recipe):
    """Measure an entry's published weights; write its metrics.json and its card.

    Args:
        entry: the entry's folder.
        recipe: its `Recipe`.

    Returns:
        What `evaluate` returned, with `reproduce`, what a new training must give, and
        the seal over it all.
    """
    entry = pathlib.Path(entry)
    measured = evaluate(entry, recipe)
    figure = measured["headline"]
    if "quick" in recipe.tables:
        published = measured["figures"][figure]["model"]
        values = short_runs(recipe, figure)
        measured["reproduce"] = intervals(figure, published, values)
    measured["seal"] = cards.seal(measured)
    _write(entry / "metrics.json", measured)
    (entry / "README.md").write_text(cards.card(entry, recipe), encoding="utf-8")
    return measured


def golden(model):
    """Fixed inputs of every serving endpoint and the outputs they give.

    Random numbers do not pack: inputs have few bits, outputs sixteen.

    Returns:
        A dict of arrays, named "endpoint/input" and "endpoint/outputs".
    """
    rng = np.random.default_rng(0)
    arrays = {}
    for name, (function, inputs) in model.signatures().items():
        values = {
            key: _fixed_input(rng, model, key, shape, dtype)
            for key, (shape, dtype) in inputs.items()
        }
        arrays |= {f"{name}/{key}": value for key, value in values.items()}
        tensors = [keras.ops.convert_to_tensor(value) for value in values.values()]
        outputs = keras.ops.convert_to_numpy(function(*tensors))
        arrays[f"{name}/outputs"] = _rounded(outputs)
    return arrays


def _rounded(outputs):
    """Floats to multiples of 2**-16 of the power of two from their greatest on."""
    if not np.issubdtype(outputs.dtype, np.floating):
        return outputs
    _, exponent = np.frexp(np.abs(outputs).max())
    return np.ldexp(np.round(np.ldexp(outputs, 16 - exponent)), exponent - 16)


STEPS = 7  # of sequences
SIDE = 32  # of pictures at most, where a program takes any that the stride divides


def _fixed_input(rng, model, name, shape, dtype):
    seen = getattr(model, "seen_shape", model.data_shape)
    sides = seen() if name == "images" else (STEPS,) * (len(shape) - 1)
    if SIDE % getattr(model, "stride", 1) == 0:
        sides = tuple(min(side, SIDE) for side in sides)
    free = zip(shape[1:], sides, strict=True)
    shape = (GOLDEN_ROWS, *(own if side is None else side for side, own in free))
    if bound := model.input_bound(name, dtype):
        least = 1 if name == "sequences" else 0  # 0 is padding
        return rng.integers(least, bound, shape, dtype)
    if name == "sigma":  # noise levels, small and great
        return np.geomspace(0.02, 20.0, shape[0]).astype(dtype)
    if name == "images":
        return (rng.integers(0, 16, shape) / 15).astype(dtype)
    return (np.round(16 * rng.standard_normal(shape)) / 16).astype(dtype)


def _ended(run, recipe):
    path = run / "result.json"
    kept = run / "recipe.json"
    if not path.is_file() or not kept.is_file():
        raise ValueError(
            f"Expected the folder of a run that has ended. Received: {str(run)!r}"
        )
    if json.loads(kept.read_text()) != recipe.as_run():
        raise ValueError(
            f"Expected a run of the recipe {recipe.name!r} as it stands, in full. "
            f"Received: a quick or different run in {str(run)!r}"
        )
    return json.loads(path.read_text())


def _commit():
    """The commit of the checkout that publishes, None outside of one."""
    answer = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=presets.zoo_folder(),
        capture_output=True,
        text=True,
        check=False,
    )
    return answer.stdout.strip() or None


def _write(path, value, indent=2):
    path.write_text(json.dumps(value, indent=indent) + "\n", encoding="utf-8")
