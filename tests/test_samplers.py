"""Samplers against a Gaussian, whose answers are known."""

import math

import numpy as np
import pytest
import tensorflow as tf
from gaussians import DEVIATION, MEAN, draw, karras, optimal, seeded, transported

from keras_gen import diffusion, engine
from keras_gen.diffusion import denoisers, samplers
from keras_gen.engine import random

# Samplers


@pytest.mark.parametrize(
    ("sampler", "order"),
    [
        (diffusion.DDIM(), 1),
        (diffusion.Heun(), 2),
        (diffusion.DPMSolver(), 2),
    ],
    ids=lambda x: type(x).__name__,
)
def test_flow_samplers_converge_at_their_order(sampler, order):
    # In float64, from a level to one above 0, where the exact answer is known.
    x = tf.constant([[3.0], [-1.0]], tf.float64)
    exact = transported(x.numpy(), 4.0, 0.1)
    steps = np.array([16, 32, 64, 128, 256])
    errors = [
        np.abs(
            sampler(optimal, tf.constant(np.geomspace(4.0, 0.1, k + 1)), x) - exact
        ).max()
        for k in steps
    ]
    slope = -np.polyfit(np.log(steps[1:]), np.log(errors[1:]), 1)[0]
    assert slope == pytest.approx(order, abs=0.15)


class Units:
    """A stream whose draw at step k is 1 in row k + 1 and 0 in all others."""

    override = True

    def draw(self, kind, shape, step=None):
        return tf.cast(tf.one_hot(step + 1, shape[0])[:, None], tf.float64)


def variance_drawn(sampler, levels, noises=None):
    """Of what a sampler makes of a linear denoiser's start, by each noise's share."""
    rows = (len(levels) - 1 if noises is None else noises) + 2
    x = np.full((rows, 1), MEAN)
    x[-1] += 1.0
    with random.use(Units()):
        made = sampler(optimal, tf.constant(levels), tf.constant(x))
    shares = np.array(made)[1:, 0] - np.array(made)[0, 0]
    shares[-1] *= math.sqrt(DEVIATION**2 + levels[0] ** 2)
    return np.square(shares).sum()


@pytest.mark.parametrize(
    "sampler",
    [
        diffusion.Ancestral(variance=0.0),
        diffusion.Ancestral(variance=1.0),
        diffusion.DDIM(eta=0.5),
        diffusion.DDIM(eta=1.0),
        diffusion.PredictorCorrector(corrections=0),
    ],
    ids=repr,
)
def test_samplers_that_draw_converge_at_order_one(sampler):
    steps, exact = np.array([32, 64, 128, 256]), DEVIATION**2 + 0.1**2
    errors = [
        abs(variance_drawn(sampler, np.geomspace(4.0, 0.1, k + 1)) - exact)
        for k in steps
    ]
    slope = -np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert slope == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(
    "sampler",
    [
        diffusion.DDIM(),
        diffusion.DDIM(eta=0.5),
        diffusion.Ancestral(),
        diffusion.Ancestral(variance=1.0),
        diffusion.Ancestral(variance=0.5),
        diffusion.DPMSolver(),
        diffusion.Heun(),
        diffusion.Heun(churn=30.0, churn_min=0.05, churn_max=10.0, inflation=1.003),
        diffusion.PredictorCorrector(),
        diffusion.AnnealedLangevin(repeats=60, step_size=0.1),
    ],
    ids=repr,
)
def test_samplers_reach_the_data_distribution(sampler):
    samples = draw(sampler, karras(150), 400)
    assert samples.mean() == pytest.approx(MEAN, abs=0.02)
    assert samples.std() == pytest.approx(DEVIATION, rel=0.04)
    # Gaussian in shape too: skewness and excess kurtosis are zero.
    scaled = (samples - samples.mean()) / samples.std()
    assert abs((scaled**3).mean()) < 0.1
    assert abs((scaled**4).mean() - 3) < 0.2


def test_langevin_dynamics_converges_at_order_one_in_its_step_size():
    # At one level, until it has forgotten its start; then the denoiser, linear.
    sigma, sizes = 0.5, np.array([0.4, 0.2, 0.1, 0.05])
    exact = DEVIATION**4 / (DEVIATION**2 + sigma**2)
    errors = []
    for size in sizes:
        repeats = round(40 / size)
        sampler = diffusion.AnnealedLangevin(repeats=repeats, step_size=size)
        drawn = variance_drawn(sampler, np.array([sigma, 0.0]), repeats)
        errors.append(abs(drawn - exact))
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert slope == pytest.approx(1, abs=0.15)


def test_langevin_dynamics_has_the_variance_of_its_recursion():
    # x' - m = (1 - e (1 - g) / 2) (x - m) + sqrt(e) sigma z for a linear denoiser.
    sigma, size, repeats = 0.5, 0.4, 7
    gain = DEVIATION**2 / (DEVIATION**2 + sigma**2)
    factor = 1 - 0.5 * size * (1 - gain)
    spread = sigma**2
    for _ in range(repeats):
        spread = factor**2 * spread + size * sigma**2
    sampler = diffusion.AnnealedLangevin(repeats=repeats, step_size=size)
    samples = draw(sampler, tf.constant([sigma, 0.0]), 800)
    assert samples.std() == pytest.approx(gain * math.sqrt(spread), rel=0.02)


def test_one_ancestral_step_has_the_posterior_mean_and_variance():
    # Equation 7 of Ho et al. in its own coordinates, against one step in ours.
    schedule = diffusion.CosineSchedule(steps=200)
    (now, then), sigmas = schedule.signal()[[120, 119]], schedule.sigmas()[[120, 119]]
    beta = 1 - now / then
    x, clean, noise = 0.4, -0.3, 0.8
    mean = np.sqrt(then) * beta / (1 - now) * clean
    mean += np.sqrt(1 - beta) * (1 - then) / (1 - now) * x
    for variance, share in (((1 - then) / (1 - now) * beta, 0.0), (beta, 1.0)):
        with random.use(Fixed([[[noise]]])):
            result = diffusion.Ancestral(variance=share)(
                lambda x, sigma: tf.fill(tf.shape(x), np.float64(clean)),
                tf.constant(sigmas),
                tf.constant([[x / np.sqrt(now)]], tf.float64),
            )
        expected = (mean + np.sqrt(variance) * noise) / np.sqrt(then)
        np.testing.assert_allclose(result, [[expected]], rtol=1e-6)


class Fixed:
    """A stream of given draws."""

    override = True

    def __init__(self, draws):
        self.draws = iter(draws)

    def draw(self, kind, shape, step=None):
        return tf.constant(next(self.draws), tf.float32)


def test_learned_variances_lie_between_their_bounds():
    sigma, following = np.float64(2.0), np.float64(1.5)
    low, middle, high = (
        float(samplers.ancestral_deviation(sigma, following, f)) for f in (0, 0.5, 1)
    )
    assert low < middle < high
    assert middle == pytest.approx(math.sqrt(low * high))

    def denoise(x, sigma):
        return optimal(x, sigma), tf.fill(tf.shape(x), 0.5)

    for given, own in ((None, middle), (0.0, low), (1.0, high)):
        sampler = diffusion.Ancestral(variance=given)
        x = draw(sampler, tf.constant([2.0, 1.5]), 800, denoise=denoise)
        gain = DEVIATION**2 / (DEVIATION**2 + 4.0)
        factor = gain + (1.5 / 2) ** 2 * (1 - gain)
        assert x.var() == pytest.approx(4 * factor**2 + own**2, rel=0.03)


def test_ddim_is_ancestral_at_eta_one():
    levels = karras(20)
    made = [
        draw(sampler, levels, 2)
        for sampler in (diffusion.DDIM(eta=1.0), diffusion.Ancestral())
    ]
    np.testing.assert_allclose(*made, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("sampler", "draws"),
    [
        (diffusion.DDIM(), 0),
        (diffusion.DDIM(eta=1.0), 1),
        (diffusion.Ancestral(), 1),
        (diffusion.DPMSolver(), 0),
        (diffusion.Heun(), 0),
        (diffusion.Heun(churn=1.0), 1),
        (diffusion.PredictorCorrector(corrections=2), 3),
        (diffusion.AnnealedLangevin(), 1),
    ],
    ids=repr,
)
def test_sampling_is_one_compiled_loop_with_its_own_noise(sampler, draws):
    stream = Counting()
    levels = diffusion.CosineSchedule(steps=200).levels(6)

    @tf.function(autograph=False)
    def program():
        return sampler(optimal, levels, tf.ones((2, 4, 4, 1)))

    with random.use(stream):
        graph = program.get_concrete_function().graph
    assert stream.steps == ["step"] * draws
    kinds = [operation.type for operation in graph.get_operations()]
    assert sum(kind in ("While", "StatelessWhile") for kind in kinds) == 1
    program()
    program()
    assert program.experimental_get_tracing_count() == 1


class Counting(random.Stream):
    """A stream that remembers the draws of a trace."""

    override = True

    def __init__(self):
        key = engine.backend.key(0)
        super().__init__(engine.backend, key, lambda n: (n, None))
        self.steps = []

    def draw(self, kind, shape, step=None):
        self.steps.append(None if step is None else "step")
        return super().draw(kind, shape, step)


def test_heun_evaluates_once_in_the_last_step():
    calls = []

    def denoise(x, sigma):
        calls.append(float(sigma))
        return optimal(x, sigma)

    diffusion.Heun()(denoise, [4.0, 1.0, 0.0], tf.ones((1, 1)))
    # Keras runs an eager loop in Python, so that calls are those made.
    assert calls == [4.0, 1.0, 1.0]


# Denoisers of denoisers


def test_guidance_goes_from_one_denoiser_through_the_other():
    def guide(weight):
        def one(x, sigma):
            return x * 0 + 1

        def two(x, sigma):
            return x * 0 + 3

        return float(denoisers.guided(two, one, weight)(tf.zeros(()), 1.0))

    assert [guide(w) for w in (0, 1, 2.5)] == [1, 3, 6]


def test_guidance_in_an_interval_is_none_elsewhere():
    calls = []

    def one(x, sigma):
        calls.append(float(sigma))
        return x * 0 + 1

    guide = denoisers.guided(lambda x, sigma: x * 0 + 3, one, 2.5, (0.5, 2.0))
    levels = (0.1, 0.5, 0.6, 2.0, 2.1)
    assert [float(guide(tf.zeros(()), s)) for s in levels] == [3, 3, 6, 6, 3]
    assert calls == [0.6, 2.0]  # half the work elsewhere


def test_estimates_are_clipped_to_the_range_of_images():
    denoise = denoisers.clipped(lambda x, sigma: 7 * tf.ones_like(x))
    result = diffusion.DDIM()(denoise, [5.0, 0.0], tf.ones((1, 1)))
    np.testing.assert_allclose(result, [[1.0]])
    both = denoisers.clipped(lambda x, sigma: (-7 * tf.ones_like(x), 0.3))
    estimate, fraction = both(tf.ones((1,)), 1.0)
    assert (float(estimate[0]), fraction) == (-1.0, 0.3)


@pytest.mark.parametrize(
    "sampler",
    [diffusion.DDIM(), diffusion.Ancestral(), diffusion.DPMSolver()],
    ids=repr,
)
def test_known_pixels_end_as_they_are_and_the_others_follow_their_law(sampler):
    mask = np.array([1.0, 0.0], "float32")

    def program():
        levels = karras(100)
        x = levels[0] * random.normal((20_000, 2))
        known = tf.fill((20_000, 2), -0.7)
        return sampler(denoisers.given(optimal, known, mask), levels, x)

    made = seeded(program)
    np.testing.assert_allclose(made[:, 1], -0.7, atol=1e-5)
    assert made[:, 0].mean() == pytest.approx(MEAN, abs=0.02)
    assert made[:, 0].std() == pytest.approx(DEVIATION, rel=0.05)
