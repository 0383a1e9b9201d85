"""The parts of compression: exact networks, integer tables, the stack; lossy coding."""

import hashlib
from fractions import Fraction

import keras
import numpy as np
import pytest
import scipy.special
import scipy.stats

import keras_gen
from keras_gen import losses, networks
from keras_gen.applications import LossyCompressor
from keras_gen.applications.compression import tables
from keras_gen.applications.compression.networks import ExactNetwork
from keras_gen.applications.compression.stack import Stack, first_words

# Exact networks


def integers(values):
    """Rounded to Python's integers, which never overflow."""
    return np.round(values).astype(int).astype(object)


def test_exact_network_is_the_integers_result():
    # Weights are multiples of 2^-16, activations of 2^-14: all in Python's integers.
    keras.utils.set_random_seed(0)
    network = networks.dense_network((30,), (7,), hidden=(20,))
    x = np.random.default_rng(0).normal(size=(3, 30))
    whole = integers(x * 2**14)
    weights = [integers(w.astype("float64") * 2**16) for w in network.get_weights()]
    for layer, (kernel, bias) in enumerate([weights[:2], weights[2:]]):
        total = whole.dot(kernel) + bias * 2**14  # in units of 2^-30
        whole = np.vectorize(lambda t: round(Fraction(t, 2**16)), "O")(total)
        whole = np.maximum(whole, 0) if layer == 0 else whole
    result = ExactNetwork(network, rows=4)(x)
    np.testing.assert_array_equal(result * 2**14, whole.astype("float64"))


@pytest.mark.parametrize("sequential", [False, True])
def test_exact_network_is_near_the_network(sequential):
    keras.utils.set_random_seed(1)
    if sequential:
        network = keras.Sequential(
            [
                keras.Input((9, 9, 2)),
                keras.layers.Conv2D(4, 3, strides=2, activation="gelu"),
                keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(6)]),
            ]
        )
    else:
        network = networks.conv_encoder((9, 9, 2), 6, filters=(4, 8), hidden=16)
    x = np.random.default_rng(1).uniform(size=(5, 9, 9, 2))
    exact = ExactNetwork(network, rows=8)
    result = exact(x)
    np.testing.assert_allclose(result, network(x.astype("float32")), atol=2e-3)
    assert (result * 2**14 == np.round(result * 2**14)).all()
    # No row depends on its neighbours or its place.
    np.testing.assert_array_equal(exact(x[::-1])[::-1], result)
    np.testing.assert_array_equal(exact(x[3:4]), result[3:4])


def test_exact_network_refuses_what_it_cannot_rebuild():
    class Own(keras.Model):
        def call(self, x):
            return x

    with pytest.raises(ValueError, match="functional or sequential.*Received: Own"):
        ExactNetwork(Own(), rows=4)
    x = keras.Input((3,))
    fixed = keras.Model(x, keras.ops.cast(keras.layers.Dense(2)(x), "float32"))
    with pytest.raises(ValueError, match="compute in float64.*float32"):
        ExactNetwork(fixed, rows=4)
    assert keras.config.dtype_policy().name == "float32"


# Tables


def test_exponential_and_logistic_are_numpys_and_scipys():
    x = np.concatenate([np.linspace(-60, 60, 20_001), [-1e300, -700, 700, 1e300]])
    np.testing.assert_allclose(tables.exp(x), np.exp(x.clip(-700, 700)), rtol=3e-15)
    np.testing.assert_allclose(tables.logistic(x), scipy.special.expit(x), atol=1e-15)


def test_bins_are_equally_probable():
    edges, medians = tables.normal_bins(3)
    assert edges.shape == (4097,)
    assert medians.shape == (4096,)
    expected = scipy.stats.norm.ppf(np.arange(1, 4096) / 4096)
    np.testing.assert_allclose(edges[1:-1], expected, atol=1e-6)
    assert (np.diff(edges[1:-1]) > 0).all()
    assert (medians[1:-1] > edges[1:-2]).all()
    assert (medians[1:-1] < edges[2:-1]).all()
    np.testing.assert_allclose(medians, -medians[::-1], atol=1e-12)


def probabilities(distribution, numbers):
    """P(number) of each value by its digits' tables."""
    result = 1.0
    for digit in range(distribution.digits):
        rest = numbers // tables.BASE ** (distribution.digits - 1 - digit)
        table = distribution.frequencies(rest // tables.BASE, digit) + 1
        assert (table >= 1).all()
        assert (table == np.round(table)).all()
        assert (table.sum(axis=1) == tables.TOTAL).all()
        result = result * table[np.arange(len(table)), rest % tables.BASE]
    return result / float(tables.TOTAL) ** distribution.digits


def mixtures(rows, components, seed=0):
    rng = np.random.default_rng(seed)
    logits, means, log_scales = rng.normal(0, 1.5, (3, rows, components))
    return logits, means, np.maximum(log_scales - 2, -7.0)


def test_tables_of_levels_are_the_likelihoods():
    likelihood = losses.DiscretizedLogisticMixture(components=3)
    rng = np.random.default_rng(0)
    parameters = rng.normal(0, 1.5, (40, 1, 1, 9))
    parts = [np.asarray(p).reshape(40, 3) for p in likelihood.logistics(parameters)]
    for level in (0, 1, 15, 16, 100, 128, 254, 255):
        levels = np.full(40, level)
        images = levels.reshape(40, 1, 1, 1) / 255.0
        expected = np.exp(likelihood.log_likelihood(images, parameters))
        result = probabilities(tables.LogisticMixtures(*parts), levels)
        np.testing.assert_allclose(result, expected, rtol=1e-3, atol=1e-7)


def test_tables_of_codes_are_gaussian():
    rng = np.random.default_rng(0)
    means, log_variances = rng.normal(size=500), rng.uniform(-6, 0, 500)
    bins = rng.integers(1, 4095, 500)
    edges, _ = tables.normal_bins(3)
    law = scipy.stats.norm(means, np.exp(log_variances / 2))
    expected = law.cdf(edges[bins + 1]) - law.cdf(edges[bins])
    result = probabilities(tables.GaussianBins(means, log_variances, 3), bins)
    np.testing.assert_allclose(result, expected, atol=2e-4)


def test_tables_are_these_on_every_machine():
    # The bytes of some tables: an exponential of the machine's own would change them.
    levels = tables.LogisticMixtures(*mixtures(3000, 4))
    codes = tables.GaussianBins(*np.random.default_rng(1).normal(size=(2, 3000)), 3)
    digest = hashlib.sha256()
    for distribution in (levels, codes):
        prefix = np.zeros(3000, np.int64)
        for digit in range(distribution.digits):
            table = distribution.frequencies(prefix, digit)
            digest.update(table.astype("<i4").tobytes())
            prefix = np.argmax(table, axis=1) + tables.BASE * prefix
    assert digest.hexdigest() == (
        "f0f362c14f2a882e13be9197b9df8f441497561e5ac4008b85d4c50e0b1e359e"
    )


# The stack


def by_hand(words, numbers, distribution):
    """What a stack holds after a push: range ANS in Python's integers.

    Duda 2013, section 2: the state grows to (x // f) 2^24 + c + x % f, after its low
    32 bits have gone to the words where it would not fit into 64.
    """
    words, state = [int(w) for w in words], 0
    while words and state < 2**32:
        state = state << 32 | words.pop()
    for digit in range(distribution.digits - 1, -1, -1):
        rest = numbers // tables.BASE ** (distribution.digits - 1 - digit)
        table = distribution.frequencies(rest // tables.BASE, digit).astype(int) + 1
        for row, symbol in zip(table[::-1], (rest % tables.BASE)[::-1]):
            frequency, below = int(row[symbol]), int(row[:symbol].sum())
            if state >> 40 >= frequency:
                words.append(state & 0xFFFFFFFF)
                state >>= 32
            state = (state // frequency << 24) + below + state % frequency
    while state:
        words.append(state & 0xFFFFFFFF)
        state >>= 32
    return np.array(words, np.uint32)


def test_stack_holds_what_integers_give():
    numbers = np.random.default_rng(0).integers(0, 256, 400)
    levels = tables.LogisticMixtures(*mixtures(400, 2))
    stack = Stack(first_words(9))
    stack.push(numbers, levels)
    expected = by_hand(first_words(9), numbers, levels)
    np.testing.assert_array_equal(stack.words(), expected)
    np.testing.assert_array_equal(stack.pop(levels), numbers)
    np.testing.assert_array_equal(stack.words(), first_words(9))


def test_popping_draws_and_pushing_gives_back():
    means, log_variances = np.full(20_000, 0.7), np.full(20_000, -2.0)
    posterior = tables.GaussianBins(means, log_variances, 3)
    stack = Stack(first_words(20_000))
    drawn = stack.pop(posterior)
    _, medians = tables.normal_bins(3)
    law = scipy.stats.norm(0.7, np.exp(-1))
    assert scipy.stats.kstest(medians[drawn], law.cdf).pvalue > 0.01
    stack.push(drawn, posterior)
    np.testing.assert_array_equal(stack.words(), first_words(20_000))
    stack.push_uniform(drawn, 4096)
    np.testing.assert_array_equal(stack.pop_uniform(20_000, 4096), drawn)
    np.testing.assert_array_equal(stack.words(), first_words(20_000))


# Lossy


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (200, 8, 8, 1), "uint8")


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(0)
    return keras_gen.Autoencoder(image_shape=(8, 8, 1), latent_dim=5, hidden=(16,))


def test_many_bits_lose_little_beside_the_model(model, images):
    whole = model.reconstruct(images)
    errors, sizes = [], []
    for bits in (2, 5, 8, 12):
        coder = LossyCompressor(model, bits=bits).fit(images)
        data = coder.compress(images)
        result = coder.decompress(data)
        assert result.shape == images.shape
        assert result.dtype == np.float32
        errors.append(np.abs(result - whole).mean())
        sizes.append(len(data))
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 1e-3
    assert sizes == sorted(sizes)


def test_size_is_the_levels_entropy(model, images):
    coder = LossyCompressor(model, bits=4).fit(images)
    counts = coder.tables["counts"]
    assert (counts.sum(axis=1) == len(images)).all()
    smoothed = (counts + 1) / (counts + 1).sum(axis=1, keepdims=True)
    bits = -(counts * np.log2(smoothed)).sum()
    assert 8 * len(coder.compress(images)) == pytest.approx(bits, abs=8 * 45 + 64)


def test_codes_out_of_range_go_to_its_ends(model, images):
    coder = LossyCompressor(model, bits=6).fit(images[:4] // 8)
    result = coder.decompress(coder.compress(images))
    assert np.isfinite(result).all()


def test_spatial_codes_and_tables_handed_on(images):
    model = keras_gen.ConvolutionalAutoencoder(
        image_shape=(8, 8, 1), filters=(4,), code_channels=2
    )
    assert len(model.code_shape()) == 3
    coder = LossyCompressor(model, bits=6).fit(images)
    again = LossyCompressor(model, bits=6, tables=coder.tables)
    data = coder.compress(images)
    assert again.compress(images) == data
    np.testing.assert_array_equal(again.decompress(data), coder.decompress(data))
    with pytest.raises(ValueError, match="tables of the shapes.*Received"):
        LossyCompressor(model, bits=5, tables=coder.tables)


def test_lossy_data_that_do_not_fit_are_refused(model, images):
    coder = LossyCompressor(model, bits=4).fit(images)
    data = coder.compress(images[:3])
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 16
        with pytest.raises(ValueError, match="Received"):
            coder.decompress(bytes(changed))
        with pytest.raises(ValueError, match="Received"):
            coder.decompress(data[:place])
    others = LossyCompressor(model, bits=4).fit(images[:100])
    with pytest.raises(ValueError, match="made with this model"):
        others.decompress(data)


def test_lossy_refuses_before_fit_and_odd_options(model, images):
    with pytest.raises(RuntimeError, match="fit"):
        LossyCompressor(model).compress(images)
    with pytest.raises(ValueError, match="bits in.*Received: bits=0"):
        LossyCompressor(model, bits=0)
    with pytest.raises(ValueError, match="name of a preset"):
        LossyCompressor("no_such_preset")


def test_single_images_are_small(model, images):
    coder = LossyCompressor(model, bits=4).fit(images)
    assert len(coder.compress(images[:1])) <= 41 + 8
