"""Styles: the layers and networks they steer, and the two models' verbs."""

import functools
import math

import conformance
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import keras_gen
from keras_gen import layers, losses, networks
from keras_gen.engine import random
from keras_gen.layers import resampling

# Of the authors' networks for 1024 pixels, finest first.
FIRST = (16, 32, 64, 128, 256, 512, 512, 512, 512)
SECOND = (32, 64, 128, 256, 512, 512, 512, 512, 512)


@pytest.fixture(scope="module")
def model():
    return conformance.make("StyleGAN2", filters=(3, 4, 6))


def numbers(x):
    return np.asarray(ops.convert_to_numpy(x))


def filtered(x, taps, axis):
    """Along an axis, the last pixels repeated."""
    pad = [(0, 0)] * x.ndim
    pad[axis] = (len(taps) // 2,) * 2
    padded = np.pad(x, pad, mode="edge")
    parts = [np.take(padded, range(k, k + x.shape[axis]), axis) for k in range(3)]
    return sum(t * part for t, part in zip(taps, parts, strict=True)) / sum(taps)


# Layers


def test_doubling_is_nearest_neighbours_blurred():
    x = conformance.noise(2, 4, 6, 3, seed=0)
    expected = x.repeat(2, axis=1).repeat(2, axis=2)
    for axis in (1, 2):
        expected = filtered(expected, (1, 2, 1), axis)
    layer = layers.SmoothUpsampling2D()
    np.testing.assert_allclose(layer(x), expected, atol=1e-6)
    assert layer.compute_output_shape(x.shape) == expected.shape


def test_long_sides_are_filtered_as_short_ones_are(monkeypatch):
    x = conformance.noise(2, 4, 6, 3, seed=0)
    ways = [resampling.doubled, resampling.halved]
    ways += [functools.partial(resampling.blurred, pad=pad) for pad in (0, 1, 2)]
    short = [numbers(way(x)) for way in ways]
    monkeypatch.setattr(resampling, "LONGEST", 5)
    for way, expected in zip(ways, short, strict=True):
        np.testing.assert_allclose(numbers(way(x)), expected, atol=1e-6)


def test_halving_is_means_of_squares_blurred():
    x = conformance.noise(2, 4, 6, 3, seed=0)
    expected = x
    for axis in (1, 2):
        expected = filtered(expected, (1, 2, 1), axis)
    expected = expected.reshape(2, 2, 2, 3, 2, 3).mean(axis=(2, 4))
    layer = layers.SmoothDownsampling2D()
    np.testing.assert_allclose(layer(x), expected, atol=1e-6)
    assert layer.compute_output_shape(x.shape) == expected.shape


@pytest.mark.parametrize("pad", [1, 2])
def test_a_blur_keeps_constants_and_straight_lines(pad):
    layer = layers.Blur2D(pad)
    line = np.broadcast_to(np.arange(8.0, dtype="f")[:, None, None], (1, 8, 8, 1))
    y = numbers(layer(line))
    assert y.shape == layer.compute_output_shape(line.shape)
    inner = y[0, pad + 1 : -pad - 1, :, 0]
    np.testing.assert_allclose(np.diff(inner, axis=0), 1, atol=1e-5)
    np.testing.assert_allclose(layer(np.ones_like(line)), 1, atol=1e-6)


def test_adaptive_instance_norm_is_equation_1():
    layer = layers.AdaptiveInstanceNormalization()
    x, w = conformance.noise(2, 5, 4, 3, seed=0), conformance.noise(2, 6, seed=1)
    y = numbers(layer([3 * x + 1, w]))
    styles = numbers(layer.affine(w))
    scale, shift = styles[:, :3] + 1, styles[:, 3:]
    np.testing.assert_allclose(y.mean(axis=(1, 2)), shift, atol=1e-5)
    np.testing.assert_allclose(y.std(axis=(1, 2)), np.abs(scale), rtol=1e-4)
    np.testing.assert_allclose(
        (y - shift[:, None, None]) / scale[:, None, None],
        (x - x.mean((1, 2), keepdims=True)) / x.std((1, 2), keepdims=True),
        atol=1e-4,
    )


@pytest.mark.parametrize("demodulate", [True, False])
def test_a_modulated_convolution_has_a_kernel_for_each_example(demodulate):
    layer = layers.ModulatedConv2D(5, 3, demodulate=demodulate)
    x, w = conformance.noise(2, 6, 7, 3, seed=0), conformance.noise(2, 4, seed=1)
    found = numbers(layer([x, w]))
    styles = numbers(layer.affine(w)).astype("float64")
    base = numbers(layer.weight).astype("float64") * layer.scale
    for row in range(2):
        kernel = base * styles[row][:, None]  # equation 1
        if demodulate:  # equation 3
            kernel /= np.sqrt((kernel**2).sum(axis=(0, 1, 2)) + 1e-8)
        expected = ops.conv(x[row : row + 1], kernel.astype("f"), padding="same")
        np.testing.assert_allclose(found[row], expected[0], atol=1e-5)


def test_demodulated_outputs_have_a_deviation_of_one():
    layer = layers.ModulatedConv2D(200, 3)
    x, w = conformance.noise(1, 20, 20, 32, seed=0), 5 * conformance.noise(1, 4, seed=1)
    assert numbers(layer([x, w]))[:, 1:-1, 1:-1].std() == pytest.approx(1, rel=0.1)


def test_a_modulated_convolution_enlarges_by_zeros_and_a_blur():
    layer = layers.ModulatedConv2D(2, 3, up=True)
    x, w = conformance.noise(1, 4, 5, 3, seed=0), conformance.noise(1, 4, seed=1)
    found = numbers(layer([x, w]))
    assert found.shape == layer.compute_output_shape([x.shape, w.shape])
    # Away from the edges that is a convolution of what `SmoothUpsampling2D` makes.
    plain = layers.ModulatedConv2D(2, 3)
    plain.build([x.shape, w.shape])
    plain.affine.set_weights(layer.affine.get_weights())
    plain.weight.assign(numbers(layer.weight)[::-1, ::-1])
    smooth = layers.SmoothUpsampling2D()(x)
    inner = (slice(None), slice(3, -3), slice(3, -3))
    np.testing.assert_allclose(found[inner], plain([smooth, w])[inner], atol=1e-5)


def test_noise_is_fixed_outside_of_training_and_absent_at_first():
    layer, x = layers.NoiseInput(), conformance.noise(2, 4, 4, 3, seed=0)
    np.testing.assert_array_equal(layer(x), x)
    layer.strength.assign([1.0, 2.0, 0.0])
    added = numbers(layer(x)) - x
    np.testing.assert_allclose(added[..., 1], 2 * added[..., 0], atol=1e-5)
    np.testing.assert_allclose(added[0], added[1], atol=1e-5)
    assert np.abs(added[..., 2]).max() == 0
    with random.use(conformance.Recorded()):
        trained = numbers(layer(x, training=True)) - x
    assert np.abs(trained[0] - trained[1]).max() > 0.1
    assert layers.NoiseInput(per_channel=False)(x).shape == x.shape


# Networks


@pytest.mark.parametrize(
    ("count", "make"),
    [
        # Karras et al. 2019, section 2.
        (26.2, lambda: networks.GrowingStyleGenerator(512, (1024, 1024, 3), FIRST)),
        # What the authors' program of 2020 prints, configuration F.
        (30.37, lambda: networks.SkipStyleGenerator(512, (1024, 1024, 3), SECOND)),
        (29.01, lambda: networks.residual_critic((1024, 1024, 3), SECOND)),
    ],
)
def test_networks_for_1024_pixels_are_as_large_as_the_papers(count, make):
    network = make()
    used = getattr(network, "active_variables", lambda: network.trainable_variables)()
    total = sum(int(np.prod(v.shape)) for v in used) / 1e6
    assert total == pytest.approx(count, abs=0.05 if count == 26.2 else 0.005)


def test_mapping_normalises_latents_and_learns_slowly():
    mapping = networks.mapping_network(4, 6, 2)
    z = conformance.noise(3, 4, seed=0)
    np.testing.assert_allclose(mapping(z), mapping(5 * z), rtol=1e-3)
    dense = [x for x in mapping.layers if isinstance(x, layers.EqualizedDense)]
    assert [layer.rate for layer in dense] == [0.01, 0.01]


def test_a_level_takes_its_own_styles_alone(model):
    network = model.generator
    styles = conformance.noise(1, network.num_styles, 6, seed=0)
    plain = numbers(network.synthesize(styles))
    for place in range(network.num_styles):
        other = styles.copy()
        other[:, place] += 1
        assert np.abs(network.synthesize(other) - plain).max() > 1e-4, place


def test_a_generator_that_grows_uses_the_first_styles():
    network = conformance.make("StyleGAN", filters=(3, 4, 6)).generator
    styles = conformance.noise(1, 6, 6, seed=0)
    network.stage = 1
    assert (network.num_styles, network.used_styles) == (6, 4)
    alpha = np.ones((1, 1), "float32")
    plain = numbers(network.synthesize(styles, alpha))
    styles[:, 4:] += 1
    np.testing.assert_array_equal(network.synthesize(styles, alpha), plain)
    network.stage = 2


def test_a_critic_s_block_halves_the_square_of_its_sum():
    """Figure 7: (branch + skip) / 2^(1/2), either at half the side."""
    critic = networks.residual_critic((8, 8, 1), (3, 4), group=0)
    (place,) = [
        k for k, layer in enumerate(critic.layers) if layer.name.startswith("add")
    ]
    block = keras.Model(critic.input, critic.layers[place + 1].input)
    kernels = {tuple(w.shape): w for w in critic.weights}
    x = conformance.noise(2, 8, 8, 1, seed=0)
    whole = np.array(block(x))
    assert whole.shape == (2, 4, 4, 4)
    branch, skip = (kernels[(side, side, 3, 4)] for side in (3, 1))
    parts = []
    for kernel in (branch, skip):
        kept = np.array(kernel)
        kernel.assign(0 * kept)
        parts.append(np.array(block(x)))  # the other one's share
        kernel.assign(kept)
    np.testing.assert_allclose(whole, sum(parts), atol=1e-5)
    features = keras.Model(critic.input, critic.layers[2].output)(x)
    halved = np.array(layers.SmoothDownsampling2D()(features))
    expected = halved @ np.array(skip)[0, 0] / 3**0.5  # equalised: a fan-in of 3
    np.testing.assert_allclose(parts[0], expected / 2**0.5, atol=1e-5)


# Training


def test_a_share_of_pictures_has_two_latents():
    sizes = {"latent_dim": 4, "style_dim": 6, "depth": 1, "filters": (2, 2, 2)}
    few = keras_gen.StyleGAN2(image_shape=(8, 8, 1), mixing=0.5, **sizes)
    with few.noise(0):
        styles = numbers(few.fresh_styles(400))
    changes = (np.abs(np.diff(styles, axis=1)).max(axis=2) > 0).sum(axis=1)
    assert set(changes) == {0, 1}
    assert changes.mean() == pytest.approx(0.5, abs=0.1)
    where = (np.abs(np.diff(styles, axis=1)).max(axis=2) > 0).sum(axis=0)
    assert where.min() > 20  # of 200 that change at one of five places
    with few.noise(0):
        whole = numbers(few.fresh_styles(50, mixed=False))
    assert np.abs(np.diff(whole, axis=1)).max() == 0


def critic_of(weight):
    """f(x) = weight . x, of gradient `weight` everywhere, for pictures 4x4x1."""
    x = keras.Input((4, 4, 1))
    dense = keras.layers.Dense(1, use_bias=False)
    critic = keras.Model(x, dense(keras.layers.Flatten()(x)))
    dense.set_weights([weight.reshape(16, 1)])
    return critic


def test_a_lazy_penalty_counts_as_often_as_it_rests():
    weight = conformance.noise(16, seed=0)
    options = {"image_shape": (4, 4, 1), "latent_dim": 3, "filters": (2,)}
    found = {}
    for every in (1, 4):
        penalty = losses.R1(0.5, every=every)
        gan = keras_gen.DCGAN(critic=critic_of(weight), penalties=[penalty], **options)
        gan.compile(run_eagerly=True)
        x = ops.convert_to_tensor(conformance.noise(2, 4, 4, 1, seed=1))
        found[every] = []
        for step in range(5):
            gan.optimizer.iterations.assign(step)
            with gan.noise(0):
                logs = gan.critic_loss((x,), x)
            found[every].append(float(ops.mean(logs["gradient_penalty"])))
    expected = (weight**2).sum() / 2
    np.testing.assert_allclose(found[1], expected, rtol=1e-5)
    np.testing.assert_allclose(found[4], [4 * expected, 0, 0, 0, 4 * expected], 1e-5)
    with pytest.raises(ValueError, match=r"Expected `every` as an int from 1.*0"):
        losses.R1(every=0)


def test_path_lengths_are_those_of_the_jacobian(model):
    model.compile(run_eagerly=True)
    model.mean_path.assign(0.25)
    with random.use(conformance.Recorded()):
        costs, lengths = model.path_costs(3)
    with random.use(conformance.Recorded()):
        styles = model.fresh_styles(3)
        direction = random.normal((3, 8, 8, 1))
    with tf.GradientTape() as tape:
        tape.watch(styles)
        pictures = model.generator.synthesize(styles)
    jacobian = numbers(tape.batch_jacobian(pictures, styles))  # (3, 8, 8, 1, 6, 6)
    products = np.einsum("nhwclj,nhwc->nlj", jacobian, numbers(direction) / 8)
    expected = np.sqrt((products**2).sum(axis=2).mean(axis=1))
    np.testing.assert_allclose(lengths, expected, rtol=1e-3)
    np.testing.assert_allclose(costs, 4 * (expected - 0.25) ** 2, rtol=2e-3, atol=1e-5)
    moved = 0.25 + 0.01 * (expected.mean() - 0.25)
    assert float(model.mean_path.numpy()) == pytest.approx(moved, rel=1e-4)
    model.optimizer.iterations.assign(1)
    with random.use(conformance.Recorded()):
        costs, lengths = model.path_costs(3)
    np.testing.assert_array_equal(costs, 0)
    np.testing.assert_allclose(lengths, moved, rtol=1e-5)


def test_the_mean_style_follows_the_mapping():
    model = conformance.make("StyleGAN2", path_weight=0.0)
    start = numbers(model.mean_style)
    model.follow = 0.25
    model.compile(keras.optimizers.SGD(0.0), averages={}, run_eagerly=True)
    model.fit(conformance.images(256), batch_size=256, verbose=0)
    styles = model.map(conformance.noise(4000, 4, seed=0))
    expected = 0.25 * start + 0.75 * styles.mean(axis=0)
    error = np.abs(numbers(model.mean_style) - expected)
    assert (error < 5 * 0.75 * styles.std(axis=0) / math.sqrt(256)).all()
