"""Frechet and kernel distances between sets of features.

All arithmetic is NumPy float64. A distance compares only with one that has the same
extractor and the same number of examples.
"""

import operator

import numpy as np

from keras_gen.metrics import intervals
from keras_gen.metrics.extractors import features
from keras_gen.metrics.neighbours import BLOCK, feature_pair

# A resample of fewer rows may well consist of a single one, which has no pairs.
FEWEST_TO_RESAMPLE = 10


class FeatureStatistics:
    """Count, mean and covariance of features that arrive in batches.

    Batches are merged by the pairwise update of Chan, Golub and LeVeque 1983
    ("Algorithms for computing the sample variance"), for vectors: no sum of raw
    squares is kept, so a large common offset of the features costs little accuracy.

    Attributes:
        count: number of examples seen.
        mean: (d,) float64, or None before the first batch.
        scatter: (d, d) float64, sum of outer products of deviations from the mean.
    """

    def __init__(self):
        self.count = 0
        self.mean = None
        self.scatter = None

    @classmethod
    def from_moments(cls, count, mean, covariance):
        """Statistics that are known rather than measured.

        Args:
            count: number of examples they stand for, at least 2.
            mean: (d,) real.
            covariance: (d, d) real, symmetric, of `count` - 1 degrees of freedom.

        Returns:
            A `FeatureStatistics`.

        Raises:
            ValueError: on other shapes, NaN, infinities or asymmetry.
        """
        mean = np.array(mean, "float64")
        covariance = np.array(covariance, "float64")
        if mean.ndim != 1 or covariance.shape != mean.shape * 2:
            raise ValueError(
                "Expected a mean of shape (d,) and a covariance of shape (d, d). "
                f"Received: {mean.shape} and {covariance.shape}."
            )
        if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
            raise ValueError("Expected finite moments. Received: NaN or infinities.")
        if not np.allclose(covariance, covariance.T, atol=1e-9 * np.trace(covariance)):
            raise ValueError("Expected a symmetric covariance. Received: another.")
        statistics = cls()
        statistics.count = operator.index(count)
        statistics.mean = mean
        statistics.scatter = covariance * (count - 1)
        return statistics

    @property
    def covariance(self):
        """(d, d) float64, of count - 1 degrees of freedom; from 2 examples on."""
        if self.count < 2:
            raise ValueError(
                f"Expected at least 2 rows for a covariance. Received: {self.count}."
            )
        return self.scatter / (self.count - 1)

    def update(self, batch):
        """Take in a batch of features (n, d), n at least 0; returns itself."""
        batch = features(batch)
        part = FeatureStatistics()
        part.count = len(batch)
        if part.count:
            part.mean = batch.mean(axis=0)
            centred = batch - part.mean
            part.scatter = centred.T @ centred
        return self.merge(part)

    def merge(self, other):
        """Take in the examples that `other` has seen; returns itself."""
        if not other.count:
            return self
        if not self.count:
            self.count = other.count
            self.mean, self.scatter = other.mean, other.scatter
            return self
        _check_dimensions(self, other)
        total = self.count + other.count
        difference = other.mean - self.mean
        between = np.outer(difference, difference) * (self.count * other.count / total)
        # Not in place: the arrays may be those of other statistics, merged first.
        self.mean = self.mean + difference * (other.count / total)
        self.scatter = self.scatter + other.scatter + between
        self.count = total
        return self


def frechet_distance(
    real, fake, *, extractor=None, resamples=0, seed=0
) -> intervals.Estimate:
    """Squared Frechet distance of the Gaussians fitted to two sets of features.

    |m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)): Dowson and Landau 1982, "The Frechet
    distance between multivariate normal distributions"; as a measure of generators
    Heusel et al. 2017 (arXiv:1706.08500), equation 6. Its expectation lies above the
    true distance by a term of the order of 1 / n.

    The interval is normal, from the spread of bootstrap replicates that resample both
    sets (`intervals.around`), and cut off at 0. It covers the sampling noise and not
    the bias. Where the two distributions are nearly equal it is too wide, by up to
    about 2, since the distance then has no linear term.

    Args:
        real, fake: (n, d) and (m, d) features, n and m at least 2, or what
            `extractor` takes, or `FeatureStatistics`.
        extractor: a name or object, see `keras_gen.metrics.extractors.features`.
        resamples: how many replicates the interval rests on; 0 for none, else 2 or
            more. Each costs as much as the distance itself.
        seed: of the resampling.

    Returns:
        An `Estimate`, at least 0.

    Raises:
        ValueError: on differing d, too few rows, NaN or infinities, and when asked to
            resample `FeatureStatistics`.
    """
    resamples = intervals.check_resamples(resamples)
    real, fake = (
        data if isinstance(data, FeatureStatistics) else features(data, extractor)
        for data in (real, fake)
    )
    if resamples and FeatureStatistics in (type(real), type(fake)):
        raise ValueError(
            "Expected resamples=0 for FeatureStatistics, which hold no examples. "
            f"Received: {resamples}."
        )
    value = frechet_from_statistics(_statistics(real), _statistics(fake))
    if not resamples:
        return intervals.Estimate(value)
    rng = np.random.default_rng(seed)
    replicates = [
        frechet_from_statistics(_resample(real, rng), _resample(fake, rng))
        for _ in range(resamples)
    ]
    interval = intervals.around(value, replicates)
    return intervals.Estimate(value, max(interval.low, 0.0), interval.high)


def frechet_from_statistics(first, second):
    """The distance of `frechet_distance` from two `FeatureStatistics`.

    tr (S1 S2)^(1/2) is the sum of the singular values of S1^(1/2) S2^(1/2), the roots
    of the eigenvalues of S1^(1/2) S2 S1^(1/2). Singular covariances need no epsilon.

    Returns:
        A float, at least 0.
    """
    _check_dimensions(first, second)
    root_product = _root(first.covariance).T @ _root(second.covariance)
    # Eigenvalues of the squared product would need a root, which makes 1e-8 out of
    # rounding errors of 1e-16; singular values do not.
    shared = np.linalg.svd(root_product, compute_uv=False).sum()
    difference = first.mean - second.mean
    traces = np.trace(first.covariance) + np.trace(second.covariance)
    return max(float(difference @ difference + traces - 2 * shared), 0.0)


def _root(covariance):
    """A with A A^T = covariance, (d, d); negative rounded eigenvalues count as 0."""
    eigenvalues, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(eigenvalues.clip(min=0))


def _statistics(data):
    if isinstance(data, FeatureStatistics):
        return data
    return FeatureStatistics().update(data)


def _resample(rows, rng):
    """Statistics of a bootstrap resample of (n, d), by counts in place of copies."""
    counts = intervals.resample_counts(rng, len(rows), 1)[0]
    kept = counts > 0
    rows, counts = rows[kept], counts[kept]
    statistics = FeatureStatistics()
    statistics.count = counts.sum()
    statistics.mean = counts @ rows / statistics.count
    centred = (rows - statistics.mean) * np.sqrt(counts)[:, None]
    statistics.scatter = centred.T @ centred
    return statistics


def _check_dimensions(first, second):
    for statistics in (first, second):
        if statistics.mean is None:
            raise ValueError("Expected statistics of some rows. Received: none.")
    if first.mean.shape != second.mean.shape:
        raise ValueError(
            "Expected the same feature dimension. "
            f"Received: {len(first.mean)} and {len(second.mean)}."
        )


def kernel_distance(
    real,
    fake,
    *,
    extractor=None,
    subsets=100,
    subset_size=1000,
    resamples=0,
    seed=0,
) -> intervals.Estimate:
    """Kernel inception distance: unbiased squared maximum mean discrepancy.

    With the kernel (x.y / d + 1)^3, averaged over random subsets: Binkowski et al.
    2018 (arXiv:1801.01401); the estimator is Gretton et al. 2012, "A kernel two-sample
    test", equation 3. Being unbiased, it is negative about half the time where the
    two distributions are equal.

    The interval is normal, from the spread of bootstrap replicates of the all-pairs
    statistic (`intervals.around`). A replicate weighs each pair of different rows by
    how often the two were drawn; pairs of copies of one row, which would bias it, are
    left out. Where the two distributions are nearly equal it is too wide, by up to
    about 2, since the statistic then has no linear term.

    Args:
        real, fake: (n, d) and (m, d) features, n and m at least 2, and 10 to
            resample; or what `extractor` takes.
        extractor: a name or object, see `keras_gen.metrics.extractors.features`.
        subsets: number of pairs of subsets; None for the statistic over all pairs,
            to which the mean over many subsets tends.
        subset_size: rows of each subset, drawn without replacement; at least 2, and
            at most the smaller set.
        resamples: how many replicates the interval rests on; 0 for none, else 2 or
            more.
        seed: of the subsets and of the resampling.

    Returns:
        An `Estimate`, of either sign.

    Raises:
        ValueError: on differing d, too few rows, NaN or infinities, and on sizes out
            of range.
    """
    resamples = intervals.check_resamples(resamples)
    if (subsets is not None and subsets < 1) or subset_size < 2:
        raise ValueError(
            "Expected subsets of at least 1, or None, and subset_size of at least 2. "
            f"Received: subsets={subsets}, subset_size={subset_size}."
        )
    minimum = FEWEST_TO_RESAMPLE if resamples else 2
    real, fake = feature_pair(real, fake, extractor, minimum=minimum)
    subset_rng, resample_rng = np.random.default_rng(seed).spawn(2)
    size = min(subset_size, len(real), len(fake))
    if subsets is None or size == len(real) == len(fake):
        value = _discrepancies(real, fake)[0]
    else:
        value = _mean_over_subsets(real, fake, subsets, size, subset_rng)
    if not resamples:
        return intervals.Estimate(value)
    counts = (
        intervals.resample_counts(resample_rng, len(rows), resamples).T
        for rows in (real, fake)
    )
    return intervals.around(value, _discrepancies(real, fake, *counts))


def _mean_over_subsets(real, fake, subsets, size, rng):
    values = [
        _discrepancies(
            real[rng.choice(len(real), size, replace=False)],
            fake[rng.choice(len(fake), size, replace=False)],
        )[0]
        for _ in range(subsets)
    ]
    return np.mean(values)


def _discrepancies(real, fake, real_weights=None, fake_weights=None):
    """Unbiased squared discrepancies of (n, d) and (m, d) under b sets of weights.

    Args:
        real_weights, fake_weights: (n, b) and (m, b), at least 0; None for one set
            of equal weights.

    Returns:
        (b,) float64.
    """
    if real_weights is None:
        real_weights, fake_weights = np.ones((len(real), 1)), np.ones((len(fake), 1))
    return (
        _mean_kernel(real, real, real_weights, real_weights, within=True)
        + _mean_kernel(fake, fake, fake_weights, fake_weights, within=True)
        - 2 * _mean_kernel(real, fake, real_weights, fake_weights, within=False)
    )


def _mean_kernel(first, second, first_weights, second_weights, *, within):
    """Weighted mean of (x.y / d + 1)^3 over pairs: (b,); `within` leaves out i = j."""
    total = np.zeros(first_weights.shape[1])
    step = max(1, BLOCK // len(second))
    for start in range(0, len(first), step):
        rows = np.arange(start, min(start + step, len(first)))
        inner = first[rows] @ second.T
        inner /= first.shape[1]
        inner += 1
        kernel = inner * inner
        kernel *= inner
        if within:
            kernel[rows - start, rows] = 0
        weighted = kernel @ second_weights
        total += np.einsum("ib,ib->b", first_weights[rows], weighted)
    pairs = first_weights.sum(axis=0) * second_weights.sum(axis=0)
    if within:
        pairs -= np.einsum("ib,ib->b", first_weights, second_weights)
    return total / pairs
