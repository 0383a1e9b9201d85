"""Nearest neighbours among features, and what they tell about copied samples.

All arithmetic is NumPy float64, in blocks: memory grows with n + m, not with n m.
"""

import numpy as np

from keras_gen.metrics import intervals
from keras_gen.metrics.extractors import features

# Elements of a block of pairwise distances: 32 MB of float64.
BLOCK = 4_000_000
# Pairs whose squared distance is below this share of their squared norms are computed
# again from their difference; above it, |a|^2 + |b|^2 - 2 a.b is good to 1e-10.
CLOSE = 1e-5


def nearest_neighbours(queries, references, *, extractor=None):
    """Each query's nearest reference by Euclidean distance.

    The distance of an exact copy is exactly 0. Of equally near references the first
    is taken, up to rounding.

    Args:
        queries, references: (n, d) and (m, d) features, or what `extractor` takes.
        extractor: a name or object, see `keras_gen.metrics.extractors.features`.

    Returns:
        A pair: distances (n,) float64, at least 0, and indices (n,) int64 in [0, m).

    Raises:
        ValueError: on differing d, an empty set, NaN or infinities.
    """
    return _nearest(*feature_pair(queries, references, extractor, minimum=1))


def memorisation(
    samples, training, held_out, *, extractor=None, quantile=0.01, resamples=0, seed=0
) -> intervals.Estimate:
    """Share of samples nearer to the training set than real data ever is by chance.

    The share of samples whose distance to their nearest training example is at most
    the `quantile` of the same distance of held-out real examples. Real data scores
    about `quantile`, a generator that copies scores towards 1, and one whose samples
    are far from all data scores 0: read it beside a measure of quality. It is the
    one-sided tail of the comparison of nearest-neighbour distances by Meehan et al.
    2020 (arXiv:2004.05675). The interval covers the drawing of samples; the training
    and held-out sets, and so the threshold, are held fixed.

    Args:
        samples, training, held_out: (n, d), (m, d) and (l, d) features, or what
            `extractor` takes.
        extractor: a name or object, see `keras_gen.metrics.extractors.features`.
        quantile: share of real data that counts as a copy by chance, in (0, 1). The
            held-out set should have many more than 1 / quantile rows.
        resamples, seed: of the bootstrap interval, see `intervals.mean`.

    Returns:
        An `Estimate` in [0, 1].

    Raises:
        ValueError: on differing d, an empty set, NaN or infinities.
    """
    check_quantile(quantile)
    samples, training = feature_pair(samples, training, extractor, minimum=1)
    held_out, _ = feature_pair(features(held_out, extractor), training, minimum=1)
    threshold = np.quantile(_nearest(held_out, training)[0], quantile)
    copied = _nearest(samples, training)[0] <= threshold
    return intervals.mean(copied, resamples=resamples, seed=seed)


def duplicates(
    samples,
    *,
    threshold=None,
    reference=None,
    extractor=None,
    quantile=0.01,
    resamples=0,
    seed=0,
) -> intervals.Estimate:
    """Share of samples that have another sample within `threshold`.

    What distance makes two samples the same depends on the features, so either it is
    given, or it is the `quantile` of the distances from each of n real examples to
    the nearest other one. Neighbours come nearer as a set grows, therefore the real
    examples are as many as the samples. Real data scores about `quantile`, a
    collapsed generator 1. The interval takes the samples' values as independent,
    which those of a pair are not: it is too narrow by up to a factor of sqrt(2) where
    duplicates come in pairs, and more where they come in larger groups.

    Args:
        samples: (n, d) features, n at least 2, or what `extractor` takes.
        threshold: Euclidean distance, at least 0; or None, with a reference.
        reference: (m, d) features of real examples, m at least n, of which n are
            drawn without replacement; or None, with a threshold.
        extractor: a name or object, see `keras_gen.metrics.extractors.features`.
        quantile: share of real data that counts as duplicates by chance, in (0, 1).
        resamples: of the bootstrap interval, see `intervals.mean`.
        seed: of the draw from the reference, and of the interval.

    Returns:
        An `Estimate` in [0, 1].

    Raises:
        ValueError: unless exactly one of threshold and reference is given; on too few
            rows, differing d, NaN or infinities.
    """
    if (threshold is None) == (reference is None):
        raise ValueError(
            "Expected exactly one of threshold and reference. Received: "
            + ("neither." if threshold is None else "both.")
        )
    check_quantile(quantile)
    samples = features(samples, extractor)
    check_rows(samples, 2, "samples")
    if reference is not None:
        check_rows(reference, len(samples), "reference")
        rng = np.random.default_rng(seed)
        rows = rng.choice(len(reference), len(samples), replace=False)
        drawn = np.asarray(reference)[rows]
        _, drawn = feature_pair(samples, features(drawn, extractor), minimum=2)
        threshold = np.quantile(np.sqrt(squared_radii(drawn, 1)), quantile)
    elif not threshold >= 0:
        raise ValueError(f"Expected threshold of at least 0. Received: {threshold}.")
    repeated = np.sqrt(squared_radii(samples, 1)) <= threshold
    return intervals.mean(repeated, resamples=resamples, seed=seed)


# What the other modules build on


def feature_pair(first, second, extractor=None, *, minimum=2):
    """Features of two sets, (n, d) and (m, d) float64, refused unless they compare.

    Args:
        first, second: features, or what `extractor` takes.
        extractor: a name or object, see `keras_gen.metrics.extractors.features`.
        minimum: least number of rows of each.

    Returns:
        The pair.

    Raises:
        ValueError: on differing d, too few rows, NaN or infinities.
    """
    first, second = features(first, extractor), features(second, extractor)
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            "Expected both sets to have the same feature dimension. "
            f"Received: shapes {first.shape} and {second.shape}."
        )
    check_rows(first, minimum, "the first set")
    check_rows(second, minimum, "the second set")
    return first, second


def check_rows(rows, minimum, name):
    """Refuses fewer than `minimum` rows."""
    if len(rows) < minimum:
        raise ValueError(
            f"Expected at least {minimum} rows in {name}. Received: {len(rows)}."
        )


def check_quantile(quantile):
    """Refuses a quantile that is not strictly between 0 and 1."""
    if not 0 < quantile < 1:
        raise ValueError(f"Expected quantile between 0 and 1. Received: {quantile}.")


def squared_distance_blocks(first, second):
    """All squared Euclidean distances between two sets, by blocks of rows.

    Exact copies are at exactly 0, and all other pairs within 1e-10 relative.

    Args:
        first, second: (n, d) and (m, d) float64, finite.

    Yields:
        Pairs of a slice of the rows of `first` and a block (rows, m) float64, at
        least 0, free to be written to.
    """
    # Without their common offset norms are small, and few pairs must be recomputed.
    centre = second.mean(axis=0)
    first, second = first - centre, second - centre
    first_norms = np.einsum("ij,ij->i", first, first)
    second_norms = np.einsum("ij,ij->i", second, second)
    step = max(1, BLOCK // len(second))
    for start in range(0, len(first), step):
        rows = slice(start, min(start + step, len(first)))
        scale = first_norms[rows, None] + second_norms
        block = first[rows] @ second.T
        block *= -2
        block += scale
        scale *= CLOSE
        _recompute(block, np.nonzero(block <= scale), first[rows], second)
        yield rows, block


def _recompute(block, pairs, first, second):
    """Write |a - b|^2 of the pairs (i, j), taken from the difference, to the block."""
    i, j = pairs
    step = max(1, BLOCK // (8 * first.shape[1]))
    for start in range(0, len(i), step):
        part = slice(start, start + step)
        difference = first[i[part]] - second[j[part]]
        block[i[part], j[part]] = np.einsum("ij,ij->i", difference, difference)


def squared_radii(points, neighbours):
    """Squared distance of each point to its k-th nearest other point.

    Args:
        points: (n, d) float64.
        neighbours: k, in [1, n).

    Returns:
        (n,) float64; 0 where a point has k copies.
    """
    radii = np.empty(len(points))
    for rows, block in squared_distance_blocks(points, points):
        block[np.arange(len(block)), np.arange(rows.start, rows.stop)] = np.inf
        block.partition(neighbours - 1, axis=1)
        radii[rows] = block[:, neighbours - 1]
    return radii


def _nearest(queries, references):
    """Distances (n,) to the nearest references, and their indices (n,)."""
    distances = np.empty(len(queries))
    indices = np.empty(len(queries), "int64")
    for rows, block in squared_distance_blocks(queries, references):
        nearest = block.argmin(axis=1)
        indices[rows] = nearest
        distances[rows] = np.sqrt(block[np.arange(len(block)), nearest])
    return distances, indices
