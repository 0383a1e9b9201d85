"""Losses and penalties of critics and generators, by hand and in closed form."""

import math

import keras
import numpy as np
import pytest
from drawn import under_noise
from keras import ops

import keras_gen
from keras_gen import engine, losses

# XLA would take longer to compile than these tests run; JAX knows nothing else.
JIT = keras.backend.backend() == "jax"

LOG3 = math.log(3)
LOG4 = math.log(4)
THIRD = math.log(4 / 3)

# A loss, two real scores, two generated ones, the critic's losses, the generator's.
# The sigmoids of log 3, 0 and -log 3 are 3/4, 1/2 and 1/4.
WORKED = {
    "minimax": (
        losses.Minimax(),
        ([LOG3, 0], [-LOG3, LOG3]),
        ([2 * THIRD, math.log(8)], [-THIRD, -LOG4]),
    ),
    "non-saturating": (
        losses.NonSaturating(),
        ([LOG3, 0], [-LOG3, LOG3]),
        ([2 * THIRD, math.log(8)], [LOG4, THIRD]),
    ),
    "smoothed": (  # real examples are real with probability 0.9, generated ones never
        losses.NonSaturating(smoothing=0.1),
        ([LOG3, 0], [-LOG3, LOG3]),
        ([0.9 * THIRD + 0.1 * LOG4 + THIRD, math.log(8)], [LOG4, THIRD]),
    ),
    "least squares": (
        losses.LeastSquares(),
        ([1, 3], [0, -2]),
        ([0, 4], [0.5, 4.5]),
    ),
    "hinge": (losses.Hinge(), ([2, -1], [-3, 0.5]), ([0, 3.5], [3, -0.5])),
    "wasserstein": (losses.Wasserstein(), ([1, 4], [3, -2]), ([2, -6], [-3, 2])),
    # The differences 2 log 3 and -log 3 have sigmoids 9/10 and 1/4.
    "relativistic": (
        losses.RelativisticPairing(),
        ([LOG3, 0], [-LOG3, LOG3]),
        ([math.log(10 / 9), LOG4], [math.log(10), THIRD]),
    ),
}
every_loss = pytest.mark.parametrize(
    ("loss", "scores", "expected"), WORKED.values(), ids=WORKED
)


def numbers(tensor):
    return ops.convert_to_numpy(tensor)


def critic_loss(loss, real, fake):
    """The mean of the critic's losses of score vectors (n,), a float."""
    real, fake = (ops.convert_to_tensor(np.asarray(x, "float64")) for x in (real, fake))
    return float(np.mean(numbers(loss.critic(real, fake))))


def gradient(function, x):
    """d sum function(x) / dx, on either backend."""
    x = ops.convert_to_tensor(np.asarray(x, "float32"))
    # A network without weights, for the engine to find nothing else to hold fixed.
    return numbers(engine.Trainer.input_gradient(keras.Sequential(), function, x))


# Values


@every_loss
@pytest.mark.parametrize("shape", [(2, 1), (2,), (2, 1, 1, 1)])
def test_losses_on_worked_numbers(loss, scores, expected, shape):
    real, fake = (np.reshape(np.array(s, "float32"), shape) for s in scores)
    critic = numbers(loss.critic(real, fake))
    generator = numbers(loss.generator(fake, real))
    assert critic.shape == generator.shape == (2,)
    np.testing.assert_allclose(critic, expected[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(generator, expected[1], rtol=1e-5, atol=1e-6)
    if not loss.pairs:
        np.testing.assert_array_equal(loss.generator(fake), generator)


@every_loss
def test_a_loss_of_patches_is_the_mean_of_theirs(loss, scores, expected):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(0, 2, (2, 5, 2, 3, 1)).astype("float32")
    places = [(i, j) for i in range(2) for j in range(3)]
    critics = [numbers(loss.critic(real[:, i, j], fake[:, i, j])) for i, j in places]
    np.testing.assert_allclose(
        loss.critic(real, fake), np.mean(critics, 0), rtol=1e-5, atol=1e-6
    )
    ours = [numbers(loss.generator(fake[:, i, j], real[:, i, j])) for i, j in places]
    np.testing.assert_allclose(
        loss.generator(fake, real), np.mean(ours, 0), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize(
    "made",
    [
        *(row[0] for row in WORKED.values()),
        losses.GradientPenalty(3.0, target=0.5, one_sided=True),
        losses.R1(2.0),
        losses.R2(0.0),
    ],
    ids=lambda made: type(made).__name__,
)
def test_losses_and_penalties_come_back_from_their_configuration(made):
    config = keras.saving.serialize_keras_object(made)
    again = keras.saving.deserialize_keras_object(config)
    assert type(again) is type(made)
    assert vars(again) == vars(made)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, math.nan])
@pytest.mark.parametrize("cls", [losses.Minimax, losses.NonSaturating])
def test_smoothing_out_of_range_is_refused(cls, smoothing):
    with pytest.raises(ValueError, match=r"Expected .*\[0, 1\).*Received"):
        cls(smoothing=smoothing)


# What the least loss of a critic says of two distributions, in twentieths

P, Q = np.array([1, 2, 5, 8, 4]), np.array([6, 5, 2, 3, 4])
p, q = P / 20, Q / 20


def jensen_shannon(p, q):
    middle = (p + q) / 2
    return (p * np.log(p / middle) + q * np.log(q / middle)).sum() / 2


CLOSED = {
    "minimax": (losses.Minimax(), np.log(p / q), jensen_shannon(p, q)),
    "non-saturating": (losses.NonSaturating(), np.log(p / q), jensen_shannon(p, q)),
    "least squares": (
        losses.LeastSquares(),
        p / (p + q),
        ((p - q) ** 2 / (p + q)).sum(),
    ),
    "hinge": (losses.Hinge(), np.sign(p - q), np.abs(p - q).sum() / 2),
}


@pytest.mark.parametrize(("loss", "best", "expected"), CLOSED.values(), ids=CLOSED)
def test_the_best_critics_loss_is_the_divergence_it_estimates(loss, best, expected):
    def estimate(scores):
        # Every atom as often as its probability says: means are expectations.
        loss_of_it = critic_loss(loss, np.repeat(scores, P), np.repeat(scores, Q))
        return loss.divergence(loss_of_it)

    assert estimate(best) == pytest.approx(expected, rel=1e-5)
    rng = np.random.default_rng(0)
    others = [estimate(best + rng.normal(0, 0.5, 5)) for _ in range(20)]
    assert max(others) < expected


def test_relativistic_critics_of_equal_distributions_find_nothing_between_them():
    loss = losses.RelativisticPairing()
    scores = np.random.default_rng(0).normal(0, 2, 7)
    real, fake = (x.ravel() for x in np.meshgrid(scores, scores))  # every pair
    constant = critic_loss(loss, np.full(49, 1.3), np.full(49, 1.3))
    assert loss.divergence(constant) == pytest.approx(0, abs=1e-6)
    assert loss.divergence(critic_loss(loss, real, fake)) < -0.1  # no critic gains
    # Of unequal ones it does find something.
    assert loss.divergence(critic_loss(loss, [2.0, 3.0], [-1.0, 0.0])) > 0.5


# Gradients of the generator


@pytest.mark.parametrize(
    ("loss", "expected"), [(losses.Minimax(), 0), (losses.NonSaturating(), -1)]
)
def test_only_the_minimax_gradient_vanishes_where_fakes_are_told_apart(loss, expected):
    slope = gradient(loss.generator, [[-20.0]])
    np.testing.assert_allclose(slope, [[expected]], rtol=0, atol=1e-8)
    # Where the critic cannot tell, both pull upwards by half.
    np.testing.assert_allclose(gradient(loss.generator, [[0.0]]), [[-0.5]], rtol=1e-5)


# Two parallel lines: real examples (0, z) and generated ones (theta, z), example 1 of
# Arjovsky et al. 2017

THETAS = (0.5, 1.0, 2.0)


def critics_of_lines(model, rate, epochs):
    """Divergences from the second line by a critic trained at each distance."""
    x = np.random.default_rng(0).normal(size=(512, 2)).astype("float32")
    x[:, 0] = 0
    model.compile(
        {n: keras.optimizers.Adam(rate) for n in model.networks}, jit_compile=JIT
    )
    found = []
    for theta in THETAS:
        model.generator.layers[-1].bias.assign([theta, 0])
        model.fit(x, batch_size=64, epochs=epochs, verbose=0)
        result = model.evaluate(x, batch_size=512, verbose=0, return_dict=True)
        found.append(result["loss"])
    return found


def line():
    """A generator from z to (0, z), to be shifted, without trainable weights."""
    dense = keras.layers.Dense(2, trainable=False)
    network = keras.Sequential([keras.Input((1,)), dense], name="generator")
    dense.set_weights([np.array([[0.0, 1.0]]), np.zeros(2)])
    return network


def test_jensen_shannon_is_flat_between_disjoint_lines():
    # The best possible critic is sure of itself, whatever the distance.
    loss = losses.NonSaturating()
    best = loss.divergence(critic_loss(loss, [40.0, 40.0], [-40.0, -40.0]))
    assert best == pytest.approx(math.log(2), rel=1e-6)
    keras.utils.set_random_seed(0)
    model = keras_gen.GAN(
        image_shape=(2,), latent_dim=1, hidden=(8,), dropout=0.0, generator=line()
    )
    found = critics_of_lines(model, rate=0.02, epochs=25)
    np.testing.assert_allclose(found, math.log(2), rtol=0.02)


def test_the_wasserstein_estimate_is_the_distance_of_disjoint_lines():
    # The best critic among those of slope 1 is minus the first coordinate.
    keras.utils.set_random_seed(0)
    model = keras_gen.WGANGP(
        image_shape=(2,),
        latent_dim=1,
        filters=(),
        hidden=(16, 16),
        critic_updates=1,
        # A weight w lets the best slope be 1 + theta / 2w.
        penalties=[losses.GradientPenalty(50.0, one_sided=True)],
        generator=line(),
    )
    found = critics_of_lines(model, rate=0.005, epochs=40)
    np.testing.assert_allclose(found, THETAS, rtol=0.1)


# Feature matching and penalties


def test_feature_matching_on_worked_numbers():
    real = np.array([[1.0, 2.0], [3.0, 4.0]], "float32")  # means 2 and 3
    fake = np.array([[0.0, 0.0], [0.0, 2.0]], "float32")  # means 0 and 1
    assert float(losses.feature_matching(real, fake)) == pytest.approx(8)
    maps = [x.reshape(2, 1, 2, 1) for x in (real, fake)]
    assert float(losses.feature_matching(*maps)) == pytest.approx(8)


def test_feature_matching_is_zero_where_means_agree_and_nowhere_else():
    real = np.array([[1.0, -2.0], [3.0, 6.0], [2.0, 2.0]], "float32")
    fake = np.array([[2.0, 2.0]] * 3, "float32")  # other features of the same means
    assert float(losses.feature_matching(real, fake)) == pytest.approx(0, abs=1e-10)
    fake[0, 1] += 0.3
    assert float(losses.feature_matching(real, fake)) == pytest.approx(0.01, rel=1e-4)


# Slopes 5, 1 and 0, and what they cost
SLOPES = np.array([[3.0, 4.0], [0.6, 0.8], [0.0, 0.0]], "float32")
COSTS = [
    (losses.GradientPenalty(), [16, 0, 1]),
    (losses.GradientPenalty(one_sided=True), [16, 0, 0]),
    (losses.GradientPenalty(target=0.0), [25, 1, 0]),
    (losses.GradientPenalty(target=2.0, one_sided=True), [9, 0, 0]),
    (losses.R1(), [12.5, 0.5, 0]),
    (losses.R2(), [12.5, 0.5, 0]),
]


@pytest.mark.parametrize(("penalty", "expected"), COSTS)
def test_penalties_of_linear_critics(penalty, expected):
    # f(x) = w.x has the gradient w everywhere, here another w for each example.
    x = np.random.default_rng(0).normal(size=(3, 2))
    slopes = gradient(lambda x: ops.sum(x * SLOPES, axis=1), x)
    np.testing.assert_allclose(penalty.penalty(slopes), expected, atol=1e-5)
    shaped = slopes.reshape(3, 2, 1, 1)  # as of images
    np.testing.assert_allclose(penalty.penalty(shaped), expected, atol=1e-5)


def test_penalties_can_be_differentiated_at_zero():
    for function in (losses.gradient_penalty, losses.zero_centered_penalty):
        assert np.isfinite(gradient(function, np.zeros((2, 3)))).all()


@pytest.mark.parametrize("shape", [(3, 2), (3, 2, 1, 1)])
def test_penalties_are_taken_where_their_papers_say(shape):
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(2, *shape)).astype("float32")
    shares = ops.convert_to_tensor(np.array([0, 0.25, 1], "float32"))
    between = numbers(losses.GradientPenalty().points(real, fake, shares))
    expected = [fake[0], 0.25 * real[1] + 0.75 * fake[1], real[2]]
    np.testing.assert_allclose(between, expected, rtol=1e-6)
    np.testing.assert_array_equal(losses.R1().points(real, fake, shares), real)
    np.testing.assert_array_equal(losses.R2().points(real, fake, shares), fake)


@pytest.mark.parametrize("weight", [-1.0, math.nan])
@pytest.mark.parametrize("cls", [losses.GradientPenalty, losses.R1, losses.R2])
def test_negative_weights_of_penalties_are_refused(cls, weight):
    with pytest.raises(ValueError, match="Expected a weight.*Received"):
        cls(weight)


# In a model of vectors (batch, 2)


def gan(critic, **options):
    keras.utils.set_random_seed(0)
    return keras_gen.GAN(image_shape=(2,), latent_dim=3, critic=critic, **options)


def relu_critic():
    """A critic of six features."""
    features = keras.layers.Dense(6, "relu", name="features")
    return keras.Sequential([keras.Input((2,)), features, keras.layers.Dense(1)])


@pytest.mark.parametrize("matched_layer", [-2, "features"])
def test_a_matching_generator_minimises_the_distance_of_mean_features(matched_layer):
    model = gan(relu_critic(), matched_layer=matched_layer)
    x = np.random.default_rng(0).normal(size=(8, 2)).astype("float32")
    # The same seed, the same latents.
    loss = under_noise(lambda x: model.generator_loss((x,)), x)
    fake = under_noise(lambda x: model.made((x,)), x)
    kernel, bias = model.critic.layers[0].get_weights()
    real, fake = (np.maximum(rows @ kernel + bias, 0) for rows in (x, fake))
    gap = real.mean(axis=0) - fake.mean(axis=0)
    np.testing.assert_allclose(loss, [np.square(gap).sum()], rtol=1e-4)


def test_a_generator_learns_by_matching_features():
    model = gan(relu_critic(), matched_layer=-2, hidden=(8,))
    # A critic that stands still, so that losses can be compared.
    rates = {"critic": 0.0, "generator": 0.05}
    model.compile(
        {n: keras.optimizers.Adam(rate) for n, rate in rates.items()},
        jit_compile=JIT,
    )
    x = np.random.default_rng(0).normal(3, 1, (64, 2)).astype("float32")
    logs = model.fit(x, batch_size=64, epochs=50, verbose=0).history
    assert logs["generator_loss"][-1] < 0.1 * logs["generator_loss"][0]


def test_penalties_add_up_and_each_is_taken_at_its_own_points():
    # f(x) = x.x: R1 and R2 are 2 x.x at the real and at the generated examples.
    x = keras.Input((2,))
    model = gan(
        keras.Model(x, keras.layers.Dot(axes=1)([x, x])),
        penalties=[losses.R1(2.0), losses.R2(3.0)],
        loss=losses.Wasserstein(),
    )
    real = np.array([[1, 0], [1, 1], [0, 0]], "float32")  # x.x = 1, 2, 0
    fake = ops.convert_to_tensor([[0, 2.0], [0, 0], [1, 2]])  # x.x = 4, 0, 5

    def term(name):
        return under_noise(lambda real: model.critic_loss((real,), fake)[name], real)

    np.testing.assert_allclose(term("gradient_penalty"), [10, 4, 10], rtol=1e-6)
    np.testing.assert_allclose(term("divergence"), [-3, 2, -5], rtol=1e-6)
    # Twice 2 x.x at real ones, three times at generated ones.
    expected = [3 + 4 + 24, -2 + 8 + 0, 5 + 0 + 30]
    np.testing.assert_allclose(term("critic_loss"), expected, rtol=1e-6)
    model.compile(run_eagerly=True)
    logs = model.fit(np.full((4, 2), 2, "float32"), batch_size=4, verbose=0).history
    assert logs["gradient_penalty"][0] > 16  # 2 x.x and what the generated ones add
