"""Simple tools that restore pictures, which the models' verbs are held against.

They need scikit-image. Pictures are float in [0, 1], (n, h, w, c).
"""

import functools
import importlib
import itertools

import keras
import numpy as np
from scipy import special

from keras_gen import layers, metrics


class ClassicalDenoiser:
    """The best of three classical tools against noise of a known deviation.

    Non-local means, total variation (Chambolle) and median filters of scikit-image,
    over grids of their options, with and without `unclip` of what they give. `fit`
    finds the best options of each by the mean PSNR.

    Args:
        deviation: of the Gaussian noise, above 0; the sum was clipped to [0, 1].

    Attributes:
        tools: after `fit`, name to a function from noisy pictures to clean ones.
        chosen: after `fit`, name to a dict of the options found and their PSNR.
        best: after `fit`, the name of the one whose PSNR was highest.
    """

    def __init__(self, deviation):
        if not deviation > 0:
            raise ValueError(f"Expected a deviation above 0. Received: {deviation}")
        self.deviation = deviation

    def fit(self, clean, noisy):
        """Choose options on pairs of pictures (n, h, w, c); returns itself."""
        self.tools, self.chosen = {}, {}
        for name, options in self._candidates():
            tool = functools.partial(_denoise, name, options)
            made = tool(noisy)
            for unclipped in (False, True):
                result = self._unclipped(made) if unclipped else made
                found = float(metrics.psnr(clean, result).mean())
                if found > self.chosen.get(name, {"psnr": -np.inf})["psnr"]:
                    self.tools[name] = self._after(tool) if unclipped else tool
                    kept = {"unclipped": unclipped, "psnr": found}
                    self.chosen[name] = options | kept
        self.best = max(self.chosen, key=lambda name: self.chosen[name]["psnr"])
        return self

    def denoise(self, noisy):
        """What the best tool makes of noisy pictures: float64 in [0, 1]."""
        return self.tools[self.best](noisy)

    def _after(self, tool):
        return lambda noisy: self._unclipped(tool(noisy))

    def _unclipped(self, made):
        levels = np.linspace(0, 1, 1001)
        return np.interp(made, clipped_mean(levels, self.deviation), levels)

    def _candidates(self):
        strengths, patches = (0.3, 0.5, 0.7, 0.9, 1.1), ((3, 5), (5, 6))
        for strength, (size, reach) in itertools.product(strengths, patches):
            options = {"h": strength * self.deviation, "sigma": self.deviation}
            options |= {"patch_size": size, "patch_distance": reach}
            yield "non-local means", options | {"fast_mode": False}
        for strength in (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.5):
            yield "total variation", {"weight": strength * self.deviation}
        for size in (2, 3, 4, 5):
            yield "median", {"size": size}


def clipped_mean(levels, deviation):
    """Mean of clip(level + N(0, deviation^2), 0, 1): float64 of the levels' shape."""
    low, high = -levels / deviation, (1 - levels) / deviation
    density = [np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) for z in (low, high)]
    inside = special.ndtr(high) - special.ndtr(low)
    within = levels * inside + deviation * (density[0] - density[1])
    return within + special.ndtr(-high)


def fill_biharmonic(images, mask):
    """Pictures with missing pixels filled by scikit-image's biharmonic equations.

    Args:
        images: (n, h, w, c).
        mask: bool (n, h, w, 1), True where pixels are missing.

    Returns:
        float64 (n, h, w, c) in [0, 1].
    """
    restoration = _skimage("restoration")
    filled = [
        restoration.inpaint_biharmonic(image, where[..., 0], channel_axis=-1)
        for image, where in zip(np.asarray(images, "float64"), mask, strict=True)
    ]
    return np.clip(filled, 0, 1)


class LevelColours:
    """Colours grey pictures by the mean colour that each of 256 levels has in others.

    Levels that never came take the colour between their neighbours'.
    """

    def fit(self, images):
        """Learn from colour pictures (n, h, w, 3); returns itself."""
        pixels = np.reshape(images, (-1, 3))
        levels = _levels(keras.ops.convert_to_numpy(layers.luma(images)).ravel())
        counts = np.bincount(levels, minlength=256)
        seen, every = np.flatnonzero(counts), np.arange(256)
        sums = [np.bincount(levels, pixels[:, c], minlength=256) for c in range(3)]
        means = [np.interp(every, seen, (s[seen] / counts[seen])) for s in sums]
        self.colours = np.stack(means, axis=1)  # (256, 3)
        return self

    def colorize(self, grey):
        """Colours (n, h, w, 3) of grey pictures (n, h, w, 1)."""
        return self.colours[_levels(np.asarray(grey)[..., 0])]


def _levels(luma):
    return np.rint(luma * 255).astype("int64")


def _denoise(name, options, noisy):
    restoration = _skimage("restoration")
    if name == "median":
        footprint = np.ones((options["size"], options["size"], 1))
        filters = _skimage("filters")
        made = [filters.median(image, footprint) for image in noisy]
    elif name == "total variation":
        made = [
            restoration.denoise_tv_chambolle(image, channel_axis=-1, **options)
            for image in noisy
        ]
    else:
        made = [
            restoration.denoise_nl_means(image, channel_axis=-1, **options)
            for image in noisy
        ]
    # A single channel is dropped on the way by some of them.
    return np.clip(made, 0, 1).astype("float64").reshape(noisy.shape)


def _skimage(module):
    # Imported here because only these tools need it.
    return importlib.import_module(f"skimage.{module}")
