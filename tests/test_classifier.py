"""The classifier, its layers, and the bound that a VAE is judged by."""

import conformance
import keras
import numpy as np
import pytest
from conformance import images

import keras_gen
from keras_gen import layers, networks
from keras_gen.engine import backend, random


def stream(seed=0):
    return random.Stream(backend, backend.key(seed), lambda rows: (rows, None))


def shifted(inputs, pixels, flip, seed=0):
    with random.use(stream(seed)):
        outputs = layers.RandomShift(pixels, flip)(inputs, training=True)
    return keras.ops.convert_to_numpy(outputs)


def by_hand(image, dy, dx, mirrored):
    """Rows and columns taken from `dy` and `dx` further on, edges repeated."""
    h, w, _ = image.shape
    columns = np.arange(w)[::-1] if mirrored else np.arange(w)
    rows = np.clip(np.arange(h) + dy, 0, h - 1)
    return image[rows][:, np.clip(columns + dx, 0, w - 1)]


def test_shifts_are_whole_pixels_all_of_them_and_half_are_mirrored():
    image = conformance.noise(6, 5, 2)
    outputs = shifted(np.repeat(image[None], 600, axis=0), 1, True)
    counts = {
        (dy, dx, m): sum(
            np.allclose(out, by_hand(image, dy, dx, m), atol=1e-6) for out in outputs
        )
        for dy in (-1, 0, 1)
        for dx in (-1, 0, 1)
        for m in (False, True)
    }
    assert sum(counts.values()) == 600
    assert min(counts.values()) > 600 / 18 / 3


def test_nothing_moves_outside_of_training_or_without_shift_and_flip():
    x = conformance.noise(4, 6, 6, 1)
    outside = layers.RandomShift(2)(x)
    np.testing.assert_array_equal(outside, x)
    np.testing.assert_allclose(shifted(x, 0, False), x, atol=1e-7)
    with pytest.raises(ValueError, match="Expected pixels.*Received: -1"):
        layers.RandomShift(-1)


def test_the_backbone_starts_as_its_shortcuts():
    network = networks.residual_features((8, 8, 1), 6, filters=(4, 8), blocks=2)
    without = networks.residual_features((8, 8, 1), 6, filters=(4, 8), blocks=0)
    weights = network.get_weights()
    assert len(weights) == len(without.weights) + 8
    without.set_weights(weights[:4] + weights[-2:])
    x = conformance.noise(3, 8, 8, 1)
    # Zero biases everywhere: the blocks add nothing to what is already above zero.
    np.testing.assert_allclose(network(x), without(x), atol=1e-6)


def test_it_learns_to_tell_two_kinds_apart_and_its_verbs_agree():
    rng = np.random.default_rng(0)
    x = rng.integers(0, 100, (128, 8, 8, 1)).astype("uint8")
    y = np.arange(128) % 2
    x[y == 1, 2:6, 2:6] += 120
    model = keras_gen.Classifier(image_shape=(8, 8, 1), num_classes=2, filters=(4, 8))
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(x, y, batch_size=32, epochs=8, verbose=0)
    probabilities = model.classify(x)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert (probabilities.argmax(axis=1) == y).mean() > 0.95
    measured = model.evaluate(x, y, batch_size=32, verbose=0, return_dict=True)
    hits = (probabilities.argmax(axis=1) == y).mean()
    nats = -np.log(probabilities[np.arange(128), y]).mean()
    assert measured["accuracy"] == pytest.approx(hits, abs=1e-6)
    assert measured["loss"] == pytest.approx(nats, rel=1e-4, abs=1e-6)
    logits = model.head(model.features(x))
    np.testing.assert_allclose(
        keras.ops.softmax(logits), probabilities, rtol=1e-4, atol=1e-6
    )
    order = model.classify(model.showcase(x).images).argmax(axis=1)
    assert (np.diff(order) >= 0).all()


def test_label_smoothing_by_hand():
    model = conformance.make("Classifier", label_smoothing=0.3)
    x = images(4).astype("float32") / 127.5 - 1
    y = np.array([0, 1, 2, 0], "int32")
    with random.use(stream()):
        loss = model.cross_entropy(x, y)["loss"]
    with random.use(stream()):
        logits = model.head(model.backbone(x, training=True), training=True)
    log_p = keras.ops.convert_to_numpy(keras.ops.log_softmax(logits))
    expected = -0.7 * log_p[np.arange(4), y] - 0.3 * log_p.mean(axis=1)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)


BAD_LABELS = {
    "none": None,
    "too few": np.zeros(7, int),
    "floats": np.zeros(8),
    "too high": np.arange(8),
    "below 0": -np.ones(8, int),
}


@pytest.mark.parametrize("labels", BAD_LABELS.values(), ids=BAD_LABELS)
def test_bad_labels_are_refused(labels):
    model = conformance.make("Classifier")
    model.compile()
    with pytest.raises(ValueError, match=r"Expected labels as ints .* Received: "):
        model.fit(images(8), labels, batch_size=8, verbose=0)


def test_batches_without_labels_are_refused():
    model = conformance.make("Classifier")
    with pytest.raises(ValueError, match="Expected batches of .images, labels"):
        model.prepare(images(8))


def constant_vae(shift):
    """A VAE whose images do not depend on the code, and q(z|x) = N(shift, I)."""
    encoder = conformance.dense((8, 8, 1), (4,), "encoder")
    decoder = conformance.dense((2,), (8, 8, 1), "decoder")
    for network in (encoder, decoder):
        network.set_weights([np.zeros_like(w) for w in network.get_weights()])
    bias = [np.zeros((64, 4)), np.array([np.arctanh(shift)] * 2 + [0.0, 0.0])]
    encoder.set_weights(bias)
    return keras_gen.VAE(
        image_shape=(8, 8, 1), latent_dim=2, encoder=encoder, decoder=decoder
    )


def test_importance_weights_are_exact_where_the_posterior_is():
    weights = constant_vae(0.0).log_weights(images(30), samples=60)
    assert weights.shape == (30, 60)
    np.testing.assert_allclose(weights, -64 * np.log(2), rtol=1e-5)


def test_the_bound_closes_in_on_the_likelihood_with_more_draws():
    model, truth = constant_vae(0.7), -64 * np.log(2)
    few = model.log_likelihood(images(30), samples=1).mean()
    elbo = model.log_weights(images(30), samples=200, seed=1).mean()
    many = model.log_likelihood(images(30), samples=1000).mean()
    assert elbo == pytest.approx(truth - 0.7**2, abs=0.1)  # KL of N(0.7, I), 2 axes
    assert few < many
    assert many == pytest.approx(truth, abs=0.03)
    again = model.log_likelihood(images(30), samples=1000)
    np.testing.assert_array_equal(again, model.log_likelihood(images(30), samples=1000))
