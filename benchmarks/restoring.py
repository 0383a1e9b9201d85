"""Presets that restore pictures against the simple tools, on held-out pictures.

    python -m benchmarks.restoring

Each function returns rows (task, data, ours, the simple tool, the published figure).
The tools' options are tuned on training pictures at the same noise, which the preset
is not told; every side gets the same pictures of the same seed.
"""

import numpy as np

import keras_gen
from keras_gen import data, metrics
from keras_gen.applications import restoring

DEVIATIONS = (0.1, 0.25, 0.5)
TUNING, TESTED = 100, 1000  # pictures


def denoising(model=None):
    """Mean PSNR of denoised Fashion-MNIST at three levels of Gaussian noise.

    Args:
        model: a `DenoisingAutoencoder`; by default the published one.
    """
    model = model or keras_gen.from_preset("denoising_fashion_mnist")
    train, clean = _pictures("fashion_mnist")
    rows = []
    for level, deviation in enumerate(DEVIATIONS):
        rng = np.random.default_rng([0, level])
        tool = restoring.ClassicalDenoiser(deviation)
        tool.fit(train, _noisy(train, deviation, rng))
        noisy = _noisy(clean, deviation, rng)
        ours = _decibels(clean, model.denoise(noisy))
        theirs = _decibels(clean, tool.denoise(noisy))
        before = _decibels(clean, noisy)
        what = f"denoising, deviation {deviation}"
        words = f"{theirs:.2f} dB ({tool.best}; the noisy pictures {before:.2f})"
        rows.append((what, "Fashion-MNIST", f"{ours:.2f} dB", words, ""))
    return rows


def inpainting(model=None):
    """PSNR inside one block of each picture, as the model draws them.

    Of the mean squared error over all missing pixels: blocks in the empty ground have
    none, and their PSNR would be infinite.

    Args:
        model: an `InpaintingAutoencoder`; by default the published one.
    """
    model = model or keras_gen.from_preset("inpainting_fashion_mnist")
    _, clean = _pictures("fashion_mnist")
    mask = model.draw_masks(clean, seed=0)
    given = np.where(mask, np.float32(0), clean)
    ours = _decibels_inside(clean, model.inpaint(given, mask), mask)
    theirs = _decibels_inside(clean, restoring.fill_biharmonic(given, mask), mask)
    words = f"{theirs:.2f} dB (biharmonic)"
    side = f"{model.corruption.smallest} to {model.corruption.largest}"
    what = f"inpainting, blocks of {side} pixels"
    return [(what, "Fashion-MNIST", f"{ours:.2f} dB", words, "")]


def colorizing(model=None):
    """PSNR in red, green and blue of coloured grey emoji.

    Of the mean squared error over all pictures.

    Args:
        model: a `DenoisingAutoencoder` of colour pictures; by default the published
            one.
    """
    model = model or keras_gen.from_preset("colorizing_emoji")
    train, clean = _pictures("emoji", image_size=model.data_shape()[:2], tuning=None)
    grey = keras_gen.layers.Greyscale()(clean)[..., :1]
    grey = np.clip(np.asarray(grey), 0, 1)
    everywhere = np.ones((*clean.shape[:3], 1), bool)
    found = {
        "ours": model.colorize(grey),
        "lookup": restoring.LevelColours().fit(train).colorize(grey),
        "grey": np.repeat(grey, 3, axis=-1),
    }
    found = {k: _decibels_inside(clean, x, everywhere) for k, x in found.items()}
    words = f"{found['lookup']:.2f} dB (mean colour of each level; "
    words += f"left grey {found['grey']:.2f})"
    return [("colouring", "emoji", f"{found['ours']:.2f} dB", words, "")]


def rows():
    """All rows, of the published presets."""
    return [*denoising(), *inpainting(), *colorizing()]


def _pictures(source, tuning=TUNING, **options):
    """Training and held-out pictures, float32 in [0, 1]."""
    parts = (("train", tuning), ("test", TESTED))
    read = [data.load(source, s, fields="image", **options)[:n] for s, n in parts]
    return [(images / 255).astype("float32") for images in read]


def _noisy(clean, deviation, rng):
    noise = rng.normal(0, deviation, clean.shape)
    return np.clip(clean + noise, 0, 1).astype("float32")


def _decibels(clean, made):
    return metrics.psnr(clean, made).mean()


def _decibels_inside(clean, made, mask):
    squares = np.square(clean - made)[np.broadcast_to(mask, clean.shape)]
    return -10 * np.log10(squares.mean())


if __name__ == "__main__":
    for row in rows():
        print("  ".join(row))
