"""How well pictures are restored, beside the classical tools.

The tools' options are chosen on training pictures at the same noise, whose deviation
they are told and the model is not; all sides get the same pictures.
"""

import numpy as np

from keras_gen import layers, metrics
from keras_gen.applications import restoring
from keras_gen.training.panels.bench import to_unit

DEVIATIONS = {"weak": 0.1, "medium": 0.25, "strong": 0.5}
TUNING, TESTED = 100, 1000  # pictures


def denoises(model):
    """Whether a model undoes Gaussian noise."""
    corruption = getattr(model, "corruption", None)
    return hasattr(model, "denoise") and isinstance(corruption, layers.GaussianNoise)


def colorizes(model):
    """Whether a model colours grey pictures."""
    return isinstance(getattr(model, "corruption", None), layers.Greyscale)


def denoising(bench):
    """PSNR of denoised held-out pictures at three levels of Gaussian noise."""
    clean, rows, best = to_unit(bench.real[:TESTED]), {}, []
    for level, (word, deviation) in enumerate(DEVIATIONS.items()):
        if not bench.wants(f"denoised_psnr_{word}"):
            continue
        rng = np.random.default_rng([bench.seed, level])
        tuning = to_unit(bench.train[:TUNING])
        noisier = _noisy(tuning, deviation, rng)
        noisy = _noisy(clean, deviation, rng)
        made = {"model": bench.model.denoise(noisy)}
        if bench.rivals:
            tool = restoring.ClassicalDenoiser(deviation).fit(tuning, noisier)
            made |= {"noisy": noisy, "tool": tool.denoise(noisy)}
            best.append(f"{tool.best} at {deviation}")
        found = {row: bench.mean(metrics.psnr(clean, x)) for row, x in made.items()}
        rows[f"denoised_psnr_{word}"] = found
    if best:
        bench.words["noisy"] = "the pictures before"
        bench.words["tool"] = (
            "the best of scikit-image's non-local means, total variation and median "
            f"filters: {', '.join(best)}"
        )
    return rows


def inpainting(bench):
    """Error of the missing pixels of held-out pictures, one block in each."""
    clean = to_unit(bench.real[:TESTED])
    mask = bench.model.draw_masks(clean, seed=bench.seed)
    given = np.where(mask, np.float32(0), clean)
    made = {"model": bench.model.inpaint(given, mask)}
    if bench.rivals:
        made["tool"] = restoring.fill_biharmonic(given, mask)
        bench.words["tool"] = "scikit-image's biharmonic equations"
    return {
        "inpainted_error": {
            row: bench.mean(_errors(clean, x, mask)) for row, x in made.items()
        }
    }


def colouring(bench):
    """Error in red, green and blue of held-out pictures coloured from their luma."""
    clean = to_unit(bench.real[:TESTED])
    luma = np.clip(np.asarray(layers.luma(clean)), 0, 1)
    made = {"model": bench.model.colorize(luma)}
    if bench.rivals:
        tool = restoring.LevelColours().fit(to_unit(bench.train))
        made |= {"noisy": np.repeat(luma, 3, axis=-1), "tool": tool.colorize(luma)}
        bench.words["noisy"] = "the grey pictures"
        bench.words["tool"] = "the mean colour of each grey level in training pictures"
    everywhere = np.ones((*clean.shape[:3], 1), bool)
    return {
        "colorized_error": {
            row: bench.mean(_errors(clean, x, everywhere)) for row, x in made.items()
        }
    }


def _noisy(clean, deviation, rng):
    noise = rng.normal(0, deviation, clean.shape)
    return np.clip(clean + noise, 0, 1).astype("float32")


def _errors(clean, made, mask):
    """Mean squared error of each picture's masked values: (n,)."""
    where = np.broadcast_to(mask, clean.shape)
    squares = np.where(where, np.square(clean - made), 0)
    axes = tuple(range(1, clean.ndim))
    return squares.sum(axis=axes) / where.sum(axis=axes)
