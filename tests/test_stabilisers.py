"""What steadies adversarial training: layers, noise, packs, rates and clips."""

import conformance
import keras
import numpy as np
import pytest
from drawn import blobs
from keras import ops

import keras_gen
from keras_gen import engine, layers, losses, networks

# XLA would take longer to compile than these tests run; JAX knows nothing else.
JIT = keras.backend.backend() == "jax"
SPECTRAL = (
    layers.SpectralDense,
    layers.SpectralConv2D,
    layers.SpectralConv2DTranspose,
)


def numbers(tensor):
    return ops.convert_to_numpy(tensor)


def normals(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def gradient(function, x):
    """d sum function(x) / dx, on either backend."""
    # A network without weights, for the engine to find nothing else to hold fixed.
    x = ops.convert_to_tensor(x)
    return numbers(engine.Trainer.input_gradient(keras.Sequential(), function, x))


def gan(seed=0, cls=keras_gen.GAN, **options):
    """A tiny model of vectors (batch, 2) with dense networks."""
    keras.utils.set_random_seed(seed)
    sizes = {"image_shape": (2,), "latent_dim": 3, "filters": (), "hidden": (6,)}
    return cls(**sizes | options)


def squares(features):
    """A critic f(x) = x.x, whose gradient is 2x, without weights."""
    x = keras.Input((features,))
    return keras.Model(x, keras.layers.Dot(axes=1)([x, x]), name="critic")


# Layers that see the batch


def test_minibatch_discrimination_is_the_sum_over_all_others():
    layer = layers.MinibatchDiscrimination(kernels=3, size=2)
    x = normals(5, 4)
    result = numbers(layer(x))
    assert result.shape == (5, 7) == layer.compute_output_shape((5, 4))
    matrices = (x.astype("float64") @ layer.tensor.numpy()).reshape(5, 3, 2)
    expected = np.zeros((5, 3))
    for i in range(5):
        for j in range(5):
            if i != j:
                expected[i] += np.exp(-np.abs(matrices[i] - matrices[j]).sum(axis=-1))
    np.testing.assert_array_equal(result[:, :4], x)
    np.testing.assert_allclose(result[:, 4:], expected, rtol=1e-4, atol=1e-6)


def test_minibatch_discrimination_knows_sameness_from_difference():
    layer = layers.MinibatchDiscrimination(kernels=3, size=2)
    same = np.repeat(normals(1, 4), 6, axis=0)
    np.testing.assert_allclose(layer(same)[:, 4:], 5.0, rtol=1e-6)
    apart = 1000 * normals(6, 4)
    np.testing.assert_allclose(layer(apart)[:, 4:], 0.0, atol=1e-6)
    # Where rows are equal the distances have a kink.
    assert np.isfinite(gradient(layer, same)).all()


@pytest.mark.parametrize("shape", [(3,), (2, 5, 3)])
@pytest.mark.parametrize("group", [2, 4])
def test_minibatch_deviation_is_numpys_within_groups(group, shape):
    x = normals(8, *shape)
    layer = layers.MinibatchStdDev(group)
    result = numbers(layer(x))
    assert result.shape == (*x.shape[:-1], 4) == layer.compute_output_shape(x.shape)
    np.testing.assert_array_equal(result[..., :3], x)
    groups = x.reshape(-1, group, *shape)
    means = groups.std(axis=1).reshape(len(groups), -1).mean(axis=1)
    added = result[..., 3:].reshape(8, -1)
    expected = np.broadcast_to(np.repeat(means, group)[:, None], added.shape)
    np.testing.assert_allclose(added, expected, rtol=1e-4)


def test_minibatch_deviation_of_equal_rows_is_nothing():
    same = np.repeat(normals(1, 3), 8, axis=0)
    layer = layers.MinibatchStdDev(4)
    np.testing.assert_allclose(layer(same)[:, 3:], 0.0, atol=1.01e-4)
    assert np.isfinite(gradient(layer, same)).all()


def test_minibatch_deviation_fills_the_last_group_up_by_the_first_rows():
    x = normals(6, 3)
    layer = layers.MinibatchStdDev(4)
    filled = numbers(layer(np.concatenate([x, x[:2]])))
    np.testing.assert_allclose(layer(x), filled[:6], rtol=1e-6)


def test_maxout_is_the_largest_of_its_pieces():
    layer, x = layers.Maxout(pieces=3), normals(4, 6)  # units first, then pieces
    assert layer(x).shape == (4, 2) == layer.compute_output_shape((4, 6))
    expected = np.stack([x[:, :3].max(axis=1), x[:, 3:].max(axis=1)], axis=1)
    np.testing.assert_array_equal(layer(x), expected)


# Spectral normalisation


def largest_singular_value(layer):
    """That of the kernel that a layer multiplies by, as a matrix (inputs, outputs)."""
    kernel = numbers(layer.kernel).astype("float64")
    transposed = isinstance(layer, keras.layers.Conv2DTranspose)
    kernel = np.moveaxis(kernel, -2 if transposed else -1, -1)
    matrix = kernel.reshape(-1, kernel.shape[-1])
    return np.linalg.svd(matrix, compute_uv=False)[0]


MADE = {  # a layer's class, its sizes, and the shape of what it takes
    "dense": (layers.SpectralDense, (5,), (2, 4)),
    "convolution": (layers.SpectralConv2D, (5, 3), (2, 4, 4, 3)),
    "transposed": (layers.SpectralConv2DTranspose, (5, 3), (2, 4, 4, 3)),
}
every_layer = pytest.mark.parametrize("kind", MADE)


def built(kind):
    """A layer that has been called once, not in training, and what it was called on."""
    keras.utils.set_random_seed(0)
    cls, sizes, shape = MADE[kind]
    layer, x = cls(*sizes), normals(*shape)
    layer(x)
    return layer, x


@every_layer
def test_power_iteration_finds_the_largest_singular_value(kind):
    layer, x = built(kind)
    assert abs(largest_singular_value(layer) - 1) > 0.01  # of its first vector
    for _ in range(60):
        layer(x, training=True)
    assert largest_singular_value(layer) == pytest.approx(1, rel=0.01)


@every_layer
def test_inference_uses_the_kernel_of_the_next_training_call(kind):
    layer, x = built(kind)
    for _ in range(3):  # far from converged
        inferred = numbers(layer(x))
        np.testing.assert_array_equal(inferred, numbers(layer(x)))
        np.testing.assert_allclose(layer(x, training=True), inferred, atol=1e-6)
    assert np.abs(numbers(layer(x)) - inferred).max() > 1e-6  # the call iterated


@every_layer
def test_gradients_pass_through_the_singular_value(kind):
    layer, x = built(kind)
    for _ in range(300):
        layer(x, training=True)
    (variable,) = [v for v in layer.trainable_variables if v.name == "kernel"]
    start = variable.numpy().astype("float64")
    weights = normals(*start.shape, seed=1)
    axis = -2 if isinstance(layer, keras.layers.Conv2DTranspose) else -1

    def ours(kernel):
        with keras.StatelessScope([(variable, kernel)]):
            return ops.sum(layer.kernel * weights)

    def exact(kernel):
        matrix = np.moveaxis(kernel, axis, -1).reshape(-1, kernel.shape[axis])
        return (kernel * weights).sum() / np.linalg.svd(matrix, compute_uv=False)[0]

    found = gradient(ours, start.astype("float32"))
    rng = np.random.default_rng(2)
    for _ in range(5):
        step = 1e-5 * rng.normal(size=start.shape)
        slope = exact(start + step) - exact(start - step)
        assert 2 * (found * step).sum() == pytest.approx(slope, rel=1e-2)


def test_spectral_critics_keep_their_slope_through_training():
    keras.utils.set_random_seed(0)
    model = keras_gen.WGANGP(
        image_shape=(8, 8, 1),
        latent_dim=4,
        filters=(4, 8),
        kernel_size=3,
        critic_updates=1,
        loss=losses.Hinge(),
        penalties=(),
        spectral=True,
    )
    normalised = [x for x in model.critic.layers if isinstance(x, SPECTRAL)]
    assert len(normalised) == 3
    assert not _plain(model.critic)
    assert not any(isinstance(x, SPECTRAL) for x in model.generator.layers)
    before = [numbers(x.kernel) for x in normalised]
    model.compile(
        {n: keras.optimizers.Adam(1e-3) for n in model.networks}, jit_compile=JIT
    )
    model.fit(blobs(64), batch_size=16, epochs=20, verbose=0)
    for layer, kernel in zip(normalised, before, strict=True):
        assert np.abs(numbers(layer.kernel) - kernel).max() > 0.01
        assert largest_singular_value(layer) == pytest.approx(1, rel=0.01)


def _plain(network):
    """Layers of a network that should have been replaced."""
    kinds = (keras.layers.Dense, keras.layers.Conv2D, keras.layers.Conv2DTranspose)
    return [type(x) for x in network.layers if type(x) in kinds]


def every_kind():
    """A network of all layers that can be normalised, and of some others."""
    x = inputs = keras.Input((4, 4, 2))
    x = keras.layers.Conv2D(3, 3, strides=2, activation="relu")(x)
    x = keras.layers.Conv2DTranspose(4, 3)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dense(2, use_bias=False)(keras.layers.Flatten()(x))
    return keras.Model(inputs, x, name="some_critic")


def test_any_network_can_be_normalised():
    plain = every_kind()
    network = networks.spectrally_normalized(plain)
    again = keras.Model.from_config(network.get_config())
    for made in (network, again):
        assert made.name == "some_critic"
        assert (made.input_shape, made.output_shape) == ((None, 4, 4, 2), (None, 2))
        assert sum(isinstance(x, SPECTRAL) for x in made.layers) == 3
        assert not _plain(made)
        shapes = [tuple(v.shape) for v in made.trainable_variables]
        assert shapes == [tuple(v.shape) for v in plain.trainable_variables]
    assert _plain(plain)  # it has been left as it was


@every_layer
def test_normalised_layers_come_back_from_a_file(kind, tmp_path):
    layer, x = built(kind)
    model = keras.Sequential([keras.Input(x.shape[1:]), layer])
    model(x, training=True)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for ours, theirs in zip(model.weights, again.weights, strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())
    np.testing.assert_array_equal(model(x), again(x))


# Instance noise


@pytest.mark.parametrize(
    ("noise", "levels"),
    [
        (
            keras.optimizers.schedules.PolynomialDecay(0.5, 4, 0.0),
            [0.5, 0.375, 0.25, 0.125, 0, 0],
        ),
        (0.3, [0.3] * 6),
        (0.0, [0.0] * 6),
    ],
    ids=["annealed", "constant", "none"],
)
def test_the_critic_sees_noise_of_the_levels_asked_for(noise, levels):
    # R1 of f(x) = x.x is 2 x.x: at real examples of zeros it is that of the noise.
    model = gan(
        image_shape=(64,),
        instance_noise=noise,
        critic=squares(64),
        penalties=[losses.R1()],
    )
    model.compile(jit_compile=JIT)
    zeros = np.zeros((64, 64), "float32")
    logs = model.fit(zeros, batch_size=64, epochs=6, verbose=0).history
    expected = 2 * 64 * np.square(levels)
    np.testing.assert_allclose(logs["gradient_penalty"], expected, rtol=0.1)


def test_noise_of_level_zero_draws_nothing():
    model, batch = gan(dropout=0.0), normals(4, 2)
    # Outside of any stream a draw is an error.
    assert model.critic_loss((batch,), batch, 0.0)["critic_loss"].shape == (4,)
    with pytest.raises(RuntimeError, match="Expected random numbers"):
        model.critic_loss((batch,), batch, 0.1)


# Packing


@pytest.mark.parametrize("shape", [(3,), (2, 2, 1)])
def test_packs_are_neighbouring_rows_side_by_side_as_channels(shape):
    packed = (*shape[:-1], 2 * shape[-1])
    critic = conformance.dense(packed, (1,), "critic")
    model = gan(image_shape=shape, packing=2, critic=critic)
    x = normals(6, *shape)
    sides = np.concatenate([x[0::2], x[1::2]], axis=-1)
    np.testing.assert_allclose(model.judged(x, ()), critic(sides), rtol=1e-6)
    np.testing.assert_allclose(
        model.judged(x[:5], ())[:2], critic(sides[:2]), rtol=1e-6
    )


def test_critics_of_packs_score_no_single_example():
    model = gan(packing=2)
    with pytest.raises(ValueError, match="Expected a critic of single.*Received.*2"):
        model.score(normals(4, 2))
    assert "score" not in model.signatures()
    assert "score" in gan().signatures()


@pytest.mark.parametrize(
    ("examples", "options"),
    [
        (24, {"batch_size": 8}),
        (24, {"batch_size": 9}),
        (24, {"batch_size": 3}),  # not a row for each of the critic's updates' packs
        (24, {"batch_size": 1}),
        (5, {}),
    ],
)
def test_batches_that_do_not_divide_are_refused(examples, options):
    model = gan(packing=2, critic_updates=3)
    model.compile(run_eagerly=True)
    before = conformance.state(model)
    with pytest.raises(ValueError, match="Expected a batch size that 6.*Received"):
        model.fit(normals(examples, 2), verbose=0, **options)
    for a, b in zip(before, conformance.state(model), strict=True):
        np.testing.assert_array_equal(a, b)
    model.fit(normals(24, 2), batch_size=12, verbose=0)
    assert int(model.optimizer.iterations.numpy()) == 2


def test_evaluation_takes_batches_that_fill_no_pack():
    model = gan(packing=2)
    model.compile(run_eagerly=True)
    assert np.isfinite(model.evaluate(normals(9, 2), batch_size=8, verbose=0))


# Optimizers and clipped weights


@pytest.mark.parametrize("trained", ["critic", "generator"])
def test_each_network_has_a_rate_of_its_own(trained):
    model = gan()
    rates = {n: 0.1 if n == trained else 0.0 for n in model.networks}
    model.compile(
        {n: keras.optimizers.SGD(rate) for n, rate in rates.items()}, run_eagerly=True
    )
    before = {n: getattr(model, n).get_weights() for n in model.networks}
    model.fit(normals(8, 2), batch_size=4, verbose=0)
    for name, weights in before.items():
        after = getattr(model, name).get_weights()
        moved = [np.any(a != b) for a, b in zip(weights, after, strict=True)]
        assert all(moved) if name == trained else not any(moved)


class Extremes(keras.callbacks.Callback):
    """The largest absolute value of each network's weights after every update."""

    def on_train_begin(self, logs=None):
        self.seen = {name: [] for name in self.model.networks}

    def on_train_batch_end(self, batch, logs=None):
        for name, seen in self.seen.items():
            weights = getattr(self.model, name).trainable_variables
            seen.append(max(np.abs(v.numpy()).max() for v in weights))


@pytest.mark.parametrize("given", [False, True])
def test_clipped_weights_stay_in_the_box(given):
    clip = np.float32(0.05)
    critic = {"critic": conformance.dense((2,), (1,), "critic")} if given else {}
    model = gan(cls=keras_gen.WGAN, clip=0.05, critic_updates=2, **critic)
    model.compile(
        {n: keras.optimizers.RMSprop(0.02) for n in model.networks}, run_eagerly=True
    )
    assert max(np.abs(w).max() for w in model.critic.get_weights()) <= clip
    watch = Extremes()
    model.fit(normals(20, 2), batch_size=4, verbose=0, callbacks=[watch])
    assert len(watch.seen["critic"]) == 5
    assert max(watch.seen["critic"]) == clip  # met and never exceeded
    assert min(watch.seen["generator"]) > 2 * clip


@pytest.mark.parametrize("clip", [0, -0.01, float("nan")])
def test_boxes_without_room_are_refused(clip):
    with pytest.raises(ValueError, match="Expected a limit above 0.*Received"):
        gan(cls=keras_gen.WGAN, clip=clip)
