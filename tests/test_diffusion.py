"""Schedules, targets, and samplers against a data distribution with known answers."""

import numpy as np
import pytest
import tensorflow as tf

from keras_gen import diffusion, engine
from keras_gen.diffusion import samplers
from keras_gen.engine import random

MEAN, DEVIATION = 0.2, 0.15  # of the Gaussian data; clipping at [-1, 1] never acts


def optimal_denoiser(schedule):
    """E[x_0 | x_t] for x_0 ~ N(MEAN, DEVIATION^2): linear in x_t."""
    signal = schedule.signal()
    variance = signal * DEVIATION**2 + 1 - signal
    gain = np.sqrt(signal) * DEVIATION**2 / variance

    def denoise(x, t):
        shape = (-1, *[1] * (len(x.shape) - 1))
        a, k = (tf.reshape(tf.gather(v, t), shape) for v in tables)
        return MEAN + k * (x - a * MEAN)

    tables = [tf.constant(v, tf.float32) for v in (np.sqrt(signal), gain)]
    return denoise


def draw(sampler, schedule, shape, seed=0):
    """Samples by a compiled sampler, with the noise of a seed."""

    @tf.function(autograph=False)
    def program():
        key = engine.backend.key(seed)
        with random.use(random.Stream(engine.backend, key, lambda n: (n, None))):
            return sampler(optimal_denoiser(schedule), schedule, shape)

    return program().numpy()


# Schedules


def test_linear_schedule_has_the_published_betas():
    schedule = diffusion.LinearSchedule()
    betas = schedule.betas()
    assert betas.shape == (1000,)
    assert betas.dtype == "float64"
    assert betas[0] == pytest.approx(1e-4)
    assert betas[-1] == pytest.approx(0.02)
    np.testing.assert_allclose(np.diff(betas), (0.02 - 1e-4) / 999)
    # Ho et al. quote KL(q(x_T | x_0) || N(0, I)) of about 1e-5 bits a dimension.
    assert schedule.signal()[-1] == pytest.approx(4.04e-5, rel=0.01)


@pytest.mark.parametrize("steps", [2, 8, 250, 1000, 4000])
@pytest.mark.parametrize("cls", [diffusion.LinearSchedule, diffusion.CosineSchedule])
def test_signal_falls_from_near_one_to_near_zero(cls, steps):
    schedule = cls(steps=steps)
    betas, signal = schedule.betas(), schedule.signal()
    assert betas.shape == signal.shape == (steps,)
    assert (betas > 0).all()
    assert (betas <= 0.999).all()
    assert (np.diff(signal) < 0).all()
    assert 0 < signal[-1] < 0.01
    assert signal[0] > 0.4 if steps == 2 else signal[0] > 0.85


def test_cosine_schedule_is_the_published_formula():
    schedule = diffusion.CosineSchedule(steps=50)
    t = np.arange(51)
    f = np.cos((t / 50 + 0.008) / 1.008 * np.pi / 2) ** 2
    np.testing.assert_allclose(schedule.signal()[:-1], (f / f[0])[1:-1], rtol=1e-9)
    assert schedule.betas()[-1] == 0.999  # the formula's own is 1
    np.testing.assert_allclose(
        diffusion.CosineSchedule(steps=50, offset=0.1).signal()[24],
        np.cos(0.6 / 1.1 * np.pi / 2) ** 2 / np.cos(0.1 / 1.1 * np.pi / 2) ** 2,
    )


@pytest.mark.parametrize(
    "schedule",
    [
        diffusion.LinearSchedule(steps=10, first=1e-3, last=0.01),
        diffusion.CosineSchedule(steps=10, offset=0.02),
    ],
)
def test_schedules_come_back_from_their_config(schedule):
    again = type(schedule).from_config(schedule.get_config())
    np.testing.assert_array_equal(again.betas(), schedule.betas())


def test_schedules_of_fewer_than_two_steps_are_refused():
    with pytest.raises(ValueError, match=r"at least 2 steps. Received: steps=1"):
        diffusion.CosineSchedule(steps=1)


# Targets


@pytest.mark.parametrize("target", [diffusion.Epsilon(), diffusion.Velocity()])
@pytest.mark.parametrize("signal", [0.9999, 0.5, 1e-3])
def test_targets_lead_back_to_the_clean_image(target, signal):
    clean, noise = np.random.default_rng(0).normal(size=(2, 3, 4, 4, 1))
    a, s = np.sqrt(signal), np.sqrt(1 - signal)
    noisy = a * clean + s * noise
    output = target.target(clean, noise, a, s)
    np.testing.assert_allclose(target.clean(noisy, output, a, s), clean, atol=1e-12)


def test_velocity_is_the_derivative_along_the_angle():
    # With a = cos(phi), s = sin(phi): v = d x_t / d phi (Salimans and Ho, appendix D).
    clean, noise, phi, step = 0.3, -1.2, 0.7, 1e-6
    x = [np.cos(p) * clean + np.sin(p) * noise for p in (phi - step, phi + step)]
    velocity = diffusion.Velocity().target(clean, noise, np.cos(phi), np.sin(phi))
    assert velocity == pytest.approx((x[1] - x[0]) / (2 * step), rel=1e-6)


# Samplers


SCHEDULE = diffusion.CosineSchedule(steps=200)


@pytest.mark.parametrize(
    ("sampler", "tolerance"),  # the steps' own error, O(1 / steps), and the draws'
    [
        (diffusion.DDIM(200), 0.01),
        (diffusion.DDIM(50), 0.02),
        (diffusion.DDIM(200, eta=0.5), 0.01),
        (diffusion.Ancestral(), 0.01),
        (diffusion.Ancestral(50), 0.03),
    ],
)
def test_samplers_reach_the_data_distribution(sampler, tolerance):
    samples = draw(sampler, SCHEDULE, (20_000, 1))[:, 0]
    assert samples.mean() == pytest.approx(MEAN, abs=tolerance)
    assert samples.std() == pytest.approx(DEVIATION, abs=tolerance)
    # Gaussian in shape too: skewness and excess kurtosis are zero.
    scaled = (samples - samples.mean()) / samples.std()
    assert abs((scaled**3).mean()) < 0.1
    assert abs((scaled**4).mean() - 3) < 0.2


def test_samplers_converge_with_their_steps():
    errors = [
        abs(draw(diffusion.DDIM(k), SCHEDULE, (5000, 1)).std() - DEVIATION)
        for k in (3, 10, 100)
    ]
    assert errors[0] > errors[1] > errors[2]


def test_one_ancestral_step_has_the_posterior_mean_and_variance():
    # Equation 7 of Ho et al., written out in float64, against one step of the loop.
    now, then = SCHEDULE.signal()[[120, 119]]
    beta = 1 - now / then
    x, clean, noise = 0.4, -0.3, 0.8
    mean = np.sqrt(then) * beta / (1 - now) * clean
    mean += np.sqrt(1 - beta) * (1 - then) / (1 - now) * x
    variance = (1 - then) / (1 - now) * beta
    given = Fixed([[x], [noise]])
    with random.use(given):
        sigma = np.sqrt(variance)
        result = samplers._run(
            lambda x, t: tf.fill(tf.shape(x), clean),
            (1,),
            *(np.array([v]) for v in (120, now, then, sigma)),
            np.array([np.sqrt(1 - then - variance)]),
        )
    np.testing.assert_allclose(result, [mean + sigma * noise], rtol=1e-5)


class Fixed:
    """A stream of given draws."""

    override = True

    def __init__(self, draws):
        self.draws = iter(draws)

    def draw(self, kind, shape, step=None):
        return tf.constant(next(self.draws), tf.float32)


def test_estimates_are_clipped_to_the_range_of_images():
    with random.use(Fixed([[5.0]])):
        result = diffusion.DDIM(1)(lambda x, t: 7 * tf.ones_like(x), SCHEDULE, (1,))
    np.testing.assert_allclose(result, [1.0])


def test_ddim_without_eta_depends_on_its_seed_alone():
    sampler, shape = diffusion.DDIM(10), (4, 2, 2, 1)
    first = draw(sampler, SCHEDULE, shape, seed=5)
    np.testing.assert_array_equal(first, draw(sampler, SCHEDULE, shape, seed=5))
    assert np.abs(first - draw(sampler, SCHEDULE, shape, seed=6)).max() > 0.01


def test_ddim_without_eta_draws_noise_once_and_eta_at_every_step():
    for eta, expected in ((0.0, [None]), (1.0, [None, "step"])):
        drawn = Counting()
        with random.use(drawn):
            tf.function(
                lambda eta=eta: diffusion.DDIM(5, eta)(
                    lambda x, t: 0.5 * x, SCHEDULE, (2, 1)
                ),
                autograph=False,
            )()
        assert drawn.steps == expected


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


@pytest.mark.parametrize("sampler", [diffusion.DDIM(20), diffusion.Ancestral()])
def test_sampling_is_one_compiled_loop(sampler):
    calls = []

    def denoise(x, t):
        calls.append(t)
        return 0.5 * x

    @tf.function(autograph=False)
    def program():
        key = engine.backend.key(0)
        with random.use(random.Stream(engine.backend, key, lambda n: (n, None))):
            return sampler(denoise, SCHEDULE, (2, 4, 4, 1))

    graph = program.get_concrete_function().graph
    assert len(calls) == 1
    kinds = [operation.type for operation in graph.get_operations()]
    assert sum(kind in ("While", "StatelessWhile") for kind in kinds) == 1
    program()
    program()
    assert program.experimental_get_tracing_count() == 1


# Steps


@pytest.mark.parametrize(
    ("steps", "total", "expected"),
    [
        (1, 10, [9]),
        (10, 10, list(range(10))),
        (3, 10, [2, 6, 9]),
        (4, 1000, [249, 499, 749, 999]),
    ],
)
def test_spaced_steps_end_at_the_last(steps, total, expected):
    assert samplers.spaced(steps, total).tolist() == expected


@pytest.mark.parametrize("total", [2, 7, 50, 1000])
def test_spaced_steps_are_strictly_rising_and_all_of_them_where_asked(total):
    for steps in range(1, total + 1, max(1, total // 20)):
        assert (np.diff(samplers.spaced(steps, total)) > 0).all()
    assert samplers.spaced(total, total).tolist() == list(range(total))


@pytest.mark.parametrize("steps", [0, -1, 11])
def test_steps_out_of_range_are_refused(steps):
    with pytest.raises(ValueError, match=rf"in \[1, 10\]. Received: steps={steps}"):
        samplers.spaced(steps, 10)
