"""Diffusion models against their papers' formulas, and their verbs."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gen
from keras_gen import diffusion, engine, networks
from keras_gen.engine import random

SHAPE = (8, 8, 1)
SIZE = math.prod(SHAPE)


def tiny(cls=keras_gen.DDPM, **options):
    """A tiny model that returns something, as if it were trained."""
    keras.utils.set_random_seed(0)
    model = cls(image_shape=SHAPE, filters=(8, 16), **options)
    weights = model.denoiser.get_weights()
    rng = np.random.default_rng(0)
    model.denoiser.set_weights([w + 0.1 * rng.normal(size=w.shape) for w in weights])
    model.compile()
    return model


def gaussian(cls, deviation, **options):
    """A model that is exactly that of pixels N(0, deviation^2), all independent.

    With `Preconditioned(sigma_data=s)` the denoiser of N(0, s^2) is skip * x, and an
    untrained network, whose last layer starts at zero, adds nothing to that.
    """
    target = diffusion.Preconditioned(sigma_data=deviation)
    model = cls(image_shape=SHAPE, filters=(8,), target=target, **options)
    model.compile()
    return model


RISING = diffusion.KarrasLevels(sigma_min=200.0, sigma_max=90.0)


class Rising(diffusion.LinearSchedule):
    """A signal that grows again."""

    def signal(self):
        return 0.5 + 0.4 * np.cos(np.arange(self.steps))


def pictures(n=6, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (n, *SHAPE)).astype("uint8")


@pytest.fixture(scope="module")
def ddpm():
    return tiny()


@pytest.fixture(scope="module")
def edm():
    return tiny(keras_gen.EDM, num_classes=3)


def with_noise(function, seed=0):
    key = engine.backend.key(seed)
    with random.use(random.Stream(engine.backend, key, lambda n: (n, None))):
        return function()


# Losses and denoisers


def test_the_loss_of_ddpm_is_equation_14(ddpm):
    images = (pictures() / 127.5 - 1).astype("float32")
    noise = np.random.default_rng(1).normal(size=images.shape).astype("float32")
    steps = np.array([0, 10, 250, 500, 800, 999])
    signal = ddpm.schedule.signal()[steps][:, None, None, None]
    noisy = np.sqrt(signal) * images + np.sqrt(1 - signal) * noise
    predicted = ddpm.denoiser([noisy.astype("float32"), steps.astype("float32")])
    expected = ((noise - predicted) ** 2).numpy().mean(axis=(1, 2, 3))
    sigma = ddpm.schedule.sigmas()[steps].astype("float32")
    x = images + sigma[:, None, None, None] * noise
    output = ddpm.output(x, sigma)
    found = ddpm.losses_of(output, images, x, sigma)["loss"]
    np.testing.assert_allclose(found, expected, rtol=2e-3)


def test_the_loss_of_edm_is_equation_2_with_its_weight(edm):
    images = (pictures() / 127.5 - 1).astype("float32")
    noise = np.random.default_rng(1).normal(size=images.shape).astype("float32")
    sigma = np.geomspace(0.01, 50, 6).astype("float32")
    x = keras.ops.convert_to_tensor(images + sigma[:, None, None, None] * noise)
    labels = (keras.ops.one_hot(np.arange(6) % 3, 3),)
    error = (edm.estimate(x, sigma, labels) - images).numpy() ** 2
    weight = (sigma**2 + 0.25) / (sigma * 0.5) ** 2
    expected = weight * error.mean(axis=(1, 2, 3))
    output = edm.output(x, sigma, labels)
    found = edm.losses_of(output, images, x, sigma)["loss"]
    np.testing.assert_allclose(found, expected, rtol=1e-3)


def test_labels_are_hidden_from_the_share_asked_for():
    model = tiny(keras_gen.EDM, num_classes=3, unlabelled=0.3)
    seen = []
    model.output = lambda x, sigma, labels, training: seen.append(labels[0]) or x
    batch = (np.zeros((4000, *SHAPE), "float32"), np.ones((4000, 3), "float32"))
    with_noise(lambda: model.denoising_loss(batch))
    with_noise(lambda: model.denoising_loss(batch, training=False))
    assert np.mean(seen[0]) == pytest.approx(0.7, abs=0.03)
    assert np.array_equal(seen[1], batch[1])


def test_a_trained_ddpm_is_the_score_model_of_the_vp_equation():
    """Song et al. 2021: s(x_t, t) = -eps / sqrt(1 - a_t), and back by Tweedie."""
    ddpm = tiny()
    ddpm.fit(pictures(64), epochs=2, verbose=0)
    model = keras_gen.ScoreModel.from_ddpm(ddpm)
    images = (pictures(9) / 127.5 - 1).astype("float32")
    steps = np.array([0, 1, 5, 50, 200, 400, 600, 800, 999])
    signal = ddpm.schedule.signal()[steps][:, None, None, None]
    noise = np.random.default_rng(1).normal(size=images.shape)
    noisy = np.sqrt(signal) * images + np.sqrt(1 - signal) * noise
    predicted = ddpm.averaged("denoiser")(
        [noisy.astype("float32"), steps.astype("float32")]
    )
    score = -np.float64(predicted) / np.sqrt(1 - signal)
    clean = (noisy + (1 - signal) * score) / np.sqrt(signal)
    x = (noisy / np.sqrt(signal)).astype("float32")
    sigma = ddpm.schedule.sigmas()[steps].astype("float32")
    for found in (model.estimate(x, sigma), ddpm.estimate(x, sigma)):
        scale = np.maximum(1, sigma)[:, None, None, None]
        np.testing.assert_allclose(found / scale, clean / scale, atol=1e-5)
    # The score with respect to x = x_t / sqrt(a_t) is sqrt(a_t) times that of x_t.
    expected = np.sqrt(signal) * score
    np.testing.assert_allclose(
        model.score(x, sigma) * sigma[:, None, None, None],
        expected * sigma[:, None, None, None],
        atol=2e-3,
    )
    options = {"seed": 0, "sampler": ddpm.default_sampler()}
    assert np.array_equal(model.generate(3, **options), ddpm.generate(3, **options))


def test_a_ddpm_with_variances_is_no_score_model():
    model = tiny(learned_variance=True)
    with pytest.raises(ValueError, match="Received: learned_variance=True"):
        keras_gen.ScoreModel.from_ddpm(model)


def test_the_network_scales_to_the_paper_s():
    # Ho et al. 2020, appendix B: 35.7 million parameters for CIFAR-10.
    network = networks.unet(
        (32, 32, 3),
        filters=(128, 256, 256, 256),
        blocks=2,
        shuffle=1,
        groups=32,
        heads=1,
        attention=(1,),
        dropout=0.1,
    )
    assert network.count_params() == pytest.approx(35.7e6, rel=0.005)


# Sampling


def test_samples_of_a_gaussian_model_have_its_deviation():
    model = gaussian(keras_gen.EDM, 0.2)
    samples = model.generate(200, seed=0, sampler=diffusion.Heun(60)) * 2 - 1
    assert samples.mean() == pytest.approx(0, abs=0.01)
    assert samples.std() == pytest.approx(0.2, rel=0.03)


@pytest.mark.slow
def test_guidance_acts_in_its_interval(edm):
    options = {"seed": 0, "labels": 1, "sampler": diffusion.Heun(4)}
    some = tiny(keras_gen.EDM, num_classes=3, guidance_interval=(0.0, 1.0))
    some.set_weights(edm.get_weights())
    found = some.generate(4, guidance=3.0, **options)
    for guidance in (1.0, 3.0):
        other = edm.generate(4, guidance=guidance, **options)
        assert np.abs(found - other).max() > 1e-3
    assert type(some).from_config(some.get_config()).guidance_interval == (0.0, 1.0)


def test_guidance_one_is_the_label_and_zero_is_none(edm):
    options = {"seed": 0, "sampler": diffusion.Heun(4)}
    plain = edm.generate(4, labels=1, **options)
    np.testing.assert_allclose(
        edm.generate(4, labels=1, guidance=1.0, **options), plain, atol=1e-5
    )
    without = [edm.generate(4, labels=k, guidance=0.0, **options) for k in (0, 2)]
    np.testing.assert_allclose(*without, atol=1e-5)
    assert np.abs(plain - without[0]).max() > 1e-3
    each = edm.generate(4, labels=1, guidance=[1, 0, 1, 0], **options)
    np.testing.assert_allclose(each[::2], plain[::2], atol=1e-5)
    np.testing.assert_allclose(each[1::2], without[0][1::2], atol=1e-5)


@pytest.mark.parametrize(
    ("ask", "received"),
    [
        (lambda d, e: d.generate(2, labels=1), "labels=1"),
        (lambda d, e: d.generate(2, guidance=2.0), "guidance=2.0"),
        (lambda d, e: e.generate(2, guidance=math.nan), "nan"),
        (lambda d, e: e.generate(2, guidance=[1, 2, 3]), r"\[1, 2, 3\]"),
        (lambda d, e: e.generate(2, labels=3), "3"),
        (lambda d, e: d.generate(2, sampler=diffusion.DDIM(0)), "steps=0"),
        (lambda d, e: d.generate(2, sampler=diffusion.DDIM(1001)), "steps=1001"),
        (lambda d, e: e.generate(2, sampler=diffusion.Heun(0)), "steps=0"),
        (lambda d, e: d.generate(2, sampler="ddim"), "'ddim'"),
        (lambda d, e: d.inpaint(pictures(), np.ones((6, 4, 4))), r"\(6, 4, 4\)"),
        (lambda d, e: d.inpaint(pictures(), np.full((6, 8, 8), 0.5)), "float64"),
        (lambda d, e: d.edit(pictures(), strength=0), "strength=0"),
        (lambda d, e: d.edit(pictures(), strength=1.5), "strength=1.5"),
        (lambda d, e: d.edit(pictures(), guidance=2.0), "guidance=2.0"),
        (lambda d, e: e.edit(pictures(), guidance=2.0), "guidance=2.0, labels=None"),
        (lambda d, e: d.generate(2, sampler=diffusion.DDIM(np.int64(0))), "steps=0"),
        (lambda d, e: e.generate(2, sampler=diffusion.Heun(np.int32(0))), "steps=0"),
        (lambda d, e: d.generate(2, sampler=diffusion.DDIM(spacing=RISING)), "90, "),
        (lambda d, e: tiny(schedule=Rising()), "0.3336, 0.6435"),
        (
            lambda d, e: tiny(schedule=diffusion.CosineSchedule(offset=-0.5)),
            "CosineSchedule",
        ),
        (lambda d, e: d.invert(pictures(), steps=1), "steps=1"),
        (lambda d, e: d.decode(np.zeros((2, 4, 4, 1))), r"\(2, 4, 4, 1\)"),
        (lambda d, e: d.log_likelihood(pictures(), labels=1), "labels=1"),
        (lambda d, e: tiny(unlabelled=1.0), "unlabelled=1.0"),
        (lambda d, e: tiny(guidance_interval=(2, 1)), r"guidance_interval=\(2, 1\)"),
        (lambda d, e: tiny(guidance_interval=0.5), "guidance_interval=0.5"),
        (lambda d, e: tiny(guidance_interval=(0, 1)), "guidance_interval="),
        (
            lambda d, e: tiny(num_classes=3, unlabelled=0.0).generate(2, guidance=2.0),
            "guidance=2.0",
        ),
        (lambda d, e: e.export("nowhere", guidance=2.0, labels=1), "guidance, labels"),
    ],
)
def test_what_makes_no_sense_is_refused(ddpm, edm, ask, received):
    with pytest.raises(ValueError, match=f"Received: .*{received}"):
        ask(ddpm, edm)


def test_variances_are_learned_and_sampled_by():
    model = tiny(learned_variance=True, schedule=diffusion.CosineSchedule(steps=30))
    history = model.fit(pictures(64), epochs=2, verbose=0).history
    assert set(history) == {"loss", "bound_bits_per_dim"}
    made = {
        v: model.generate(3, seed=0, sampler=diffusion.Ancestral(variance=v))
        for v in (None, 0.0, 1.0)
    }
    for bound in (0.0, 1.0):
        assert np.abs(made[None] - made[bound]).max() > 1e-4
    assert np.isfinite(model.variational_bound(pictures())).all()


@pytest.mark.parametrize("target", [diffusion.Epsilon(), diffusion.Velocity()])
def test_variances_learn_from_the_bound_and_means_from_the_simple_loss(target):
    options = {"schedule": diffusion.CosineSchedule(steps=30), "target": target}
    model, plain = tiny(learned_variance=True, **options), tiny(**options)
    rng = np.random.default_rng(0)
    clean = tf.constant(rng.uniform(-1, 1, (5, *SHAPE)), "float32")
    sigma = tf.constant(model.schedule.sigmas()[[0, 3, 9, 20, 29]], "float32")
    noisy = clean + sigma[:, None, None, None] * rng.normal(size=clean.shape)
    means, fractions = (
        tf.constant(0.5 * rng.normal(size=clean.shape), "float32") for _ in range(2)
    )
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([means, fractions])
        outputs = tf.concat([means, fractions], axis=-1)
        found = model.losses_of(outputs, clean, noisy, sigma)
        simple = plain.losses_of(means, clean, noisy, sigma)["loss"]
    bits = found["bound_bits_per_dim"]
    np.testing.assert_allclose(found["loss"], simple + 1e-3 * bits, rtol=1e-5)
    np.testing.assert_allclose(
        tape.gradient(found["loss"], means), tape.gradient(simple, means), rtol=1e-5
    )
    moves = np.abs(tape.gradient(found["loss"], fractions)).max(axis=(1, 2, 3))
    assert (moves[1:] > 0).all()
    assert moves[0] == 0  # of the last step, whose deviation is fixed
    # One step stands for all of them.
    estimate = plain.clean(means, noisy, sigma)
    nats = model.bound_at(clean, estimate, sigma, 0.5 * (fractions + 1))
    np.testing.assert_allclose(bits, 30 * nats / (SIZE * math.log(2)), rtol=1e-5)


def test_guided_estimates_keep_the_conditional_variances():
    options = {"num_classes": 3, "learned_variance": True}
    model = tiny(schedule=diffusion.CosineSchedule(steps=30), **options)
    x, labels = tf.random.normal((2, *SHAPE)), tf.constant([0, 2])
    weights = tf.constant([1.0, 3.0])
    ancestral = diffusion.Ancestral()
    mean, fraction = model.denoiser_of(ancestral, labels, weights)(x, 2.0)
    own, expected = model.denoiser_of(ancestral, labels)(x, 2.0)
    np.testing.assert_array_equal(fraction, expected)
    without = model.denoiser_of()(x, 2.0)
    towards = without + weights[:, None, None, None] * (own - without)
    np.testing.assert_allclose(mean, towards, atol=1e-5)
