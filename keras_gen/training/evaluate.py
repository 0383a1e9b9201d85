"""Measure a preset on held-out data, by its recipe's protocol."""

import os
import platform
import time

import keras
import numpy as np

from keras_gen import __version__, data, presets
from keras_gen.training.recipes import load_recipe

BATCH_SIZE = 250  # divides the test sets, so that every example counts once


def evaluate(preset, *, recipe=None, batch_size=BATCH_SIZE, verbose=0):
    """Validation losses of a preset over the whole held-out split.

    Args:
        preset: a name from `keras_gen.list_presets()` or a preset's folder.
        recipe: the `Recipe` whose data to use; by default the `recipe.toml` that lies
            in the preset's folder, as in those of the zoo.
        batch_size: examples a step. The model's noise is drawn anew for each step,
            from one seed: the figures repeat on one machine at one batch size.
        verbose: 1 for a progress bar.

    Returns:
        A dict: `losses` (tracker's name to value), `meaning` of `loss`, `protocol`
        and `seconds`.

    Raises:
        ValueError: no such preset, or no recipe for it.
        FileNotFoundError: the recipe's data is absent.
    """
    model = presets.from_preset(preset)
    recipe = recipe or load_recipe(presets.find(preset))
    table = recipe.tables["data"]
    split = table.get("validation_split", "test")
    options = {k: table[k] for k in ("image_size", "channels") if k in table}
    pipeline = data.pipeline(
        table["source"], split, batch_size=batch_size, shuffle=False, **options
    )
    start = time.perf_counter()
    losses = model.evaluate(pipeline, verbose=verbose, return_dict=True)
    return {
        "losses": {name: float(np.mean(value)) for name, value in losses.items()},
        "meaning": model.loss_meaning,
        "protocol": {
            "source": table["source"],
            "split": split,
            "examples": pipeline.num_examples,
            "batch_size": batch_size,
            "seed": 0,
            "keras-gen": __version__,
            "keras": keras.__version__,
            "backend": keras.backend.backend(),
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "weights": presets.info(preset)["metadata"]["weights"]["sha256"],
        },
        "seconds": round(time.perf_counter() - start, 1),
    }
