"""Autoencoders: each by the property that its paper claims."""

import conformance
import keras
import numpy as np
import pytest
from drawn import blobs, under_noise
from sklearn.decomposition import PCA

import keras_gen
from keras_gen import layers, losses, metrics

SHAPE = (8, 8, 1)


def trained(model, x, epochs, rate=3e-3, **options):
    model.compile(keras.optimizers.Adam(rate))
    model.fit(x, batch_size=64, epochs=epochs, verbose=0, **options)
    return model


# Corruptions


def test_gaussian_noise_has_its_deviation():
    x = np.full((50, 20, 20, 1), 0.5, "float32")
    noise = under_noise(layers.GaussianNoise(0.3), x) - x
    assert noise.std() == pytest.approx(0.3, rel=0.02)
    assert abs(noise.mean()) < 0.01
    assert abs(np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1]) < 0.03


def test_masking_noise_masks_its_share_and_leaves_the_rest():
    x = np.random.default_rng(0).uniform(0.1, 1, (50, 20, 20, 1)).astype("float32")
    y = under_noise(layers.MaskingNoise(0.3), x)
    assert (y == 0).mean() == pytest.approx(0.3, abs=0.01)
    np.testing.assert_array_equal(y[y != 0], x[y != 0])


def test_salt_and_pepper_come_alike():
    x = np.full((50, 20, 20, 1), 0.5, "float32")
    y = under_noise(layers.SaltAndPepper(0.4), x)
    shares = [(y == value).mean() for value in (0, 1, 0.5)]
    np.testing.assert_allclose(shares, [0.2, 0.2, 0.6], atol=0.01)


@pytest.mark.parametrize("cls", [layers.MaskingNoise, layers.SaltAndPepper])
def test_shares_out_of_range_are_refused(cls):
    with pytest.raises(ValueError, match="Expected a share in .*Received: 1.5"):
        cls(1.5)
    with pytest.raises(ValueError, match="Expected a deviation .*Received: -1"):
        layers.GaussianNoise(-1)


# Penalties and losses by hand


def test_squared_error_by_hand():
    x = np.array([[[[0.0], [1.0]]], [[[0.5], [0.5]]]], "float32")
    m = np.array([[[[1.0], [1.0]]], [[[0.5], [2.5]]]], "float32")
    likelihood = losses.SquaredError()
    np.testing.assert_allclose(likelihood.log_likelihood(x, m), [-0.5, -2.0])
    np.testing.assert_allclose(np.ravel(likelihood.mean(m)), [1, 1, 0.5, 1])


def test_sparsity_penalties_by_hand():
    codes = np.array([[0.2, 0.6], [0.4, 0.2]], "float32")
    assert float(losses.L1Sparsity(2.0).penalty(-codes)) == pytest.approx(1.4)
    kl = [
        r * np.log(r / q) + (1 - r) * np.log((1 - r) / (1 - q))
        for r, q in ((0.1, 0.3), (0.1, 0.4))
    ]
    found = losses.KLSparsity(0.1, 5.0).penalty(codes)
    assert float(found) == pytest.approx(5 * sum(kl), rel=1e-5)
    exact = np.full((3, 4), 0.1, "float32")
    assert float(losses.KLSparsity(0.1).penalty(exact)) == pytest.approx(0, abs=1e-6)
    assert np.isfinite(losses.KLSparsity(0.1).penalty(np.zeros((3, 4), "float32")))
    with pytest.raises(ValueError, match="Expected a target in .*Received: 1"):
        losses.KLSparsity(1)


# Undercomplete and overcomplete


def test_a_linear_autoencoder_reaches_principal_components_and_not_below():
    # Baldi and Hornik 1989: the global minimum is the principal subspace.
    x = blobs(512)
    flat = x.reshape(512, -1)
    pca = PCA(4).fit(flat)
    best = np.mean((pca.inverse_transform(pca.transform(flat)) - flat) ** 2)
    model = keras_gen.Autoencoder(image_shape=SHAPE, latent_dim=4, hidden=())
    trained(model, x, 80, 1e-2)
    linear = model.decoder.predict(model.encode(x), verbose=0)
    error = np.mean((linear - x) ** 2)
    assert best * 0.999 < error < best * 1.05
    # With hidden layers it does better than any linear code of that size.
    deep = keras_gen.Autoencoder(image_shape=SHAPE, latent_dim=4, hidden=(64,))
    trained(deep, x, 80)
    assert np.mean((deep.reconstruct(x) - x) ** 2) < 0.7 * best


def test_weight_penalties_shrink_weights():
    x = blobs(128)

    def size(regularizer):
        model = keras_gen.Autoencoder(
            image_shape=SHAPE, latent_dim=4, kernel_regularizer=regularizer
        )
        keras.utils.set_random_seed(0)
        trained(model, x, 10)
        return sum(np.abs(w).sum() for w in model.get_weights() if w.ndim == 2)

    free = size(None)
    assert size(keras.regularizers.L2(0.05)) < 0.7 * free
    assert size(keras.regularizers.L1(0.01)) < 0.7 * free


def test_an_overcomplete_code_under_noise_does_not_learn_the_identity():
    x, noise = blobs(512), np.random.default_rng(1).random((64, *SHAPE), "float32")
    model = keras_gen.DenoisingAutoencoder(
        image_shape=SHAPE, latent_dim=128, filters=(16,)
    )
    trained(model, x, 30)
    error = np.mean((model.reconstruct(x) - x) ** 2)
    assert np.mean((model.reconstruct(noise) - noise) ** 2) > 10 * error


# Denoising


@pytest.mark.parametrize(
    "corruption", [layers.GaussianNoise(0.3), layers.SaltAndPepper(0.3)]
)
def test_denoising_brings_noisy_pictures_nearer_to_the_clean_ones(corruption):
    x, held_out = blobs(512), blobs(64, seed=1)
    model = keras_gen.DenoisingAutoencoder(
        image_shape=SHAPE, latent_dim=32, filters=(16,), corruption=corruption
    )
    trained(model, x, 40)
    dirty = model.corrupt(held_out, seed=3)
    np.testing.assert_array_equal(dirty, model.corrupt(held_out, seed=3))
    assert np.abs(dirty - model.corrupt(held_out, seed=4)).max() > 0.1
    before = metrics.psnr(held_out, dirty).mean()
    after = metrics.psnr(held_out, model.denoise(dirty)).mean()
    assert after > before + 6


# Sparse


def test_kl_sparsity_meets_its_target():
    model = keras_gen.SparseAutoencoder(
        image_shape=SHAPE, latent_dim=64, sparsity=losses.KLSparsity(0.08, 5.0)
    )
    trained(model, blobs(512), 60)
    mean = model.encode(blobs(512)).mean(axis=0)
    assert mean.mean() == pytest.approx(0.08, rel=0.1)
    assert np.percentile(mean, 90) < 0.12


def test_l1_sparsity_silences_units():
    def silent(weight):
        keras.utils.set_random_seed(0)
        model = keras_gen.SparseAutoencoder(
            image_shape=SHAPE,
            latent_dim=64,
            code_activation="relu",
            sparsity=losses.L1Sparsity(weight),
        )
        trained(model, blobs(512), 30)
        return (model.encode(blobs(256, seed=1)) == 0).mean()

    assert silent(0.3) > silent(0.0) + 0.2


# Contractive


def test_the_jacobian_is_exact_by_closed_form_and_by_finite_differences():
    one_layer = conformance.make("ContractiveAutoencoder", hidden=())
    x = blobs(5)
    kernel = one_layer.encoder.get_weights()[0]
    closed = losses.sigmoid_jacobian_norm(one_layer.encode(x), kernel)
    norms = one_layer.contraction_norms(x)
    np.testing.assert_allclose(norms, closed, rtol=1e-5)
    penalty = one_layer.objective(keras.ops.convert_to_tensor(x))["penalty"]
    np.testing.assert_allclose(penalty, one_layer.contraction * norms, rtol=1e-5)

    deep = conformance.make("ContractiveAutoencoder", activation="tanh")
    step = 1e-2
    moved = np.eye(64, dtype="float32").reshape(64, *SHAPE) * step
    for image, norm in zip(x, deep.contraction_norms(x), strict=True):
        codes = deep.encoder.predict(
            np.concatenate([image + moved, image - moved]), verbose=0
        )
        jacobian = (codes[:64] - codes[64:]) / (2 * step)
        assert norm == pytest.approx((jacobian**2).sum(), rel=1e-3)


def test_contraction_flattens_the_code_and_keeps_the_pictures():
    def norm_and_error(weight):
        keras.utils.set_random_seed(0)
        model = keras_gen.ContractiveAutoencoder(
            image_shape=SHAPE, latent_dim=16, contraction=weight
        )
        trained(model, blobs(512), 60)
        x = blobs(64, seed=1)
        error = np.mean((model.reconstruct(x) - x) ** 2)
        return model.contraction_norms(x).mean(), error

    free, plain = norm_and_error(0.0)
    small, contracted = norm_and_error(0.3)
    assert small < 0.5 * free
    assert contracted < 2 * plain + 0.005


def test_showcases_stand_above_what_was_made_of_them():
    model = conformance.make("Autoencoder")
    x = conformance.images(40)
    shown = model.showcase(x)
    assert shown.images.shape == (64, *SHAPE)
    np.testing.assert_allclose(shown.images[:16], x[:16] / 255, atol=1e-6)
    np.testing.assert_allclose(
        shown.images[48:], model.reconstruct(x)[16:32], atol=1e-5
    )


def test_few_pictures_are_shown_in_shorter_rows():
    model = conformance.make("Autoencoder")
    shown = model.showcase(conformance.images(5))
    assert shown.images.shape == (10, *SHAPE)
    assert shown.columns == 5
