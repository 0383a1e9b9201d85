"""Distributions over whole numbers as tables of integers, the same on every machine.

NumPy's and the C library's exponentials differ between processors in their last bit,
which is enough to lose a whole file. Everything here is made of single additions,
multiplications, divisions and roundings, which IEEE 754 fixes to the bit.
"""

import math
import statistics

import numpy as np

BASE = 16  # numbers are coded digit by digit: tables of 16, not of 256 or 65,536
TOTAL = 2**24  # what a table's frequencies add up to
LEAST = 2.0**-40  # added to each digit's probability: none of them is impossible
ROWS = 4096  # tables made at once, so that they stay in the processor's cache

_LOG2E = 1 / math.log(2)
_LN2_HIGH = 0.693147180369123816490  # ends in zeros: its product with k is exact
_LN2_LOW = 1.90821492927058770002e-10
_FACTORIALS = [math.factorial(n) for n in range(13, -1, -1)]


def exp(x):
    """e^x for float64 in [-700, 700] (clipped), to about 1e-15 of its value."""
    x = np.minimum(np.maximum(x, -700.0), 700.0)
    k = np.floor(x * _LOG2E + 0.5)
    r = x - k * _LN2_HIGH
    r -= k * _LN2_LOW
    total = np.full_like(r, 1 / _FACTORIALS[0])
    for factorial in _FACTORIALS[1:]:  # Taylor's series by Horner's rule
        total *= r
        total += 1 / factorial
    # The bits of 2^k.
    powers = ((k.astype(np.int64) + 1023) << 52).view(np.float64)
    return total * powers


def logistic(x):
    """1 / (1 + e^-x)."""
    return 1.0 / (1.0 + exp(-x))


class Distribution:
    """Whole numbers in [0, BASE**digits), each with its own law, as digits' tables.

    A subclass gives the distribution function in `cdf`, for a slice of the numbers.
    """

    digits: int
    count: int  # of numbers

    def cdf(self, rows, edges):
        """P(number < edge) for a slice of the numbers, (n, 1) or (n, 17) int64."""
        raise NotImplementedError

    def frequencies(self, prefix, digit):
        """Tables of the digit that follows the ones known.

        Args:
            prefix: int64 (count,), the digits before, read as one number.
            digit: its place, 0 for the highest.

        Returns:
            float64 (count, BASE), whole numbers that add up to TOTAL - BASE: what
            lacks is 1 for each digit, which `Stack` adds.
        """
        width = BASE ** (self.digits - 1 - digit)
        result = np.empty((self.count, BASE))
        steps = np.arange(BASE + 1)
        for start in range(0, self.count, ROWS):
            rows = slice(start, min(start + ROWS, self.count))
            edges = (prefix[rows, None] * BASE + steps) * width
            below = self.cdf(rows, edges)
            below = below - below[:, :1] + LEAST * steps
            scaled = np.floor(below / below[:, -1:] * (TOTAL - BASE))
            result[rows] = scaled[:, 1:] - scaled[:, :-1]
        return result


class LogisticMixtures(Distribution):
    """8-bit levels as mixtures of logistics integrated over their bins.

    Salimans et al. 2017 (arXiv:1701.05517), equation 2, on the scale of [-1, 1].

    Args:
        logits, means, log_scales: float64 (count, components).
    """

    digits = 2

    def __init__(self, logits, means, log_scales):
        self.count, self.components = means.shape
        shares = exp(logits - logits.max(axis=1, keepdims=True))
        total = 0.0
        for k in range(self.components):  # in one order, unlike np.sum
            total = total + shares[:, k]
        self.weights = shares / total[:, None]
        self.means = means
        self.precisions = exp(-log_scales)

    def cdf(self, rows, edges):
        places = (edges - 0.5) / 127.5 - 1.0
        total = 0.0
        for k in range(self.components):
            part = np.s_[rows, k : k + 1]
            inside = logistic((places - self.means[part]) * self.precisions[part])
            total = total + self.weights[part] * inside
        return np.where(edges == 0, 0.0, np.where(edges == 256, 1.0, total))


class GaussianBins(Distribution):
    """Gaussians over bins that are equally probable under the standard normal.

    Townsend et al. 2019 (arXiv:1901.04866), section 2.5.1. The normal distribution
    function is within 1.5e-4 of the logistic function of 1.5976 t + 0.07056 t^3
    (Bowling et al. 2009, doi:10.3926/jiem.2009.v2n1.p114-127): another posterior by so
    little costs nothing measurable.

    Args:
        means, log_variances: float64 (count,).
        digits: the bins number BASE**digits.
    """

    def __init__(self, means, log_variances, digits):
        self.count, self.digits = len(means), digits
        self.means = means[:, None]
        self.precisions = exp(-0.5 * log_variances)[:, None]
        self.edges, _ = normal_bins(digits)

    def cdf(self, rows, edges):
        t = (self.edges[edges] - self.means[rows]) * self.precisions[rows]
        t = np.minimum(np.maximum(t, -9.0), 9.0)
        inside = logistic(t * (1.5976 + 0.07056 * (t * t)))
        last = len(self.edges) - 1
        return np.where(edges == 0, 0.0, np.where(edges == last, 1.0, inside))


def normal_bins(digits):
    """Bins of equal probability under the standard normal.

    Returns:
        Their edges (BASE**digits + 1,), the infinite ones as 0 (nothing reads them),
        and their medians (BASE**digits,): float64, multiples of 2**-20 and 2**-14.
    """
    if digits not in _BINS:
        count = BASE**digits
        inverse = statistics.NormalDist().inv_cdf
        inner = [inverse(k / count) for k in range(1, count)]
        medians = [inverse((k + 0.5) / count) for k in range(count)]
        _BINS[digits] = (
            np.round(np.array([0.0, *inner, 0.0]) * 2**20) / 2**20,
            np.round(np.array(medians) * 2**14) / 2**14,
        )
    return _BINS[digits]


_BINS = {}
