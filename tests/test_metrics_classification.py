"""Scores of classifiers, modes and likelihoods against closed forms."""

import math

import numpy as np
import pytest
import scipy.stats

from keras_gen.metrics import classification, likelihood, modes

ONE_HOT = np.eye(10)
RING = modes.GaussianModes.ring()
GRID = modes.GaussianModes.grid()


def random_probabilities(n, classes, seed=0):
    return np.random.default_rng(seed).dirichlet(np.full(classes, 0.3), n)


# Inception score


def test_inception_score_of_sure_and_even_is_the_number_of_classes():
    mean, deviation = classification.inception_score(ONE_HOT, splits=1)
    assert mean == pytest.approx(10, rel=1e-12)
    assert deviation == 0


@pytest.mark.parametrize("row", [np.full(10, 0.1), ONE_HOT[3]])
def test_inception_score_of_a_constant_is_one(row):
    score = classification.inception_score(np.tile(row, (50, 1)), splits=5)
    assert score == pytest.approx((1.0, 0.0), abs=1e-12)


def test_inception_score_by_hand():
    # p(y) = (1/2, 1/2), so exp(ln 2 - H(0.9)) = 2 * 0.9^0.9 * 0.1^0.1.
    mean, _ = classification.inception_score([[0.9, 0.1], [0.1, 0.9]], splits=1)
    assert mean == pytest.approx(2 * 0.9**0.9 * 0.1**0.1, rel=1e-12)


def test_inception_score_is_the_mean_divergence():
    rows = random_probabilities(300, 7)
    marginal = rows.mean(axis=0)
    expected = np.exp(np.mean([scipy.stats.entropy(row, marginal) for row in rows]))
    mean, _ = classification.inception_score(rows, splits=1)
    assert mean == pytest.approx(expected, rel=1e-10)


def test_inception_score_over_splits():
    # However it is shuffled, one of two splits is (0, 0) and the other (0, 1).
    rows = ONE_HOT[[0, 0, 0, 1]]
    for seed in range(5):
        score = classification.inception_score(rows, splits=2, seed=seed)
        assert score == pytest.approx((1.5, 0.5), rel=1e-12)


def test_inception_score_shuffles_by_seed():
    ordered = np.repeat(ONE_HOT, 100, axis=0)
    first = classification.inception_score(ordered)
    assert 9 < first[0] < 10
    assert 0 < first[1] < 0.2
    assert classification.inception_score(ordered, seed=0) == first
    assert classification.inception_score(ordered, seed=1) != first


def test_rounded_rows_are_normalised():
    rows = random_probabilities(60, 5)
    expected = classification.inception_score(rows, splits=3)
    found = classification.inception_score(rows * (1 + 5e-5), splits=3)
    assert found == pytest.approx(expected, rel=1e-12)


# Accuracy and coverage


def test_conditional_accuracy():
    rows = [[0.7, 0.2, 0.1], [0.1, 0.2, 0.7], [0.3, 0.4, 0.3], [0.5, 0.5, 0.0]]
    found = classification.conditional_accuracy(rows, [0, 1, 1, 0])
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, [1, 0, 1, 1])


def test_coverage_by_hand():
    # Shares (1/2, 1/4, 1/4, 0) against quarters: 1/2 ln 2.
    found = classification.class_coverage([0, 0, 1, 2], 4)
    assert found == pytest.approx((3, 0.5 * math.log(2)))
    assert isinstance(found.modes, int)


def test_coverage_against_a_reference():
    labels = [0, 0, 0, 1]
    counts = [30, 10, 20]
    expected = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / (1 / 6))
    found = classification.class_coverage(labels, 3, reference=counts)
    assert found == pytest.approx((2, expected))
    exact = classification.class_coverage(labels, 3, reference=[0.75, 0.25, 0])
    assert exact == pytest.approx((2, 0.0))
    lacking = classification.class_coverage(labels, 3, reference=[1, 0, 1])
    assert lacking == (2, math.inf)


def test_coverage_of_probabilities_is_that_of_their_labels():
    rows = random_probabilities(40, 6)
    labels = rows.argmax(axis=1)
    found = classification.class_coverage(rows, 6)
    assert found == classification.class_coverage(labels, 6)
    assert found.modes == len(set(labels.tolist()))


def test_coverage_extremes():
    assert classification.class_coverage(np.arange(1000), 1000) == pytest.approx(
        (1000, 0.0)
    )
    assert classification.class_coverage([7] * 20, 1000) == pytest.approx(
        (1, math.log(1000))
    )


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[0.5, np.nan]], "nan"),
        ([[1.2, -0.2]], "-0.2 to 1.2"),
        ([[0.7, 0.5, -0.2]], "-0.2 to 0.7"),
        ([[0.5, 0.5], [0.5, 0.4]], "sums from 0.9"),
        ([[0.5, 0.5003]], "sums from 1.0003"),
        ([0.5, 0.5], "(2,)"),
        (np.zeros((0, 2)), "(0, 2)"),
    ],
)
def test_other_probabilities_are_refused(rows, expected):
    calls = [
        lambda: classification.inception_score(rows, splits=1),
        lambda: classification.conditional_accuracy(rows, [0]),
    ]
    if np.ndim(rows) == 2:
        calls.append(lambda: classification.class_coverage(rows, 2))
    for call in calls:
        with pytest.raises(ValueError, match=r"^Expected .* Received: ") as caught:
            call()
        assert expected in str(caught.value)


@pytest.mark.parametrize("splits", [0, 11])
def test_other_splits_are_refused(splits):
    with pytest.raises(ValueError, match=rf"\[1, 10\].*Received: splits={splits}"):
        classification.inception_score(ONE_HOT, splits=splits)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ([0, 10], "0 to 10"),
        ([-1, 0], "-1 to 0"),
        ([0.0, 1.0], "float64"),
        ([], "(0,)"),
        ([[[0]]], "(1, 1, 1)"),
    ],
)
def test_other_labels_are_refused(labels, expected):
    for call in (
        lambda: classification.conditional_accuracy(ONE_HOT[:2], labels),
        lambda: classification.class_coverage(labels, 10),
    ):
        with pytest.raises(ValueError, match=r"^Expected .* Received: ") as caught:
            call()
        assert expected in str(caught.value)


def test_sizes_that_disagree_are_refused():
    with pytest.raises(ValueError, match="as many labels.*Received: 3 and 10"):
        classification.conditional_accuracy(ONE_HOT, [0, 1, 2])
    with pytest.raises(ValueError, match="of 9 classes.*Received: 10"):
        classification.class_coverage(ONE_HOT, 9)


@pytest.mark.parametrize("reference", [[1, 1], [0, 0, 0], [1, -1, 1], [1, np.nan, 1]])
def test_other_references_are_refused(reference):
    with pytest.raises(ValueError, match="Expected a reference.*Received"):
        classification.class_coverage([0, 1], 3, reference=reference)


# Modes


def test_centres_are_those_of_the_papers():
    angles = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    np.testing.assert_allclose(RING.centres, circle, atol=1e-15)
    assert RING.deviation == 0.01
    square = [(-4 + 2 * i, -4 + 2 * j) for i in range(5) for j in range(5)]
    np.testing.assert_array_equal(GRID.centres, square)
    assert GRID.deviation == 0.05


@pytest.mark.parametrize(("draw", "target"), [(modes.ring, RING), (modes.grid, GRID)])
def test_the_truth_has_all_modes(draw, target):
    points = draw(10_000, seed=3)
    assert points.shape == (10_000, 2)
    assert points.dtype == np.float32
    found = modes.mode_coverage(points, target)
    assert found.modes == len(target.centres)
    # Five standard errors of a share of 1 - exp(-9 / 2) among 10,000.
    assert found.high_quality == pytest.approx(1 - math.exp(-4.5), abs=0.0053)
    # 2 n KL is chi-squared of modes - 1 degrees of freedom.
    limit = scipy.stats.chi2.isf(1e-6, len(target.centres) - 1)
    assert 0 < 2 * 10_000 * found.reverse_kl < limit


def test_points_follow_the_mixture():
    points = modes.grid(50_000, seed=0, side=3, spacing=4.0, deviation=0.5)
    target = modes.GaussianModes.grid(side=3, spacing=4.0, deviation=0.5)
    offsets = points[:, None] - target.centres
    nearest = np.square(offsets).sum(axis=2).argmin(axis=1)
    errors = offsets[np.arange(len(points)), nearest]
    np.testing.assert_allclose(errors.std(axis=0), 0.5, atol=0.01)
    np.testing.assert_allclose(errors.mean(axis=0), 0.0, atol=0.015)
    assert scipy.stats.chisquare(np.bincount(nearest)).pvalue > 1e-6


def test_points_follow_their_seed():
    np.testing.assert_array_equal(modes.ring(50, seed=1), RING.sample(50, 1))
    np.testing.assert_array_equal(modes.grid(50, seed=1), GRID.sample(50, 1))
    assert np.any(modes.ring(50, seed=1) != modes.ring(50, seed=2))
    wide = modes.ring(50, seed=1, modes=3, radius=5.0, deviation=1e-6)
    assert np.hypot(*wide.T) == pytest.approx(5.0, abs=1e-4)
    assert len(np.unique(wide.round(1), axis=0)) == 3


def test_a_collapsed_sampler_has_one_mode():
    rng = np.random.default_rng(0)
    points = RING.centres[2] + 0.002 * rng.standard_normal((500, 2))
    assert modes.mode_coverage(points, RING) == pytest.approx((1, 1.0, math.log(8)))


def test_only_samples_of_high_quality_count():
    centres = GRID.centres
    near, far = centres[0] + [0.149, 0.0], centres[7] + [0.0, 0.151]
    samples = [near, near, centres[4], far, [1.0, 1.0]]
    expected = 2 / 3 * math.log(25 * 2 / 3) + 1 / 3 * math.log(25 / 3)
    assert modes.mode_coverage(samples, GRID) == pytest.approx((2, 0.6, expected))


def test_a_sample_belongs_to_its_nearest_mode():
    # Both centres lie within three deviations of every sample.
    target = modes.GaussianModes([[0.0], [1.0]], 1.0)
    found = modes.mode_coverage([[0.4], [0.3], [-1.0]], target)
    assert found == pytest.approx((1, 1.0, math.log(2)))


def test_no_sample_of_high_quality():
    assert modes.mode_coverage([[0.0, 0.0]], RING) == (0, 0.0, math.inf)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros((3, 3)),
        np.zeros(2),
        np.zeros((0, 2)),
        [[np.nan, 0.0]],
        [[np.inf, 0.0]],
    ],
)
def test_other_samples_are_refused(samples):
    with pytest.raises(ValueError, match=r"^Expected .*samples.* Received: "):
        modes.mode_coverage(samples, RING)


@pytest.mark.parametrize(
    "call",
    [
        lambda: modes.ring(0, seed=0),
        lambda: modes.ring(5, seed=0, modes=0),
        lambda: modes.ring(5, seed=0, radius=0.0),
        lambda: modes.ring(5, seed=0, deviation=0.0),
        lambda: modes.grid(5, seed=0, side=0),
        lambda: modes.grid(5, seed=0, spacing=math.nan),
        lambda: modes.grid(5, seed=0, deviation=math.nan),
        lambda: modes.GaussianModes([0.0, 1.0], 0.1),
        lambda: modes.GaussianModes([[0.0, math.nan]], 0.1),
    ],
)
def test_other_mixtures_are_refused(call):
    with pytest.raises(ValueError, match=r"^Expected .* Received: "):
        call()


# Likelihood


def test_bits_per_dim_by_hand():
    # A uniform density over 256 levels: ln 256 nats for each of 3,072 dimensions.
    assert likelihood.bits_per_dim(3072 * math.log(256), 3072) == pytest.approx(8.0)
    found = likelihood.bits_per_dim([[math.log(2), 0.0], [-4 * math.log(2), 1.0]], 2)
    np.testing.assert_allclose(found, [[0.5, 0.0], [-2.0, 0.5 / math.log(2)]])
    assert found.dtype == np.float64


def test_importance_weighted_by_hand():
    log_weights = np.log([[1.0, 3.0], [0.5, 0.5]])
    found = likelihood.importance_weighted(log_weights)
    np.testing.assert_allclose(found, np.log([2.0, 0.5]))
    # exp() of these is 0 or inf.
    for shift in (-5000.0, 5000.0):
        shifted = likelihood.importance_weighted(log_weights + shift)
        np.testing.assert_allclose(shifted - shift, found, atol=1e-9)


def test_weights_of_nothing():
    found = likelihood.importance_weighted([[-np.inf, 0.0], [-np.inf, -np.inf]])
    np.testing.assert_allclose(found, [-math.log(2), -np.inf])


def gaussian_log_weights(x, n, k, seed=0):
    """log p(x, z) - log q(z) for z ~ N(0, 1), x|z ~ N(z, 1), q = N(x/2 + 0.3, 0.9^2).

    The truth is x ~ N(0, 2), and the posterior N(x/2, 1/2).
    """
    proposal = scipy.stats.norm(x / 2 + 0.3, 0.9)
    z = proposal.rvs((n, k), random_state=np.random.default_rng(seed))
    joint = scipy.stats.norm.logpdf(z) + scipy.stats.norm.logpdf(x, z)
    return joint - proposal.logpdf(z)


@pytest.mark.parametrize("x", [-1.0, 0.5, 3.0])
def test_the_bound_grows_to_the_log_likelihood(x):
    truth = scipy.stats.norm.logpdf(x, 0, math.sqrt(2))
    bounds = [
        likelihood.importance_weighted(gaussian_log_weights(x, 4000, k)).mean()
        for k in (1, 2, 5, 50)
    ]
    # With one weight it is the evidence lower bound, in closed form log p - KL.
    spread = 0.81 / 0.5
    kl = 0.5 * (spread + 0.09 / 0.5 - 1 - math.log(spread))
    assert bounds[0] == pytest.approx(truth - kl, abs=0.05)
    assert bounds == sorted(bounds)
    assert bounds[2] < truth - 0.01
    tight = likelihood.importance_weighted(gaussian_log_weights(x, 1, 200_000))
    assert tight == pytest.approx(truth, abs=0.01)


@pytest.mark.parametrize(
    ("log_weights", "received"),
    [
        ([[0.0, np.nan]], "NaN"),
        ([[0.0, np.inf]], "inf"),
        ([0.0, 1.0], "(2,)"),
        (np.zeros((3, 0)), "(3, 0)"),
    ],
)
def test_other_log_weights_are_refused(log_weights, received):
    with pytest.raises(ValueError, match=r"^Expected .* Received: ") as caught:
        likelihood.importance_weighted(log_weights)
    assert received in str(caught.value)


def test_other_nats_are_refused():
    with pytest.raises(ValueError, match="Received: NaN"):
        likelihood.bits_per_dim([1.0, math.nan], 3)
    for dimensions in (0, -3):
        with pytest.raises(ValueError, match=f"Received: dimensions={dimensions}"):
            likelihood.bits_per_dim(1.0, dimensions)


# Class balance


def test_class_balance_by_hand():
    fake, real = np.repeat([0, 1, 2], [6, 3, 1]), np.repeat([0, 1, 2], [2, 2, 2])
    # Shares .6, .3, .1 against a third each: ratios .56, .9 and .3.
    assert classification.class_balance(fake, real, 3) == pytest.approx(0.3)
    assert classification.class_balance(real, fake, 3) == pytest.approx(0.3)
    assert classification.class_balance(fake, fake, 5) == 1.0
    assert classification.class_balance(fake % 2, real, 3) == 0.0  # class 2 is missing


def test_class_balance_has_an_interval_that_holds_the_truth():
    rng = np.random.default_rng(0)
    shares = np.array([0.5, 0.3, 0.2])
    held = 0
    for seed in range(20):
        fake, real = rng.choice(3, 2000, p=shares), np.arange(3000) % 3
        found = classification.class_balance(fake, real, 3, resamples=50, seed=seed)
        assert found.low < found < found.high
        held += found.low <= 0.6 <= found.high
    assert held >= 16


@pytest.mark.parametrize("fake", [[], [3], [-1], [0.5]])
def test_class_balance_refuses_what_are_no_classes(fake):
    with pytest.raises(ValueError, match=r"Expected .*Received: "):
        classification.class_balance(np.array(fake), np.array([0, 1]), 3)
