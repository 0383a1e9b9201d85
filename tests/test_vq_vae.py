"""The vector-quantised autoencoder and its codebook."""

import conformance
import keras
import numpy as np
import pytest
import tensorflow as tf
from test_vaes import SHAPE, blobs, trained

import keras_gen
from keras_gen import layers
from keras_gen.models import vq_vae


def quantizer(vectors, decay=0.9):
    vectors = np.array(vectors, "float32")
    layer = layers.VectorQuantizer(*vectors.shape, decay)
    layer.vectors.assign(vectors)
    return layer


def test_the_nearest_vector_is_found():
    rng = np.random.default_rng(0)
    layer = quantizer(rng.normal(size=(7, 3)))
    x = rng.normal(size=(2, 4, 5, 3)).astype("float32")
    vectors = layer.vectors.numpy()
    distances = ((x[..., None, :] - vectors) ** 2).sum(axis=-1)
    codes = layer.nearest(x)
    np.testing.assert_array_equal(codes, distances.argmin(axis=-1))
    np.testing.assert_array_equal(layer(codes), vectors[codes.numpy()])


def test_the_codebook_follows_the_papers_averages():
    # Appendix A.1 as written, in float64: N, m and e = m / N.
    rng, decay = np.random.default_rng(0), 0.9
    layer = quantizer(rng.normal(size=(4, 2)), decay)
    layer.usage.assign(np.ones(4))
    n, m = np.full(4, 10.0), 10.0 * layer.vectors.numpy()  # an even share of 40
    for _ in range(30):
        z = rng.normal(size=(40, 2)).astype("float32")
        codes = rng.integers(0, 3, 40)  # the fourth is never used
        layer.learn(z, codes)
        chosen = np.eye(4)[codes]
        n = decay * n + (1 - decay) * chosen.sum(axis=0)
        m = decay * m + (1 - decay) * chosen.T @ z
    np.testing.assert_allclose(layer.vectors, m / n[:, None], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(layer.usage, n / 10, rtol=1e-4)


def test_a_vector_first_used_jumps_to_its_mean_and_an_unused_one_stays():
    layer = quantizer([[0.0, 0.0], [1.0, 1.0]])
    layer.learn(np.array([[2.0, 4.0], [4.0, 0.0]], "float32"), np.array([1, 1]))
    np.testing.assert_allclose(layer.vectors, [[0, 0], [3, 2]], rtol=1e-5)


def test_dead_vectors_are_put_in_the_place_of_candidates():
    layer = quantizer([[0.0], [1.0], [2.0]])
    layer.usage.assign([1.0, 0.05, 1.0])
    candidates = np.array([[7.0], [8.0], [9.0]], "float32")
    layer.learn(np.zeros((4, 1), "float32"), np.zeros(4, int), candidates, 0.1)
    np.testing.assert_allclose(layer.vectors.numpy().ravel(), [0, 8, 2], atol=1e-6)
    np.testing.assert_allclose(layer.usage, [1.2, 1.0, 0.9], rtol=1e-6)


def test_perplexity_counts_the_codes_in_use():
    even = np.arange(8).reshape(2, 2, 2)
    assert float(vq_vae.code_perplexity(even, 8)) == pytest.approx(8, rel=1e-5)
    assert float(vq_vae.code_perplexity(even % 2, 8)) == pytest.approx(2, rel=1e-5)
    assert float(vq_vae.code_perplexity(even * 0, 8)) == pytest.approx(1, rel=1e-5)


def test_gradients_pass_straight_through_and_commit():
    # d loss / d z = d(-log p) / d e + 2 commitment (z - e), e held fixed.
    model = conformance.make("VQVAE", commitment=0.5)
    x = tf.constant(blobs(4))
    z = model.encoder(x)
    e = model.quantizer()(model.quantizer().nearest(z))
    with tf.GradientTape() as tape:
        tape.watch(e)
        loss = -tf.reduce_sum(model.likelihood.log_likelihood(x, model.decoder(e)))
    expected = tape.gradient(loss, e) + 2 * 0.5 * (z - e)
    bias = model.encoder.trainable_variables[-1]  # its gradient sums those of z
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(model.objective(x, training=False)["loss"])
    found = tape.gradient(total, bias.value)
    np.testing.assert_allclose(found, tf.reduce_sum(expected, (0, 1, 2)), rtol=1e-4)


@pytest.fixture(scope="module")
def quantized():
    keras.utils.set_random_seed(0)
    model = keras_gen.VQVAE(
        image_shape=SHAPE, codebook_size=16, code_channels=4, filters=(16,), blocks=1
    )
    return trained(model, blobs(512), epochs=30)


def test_a_trained_codebook_is_used_and_codes_tell_the_pictures(quantized):
    x = blobs(128, seed=1)
    codes = quantized.encode(x)
    assert codes.dtype == "int32"
    assert codes.shape == (128, *quantized.code_shape()) == (128, 4, 4)
    assert quantized.code_bits() == 16 * 4
    terms = quantized.evaluate(x, batch_size=128, verbose=0, return_dict=True)
    assert terms["perplexity"] > 6
    shares = np.bincount(codes.ravel(), minlength=16) / codes.size
    entropy = -(shares * np.log(np.maximum(shares, 1e-12))).sum()
    assert terms["perplexity"] == pytest.approx(np.exp(entropy), rel=1e-3)
    pictures = quantized.reconstruct(x)
    np.testing.assert_allclose(pictures, quantized.decode(codes), atol=1e-5)
    assert np.mean((pictures - x) ** 2) < 0.2 * np.var(x - x.mean(axis=0))
    assert terms["loss"] == pytest.approx(
        terms["reconstruction"] + 0.25 * terms["commitment"], rel=1e-5
    )


def test_restarts_bring_a_collapsed_codebook_back_into_use():
    def used(restart):
        keras.utils.set_random_seed(0)
        model = keras_gen.VQVAE(
            image_shape=SHAPE,
            codebook_size=32,
            code_channels=4,
            filters=(8,),
            blocks=0,
            decay=0.5,
            restart=restart,
        )
        far = np.random.default_rng(0).normal(50, 1, (32, 4))
        model.quantizer().vectors.assign(far)
        model.quantizer().usage.assign(np.ones(32))
        trained(model, blobs(256), epochs=4)
        return len(np.unique(model.encode(blobs(256))))

    assert used(0.0) < 4
    assert used(0.1) > 16


def test_wrong_codes_and_codebooks_are_refused(quantized):
    good = np.zeros((2, 4, 4), int)
    for bad in (good[0], good[:0], good + 16, good - 1, good + 0.5, good[:, :3]):
        with pytest.raises(ValueError, match="Expected codes as ints .*Received: "):
            quantized.decode(bad)
    for decay in (1.0, -0.1):
        with pytest.raises(ValueError, match="Expected a decay .*Received: "):
            layers.VectorQuantizer(4, 2, decay)
    with pytest.raises(ValueError, match="Expected averages .*Received: .*codebook"):
        conformance.make("VQVAE").compile(averages={"codebook": 0.9})
    with pytest.raises(ValueError, match="VectorQuantizer of 8 .*Received: "):
        conformance.make("VQVAE", codebook=vq_vae.codebook_network((4, 4), 9, 3, 0.9))
