"""Noise levels and what networks predict, against their papers' formulas."""

import numpy as np
import pytest
import tensorflow as tf
from gaussians import karras, seeded

from keras_gen import diffusion

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


SCHEDULES = [
    diffusion.LinearSchedule(steps=10, first=1e-3, last=0.01),
    diffusion.CosineSchedule(steps=10, offset=0.02),
    diffusion.VariancePreserving(beta_max=15.0),
    diffusion.VarianceExploding(sigma_max=30.0),
    diffusion.LogNormalSchedule(mean=-1.0, rho=5.0),
]
every_schedule = pytest.mark.parametrize(
    "schedule", SCHEDULES, ids=lambda s: type(s).__name__
)


@every_schedule
def test_schedules_come_back_from_their_config(schedule):
    again = type(schedule).from_config(schedule.get_config())
    assert vars(again) == vars(schedule)


@every_schedule
@pytest.mark.parametrize("steps", [1, 2, 7, 10])
def test_levels_fall_from_the_greatest_to_the_least_and_to_zero(schedule, steps):
    levels = np.array(schedule.levels(steps))
    assert levels.shape == (steps + 1,)
    assert (np.diff(levels) < 0).all()
    assert levels[0] == pytest.approx(schedule.sigma_max, rel=1e-5)
    assert levels[-1] == 0
    whole = isinstance(schedule, diffusion.schedules.DiscreteSchedule)
    if steps > 1 and (not whole or steps == schedule.steps):
        assert levels[-2] == pytest.approx(schedule.sigma_min, rel=1e-4)


@every_schedule
def test_levels_of_a_tensor_of_steps_are_the_same(schedule):
    program = tf.function(schedule.levels, autograph=False)
    for steps in (2, 7, 10):
        given = program(tf.constant(steps))
        np.testing.assert_allclose(given, schedule.levels(steps), rtol=1e-5)


@every_schedule
def test_levels_drawn_in_training_lie_in_the_range(schedule):
    drawn = seeded(lambda: schedule.draw(10_000))
    if isinstance(schedule, diffusion.LogNormalSchedule):
        logs = np.log(drawn)
        assert logs.mean() == pytest.approx(schedule.mean, abs=0.05)
        assert logs.std() == pytest.approx(schedule.deviation, abs=0.05)
    else:
        assert drawn.min() >= schedule.sigma_min * 0.9999
        assert drawn.max() <= schedule.sigma_max * 1.0001
        half = np.median(seeded(lambda: schedule.time(tf.constant(drawn))))
        ends = [
            float(schedule.time(tf.constant([s]))[0]) for s in np.sort(drawn)[[0, -1]]
        ]
        assert half == pytest.approx(sum(ends) / 2, abs=0.06 * (ends[1] - ends[0]))


def test_discrete_times_are_step_numbers_and_real_between_them():
    schedule = diffusion.LinearSchedule()
    sigmas = schedule.sigmas()
    times = schedule.time(tf.constant(sigmas, tf.float32)).numpy()
    np.testing.assert_allclose(times, np.arange(1000), atol=0.01)
    middle = tf.constant([[np.sqrt(sigmas[10] * sigmas[11])]], tf.float32)
    np.testing.assert_allclose(schedule.time(middle), [[10.5]], atol=1e-3)
    assert schedule.time(tf.constant([1e-9])).numpy() == [0.0]
    assert schedule.time(tf.constant([1e9])).numpy() == [999.0]


def test_variance_preserving_levels_are_ddpm_s_in_the_limit():
    fine = diffusion.LinearSchedule(steps=20_000)
    times = (np.arange(20_000) + 1) / 20_000
    levels = diffusion.VariancePreserving().sigma(tf.constant(times))
    np.testing.assert_allclose(levels[100:], fine.sigmas()[100:], rtol=2e-3)


@pytest.mark.parametrize("schedule", SCHEDULES[2:4], ids=lambda s: type(s).__name__)
def test_times_of_continuous_levels_lead_back(schedule):
    times = np.linspace(0.01, 1, 50)
    levels = schedule.sigma(tf.constant(times))
    np.testing.assert_allclose(schedule.at(levels), times, rtol=1e-9)


def test_karras_levels_are_equation_5():
    levels = np.array(karras(5, 0.002, 80.0))
    i = np.arange(5)
    ends = 80 ** (1 / 7), 0.002 ** (1 / 7)
    expected = (ends[0] + i / 4 * (ends[1] - ends[0])) ** 7
    np.testing.assert_allclose(levels[:-1], expected, rtol=1e-5)


def test_a_spacing_takes_the_schedule_s_ends_or_its_own():
    schedule = diffusion.LinearSchedule()
    path = diffusion.Heun(9, spacing=diffusion.KarrasLevels()).path(schedule)
    np.testing.assert_allclose(path, karras(9, schedule.sigma_min, schedule.sigma_max))
    spacing = diffusion.KarrasLevels(rho=3.0, sigma_min=0.1, sigma_max=9.0)
    path = diffusion.DDIM(4, spacing=spacing).path(schedule)
    expected = diffusion.schedules.karras_levels(4, 0.1, 9.0, 3.0)
    np.testing.assert_allclose(path, expected)
    assert len(diffusion.Ancestral().path(schedule)) == 1001


@pytest.mark.parametrize(
    ("make", "received"),
    [
        (lambda: diffusion.CosineSchedule(steps=1), "steps=1"),
        (
            lambda: diffusion.VarianceExploding(sigma_min=2.0, sigma_max=1.0),
            "sigma_min=2",
        ),
        (lambda: diffusion.LogNormalSchedule(sigma_min=0.0), "sigma_min=0.0"),
        (lambda: diffusion.LogNormalSchedule(deviation=0.0), "0.0"),
        (lambda: diffusion.VariancePreserving(beta_min=30.0), "beta_min=30.0"),
        (lambda: diffusion.VariancePreserving(first=0.0), "first=0.0"),
        (lambda: diffusion.Preconditioned(sigma_data=0.0), "0.0"),
        (lambda: SCHEDULES[0].levels(0), "steps=0"),
        (lambda: SCHEDULES[0].levels(np.int64(0)), "steps=0"),
        (lambda: SCHEDULES[4].levels(np.int32(0)), "steps=0"),
        (lambda: diffusion.KarrasLevels(rho=0), "rho=0"),
        (lambda: diffusion.KarrasLevels(sigma_min=0.0), "sigma_min=0.0"),
        (lambda: diffusion.DDIM(5, eta=1.5), "eta=1.5"),
        (lambda: diffusion.Ancestral(variance=-1.0), "variance=-1.0"),
        (lambda: diffusion.DDIM(5, eta=float("nan")), "eta=nan"),
        (lambda: diffusion.DDIM(0), "steps=0"),
        (lambda: diffusion.Heun(18.5), "steps=18.5"),
        (lambda: diffusion.DPMSolver(True), "steps=True"),
        (lambda: diffusion.DDIM(5, spacing="karras"), "spacing='karras'"),
        (lambda: diffusion.Heun(churn=-1.0), "churn=-1.0"),
        (lambda: diffusion.Heun(inflation=float("inf")), "inflation=inf"),
        (lambda: diffusion.Heun(churn_min=2.0, churn_max=1.0), "churn_min=2.0"),
        (lambda: diffusion.PredictorCorrector(corrections=-1), "corrections=-1"),
        (lambda: diffusion.PredictorCorrector(snr=0.0), "snr=0.0"),
        (lambda: diffusion.AnnealedLangevin(repeats=0), "repeats=0"),
        (lambda: diffusion.AnnealedLangevin(repeats=2.0), "repeats=2.0"),
        (lambda: diffusion.AnnealedLangevin(step_size=2.0), "step_size=2.0"),
        (lambda: SCHEDULES[0].levels(11), "steps=11"),
        (lambda: SCHEDULES[2].levels(0), "steps=0"),
        (lambda: SCHEDULES[4].levels(-1), "steps=-1"),
    ],
)
def test_what_is_no_schedule_is_refused(make, received):
    with pytest.raises(ValueError, match=f"Received: .*{received}"):
        make()


# Targets


TARGETS = [
    diffusion.Epsilon(),
    diffusion.Velocity(),
    diffusion.ScaledScore(),
    diffusion.Preconditioned(sigma_data=0.3),
]
SIGMAS = np.array([0.01, 0.5, 3.0, 70.0])[:, None]


def asked(target, clean, noise):
    """What a network should return, and what it is given, at SIGMAS."""
    skip, out, into = target.scales(SIGMAS)
    x = clean + SIGMAS * noise
    return (clean - skip * x) / out, into * x


@pytest.fixture
def pair():
    return np.random.default_rng(0).normal(size=(2, 4, 1000))


def test_targets_are_their_papers(pair):
    clean, noise = pair
    a, s = 1 / np.sqrt(1 + SIGMAS**2), SIGMAS / np.sqrt(1 + SIGMAS**2)
    given = a * clean + s * noise  # Ho et al., equation 4
    for target, expected, seen in (
        (TARGETS[0], noise, given),
        (TARGETS[1], a * noise - s * clean, given),
        (TARGETS[2], -noise, clean + SIGMAS * noise),
    ):
        output, received = asked(target, clean, noise)
        np.testing.assert_allclose(output, expected, rtol=1e-6, atol=1e-7)
        np.testing.assert_allclose(received, seen, rtol=1e-9)


def test_preconditioned_networks_see_and_return_unit_variance(pair):
    clean, noise = pair
    output, received = asked(TARGETS[3], 0.3 * clean, noise)
    assert output.std(axis=1) == pytest.approx(1, abs=0.06)
    assert received.std(axis=1) == pytest.approx(1, abs=0.06)
    # Karras et al., table 1: the loss's weight is 1 / out^2.
    _, out, _ = TARGETS[3].scales(SIGMAS)
    weight = (SIGMAS**2 + 0.3**2) / (SIGMAS * 0.3) ** 2
    np.testing.assert_allclose(1 / out**2, weight)


def test_velocity_is_the_derivative_along_the_angle(pair):
    # With a = cos(phi), s = sin(phi): v = d x_t / d phi (Salimans and Ho, appendix D).
    clean, noise = pair
    phi, step = np.arctan(SIGMAS), 1e-6
    x = [np.cos(p) * clean + np.sin(p) * noise for p in (phi - step, phi + step)]
    derivative = (x[1] - x[0]) / (2 * step)
    np.testing.assert_allclose(
        asked(diffusion.Velocity(), clean, noise)[0], derivative, atol=1e-8
    )
    ours = asked(diffusion.Preconditioned(sigma_data=1.0), clean, noise)[0]
    np.testing.assert_allclose(ours, -derivative, atol=1e-8)


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: type(t).__name__)
def test_targets_come_back_from_their_config(target):
    again = type(target).from_config(target.get_config())
    np.testing.assert_array_equal(again.scales(SIGMAS), target.scales(SIGMAS))
