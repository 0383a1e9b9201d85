"""Builders of networks and the layers they are made of."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_gen import layers, networks
from keras_gen.engine import backend, random


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3), (7, 9, 2), (16, 8, 3)])
def test_a_decoder_mirrors_an_encoder_at_any_size(shape):
    encoder = networks.conv_encoder(shape, 5, filters=(4, 8, 6), hidden=7)
    decoder = networks.conv_decoder(5, shape, filters=(6, 8, 4), hidden=7)
    images = np.zeros((2, *shape), "float32")
    codes = encoder(images)
    assert codes.shape == (2, 5)
    assert decoder(codes).shape == (2, *shape)


def test_he_initialization_keeps_the_scale_through_transposed_convolutions():
    keras.utils.set_random_seed(0)
    generator = networks.conv_decoder(
        128,
        (64, 64, 3),
        filters=(64, 32, 32, 16),
        kernel_size=5,
        initializer="he_uniform",
    )
    deep = [
        layer.output
        for layer in generator.layers
        if isinstance(layer, keras.layers.Conv2DTranspose)
    ]
    latents = np.random.default_rng(0).standard_normal((64, 128))
    outputs = keras.Model(generator.input, deep)(latents.astype("float32"))
    # The last layer, with gain 1 and no rectifier, halves the variance.
    scales = [float(ops.std(x)) for x in outputs]
    assert all(0.8 < s < 1.6 for s in scales[:-1]), scales
    assert 0.5 < scales[-1] < 1.1, scales


def test_the_unet_starts_at_zero_and_knows_the_time():
    unet = networks.unet((8, 8, 1), filters=(8, 16), shuffle=2, groups=4, heads=2)
    images = np.random.default_rng(0).standard_normal((2, 8, 8, 1)).astype("float32")
    assert not np.any(unet([images, np.array([3, 3])]))
    rng = np.random.default_rng(1)
    unet.set_weights(
        [w + 0.1 * rng.standard_normal(w.shape) for w in unet.get_weights()]
    )
    early, late = (
        ops.convert_to_numpy(unet([images, np.array([t, t])])) for t in (1, 900)
    )
    assert early.shape == (2, 8, 8, 1)
    assert np.abs(early - late).max() > 1e-3


def test_the_papers_unet_has_its_size():
    # Ho et al. 2020, appendix B: 35.7 million for CIFAR-10, with attention at 16x16.
    unet = networks.unet(
        (32, 32, 3),
        filters=(128, 256, 256, 256),
        blocks=2,
        shuffle=1,
        groups=32,
        heads=1,
        dropout=0.1,
    )
    assert unet.count_params() == pytest.approx(35.7e6, rel=0.06)


def test_sides_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match="divisible by 8.*Received.*28, 28"):
        networks.unet((28, 28, 1), filters=(8, 8, 8), shuffle=2)


def test_space_to_depth_moves_blocks_and_depth_to_space_moves_them_back():
    images = np.arange(2 * 4 * 6 * 3, dtype="float32").reshape(2, 4, 6, 3)
    deep = ops.convert_to_numpy(layers.SpaceToDepth(2)(images))
    assert deep.shape == (2, 2, 3, 12)
    block = images[1, 2:4, 4:6]  # (2, 2, 3), row by row
    np.testing.assert_array_equal(deep[1, 1, 2], block.reshape(-1))
    np.testing.assert_array_equal(layers.DepthToSpace(2)(deep), images)


def test_the_embedding_is_of_sines_and_cosines():
    features = ops.convert_to_numpy(layers.SinusoidalEmbedding(4)(np.array([0, 7])))
    angles = 7 * np.array([1.0, 10000**-0.5])
    expected = [[0, 0, 1, 1], [*np.sin(angles), *np.cos(angles)]]
    np.testing.assert_allclose(features, expected, atol=1e-6)


def group_normalized(x, gamma, beta, groups, epsilon):
    """In float64, by the definition."""
    grouped = x.astype("float64").reshape(len(x), -1, groups, x.shape[-1] // groups)
    mean = grouped.mean((1, 3), keepdims=True)
    deviation = np.sqrt(grouped.var((1, 3), keepdims=True) + epsilon)
    return ((grouped - mean) / deviation).reshape(x.shape) * gamma + beta


@pytest.mark.parametrize("shape", [(3, 5, 4, 12), (2, 7, 12), (4, 12)])
def test_group_normalization_is_that_of_the_paper(shape):
    rng = np.random.default_rng(0)
    x = (3 * rng.standard_normal(shape) + 2).astype("float32")
    gamma, beta = rng.standard_normal((2, 12)).astype("float32")
    layer = layers.GroupNormalization(3, epsilon=1e-3)
    layer.build(x.shape)
    layer.set_weights([gamma, beta])
    expected = group_normalized(x, gamma, beta, 3, 1e-3)
    np.testing.assert_allclose(layer(x), expected, atol=2e-6)

    kept = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(
            layers.GroupNormalization(3, epsilon=1e-3, activation="silu")
        )
    )
    kept.build(x.shape)
    kept.set_weights([gamma, beta])
    activated = expected / (1 + np.exp(-expected))
    np.testing.assert_allclose(kept(x), activated, atol=2e-6)


def test_group_normalization_of_constants_is_finite_and_of_odd_groups_refused():
    layer = layers.GroupNormalization(2)
    constant = np.full((2, 3, 3, 4), 1e3, "float32")
    np.testing.assert_array_equal(layer(constant), 0 * constant)
    with pytest.raises(ValueError, match="divide the 4 channels. Received: groups=3"):
        layers.GroupNormalization(3)(constant)


def test_dropout_keeps_the_mean_and_draws_from_the_stream():
    layer = layers.Dropout(0.25)
    ones = np.ones((400, 50), "float32")

    def dropped(seed):
        stream = random.Stream(backend, backend.key(seed), lambda rows: (rows, None))
        with random.use(stream):
            return ops.convert_to_numpy(layer(ones, training=True))

    first = dropped(1)
    assert set(np.unique(first)) == {0.0, np.float32(1 / 0.75)}
    assert first.mean() == pytest.approx(1.0, abs=0.02)
    np.testing.assert_array_equal(first, dropped(1))
    assert np.any(first != dropped(2))
    np.testing.assert_array_equal(layer(ones, training=False), ones)
    with pytest.raises(ValueError, match="Received: 1.0"):
        layers.Dropout(1.0)
