"""Variational autoencoders: each by the property that its paper claims."""

import conformance
import keras
import numpy as np
import pytest
import tensorflow as tf
from conformance import images
from drawn import blobs

import keras_gen
from keras_gen import losses, metrics

SHAPE = (8, 8, 1)


def stripes(n, seed=0):
    """Float images (n, 8, 8, 1) and labels: class k is a bright column near 1 + 2k."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    columns = 1 + 2 * labels + rng.integers(0, 2, n)
    x = rng.uniform(0, 0.1, (n, *SHAPE))
    x[np.arange(n), :, columns] += 0.8
    return x.astype("float32"), labels


def trained(model, x, y=None, epochs=20, rate=3e-3):
    model.compile(keras.optimizers.Adam(rate))
    model.fit(x, y, batch_size=64, epochs=epochs, verbose=0)
    return model


# Dense networks


def test_networks_without_filters_are_dense_and_mirror_each_other():
    model = keras_gen.VAE(filters=(), hidden=(500, 200), latent_dim=20)
    shapes = [w.shape for w in model.get_weights() if w.ndim == 2]
    assert shapes == [
        *((784, 500), (500, 200), (200, 40)),
        *((20, 200), (200, 500), (500, 784)),
    ]
    one = keras_gen.VAE(filters=(), hidden=7, activation="tanh")
    assert one.encoder.layers[-2].activation is keras.activations.tanh
    assert keras_gen.VAE(filters=(), hidden=0).count_params() == 785 * 32 + 17 * 784


def test_several_hidden_layers_beside_convolutions_are_refused():
    with pytest.raises(ValueError, match=r"Expected hidden as an int .*Received: "):
        keras_gen.VAE(filters=(4,), hidden=(8, 8))


def test_the_published_configuration_builds_the_published_networks():
    config = {"latent_dim": 16, "filters": [32, 64], "hidden": 256}
    names = [layer.name for layer in keras_gen.VAE(**config).encoder.layers]
    assert [n.split("_")[0] for n in names] == [
        *("input", "conv2d", "activation", "conv2d", "activation", "flatten"),
        *("dense", "activation", "dense"),
    ]


# Bounds on a model whose likelihood is known


def linear_gaussian(cls, seed=0, **options):
    """p(z) = N(0, I), p(x|z) = N(Wz + b, I), q(z|x) near the exact posterior."""
    rng = np.random.default_rng(seed)
    model = cls(
        image_shape=(5,),
        latent_dim=2,
        filters=(),
        hidden=0,
        likelihood=losses.SquaredError(bounded=False),
        **options,
    )
    w, b = rng.normal(size=(2, 5)), rng.normal(size=5)
    covariance = np.linalg.inv(np.eye(2) + w @ w.T)
    spread = np.log(np.diag(covariance))
    gain = w.T @ covariance  # the posterior's mean is (x - b) gain
    kernel = np.concatenate([gain, np.zeros((5, 2))], axis=1)
    model.encoder.set_weights([kernel, np.concatenate([-b @ gain, spread])])
    model.decoder.set_weights([w, b])
    model.compile(keras.optimizers.SGD(0.0))
    x = rng.normal(size=(40, 2)) @ w + b + rng.normal(size=(40, 5))
    return model, x.astype("float32"), w, b, covariance


def exact_log_likelihood(x, w, b):
    """log N(x; b, W'W + I), but for the constant that SquaredError leaves out."""
    c = w.T @ w + np.eye(5)
    squares = np.einsum("ni,ij,nj->n", x - b, np.linalg.inv(c), x - b)
    return -0.5 * (np.linalg.slogdet(c)[1] + squares)


def test_the_bound_rises_with_draws_to_the_exact_log_likelihood():
    model, x, w, b, covariance = linear_gaussian(keras_gen.VAE)
    truth = exact_log_likelihood(x, w, b).mean()
    weights = model.log_weights(x, samples=4000, seed=1)
    bounds = [
        metrics.importance_weighted(weights.reshape(-1, k)).mean()
        for k in (1, 4, 40, 4000)
    ]
    assert bounds == sorted(bounds)
    assert bounds[-1] == pytest.approx(truth, abs=2e-3)
    # Its divergence from the exact posterior is what the ELBO lacks.
    gap = 0.5 * (
        np.trace(np.linalg.inv(covariance) @ np.diag(np.diag(covariance)))
        - 2
        + np.linalg.slogdet(covariance)[1]
        - np.log(np.diag(covariance)).sum()
    )
    assert truth - bounds[0] == pytest.approx(gap, abs=0.02)
    np.testing.assert_allclose(
        model.log_likelihood(x, samples=4000, seed=1),
        metrics.importance_weighted(weights),
    )


def test_iwae_trains_minus_the_bound_of_its_draws():
    losses_by_k = []
    for k in (1, 5, 50):
        model, x, w, b, _ = linear_gaussian(keras_gen.IWAE, samples=k)
        x = np.repeat(x, 25, axis=0)
        found = model.evaluate(x, batch_size=1000, verbose=0, return_dict=True)
        assert set(found) == {"loss", "negative_elbo"}
        assert found["loss"] <= found["negative_elbo"] + 1e-5
        losses_by_k.append(found["loss"])
        if k == 1:
            assert found["loss"] == pytest.approx(found["negative_elbo"], rel=1e-6)
    assert losses_by_k == sorted(losses_by_k, reverse=True)
    truth = exact_log_likelihood(x, w, b).mean()
    assert losses_by_k[-1] == pytest.approx(-truth, abs=0.02)


def test_iwae_gradient_weighs_draws_by_their_normalised_importance():
    # Equation 14: the gradient of L_k is sum_i (w_i / sum_j w_j) grad log w_i.
    model = conformance.make("IWAE", samples=4)
    x, noise = blobs(3), tf.random.stateless_normal((3, 4, 4), (0, 1))
    variables = [v.value for v in model.trainable_variables]
    with tf.GradientTape() as tape:
        log_weights = model.importance(x, noise, training=True)
        bound = tf.reduce_sum(losses.importance_weighted_bound(log_weights))
    found = tape.gradient(bound, variables)
    share = tf.nn.softmax(log_weights, axis=1)
    with tf.GradientTape() as tape:
        log_weights = model.importance(x, noise, training=True)
        weighted = tf.reduce_sum(tf.stop_gradient(share) * log_weights)
    for a, b in zip(found, tape.gradient(weighted, variables), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


def test_the_two_halves_of_the_bound_agree():
    weights = np.random.default_rng(0).normal(0, 30, (6, 7))
    found = losses.importance_weighted_bound(weights)
    assert isinstance(found, np.ndarray)
    assert found.dtype == "float64"
    tensor = losses.importance_weighted_bound(keras.ops.convert_to_tensor(weights))
    np.testing.assert_allclose(tensor, found, rtol=1e-6)


def test_bad_numbers_of_draws_and_betas_are_refused():
    for samples in (0, 1.5, True):
        with pytest.raises(ValueError, match="Expected samples .*Received: "):
            keras_gen.IWAE(samples=samples)
    with pytest.raises(ValueError, match="Expected beta .*Received: -1"):
        keras_gen.BetaVAE(beta=-1)


# Beta


def test_beta_weighs_the_divergence_alone():
    one, four = (conformance.make("BetaVAE", beta=b) for b in (1.0, 4.0))
    for model in (one, four):
        model.compile()
    x = blobs(32)
    options = {"verbose": 0, "return_dict": True, "batch_size": 32}
    first, second = one.evaluate(x, **options), four.evaluate(x, **options)
    assert first["kl"] == second["kl"]
    assert first["reconstruction"] == second["reconstruction"]
    assert second["loss"] - first["loss"] == pytest.approx(3 * first["kl"], rel=1e-4)


def test_the_divergence_falls_with_beta():
    x, found = blobs(256), []
    for beta in (0.1, 1.0, 8.0):
        keras.utils.set_random_seed(0)
        model = keras_gen.BetaVAE(
            image_shape=SHAPE, latent_dim=4, filters=(), hidden=32, beta=beta
        )
        trained(model, x, epochs=15)
        found.append(model.evaluate(x, verbose=0, return_dict=True))
    for key, sign in (("kl", 1), ("reconstruction", -1)):
        a, b, c = (sign * terms[key] for terms in found)
        assert a > b > c


# Conditional


@pytest.fixture(scope="module")
def conditional():
    keras.utils.set_random_seed(0)
    x, y = stripes(512)
    model = keras_gen.ConditionalVAE(
        image_shape=SHAPE, num_classes=3, latent_dim=2, filters=(), hidden=(32,)
    )
    return trained(model, x, y)


def column_class(pictures):
    """The class whose columns are brightest, (n,)."""
    columns = pictures[..., 0].sum(axis=1)
    return columns[:, 1:7].reshape(-1, 3, 2).sum(axis=2).argmax(axis=1)


def test_samples_show_the_class_asked_for(conditional):
    labels = np.arange(90) % 3
    found = conditional.generate(90, seed=0, labels=labels)
    assert (column_class(found) == labels).mean() > 0.9
    np.testing.assert_array_equal(column_class(conditional.generate(9, labels=2)), 2)
    # The code carries on to another label, which changes the class alone.
    x, y = stripes(30, seed=1)
    codes = conditional.encode(x, y)
    swapped = conditional.decode(codes, (y + 1) % 3)
    assert (column_class(swapped) == (y + 1) % 3).mean() > 0.9
    np.testing.assert_allclose(
        conditional.reconstruct(x, y), conditional.decode(codes, y), atol=1e-5
    )


def test_labels_left_out_are_drawn_evenly_and_by_place(conditional):
    many = conditional.generate(300, seed=4)
    counts = np.bincount(column_class(many), minlength=3)
    assert counts.min() > 70
    np.testing.assert_allclose(conditional.generate(20, seed=4), many[:20], atol=1e-5)
    # Labels named change no other sample's.
    labels = np.arange(20) % 3
    named = conditional.generate(20, seed=4, labels=labels)
    again = conditional.generate(20, seed=4, labels=np.roll(labels, 1))
    assert np.abs(named - again).max() > 0.1
    fixed = conditional.generate(1, seed=4, labels=[0])
    np.testing.assert_allclose(fixed, named[:1], atol=1e-5)


def test_the_bound_given_the_right_label_is_higher(conditional):
    x, y = stripes(40, seed=1)
    right = conditional.log_likelihood(x, y, samples=50).mean()
    assert right > conditional.log_likelihood(x, (y + 1) % 3, samples=50).mean() + 5
    weights = conditional.log_weights(x, y, samples=50)
    assert weights.shape == (40, 50)
    terms = conditional.evaluate(x, y, verbose=0, return_dict=True)
    assert weights.mean() == pytest.approx(-terms["loss"], abs=0.5)


@pytest.mark.parametrize(
    "labels", [[0, 1], [0, 1, 3], [0, 1, -1], [0.0, 1, 2], [[0, 1, 2]], "1", 3]
)
def test_wrong_labels_are_refused(conditional, labels):
    x, codes = blobs(3), np.zeros((3, 2), "float32")
    refused = pytest.raises(ValueError, match=r"Expected labels [\s\S]*Received: ")
    with refused:
        conditional.generate(3, labels=labels)
    with refused:
        conditional.encode(x, labels)
    with refused:
        conditional.decode(codes, labels)
    with refused:
        conditional.reconstruct(x, labels)
    with refused:
        conditional.log_weights(x, labels)


def test_training_without_labels_is_refused(conditional):
    with pytest.raises(ValueError, match=r"Expected labels [\s\S]*Received: None"):
        conditional.fit(blobs(8), verbose=0)
    with pytest.raises(ValueError, match="Expected batches of .images, labels"):
        conditional.prepare(blobs(8))


def test_the_showcase_stands_in_the_order_of_the_classes(conditional):
    shown = conditional.showcase(None)
    assert shown.images.shape == (64, *SHAPE)
    found = column_class(shown.images)
    assert (np.diff(found) >= 0).mean() > 0.9
    assert set(found) == {0, 1, 2}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ConditionalVAE", "VQVAE"])
def test_signatures_are_the_verbs(name, tmp_path):
    model = conformance.make(name)
    model.compile()
    model.export(tmp_path / "served")
    served = tf.saved_model.load(str(tmp_path / "served")).signatures
    x = images(5).astype("float32") / 255
    y = {"labels": tf.constant([0, 1, 2, 0, 1])} if model.takes_labels() else {}
    given = [v.numpy() for v in y.values()]
    codes = served["encode"](images=tf.constant(x), **y)["outputs"]
    np.testing.assert_allclose(codes, model.encode(x, *given), atol=1e-5)
    pictures = served["decode"](codes=codes, **y)["outputs"]
    np.testing.assert_allclose(pictures, model.reconstruct(x, *given), atol=1e-5)
    assert ("generate" in served) == model.samples()
    if model.samples():
        labels = np.array([0, 1, 2, 0, -1], "int32")
        found = served["generate"](seed=tf.constant(3), labels=tf.constant(labels))
        expected = model.generate(5, seed=3, labels=np.maximum(labels, 0))
        np.testing.assert_allclose(found["outputs"][:4], expected[:4], atol=1e-5)
        drawn = model.generate(5, seed=3)[4]
        np.testing.assert_allclose(found["outputs"][4], drawn, atol=1e-5)
