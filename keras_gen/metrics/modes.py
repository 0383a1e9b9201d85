"""Toy mixtures of Gaussians in the plane, and which of their modes a sampler has found.

The protocol of VEEGAN (Srivastava et al. 2017, arXiv:1705.07761) with the definitions
and constants of PacGAN (Lin et al. 2018, arXiv:1712.04086, section 4.1), which draw
2,500 samples from a generator. Arithmetic is NumPy float64.
"""

import dataclasses
import math
from typing import NamedTuple

import numpy as np

from keras_gen.metrics.classification import class_coverage

# In standard deviations: how near its mode's centre a sample of high quality lies.
REACH = 3


class ModeCoverage(NamedTuple):
    """What a sampler has found of a mixture.

    Attributes:
        modes: how many modes have a sample of high quality, int.
        high_quality: share of samples that are of high quality, float in [0, 1].
        reverse_kl: KL(generated || equal shares) over modes, float, nats; inf if no
            sample is of high quality.
    """

    modes: int
    high_quality: float
    reverse_kl: float


@dataclasses.dataclass(frozen=True, eq=False)
class GaussianModes:
    """A mixture of equally probable, round Gaussians.

    Args:
        centres: (modes, d), finite; kept as float64.
        deviation: the standard deviation of every mode along every axis, above 0.

    Raises:
        ValueError: on another shape or range.
    """

    centres: np.ndarray
    deviation: float

    def __post_init__(self):
        centres = np.array(self.centres, "float64")
        if centres.ndim != 2 or not centres.size or not np.isfinite(centres).all():
            raise ValueError(
                "Expected finite centres of shape (modes, d), not empty. "
                f"Received: {self.centres}"
            )
        if not 0 < self.deviation < math.inf:
            raise ValueError(
                "Expected a deviation above 0 and finite. "
                f"Received: deviation={self.deviation}"
            )
        object.__setattr__(self, "centres", centres)

    @classmethod
    def ring(cls, *, modes=8, radius=1.0, deviation=0.01):
        """Centres evenly around a circle, the first at (radius, 0).

        The defaults are PacGAN's 2D-ring.
        """
        if modes < 1 or not 0 < radius < math.inf:
            raise ValueError(
                "Expected at least 1 mode and a radius above 0. "
                f"Received: modes={modes}, radius={radius}"
            )
        angles = 2 * np.pi * np.arange(modes) / modes
        circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        return cls(radius * circle, deviation)

    @classmethod
    def grid(cls, *, side=5, spacing=2.0, deviation=0.05):
        """side^2 centres on a square grid around the origin, column after column.

        The defaults are PacGAN's 2D-grid: (-4 + 2i, -4 + 2j) for i, j in 0..4.
        """
        if side < 1 or not 0 < spacing < math.inf:
            raise ValueError(
                "Expected a side of at least 1 and a spacing above 0. "
                f"Received: side={side}, spacing={spacing}"
            )
        line = spacing * (np.arange(side) - (side - 1) / 2)
        x, y = np.meshgrid(line, line, indexing="ij")
        return cls(np.stack([x.ravel(), y.ravel()], axis=1), deviation)

    def sample(self, n, seed):
        """n independent points of the mixture: float32 (n, d), n at least 1."""
        if n < 1:
            raise ValueError(f"Expected at least 1 sample. Received: n={n}")
        rng = np.random.default_rng(seed)
        chosen = self.centres[rng.integers(len(self.centres), size=n)]
        points = chosen + self.deviation * rng.standard_normal(chosen.shape)
        return points.astype("float32")


def ring(n, *, seed, modes=8, radius=1.0, deviation=0.01) -> np.ndarray:
    """Points of `GaussianModes.ring`.

    Args:
        n: how many points, at least 1.
        seed: an int.
        modes, radius, deviation: of the mixture; the defaults are PacGAN's 2D-ring.

    Returns:
        (n, 2) float32, any real values.

    Raises:
        ValueError: on n, modes, radius or deviation out of range.
    """
    target = GaussianModes.ring(modes=modes, radius=radius, deviation=deviation)
    return target.sample(n, seed)


def grid(n, *, seed, side=5, spacing=2.0, deviation=0.05) -> np.ndarray:
    """Points of `GaussianModes.grid`.

    Args:
        n: how many points, at least 1.
        seed: an int.
        side, spacing, deviation: of the mixture; the defaults are PacGAN's 2D-grid.

    Returns:
        (n, 2) float32, any real values.

    Raises:
        ValueError: on n, side, spacing or deviation out of range.
    """
    target = GaussianModes.grid(side=side, spacing=spacing, deviation=deviation)
    return target.sample(n, seed)


def mode_coverage(samples, target) -> ModeCoverage:
    """How many modes of `target` the samples reach, how precisely and how evenly.

    Lin et al. 2018 (arXiv:1712.04086), section 4.1: a sample is of high quality if it
    lies within three standard deviations of the nearest centre, and a mode is lost if
    no such sample belongs to it. The divergence is of the histogram of high-quality
    samples over modes, the one that the authors' program counts. The mixture itself
    has a share of 1 - exp(-9/2) = 0.989 of high quality in the plane.

    Args:
        samples: (n, d) real, n at least 1.
        target: a `GaussianModes` over d dimensions.

    Returns:
        A `ModeCoverage` (modes, high_quality, reverse_kl).

    Raises:
        ValueError: on another shape, on NaN or infinities.
    """
    samples, centres = np.asarray(samples, "float64"), target.centres
    if samples.ndim != 2 or not len(samples) or samples.shape[1] != centres.shape[1]:
        raise ValueError(
            f"Expected samples of shape (n, {centres.shape[1]}), n at least 1. "
            f"Received: {samples.shape}"
        )
    if not np.isfinite(samples).all():
        raise ValueError("Expected finite samples. Received: NaN or infinities")
    distances = np.stack(
        [np.linalg.norm(samples - centre, axis=1) for centre in centres], axis=1
    )  # (n, modes)
    good = distances.min(axis=1) <= REACH * target.deviation
    if not good.any():
        return ModeCoverage(0, 0.0, math.inf)
    nearest = distances[good].argmin(axis=1)
    modes, reverse_kl = class_coverage(nearest, len(centres))
    return ModeCoverage(modes, float(good.mean()), reverse_kl)
