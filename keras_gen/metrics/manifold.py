"""Precision and recall, density and coverage: sets compared by nearest-neighbour balls.

A set's manifold is the union of balls around its points that reach to their k-th
nearest other point. As in the authors' package `prdc`, a ball does not hold its
boundary, with one exception: copies of a point are in its ball even when the ball has
shrunk to the point, so that a set always covers itself. All arithmetic is NumPy
float64, in blocks of rows.
"""

import operator

import numpy as np

from keras_gen.metrics import intervals
from keras_gen.metrics.neighbours import (
    feature_pair,
    squared_distance_blocks,
    squared_radii,
)

# Points that both sets hold lie on each other's boundaries, up to rounding.
BOUNDARY = 1e-9


def precision_recall(
    real, fake, *, extractor=None, neighbours=3, resamples=0, seed=0
) -> tuple[intervals.Estimate, intervals.Estimate]:
    """Share of fakes in the real manifold, and of real examples in the fake one.

    Kynkaanniemi et al. 2019 (arXiv:1904.06991), equations 1 and 2. The values of two
    equal distributions depend on n, m, k and d, and are well below 1: compare with
    those of two real sets. The intervals bootstrap the examples that are judged; the
    manifolds they are judged by are held fixed.

    Args:
        real, fake: (n, d) and (m, d) features, or what `extractor` takes.
        extractor: a name or object, see `keras_gen.metrics.extractors.features`.
        neighbours: k, at least 1 and less than n and m.
        resamples, seed: of the bootstrap intervals, see `intervals.mean`.

    Returns:
        A pair of `Estimate`s in [0, 1]: precision and recall.

    Raises:
        ValueError: on differing d, fewer than k + 1 rows, NaN or infinities.
    """
    neighbours = _check_neighbours(neighbours)
    real, fake = feature_pair(real, fake, extractor, minimum=neighbours + 1)
    real_limits = _limits(real, neighbours)
    fake_limits = _limits(fake, neighbours)
    in_real = np.zeros(len(fake), bool)
    in_fake = np.empty(len(real), bool)
    for rows, block in squared_distance_blocks(real, fake):
        in_real |= (block < real_limits[rows, None]).any(axis=0)
        in_fake[rows] = (block < fake_limits).any(axis=1)
    return (
        intervals.mean(in_real, resamples=resamples, seed=seed),
        intervals.mean(in_fake, resamples=resamples, seed=seed),
    )


def density_coverage(
    real, fake, *, extractor=None, neighbours=5, resamples=0, seed=0
) -> tuple[intervals.Estimate, intervals.Estimate]:
    """How many real balls hold a fake, over k, and the share of them that hold any.

    Naeem et al. 2020 (arXiv:2002.09797), who derive the values that two equal
    distributions have in expectation: density 1, and, for many fakes and as many real
    examples, coverage 1 - 2^-k. The intervals bootstrap the examples that are judged,
    fakes for density and real ones for coverage; the balls and, for coverage, the
    fakes are held fixed.

    Args:
        real, fake: (n, d) and (m, d) features, or what `extractor` takes.
        extractor: a name or object, see `keras_gen.metrics.extractors.features`.
        neighbours: k, at least 1 and less than n and m.
        resamples, seed: of the bootstrap intervals, see `intervals.mean`.

    Returns:
        A pair of `Estimate`s: density, at least 0 and possibly above 1, and coverage
        in [0, 1].

    Raises:
        ValueError: on differing d, fewer than k + 1 rows, NaN or infinities.
    """
    neighbours = _check_neighbours(neighbours)
    real, fake = feature_pair(real, fake, extractor, minimum=neighbours + 1)
    limits = _limits(real, neighbours)
    balls = np.zeros(len(fake))
    covered = np.empty(len(real), bool)
    for rows, block in squared_distance_blocks(real, fake):
        inside = block < limits[rows, None]
        balls += inside.sum(axis=0)
        covered[rows] = inside.any(axis=1)
    return (
        intervals.mean(balls / neighbours, resamples=resamples, seed=seed),
        intervals.mean(covered, resamples=resamples, seed=seed),
    )


def _limits(points, neighbours):
    """Squared distances (n,) below which a point is in each of the balls."""
    radii = squared_radii(points, neighbours)
    return np.maximum(radii * (1 - BOUNDARY), np.finfo("float64").tiny)


def _check_neighbours(neighbours):
    neighbours = operator.index(neighbours)
    if neighbours < 1:
        raise ValueError(
            f"Expected neighbours to be at least 1. Received: {neighbours}."
        )
    return neighbours
