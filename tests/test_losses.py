"""Losses against closed forms, numeric integration and hand-worked numbers."""

import math

import keras
import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats
import tensorflow as tf

from keras_gen import losses

# (mean, log variance) of P and of Q
PAIRS = [
    ((0.0, 0.0), (0.0, 0.0)),
    ((0.0, 0.0), (1.0, math.log(4.0))),
    ((1.0, math.log(4.0)), (0.0, 0.0)),
    ((-2.0, -1.5), (0.5, 1.0)),
    ((3.0, 0.7), (2.5, -0.4)),
]


def rows(*values):
    """A float64 array (1, n)."""
    return np.array([values], "float64")


def numbers(tensor):
    return keras.ops.convert_to_numpy(tensor)


def kl(p, q):
    return numbers(losses.gaussian_kl(rows(p[0]), rows(p[1]), rows(q[0]), rows(q[1])))


def log_density(parameters):
    mean, log_variance = parameters
    return lambda x: losses.gaussian_log_likelihood(x, rows(mean), rows(log_variance))


# Kullback-Leibler divergence


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_closed_form_kl_is_the_integral(p, q):
    first = scipy.stats.norm(p[0], math.exp(p[1] / 2))
    second = scipy.stats.norm(q[0], math.exp(q[1] / 2))

    def integrand(x):
        return first.pdf(x) * (first.logpdf(x) - second.logpdf(x))

    reach = 12 * first.std()
    integral, _ = scipy.integrate.quad(
        integrand, p[0] - reach, p[0] + reach, epsabs=1e-10
    )
    np.testing.assert_allclose(kl(p, q), [integral], atol=1e-8)


@pytest.mark.parametrize(("p", "q"), PAIRS)
def test_monte_carlo_kl_is_within_its_standard_error(p, q):
    draws = np.random.default_rng(0).normal(p[0], math.exp(p[1] / 2), (100_000, 1))
    estimate, error = losses.monte_carlo_kl(log_density(p), log_density(q), draws)
    assert float(error) < 0.05
    assert abs(float(estimate) - kl(p, q)[0]) <= 4 * float(error)


def test_monte_carlo_standard_error_is_that_of_a_mean():
    ratios = np.array([1.0, 2.0, 3.0, 6.0])
    estimate, error = losses.monte_carlo_kl(lambda x: x, lambda x: 0 * x, ratios)
    assert float(estimate) == pytest.approx(3.0)
    assert float(error) == pytest.approx(scipy.stats.sem(ratios))


def test_monte_carlo_kl_takes_any_densities():
    # KL(Exponential(1) || Exponential(1/2)) = log 2 + 1/2 - 1.
    draws = np.random.default_rng(1).exponential(1.0, 200_000)
    estimate, error = losses.monte_carlo_kl(
        lambda x: -x, lambda x: -0.5 * x + math.log(0.5), draws
    )
    assert abs(float(estimate) - (math.log(2) - 0.5)) <= 4 * float(error)


def test_kl_is_never_negative_and_zero_for_itself():
    rng = np.random.default_rng(2)
    m1, v1, m2, v2 = rng.normal(0.0, 2.0, (4, 1000, 3))
    assert (numbers(losses.gaussian_kl(m1, v1, m2, v2)) > 0).all()
    near = numbers(losses.gaussian_kl(m1, v1, m1 + 1e-6, v1))
    assert (near >= 0).all()
    np.testing.assert_allclose(losses.gaussian_kl(m1, v1, m1, v1), 0.0, atol=1e-12)


def test_kl_differs_by_direction_on_a_worked_pair():
    # P = N(0, 1), Q = N(1, 4): log 2 + 2/8 - 1/2, and -log 2 + 5/2 - 1/2.
    p, q = (0.0, 0.0), (1.0, math.log(4.0))
    np.testing.assert_allclose(kl(p, q), [0.443147180559945], rtol=1e-12)
    np.testing.assert_allclose(kl(q, p), [1.306852819440055], rtol=1e-12)


def test_kl_to_the_standard_normal_sums_over_dimensions():
    # Appendix B: -1/2 sum (1 + log s^2 - m^2 - s^2).
    mean, log_variance = rows(0.5, -1.0), rows(0.0, math.log(2.0))
    expected = -0.5 * (1 - 0.25 - 1) - 0.5 * (1 + math.log(2) - 1 - 2)
    np.testing.assert_allclose(losses.gaussian_kl(mean, log_variance), [expected])


def test_maximum_likelihood_fit_is_the_minimum_kl_fit():
    # Data of two humps, so that no Gaussian is the truth.
    rng = np.random.default_rng(3)
    x = np.where(rng.random((5000, 1)) < 0.3, -1.0, 1.5) + 0.5 * rng.normal(
        size=(5000, 1)
    )

    humps = [
        math.log(weight) + scipy.stats.norm.logpdf(x[:, 0], centre, 0.5)
        for weight, centre in ((0.3, -1.0), (0.7, 1.5))
    ]
    data_density = scipy.special.logsumexp(humps, axis=0)
    grid = [(m, v) for m in np.linspace(0, 1.5, 16) for v in np.linspace(-1, 1.5, 16)]
    likelihoods = [float(np.mean(log_density(g)(x))) for g in grid]
    divergences = [
        float(losses.monte_carlo_kl(lambda _: data_density, log_density(g), x)[0])
        for g in grid
    ]
    best = grid[int(np.argmax(likelihoods))]
    assert best == grid[int(np.argmin(divergences))]
    assert best[0] == pytest.approx(x.mean(), abs=0.05)
    assert best[1] == pytest.approx(math.log(x.var()), abs=0.09)
    # The two differ by the data's own entropy, the same for every fit.
    np.testing.assert_allclose(np.ptp(np.add(likelihoods, divergences)), 0, atol=1e-9)


# Log-likelihoods


def test_gaussian_log_likelihood_is_scipys():
    rng = np.random.default_rng(4)
    x, mean, log_variance = rng.normal(size=(3, 5, 2, 3))
    expected = scipy.stats.norm(mean, np.exp(log_variance / 2)).logpdf(x)
    result = losses.gaussian_log_likelihood(x, mean, log_variance)
    np.testing.assert_allclose(result, expected.sum((1, 2)), rtol=1e-12)


def test_bernoulli_log_likelihood_is_scipys():
    rng = np.random.default_rng(5)
    x = rng.integers(0, 2, (6, 4)).astype("float64")
    logits = rng.normal(0, 3, (6, 4))
    expected = scipy.stats.bernoulli(scipy.special.expit(logits)).logpmf(x)
    result = losses.bernoulli_log_likelihood(x, logits)
    np.testing.assert_allclose(result, expected.sum(1), rtol=1e-9)


def test_bernoulli_log_likelihood_is_finite_at_certain_logits():
    result = losses.bernoulli_log_likelihood(
        np.array([[1.0], [0.0], [1.0]], "float32"),
        np.array([[200.0], [-200.0], [-200.0]], "float32"),
    )
    np.testing.assert_allclose(result, [0.0, 0.0, -200.0], atol=1e-6)


MEANS = [-1.5, -1.0, -0.3, 0.0, 1 / 255, 0.999, 1.0, 4.0]
LOG_SCALES = [-9.0, -7.0, -5.5, -3.0, -1.0, 0.0, 3.0]
LEVELS = np.arange(256.0)[:, None]  # (256, 1)


def discretized(mean, log_scale, dtype):
    mean, log_scale = np.full((2, 256, 1), [[[mean]], [[log_scale]]]).astype(dtype)
    return numbers(
        losses.discretized_logistic_log_likelihood(
            LEVELS.astype(dtype), mean, log_scale
        )
    )


@pytest.mark.parametrize("log_scale", LOG_SCALES)
@pytest.mark.parametrize("mean", MEANS)
def test_discretized_logistic_probabilities_add_up_to_one(mean, log_scale):
    total64 = np.exp(discretized(mean, log_scale, "float64")).sum()
    assert total64 == pytest.approx(1.0, abs=1e-9)
    total32 = np.exp(discretized(mean, log_scale, "float32").astype("float64")).sum()
    # Rounding of the level itself, 6e-8, counts in units of the scale.
    assert total32 == pytest.approx(1.0, abs=1e-5 + 1e-6 * math.exp(-log_scale))


@pytest.mark.parametrize("log_scale", LOG_SCALES)
@pytest.mark.parametrize("mean", MEANS)
def test_discretized_logistic_is_the_difference_of_cdfs(mean, log_scale):
    edges = (np.arange(257.0) - 0.5) / 127.5 - 1.0 - mean
    cdf = scipy.special.expit(edges / math.exp(log_scale))
    cdf[0], cdf[-1] = 0.0, 1.0
    direct = np.diff(cdf)
    result = discretized(mean, log_scale, "float64")
    reliable = direct > 1e-9  # below, the direct difference is rounding
    assert reliable.any()
    np.testing.assert_allclose(result[reliable], np.log(direct[reliable]), atol=1e-5)
    assert (np.exp(result[~reliable]) < 1.1e-9).all()


def test_discretized_logistic_has_finite_gradients_at_extremes():
    mean, log_scale = np.meshgrid([*MEANS, -30.0, 30.0], [*LOG_SCALES, 10.0])
    shape = (mean.size, 1)
    for level in (0.0, 1.0, 127.0, 254.0, 255.0):
        m, s = (tf.constant(v.reshape(shape), "float32") for v in (mean, log_scale))
        with tf.GradientTape() as tape:
            tape.watch([m, s])
            value = losses.discretized_logistic_log_likelihood(
                tf.fill(shape, level), m, s
            )
        assert np.isfinite(value).all()
        assert all(np.isfinite(g).all() for g in tape.gradient(value, [m, s]))


def test_likelihood_objects_read_images_and_give_means():
    rng = np.random.default_rng(6)
    images = (rng.integers(0, 256, (3, 4, 4, 1)) / 255.0).astype("float32")
    parameters = rng.normal(size=(3, 4, 4, 2)).astype("float32")
    logistic = losses.DiscretizedLogistic(minimum_log_scale=-2.0)
    assert logistic.channels(3) == 6
    result = logistic.log_likelihood(images, parameters)
    expected = losses.discretized_logistic_log_likelihood(
        np.round(images * 255), parameters[..., :1], parameters[..., 1:].clip(-2.0)
    )
    np.testing.assert_allclose(result, expected, rtol=1e-6)
    centre = numbers(logistic.mean(parameters))
    np.testing.assert_allclose(centre, (parameters[..., :1] / 2 + 0.5).clip(0, 1))
    bernoulli = losses.Bernoulli()
    assert bernoulli.channels(3) == 3
    np.testing.assert_allclose(
        bernoulli.mean(parameters), scipy.special.expit(parameters), rtol=1e-5
    )


def test_squared_error_is_a_mean_over_pixels():
    target = np.zeros((2, 2, 2, 1), "float32")
    prediction = np.array([[1, 1, 1, 1], [2, 0, 0, 0]], "float32").reshape(2, 2, 2, 1)
    np.testing.assert_allclose(losses.squared_error(target, prediction), [1.0, 1.0])
