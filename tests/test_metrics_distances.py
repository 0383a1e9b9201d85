"""Statistics and distances against scipy, closed forms and double loops."""

import math

import numpy as np
import pytest
import scipy.linalg
import scipy.stats

from keras_gen.metrics import distances, intervals
from keras_gen.metrics.distances import FeatureStatistics


def normal(rows, columns, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, columns))


def moments(mean, covariance):
    return FeatureStatistics.from_moments(1000, mean, covariance)


def random_covariance(size, rank, seed):
    root = normal(size, rank, seed)
    return root @ root.T / rank


# Intervals


def test_around_is_a_normal_interval_about_the_value():
    replicates = np.array([7.0, 9.0, 11.0])  # a spread of 2, far from the value
    estimate = intervals.around(1.0, replicates, level=0.95)
    assert (estimate, estimate.low, estimate.high) == pytest.approx(
        (1.0, 1 - 1.959964 * 2, 1 + 1.959964 * 2), rel=1e-6
    )
    assert intervals.around(1.0, replicates, 0.5).high == pytest.approx(2.34898)


def test_resample_counts_are_multinomial():
    counts = intervals.resample_counts(np.random.default_rng(0), 50, 2000)
    assert counts.shape == (2000, 50)
    np.testing.assert_array_equal(counts.sum(1), 50)
    expected = scipy.stats.binom(50, 1 / 50)
    np.testing.assert_allclose(counts.mean(), 1.0)
    assert counts.var() == pytest.approx(expected.var(), rel=0.05)
    assert (counts == 0).mean() == pytest.approx(expected.pmf(0), rel=0.05)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: intervals.around(1.0, [1.0]), "at least 2 .* Received: 1"),
        (lambda: intervals.around(1.0, [1.0, np.inf]), "finite deviations"),
    ],
)
def test_around_refuses(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Streaming statistics


def assert_same_moments(first, second, tolerance=1e-12):
    assert first.count == second.count
    np.testing.assert_allclose(first.mean, second.mean, rtol=tolerance)
    scale = np.abs(second.covariance).max()
    np.testing.assert_allclose(
        first.covariance, second.covariance, rtol=tolerance, atol=tolerance * scale
    )


def test_statistics_are_numpys():
    x = normal(200, 7) @ normal(7, 7, 1) + 3.0
    statistics = FeatureStatistics().update(x)
    np.testing.assert_allclose(statistics.mean, x.mean(0), rtol=1e-12)
    np.testing.assert_allclose(statistics.covariance, np.cov(x.T), rtol=1e-10)


def test_streaming_in_batches_equals_at_once():
    x = normal(1003, 12) @ normal(12, 12, 1) + 5.0
    whole = FeatureStatistics().update(x)
    streamed = FeatureStatistics()
    for batch in np.split(x, [1, 2, 50, 50, 178, 900]):  # one of them is empty
        streamed.update(batch)
    assert_same_moments(streamed, whole)


def test_merge_in_any_order_equals_at_once_and_leaves_the_other_alone():
    x = normal(600, 5) * [1, 2, 3, 4, 5] - 2.0
    parts = [FeatureStatistics().update(rows) for rows in np.split(x, [100, 350])]
    whole = FeatureStatistics().update(x)
    for order in ((0, 1, 2), (2, 0, 1), (1, 2, 0)):
        merged = FeatureStatistics()
        for index in order:
            merged.merge(parts[index])
        assert_same_moments(merged, whole)
        assert merged.merge(FeatureStatistics()).count == 600
    for part, rows in zip(parts, np.split(x, [100, 350])):
        assert_same_moments(part, FeatureStatistics().update(rows))


def test_large_offsets_cost_no_variance():
    x = normal(500, 3)
    streamed = FeatureStatistics()
    for batch in np.array_split(x + 1e8, 10):
        streamed.update(batch)
    np.testing.assert_allclose(streamed.covariance, np.cov(x.T), atol=1e-6)


# Frechet distance


def sqrtm_distance(first, second):
    root = scipy.linalg.sqrtm(first.covariance @ second.covariance)
    return (
        np.sum((first.mean - second.mean) ** 2)
        + np.trace(first.covariance + second.covariance)
        - 2 * np.trace(np.real(root))
    )


@pytest.mark.parametrize("size", [1, 2, 10, 40])
def test_frechet_is_scipys_sqrtm(size):
    first = moments(normal(1, size, 1)[0], random_covariance(size, 2 * size, 2))
    second = moments(normal(1, size, 3)[0], random_covariance(size, 3 * size, 4))
    result = distances.frechet_from_statistics(first, second)
    assert result == pytest.approx(sqrtm_distance(first, second), rel=1e-9)


@pytest.mark.parametrize("ranks", [(3, 20), (20, 3), (3, 5), (1, 1)])
def test_frechet_of_singular_covariances_is_scipys_sqrtm(ranks):
    first = moments(np.zeros(12), random_covariance(12, ranks[0], 5))
    second = moments(np.ones(12), random_covariance(12, ranks[1], 6))
    result = distances.frechet_from_statistics(first, second)
    # The reference takes roots of eigenvalues that are rounding errors.
    assert result == pytest.approx(sqrtm_distance(first, second), rel=1e-5)


def test_frechet_of_rank_one_covariances_in_closed_form():
    # tr (S1 S2)^(1/2) = |u.v| for S1 = u u^T and S2 = v v^T.
    u, v = normal(2, 300, 7)
    first = moments(np.zeros(300), np.outer(u, u))
    second = moments(np.zeros(300), np.outer(v, v))
    expected = u @ u + v @ v - 2 * abs(u @ v)
    result = distances.frechet_from_statistics(first, second)
    assert result == pytest.approx(expected, rel=1e-6)


def test_frechet_of_fewer_examples_than_features():
    real, fake = normal(20, 60, 8), 0.5 * normal(15, 60, 9) + 0.2
    first, second = (FeatureStatistics().update(x) for x in (real, fake))
    expected = sqrtm_distance(first, second)
    assert distances.frechet_distance(real, fake) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("shape", [(500, 16), (20, 64), (2, 100)])
def test_frechet_of_identical_sets_is_zero(shape):
    x = normal(*shape) * np.geomspace(1e-3, 1e3, shape[1])
    result = distances.frechet_distance(x, x.copy())
    assert 0 <= result <= 1e-6 * np.trace(np.cov(x.T))


def test_frechet_of_shifted_unit_gaussians_is_the_squared_shift():
    shift = normal(1, 9, 10)[0]
    first, second = moments(np.zeros(9), np.eye(9)), moments(shift, np.eye(9))
    result = distances.frechet_distance(first, second)
    assert result == pytest.approx(shift @ shift, rel=1e-12)


def test_frechet_of_diagonal_and_commuting_covariances_in_closed_form():
    a, b = np.random.default_rng(11).gamma(2.0, size=(2, 8))
    expected = np.sum((np.sqrt(a) - np.sqrt(b)) ** 2)
    rotation = scipy.stats.ortho_group.rvs(8, random_state=12)
    for basis in (np.eye(8), rotation):
        first = moments(np.zeros(8), basis * a @ basis.T)
        second = moments(np.zeros(8), basis * b @ basis.T)
        result = distances.frechet_from_statistics(first, second)
        assert result == pytest.approx(expected, rel=1e-9)
        assert distances.frechet_from_statistics(second, first) == pytest.approx(result)


def test_frechet_takes_statistics_in_place_of_examples():
    real, fake = normal(50, 4), normal(70, 4, 1) + 1.0
    known = FeatureStatistics().update(real)
    expected = distances.frechet_distance(real, fake)
    assert distances.frechet_distance(known, fake) == pytest.approx(expected)
    estimate = distances.frechet_distance(real, fake, resamples=5, seed=1)
    assert estimate == expected
    with pytest.raises(ValueError, match="resamples=0 .* Received: 5"):
        distances.frechet_distance(real, FeatureStatistics().update(fake), resamples=5)


def test_weighted_moments_are_those_of_the_copies():
    x = normal(40, 3) + 10.0
    counts = intervals.resample_counts(np.random.default_rng(13), 40, 1)[0]
    copies = np.repeat(x, counts.astype(int), axis=0)
    weighted = distances._resample(x, np.random.default_rng(13))
    assert_same_moments(weighted, FeatureStatistics().update(copies))


def spreads(function, **options):
    """Spread of values over draws, and mean spread that their intervals tell."""
    estimates = [
        function(*draw_apart(seed), resamples=40, seed=seed, **options)
        for seed in range(80)
    ]
    reach = [(e.high - e) / 1.959964 for e in estimates]
    return np.std(estimates, ddof=1), np.mean(reach)


def draw_apart(seed):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(250, 4)), 1.5 * rng.normal(size=(200, 4)) + 0.5


def test_frechet_interval_has_the_size_of_the_spread_over_draws():
    spread, told = spreads(distances.frechet_distance)
    assert 1 / 1.4 < told / spread < 1.4


def test_frechet_interval_ends_at_zero():
    x = normal(30, 5)
    estimate = distances.frechet_distance(x, x.copy(), resamples=10)
    assert estimate.low == 0.0
    assert estimate.high > 0.1


# Kernel distance


def naive_kernel_distance(real, fake):
    def kernel(x, y):
        return (x @ y / len(x) + 1) ** 3

    def within(rows):
        pairs = [(i, j) for i in range(len(rows)) for j in range(len(rows)) if i != j]
        return np.mean([kernel(rows[i], rows[j]) for i, j in pairs])

    between = np.mean([kernel(x, y) for x in real for y in fake])
    return within(real) + within(fake) - 2 * between


def test_kernel_distance_over_all_pairs_is_the_double_loop(monkeypatch):
    real, fake = normal(23, 5), 1.2 * normal(31, 5, 1) + 0.3
    expected = naive_kernel_distance(real, fake)
    for block in (distances.BLOCK, 100):  # rows in blocks of 4 or 3
        monkeypatch.setattr(distances, "BLOCK", block)
        result = distances.kernel_distance(real, fake, subsets=None)
        assert result == pytest.approx(expected, rel=1e-12)


def test_kernel_distance_of_whole_sets_as_subsets_is_over_all_pairs():
    real, fake = normal(25, 5), normal(25, 5, 1)
    expected = naive_kernel_distance(real, fake)
    # The subset size is capped at the smaller set.
    assert distances.kernel_distance(real, fake) == pytest.approx(expected, rel=1e-12)
    larger = np.vstack([fake, fake + 5])
    for pair in ((real, larger), (larger, real)):
        values = {
            distances.kernel_distance(*pair, subsets=1, seed=seed) for seed in range(3)
        }
        assert len(values) == 3


def test_mean_over_many_subsets_is_near_the_statistic_over_all_pairs():
    # Small sets, where drawing subsets with replacement would be far off.
    real, fake = (rows[:30] for rows in draw_apart(0))
    expected = distances.kernel_distance(real, fake, subsets=None)
    runs = [
        distances.kernel_distance(real, fake, subsets=500, subset_size=20, seed=seed)
        for seed in range(12)
    ]
    error = np.std(runs, ddof=1) / math.sqrt(len(runs))
    assert 0 < error < 0.06
    assert abs(np.mean(runs) - expected) < 4 * error


def test_kernel_distance_is_unbiased():
    draws = [
        distances.kernel_distance(
            normal(30, 4, seed), normal(40, 4, 1000 + seed), subsets=None
        )
        for seed in range(600)
    ]
    error = np.std(draws, ddof=1) / math.sqrt(len(draws))
    assert abs(np.mean(draws)) < 4 * error
    # The biased statistic, with i = j, would be this far off: far more than 4 errors.
    assert np.mean(draws) + 8 * error < 7 / 30
    assert 0.3 < np.mean(np.less(draws, 0)) < 0.8


def test_kernel_interval_has_the_size_of_the_spread_over_draws():
    spread, told = spreads(distances.kernel_distance, subsets=None)
    assert 1 / 1.4 < told / spread < 1.4


def test_kernel_weights_leave_out_pairs_of_copies():
    real, fake = normal(12, 3), normal(9, 3, 1)
    counts = intervals.resample_counts(np.random.default_rng(2), 12, 3).T
    ones = np.ones((9, 3))
    result = distances._discrepancies(real, fake, counts, ones)
    assert result.shape == (3,)
    kernel = (real @ real.T / 3 + 1) ** 3 * (1 - np.eye(12))
    cross = (real @ fake.T / 3 + 1) ** 3
    other = distances._mean_kernel(fake, fake, ones, ones, within=True)
    for column, w in enumerate(counts.T):
        within = w @ kernel @ w / (w.sum() ** 2 - w @ w)
        between = w @ cross.mean(1) / w.sum()
        expected = within + other[column] - 2 * between
        assert result[column] == pytest.approx(expected, rel=1e-10)


# Both

BOTH = pytest.mark.parametrize(
    "function", [distances.frechet_distance, distances.kernel_distance]
)


@BOTH
def test_distances_are_determined_by_the_seed(function):
    real, fake = draw_apart(3)
    options = {"resamples": 10}
    if function is distances.kernel_distance:
        options |= {"subsets": 3, "subset_size": 50}
    first, again, other = (
        function(real, fake, seed=seed, **options) for seed in (1, 1, 2)
    )
    assert (first, first.low, first.high) == (again, again.low, again.high)
    assert first.high != other.high
    assert first.low < first < first.high
    # Asking for an interval does not change the value.
    options["resamples"] = 0
    assert function(real, fake, seed=1, **options) == first


BAD = normal(10, 3)
BAD[4, 1] = np.nan


@BOTH
def test_distances_refuse(function):
    good = normal(10, 3)
    with pytest.raises(ValueError, match="dimension. Received: .*3.*4"):
        function(good, normal(10, 4))
    with pytest.raises(ValueError, match="at least 2 rows .* Received: 1"):
        function(good, good[:1])
    with pytest.raises(ValueError, match="finite"):
        function(BAD, good)
    with pytest.raises(ValueError, match="finite"):
        function(good, BAD)
    with pytest.raises(ValueError, match="Received: 1"):
        function(good, good, resamples=1)


def test_sizes_and_moments_out_of_range_are_refused():
    x = normal(5, 3)
    for options in ({"subsets": 0}, {"subset_size": 1}):
        with pytest.raises(ValueError, match="at least 1, or None.* Received"):
            distances.kernel_distance(x, x, **options)
    with pytest.raises(ValueError, match="at least 10 rows .* Received: 5"):
        distances.kernel_distance(x, x, resamples=5)
    with pytest.raises(ValueError, match=r"\(d, d\). Received: \(3,\) and \(2, 2\)"):
        moments(np.zeros(3), np.eye(2))
    with pytest.raises(ValueError, match="symmetric"):
        moments(np.zeros(2), [[1.0, 0.5], [0.0, 1.0]])
    with pytest.raises(ValueError, match="finite moments"):
        moments([0.0, np.inf], np.eye(2))
    with pytest.raises(ValueError, match="some rows. Received: none"):
        distances.frechet_distance(FeatureStatistics(), x)
    with pytest.raises(ValueError, match="at least 2 rows .* Received: 1"):
        _ = FeatureStatistics().update(x[:1]).covariance
    with pytest.raises(ValueError, match="dimension. Received: 3 and 2"):
        FeatureStatistics().update(x).merge(FeatureStatistics().update(x[:, :2]))
