"""Intervals by simulation, manifolds against `prdc`, neighbours against sklearn."""

import json
import math
import pickle

import numpy as np
import prdc
import pytest
import sklearn.neighbors

from keras_gen.metrics import intervals, manifold, neighbours


def normal(rows, columns, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, columns))


# Intervals of means


def test_estimate_is_a_float_with_ends():
    estimate = intervals.Estimate(0.5, 0.4, 0.7)
    assert isinstance(estimate, float)
    assert estimate == 0.5
    assert (estimate.low, estimate.high) == (0.4, 0.7)
    assert repr(estimate) == "Estimate(0.5, low=0.4, high=0.7)"
    assert f"{estimate:.2f}" == "0.50"
    assert json.dumps({"value": estimate}) == '{"value": 0.5}'
    copied = pickle.loads(pickle.dumps(estimate))
    assert (copied, copied.low, copied.high) == (0.5, 0.4, 0.7)


def test_estimate_without_an_interval():
    estimate = intervals.Estimate(2)
    assert (estimate.low, estimate.high) == (None, None)
    assert repr(estimate) == "Estimate(2.0)"
    with pytest.raises(ValueError, match="both ends .* Received: low=1, high=None"):
        intervals.Estimate(2.0, low=1)


def test_mean_interval_covers_the_true_mean_as_often_as_it_says():
    repetitions, level = 400, 0.9
    covered = 0
    for seed in range(repetitions):
        values = np.random.default_rng(seed).gamma(4.0, 1.0, 80)
        estimate = intervals.mean(values, resamples=400, seed=seed, level=level)
        covered += estimate.low <= 4.0 <= estimate.high
    # Four standard errors of the share; the bootstrap itself is some 1 % short.
    error = math.sqrt(level * (1 - level) / repetitions)
    assert abs(covered / repetitions - (level - 0.01)) < 4 * error


def test_mean_interval_is_that_of_the_normal_approximation(monkeypatch):
    values = normal(300, 1)[:, 0]
    error = values.std() / math.sqrt(len(values))
    estimate = intervals.mean(values, resamples=4000)
    assert estimate == pytest.approx(values.mean(), abs=1e-15)
    assert estimate.low == pytest.approx(values.mean() - 1.96 * error, abs=0.15 * error)
    assert estimate.high == pytest.approx(
        values.mean() + 1.96 * error, abs=0.15 * error
    )
    monkeypatch.setattr(intervals, "CHUNK", 1000)  # 3 resamples at a time
    assert intervals.mean(values, resamples=4000).low == estimate.low


def test_mean_of_truth_values_and_without_resamples():
    estimate = intervals.mean([True, False, True, True])
    assert (estimate, estimate.low) == (0.75, None)
    assert intervals.mean(np.ones(5), resamples=50).high == 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: intervals.mean([1.0, np.nan]), "finite values. Received: NaN"),
        (lambda: intervals.mean([]), r"shape \(n,\), n > 0. Received: \(0,\)"),
        (lambda: intervals.mean([[1.0]]), r"Received: \(1, 1\)"),
        (lambda: intervals.mean([1.0], resamples=1), "0 or at least 2. Received: 1"),
        (lambda: intervals.mean([1.0], resamples=-5), "Received: -5"),
        (lambda: intervals.mean([1.0], level=95), "between 0 and 1. Received: 95"),
    ],
)
def test_intervals_refuse(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# Precision, recall, density, coverage


def all_four(real, fake, neighbours_):
    precision, recall = manifold.precision_recall(real, fake, neighbours=neighbours_)
    density, coverage = manifold.density_coverage(real, fake, neighbours=neighbours_)
    return {
        "precision": precision,
        "recall": recall,
        "density": density,
        "coverage": coverage,
    }


def assert_is_prdc(real, fake, k):
    expected = prdc.compute_prdc(real, fake, k)
    result = all_four(real, fake, k)
    assert result == pytest.approx(expected, rel=1e-9)
    return result


@pytest.mark.parametrize("k", [1, 3, 5, 10])
@pytest.mark.parametrize("counts", [(200, 200), (150, 260), (260, 12)])
def test_manifolds_are_those_of_prdc(counts, k):
    real, fake = normal(counts[0], 6), 0.9 * normal(counts[1], 6, 1) + 0.2
    result = assert_is_prdc(real, fake, k)
    if counts == (200, 200):  # no value is what anything else would give too
        assert all(0 < value != 1 for value in result.values())


@pytest.mark.parametrize("block", [1, 1000, 10**9])
def test_manifolds_do_not_depend_on_the_blocks(monkeypatch, block):
    monkeypatch.setattr(neighbours, "BLOCK", block)
    assert_is_prdc(normal(70, 4), normal(90, 4, 1), 3)


def test_manifolds_with_many_ties_are_those_of_prdc():
    # Products of small whole numbers are exact, so that prdc's ties are true ties.
    real, fake = np.random.default_rng(2).integers(0, 8, (2, 120, 3)).astype(float)
    real, fake = np.unique(real, axis=0), np.unique(fake, axis=0)
    shared = {tuple(row) for row in real} & {tuple(row) for row in fake}
    assert len(shared) > 10
    assert_is_prdc(real, fake, 3)
    assert_is_prdc(real, fake, 5)


def test_manifolds_far_from_the_origin_are_those_at_it():
    real, fake = normal(150, 5), normal(140, 5, 1)
    assert all_four(real + 1e7, fake + 1e7, 3) == all_four(real, fake, 3)


@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_identical_sets_cover_each_other(offset):
    x = normal(300, 20) + offset
    result = all_four(x, x[::-1].copy(), 3)
    # A point is in its own ball and, boundaries left out, in those of k - 1 others on
    # average: a density of 1 as well.
    expected = {"precision": 1, "recall": 1, "density": 1, "coverage": 1}
    assert result == pytest.approx(expected, rel=1e-12)


def test_copies_are_covered_even_by_balls_without_extent():
    x = np.repeat(normal(10, 4) / 3, 8, axis=0)  # 7 copies of each, k = 3
    result = all_four(x, x.copy(), 3)
    assert [result[name] for name in ("precision", "recall", "coverage")] == [1, 1, 1]
    assert prdc.compute_prdc(x, x, 3)["precision"] < 1
    # What is near them but no copy is outside.
    assert all_four(x, x + 1e-7, 3)["precision"] == 0


def test_a_collapsed_generator_has_precision_without_recall():
    real = normal(400, 8)
    result = all_four(real, np.zeros((400, 8)), 5)
    assert (result["precision"], result["recall"]) == (1.0, 0.0)
    assert result["density"] > 2
    assert result["coverage"] < 0.6


def test_identical_gaussians_have_their_expected_values():
    real, fake = normal(2000, 64), normal(2000, 64, 1)
    density, coverage = manifold.density_coverage(real, fake)
    precision, recall = manifold.precision_recall(real, fake)
    assert density == pytest.approx(1.0, abs=0.12)
    assert coverage == pytest.approx(1 - 2**-5, abs=0.012)
    # They fall as n and d grow: .48 and .47 at 10,000 x 1000, k = 5, where density and
    # coverage are 1.06 and .97 (the example of prdc's README).
    assert 0.4 < precision < 0.75
    assert 0.4 < recall < 0.75


def test_worked_example_on_a_line():
    real, fake = np.array([[0.0], [1.0], [3.0]]), np.array([[0.4], [1.5], [5.5]])
    # With k = 1 the real balls are 0 +- 1, 1 +- 1, 3 +- 2: 0.4 is in two of them, 1.5
    # in two, 5.5 in none. Fake balls: 0.4 +- 1.1, 1.5 +- 1.1, 5.5 +- 4.
    precision, recall = manifold.precision_recall(real, fake, neighbours=1)
    density, coverage = manifold.density_coverage(real, fake, neighbours=1)
    assert (precision, recall) == pytest.approx((2 / 3, 1))
    assert (density, coverage) == pytest.approx((4 / 3, 1))


def test_manifold_intervals_are_those_of_the_per_example_values():
    real, fake = normal(300, 6), normal(200, 6, 1)
    for function, limit in (
        (manifold.precision_recall, 1),
        (manifold.density_coverage, 9),
    ):
        plain = function(real, fake)
        first, again, other = (
            function(real, fake, resamples=200, seed=seed) for seed in (1, 1, 2)
        )
        assert first == plain
        for a, b, c in zip(first, again, other):
            assert 0 <= a.low < a < a.high <= limit
            assert (a.low, a.high) == (b.low, b.high)
            assert (a.low, a.high) != (c.low, c.high)
    precision, recall = manifold.precision_recall(real, fake, resamples=2000)
    for share, count in ((precision, 200), (recall, 300)):
        width = 2 * 1.96 * math.sqrt(share * (1 - share) / count)
        assert share.high - share.low == pytest.approx(width, rel=0.1)


# Neighbours


def test_nearest_neighbours_are_scikit_learns():
    queries, references = normal(130, 7), normal(210, 7, 1)
    index = sklearn.neighbors.NearestNeighbors(n_neighbors=1, algorithm="brute")
    expected, indices = index.fit(references).kneighbors(queries)
    distances, found = neighbours.nearest_neighbours(queries, references)
    np.testing.assert_allclose(distances, expected[:, 0], rtol=1e-9)
    np.testing.assert_array_equal(found, indices[:, 0])
    assert (distances.dtype, found.dtype) == ("float64", "int64")


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_distances_of_copies_are_exactly_zero_and_of_near_copies_accurate(scale):
    references = scale * (normal(300, 33) + 100.0)
    order = np.random.default_rng(1).permutation(300)
    distances, found = neighbours.nearest_neighbours(references[order], references)
    assert (distances == 0).all()
    np.testing.assert_array_equal(found, order)
    moved = references + 0.0
    moved[:, 5] += 1e-6 * scale
    expected = np.abs(moved[:, 5] - references[:, 5])
    near, _ = neighbours.nearest_neighbours(moved, references)
    np.testing.assert_allclose(near, expected, rtol=1e-5)


def test_radii_count_other_points_only():
    x = np.array([[0.0], [1.0], [1.0], [5.0]])
    np.testing.assert_array_equal(neighbours.squared_radii(x, 1), [1, 0, 0, 16])
    np.testing.assert_array_equal(neighbours.squared_radii(x, 2), [1, 1, 1, 16])


def test_memorisation_of_copies_and_of_fresh_draws():
    training, held_out = normal(1000, 6), normal(2000, 6, 1)
    copies = training[np.random.default_rng(2).integers(0, 1000, 500)]
    assert neighbours.memorisation(copies, training, held_out) == 1
    near = copies + 1e-3 * normal(500, 6, 3)
    assert neighbours.memorisation(near, training, held_out) == 1
    fresh = normal(4000, 6, 4)
    for quantile in (0.01, 0.1):
        share = neighbours.memorisation(
            fresh, training, held_out, quantile=quantile, resamples=100
        )
        # The threshold itself is a quantile of 2000 draws.
        error = math.sqrt(quantile * (1 - quantile) * (1 / 4000 + 1 / 2000))
        assert abs(share - quantile) < 4 * error
        assert share.low < share < share.high
    half = np.vstack([copies, normal(500, 6, 5)])
    assert neighbours.memorisation(half, training, held_out) == pytest.approx(
        0.5, abs=0.02
    )
    assert neighbours.memorisation(fresh + 50.0, training, held_out) == 0


def test_memorisation_where_real_data_holds_copies_counts_copies():
    training, held_out = normal(200, 4), normal(200, 4, 1)
    held_out[:20] = training[:20]
    samples = np.vstack([training[:30], normal(70, 4, 2)])
    assert neighbours.memorisation(samples, training, held_out) == 0.3


def test_duplicates_within_a_threshold():
    samples = np.array([[0.0], [0.1], [1.0], [5.0], [5.0], [5.0]])
    for threshold, share in ((0.0, 3 / 6), (0.15, 5 / 6), (0.91, 1.0)):
        result = neighbours.duplicates(samples, threshold=threshold)
        assert result == pytest.approx(share)


def test_duplicates_by_a_reference():
    reference, fresh = normal(6000, 5), normal(2000, 5, 1)
    options = {"reference": reference, "quantile": 0.05}
    share = neighbours.duplicates(fresh, **options, resamples=50, seed=3)
    # Were all 6000 used, they would lie nearer, and the share be well below.
    assert share == pytest.approx(0.05, abs=0.02)
    assert share.low < share < share.high
    assert neighbours.duplicates(fresh, **options, seed=3) == share
    others = {neighbours.duplicates(fresh, **options, seed=seed) for seed in range(4)}
    assert len(others) > 1
    collapsed = fresh[:10][np.arange(2000) % 10]
    assert neighbours.duplicates(collapsed, **options) == 1


# Refusals

BAD = normal(10, 3)
BAD[4, 1] = np.nan


@pytest.mark.parametrize(
    "function",
    [
        manifold.precision_recall,
        manifold.density_coverage,
        neighbours.nearest_neighbours,
        lambda a, b: neighbours.memorisation(a, normal(10, 3), b),
        lambda a, b: neighbours.duplicates(a, reference=b),
    ],
)
def test_sets_that_do_not_compare_are_refused(function):
    good = normal(10, 3)
    with pytest.raises(ValueError, match=r"dimension. Received: shapes \(10, \d\) and"):
        function(good, normal(10, 4))
    for pair in ((BAD, good), (good, BAD)):
        with pytest.raises(ValueError, match="finite"):
            function(*pair)
    with pytest.raises(ValueError, match=r"at least \d+ rows .* Received: 0"):
        function(good, good[:0])


def test_too_few_rows_and_options_out_of_range_are_refused():
    x = normal(10, 3)
    for function, k in ((manifold.precision_recall, 3), (manifold.density_coverage, 5)):
        with pytest.raises(ValueError, match=f"at least {k + 1} rows .* Received: {k}"):
            function(x, x[:k])
        with pytest.raises(ValueError, match="at least 1. Received: 0"):
            function(x, x, neighbours=0)
    with pytest.raises(ValueError, match="quantile between 0 and 1. Received: 1"):
        neighbours.memorisation(x, x, x, quantile=1)
    with pytest.raises(ValueError, match="exactly one of .* Received: neither"):
        neighbours.duplicates(x)
    with pytest.raises(ValueError, match="exactly one of .* Received: both"):
        neighbours.duplicates(x, threshold=1.0, reference=x)
    with pytest.raises(ValueError, match="at least 0. Received: nan"):
        neighbours.duplicates(x, threshold=math.nan)
    with pytest.raises(ValueError, match="at least 10 rows .* Received: 9"):
        neighbours.duplicates(x, reference=x[:9])
    with pytest.raises(ValueError, match="at least 2 rows .* Received: 1"):
        neighbours.duplicates(x[:1], threshold=1.0)
