"""Measured values that carry an interval, and the bootstrap that gives it one.

Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 13. All
arithmetic is NumPy float64.
"""

import operator
import statistics

import numpy as np

# Elements of a chunk of resamples: 8 MB of float64.
CHUNK = 1_000_000


class Estimate(float):
    """A measured value, a float in every respect, with the ends of its interval.

    Args:
        value: the value, finite.
        low, high: ends of the interval, both floats or both None (not measured).
    """

    def __new__(cls, value, low=None, high=None):
        if (low is None) != (high is None):
            raise ValueError(
                "Expected both ends of the interval or neither. "
                f"Received: low={low}, high={high}."
            )
        estimate = super().__new__(cls, value)
        estimate.low = None if low is None else float(low)
        estimate.high = None if high is None else float(high)
        return estimate

    def __repr__(self):
        value = float.__repr__(self)
        if self.low is None:
            return f"Estimate({value})"
        return f"Estimate({value}, low={self.low!r}, high={self.high!r})"


def mean(values, *, resamples=0, seed=0, level=0.95) -> Estimate:
    """Mean of per-example values, with a percentile bootstrap interval.

    Efron and Tibshirani 1993, section 13.3. Where all values are equal, so are all
    resamples, and the interval has no width.

    Args:
        values: (n,) real or boolean, n at least 1.
        resamples: how many resamples the interval rests on; 0 for none, else 2 or
            more.
        seed: of the resampling.
        level: share of intervals that hold the true mean, between 0 and 1.

    Returns:
        An `Estimate`.

    Raises:
        ValueError: on NaN, infinities, an empty array or another rank than 1.
    """
    resamples, values = check_resamples(resamples), _finite(values, "values")
    check_level(level)
    if not resamples:
        return Estimate(values.mean())
    rng = np.random.default_rng(seed)
    means = np.empty(resamples)
    step = max(1, CHUNK // len(values))
    for start in range(0, resamples, step):
        stop = min(start + step, resamples)
        rows = rng.integers(0, len(values), (stop - start, len(values)))
        means[start:stop] = values[rows].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(values.mean(), low, high)


def around(value, deviations, level=0.95) -> Estimate:
    """Interval `value` +- z s with s the spread of the value's bootstrap replicates.

    Efron and Tibshirani 1993, section 13.2 (the standard normal interval). A resample
    holds duplicates of its points, and so lies further from any other set than fresh
    draws do: replicates of a distance are biased upward, and their percentiles may
    even exclude the value. Hence only their standard deviation is used.

    Args:
        value: the value measured on the data itself.
        deviations: (resamples,) bootstrap replicates of it, 2 or more; with or
            without the value subtracted.
        level: share of intervals that hold the true value, between 0 and 1.

    Returns:
        An `Estimate`.

    Raises:
        ValueError: on NaN, infinities or fewer than 2 replicates.
    """
    deviations = _finite(deviations, "deviations")
    check_level(level)
    if len(deviations) < 2:
        raise ValueError(
            f"Expected at least 2 bootstrap replicates. Received: {len(deviations)}."
        )
    z = statistics.NormalDist().inv_cdf((1 + level) / 2)
    reach = z * float(np.std(deviations, ddof=1))
    return Estimate(value, value - reach, value + reach)


def resample_counts(rng, count, resamples):
    """How often each of `count` examples is drawn in each bootstrap resample.

    Args:
        rng: a `numpy.random.Generator`.
        count: number of examples, and of draws in a resample.
        resamples: number of resamples.

    Returns:
        (resamples, count) float64 whole numbers; each row adds up to `count`.
    """
    counts = np.empty((resamples, count))
    for row in counts:
        row[:] = np.bincount(rng.integers(0, count, count), minlength=count)
    return counts


def check_resamples(resamples):
    """`resamples` as an int, refused unless 0 or at least 2."""
    resamples = operator.index(resamples)
    if resamples < 0 or resamples == 1:
        raise ValueError(
            f"Expected resamples to be 0 or at least 2. Received: {resamples}."
        )
    return resamples


def check_level(level):
    """Refuses a level that is not strictly between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError(f"Expected level between 0 and 1. Received: {level}.")


def _finite(values, name):
    """`values` as (n,) float64, refused unless finite and n > 0."""
    values = np.asarray(values, "float64")
    if values.ndim != 1 or not len(values):
        raise ValueError(
            f"Expected {name} of shape (n,), n > 0. Received: {values.shape}."
        )
    if not np.isfinite(values).all():
        raise ValueError(f"Expected finite {name}. Received: NaN or infinities.")
    return values
