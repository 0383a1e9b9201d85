"""Compressors of pictures against the tools that people would use, on a test set.

    python -m benchmarks.compression

Each function returns rows (task, data, ours, the simple tool, the published figure).
The tools get the pictures in two ways: each as a file of its own, and all of them side
by side on one sheet, which spares them the headers and lets them see further. Sizes are
those of whole files; what a receiver must have beforehand, the tool or the preset, does
not count.
"""

import bz2
import io
import itertools
import lzma
import math
import time
import zlib

import numpy as np
from PIL import Image

import keras_gen
from keras_gen import data
from keras_gen.applications import Compressor, LossyCompressor

PNG = {"format": "PNG", "optimize": True}
WEBP = {"format": "WEBP", "lossless": True, "quality": 100, "method": 6}
LOSSY_TOOLS = {"JPEG": {"optimize": True}, "WebP": {"method": 6}}
QUALITIES = (0, 1, 2, 3, 5, 7, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 95)
BITS = (2, 3, 4, 5, 6)
PUBLISHED = "3.66 (BB-ANS), 3.28 (Bit-Swap), 3.27 (probabilistic circuit)"


def lossless(model=None, images=None):
    """Bits a pixel of files that give every bit back, and whether ours does.

    Args:
        model: a `VAE` that the compressor takes; by default the published one.
        images: uint8 (n, 28, 28, 1); by default the Fashion-MNIST test set.
    """
    images = _test_images() if images is None else images
    compressor = Compressor(model or "vae_lossless_fashion_mnist")
    start = time.perf_counter()
    packed = compressor.compress(images)
    middle = time.perf_counter()
    if not np.array_equal(compressor.decompress(packed), images):
        raise RuntimeError("Expected the same pictures back. Received: others")
    end = time.perf_counter()
    ours = f"{8 * len(packed) / images.size:.3f} bits/dim"
    seconds = f"{middle - start:.0f} s there, {end - middle:.0f} s back"
    words = ", ".join(
        f"{bits:.3f} ({name})" for name, bits in lossless_tools(images).items()
    )
    task = f"lossless compression, {len(images):,} pictures, {seconds}"
    return [(task, "Fashion-MNIST", ours, words, PUBLISHED)]


def lossless_tools(images):
    """Bits a pixel of the tools on uint8 (n, h, w, 1), by their names, best first."""
    raw, pictures = images.tobytes(), images[..., 0]
    sizes = {
        "lzma": len(lzma.compress(raw, preset=9 | lzma.PRESET_EXTREME)),
        "bzip2": len(bz2.compress(raw, 9)),
        "zlib": len(zlib.compress(raw, 9)),
    }
    for name, options in (("PNG", PNG), ("WebP", WEBP)):
        sizes[f"{name}, one sheet"] = len(_file(sheet(images), **options))
        each = sum(len(_file(picture, **options)) for picture in pictures)
        sizes[f"{name}, each"] = each
    ordered = sorted(sizes.items(), key=lambda item: item[1])
    return {name: 8 * size / images.size for name, size in ordered}


def lossy(model=None, images=None, fitted_on=None):
    """PSNR of pictures from files of equal sizes, at several sizes.

    A row for each number of bits a code's number: the tool gets at most our bytes, one
    sheet of all pictures, whole or at half its sides, and the quality that is best
    then. The last row is the smallest file of a picture by itself, ours at 5 bits.

    Args:
        model: an autoencoder; by default the published convolutional one.
        images: uint8 (n, 28, 28, 1); by default the Fashion-MNIST test set.
        fitted_on: pictures that the tables are fitted on, by default its training set.
    """
    images = _test_images() if images is None else images
    if fitted_on is None:
        fitted_on, _ = data.load("fashion_mnist", "train")
    model = model or keras_gen.from_preset("convolutional_fashion_mnist")
    curves = {name: lossy_tool(images, name) for name in LOSSY_TOOLS}
    found = []
    for bits in BITS:
        compressor = LossyCompressor(model, bits=bits).fit(fitted_on)
        packed = compressor.compress(images)
        ours = psnr(images, compressor.decompress(packed))
        words = ", ".join(
            _best(name, curve, len(packed)) for name, curve in curves.items()
        )
        task = f"lossy compression, {len(packed) / len(images):.1f} bytes a picture"
        found.append((task, "Fashion-MNIST", f"{ours:.2f} dB", words, ""))
    return [*found, _each(model, images[:1000], fitted_on)]


def _each(model, images, fitted_on):
    """The row of pictures that are files of their own."""
    compressor = LossyCompressor(model, bits=5).fit(fitted_on)
    packed = [compressor.compress(image[None]) for image in images]
    back = np.concatenate([compressor.decompress(file) for file in packed])
    ours = f"{np.mean([len(file) for file in packed]):.0f} bytes"
    ours += f" at {psnr(images, back):.2f} dB"
    words = ", ".join(
        f"{lossy_each(images, name):.0f} ({name})" for name in LOSSY_TOOLS
    )
    return ("lossy compression, each a file", "Fashion-MNIST", ours, words, "")


def lossy_tool(images, name):
    """Sizes of one sheet of uint8 (n, h, w, 1) as a tool packs it, and what is lost.

    Returns:
        A list of (bytes, PSNR in dB, what was done), by quality and the sheet's size.
    """
    whole, results = sheet(images), []
    height, width = whole.shape
    for quality, divisor in itertools.product(QUALITIES, (1, 2)):
        picture = Image.fromarray(whole)
        small = picture.resize((width // divisor, height // divisor), Image.LANCZOS)
        packed = _file(np.asarray(small), name, quality=quality, **LOSSY_TOOLS[name])
        back = Image.open(io.BytesIO(packed)).convert("L")
        back = np.asarray(back.resize((width, height), Image.BICUBIC))
        what = f"quality {quality}" + (" at half its sides" if divisor == 2 else "")
        results.append((len(packed), psnr(whole, back / 255), what))
    return results


def lossy_each(images, name):
    """Mean bytes of the smallest file that a tool makes of each picture by itself."""
    options = {"quality": 0, **LOSSY_TOOLS[name]}
    return float(np.mean([len(_file(x, name, **options)) for x in images[..., 0]]))


def sheet(images):
    """Images uint8 (n, h, w, 1) side by side, as near a square as n allows: (H, W)."""
    count, height, width, _ = images.shape
    rows = max(k for k in range(1, math.isqrt(count) + 1) if count % k == 0)
    tiles = images.reshape(rows, count // rows, height, width)
    return tiles.transpose(0, 2, 1, 3).reshape(rows * height, -1)


def psnr(images, results):
    """Peak signal-to-noise ratio in dB, of the mean squared error over all pixels.

    Args:
        images: uint8.
        results: float in [0, 1] of as many values, rounded to 8 bits here.
    """
    levels = np.round(255 * np.asarray(results, "float64"))
    error = np.mean((images.reshape(levels.shape) - levels) ** 2)
    return 10 * math.log10(255**2 / error) if error else math.inf


def _best(name, curve, size):
    """Words for the best of a tool's results of at most `size` bytes."""
    fitting = [point for point in curve if point[0] <= size]
    if fitting:
        _, decibels, what = max(fitting, key=lambda point: point[1])
        return f"{decibels:.2f} ({name}, {what})"
    least, decibels, what = min(curve)
    return (
        f"{name} needs {least / size:.1f} times the bytes for {decibels:.2f} ({what})"
    )


def _file(picture, format, **options):
    """The bytes of a picture uint8 (h, w) as a file."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format, **options)
    return stream.getvalue()


def _test_images():
    images, _ = data.load("fashion_mnist", "test")
    return np.asarray(images)


def rows():
    """All rows, of the published presets."""
    return [*lossless(), *lossy()]


if __name__ == "__main__":
    for row in rows():
        print("  ".join(row))
