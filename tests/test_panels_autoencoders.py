"""Panels of autoencoders, against what they must be by hand."""

import conformance
import keras
import numpy as np
import pytest
import tiny
from sklearn.decomposition import PCA
from test_panels import bench, save

import keras_gen
from keras_gen import cards, layers, losses, training
from keras_gen.training import panels
from keras_gen.training.panels import restoring

SHAPE = (8, 8, 1)


def principal(images, size):
    """An autoencoder whose weights are the principal components of images."""
    flat = images.reshape(len(images), -1) / 255
    axes = PCA(size).fit(flat)
    model = keras_gen.Autoencoder(image_shape=SHAPE, latent_dim=size, hidden=())
    model.encoder.set_weights([axes.components_.T, -axes.mean_ @ axes.components_.T])
    model.decoder.set_weights([axes.components_, axes.mean_])
    return model


def test_principal_components_are_their_own_rival(tmp_path):
    images = conformance.images(60)
    source = save(tmp_path, train_images=images, test_images=images[:40])
    measuring = bench(principal(images, 4), source, samples=40)
    rows = panels.measure(measuring)
    for name in ("mse", "psnr"):
        assert set(rows[name]) == {"model", "pca"}
        assert rows[name]["model"] == pytest.approx(rows[name]["pca"], rel=1e-4)
    assert "4" in measuring.words["pca"]
    # No labels, no probe.
    assert "probe_accuracy" not in rows


def test_codes_as_large_as_the_picture_have_no_principal_rival(tmp_path):
    images = conformance.images(80)
    source = save(tmp_path, train_images=images, test_images=images)
    model = keras_gen.Autoencoder(image_shape=SHAPE, latent_dim=64, hidden=())
    assert set(panels.measure(bench(model, source))["mse"]) == {"model"}


def test_the_identity_brings_noise_back_as_well_as_data(tmp_path):
    images = np.random.default_rng(1).integers(0, 256, (80, *SHAPE)).astype("uint8")
    source = save(tmp_path, train_images=images, test_images=images)
    model = keras_gen.Autoencoder(image_shape=SHAPE, latent_dim=64, hidden=())
    half = np.eye(64, dtype="float32") / 2
    for network in (model.encoder, model.decoder):
        network.set_weights([half, np.zeros(64, "float32")])
    rows = panels.measure(bench(model, source, samples=80, figures=("noise_error",)))
    # A quarter comes back of each, and both are uniform over [0, 1].
    assert rows["noise_error"]["model"] == pytest.approx(1, rel=0.05)


def test_activations_by_hand(tmp_path):
    images = conformance.images(20)
    source = save(tmp_path, train_images=images, test_images=images)
    model = keras_gen.SparseAutoencoder(
        image_shape=SHAPE,
        latent_dim=4,
        code_activation="relu",
        sparsity=losses.KLSparsity(target=0.3),
    )
    kernel = np.zeros((64, 4), "float32")
    model.encoder.set_weights([kernel, np.float32([0.5, -1, 0, 0.7])])
    rows = panels.measure(bench(model, source, figures=("mean_activation", "zeros")))
    assert rows["mean_activation"]["model"] == pytest.approx(0.3)
    assert rows["mean_activation"]["target"] == pytest.approx(0.3)
    assert rows["zeros"]["model"] == pytest.approx(0.5)


def test_a_probe_reads_what_codes_tell(tmp_path):
    images, labels = tiny.pictures(300)
    arrays = {"train_images": images, "train_labels": labels}
    source = save(tmp_path, **arrays, test_images=images, test_labels=labels)
    blind = tiny.vae()
    blind.encoder.set_weights([np.zeros_like(w) for w in blind.encoder.get_weights()])
    rows = panels.measure(
        bench(blind, source, samples=300, figures=("probe_accuracy",))
    )
    chance = np.bincount(labels).max() / len(labels)
    assert rows["probe_accuracy"]["model"] <= chance + 0.05
    assert rows["probe_accuracy"]["pca"] > chance + 0.1


def test_a_twin_is_trained_and_a_rival_loaded(tmp_path, monkeypatch):
    source = tiny.source(tmp_path)
    model = """class_name = "ContractiveAutoencoder"
[model.config]
image_shape = [12, 12, 1]
latent_dim = 8
contraction = 30.0"""
    keras.utils.set_random_seed(0)
    other = keras_gen.Autoencoder(image_shape=(12, 12, 1), latent_dim=2)
    other.save_to_preset(tmp_path / "other")
    recipe = tiny.recipe(
        tmp_path / "calm",
        source,
        model=model,
        evaluate=f'rival = "{tmp_path / "other"}"\ntwin = {{ contraction = 0.0 }}',
    )
    result = training.train(recipe, runs=tmp_path / "runs", verbose=0, export=False)
    found = training.evaluate(f"{result['run']}/preset", recipe, samples=40)
    norms = found["figures"]["jacobian_norm"]
    assert norms["model"]["value"] < norms["twin"]["value"]
    assert {"model", "rival", "twin", "pca"} == set(found["figures"]["mse"])
    words = cards.meanings(found["protocol"])[0]
    assert "contraction=0.0" in words
    assert "other" in words


@pytest.fixture
def few(monkeypatch):
    """Panels that restore three pictures, with tools tuned on two."""
    pytest.importorskip("skimage")
    monkeypatch.setattr(restoring, "TUNING", 2)
    monkeypatch.setattr(restoring, "TESTED", 3)


def pictures_of(tmp_path, channels=1):
    images = tiny.pictures(30)[0].repeat(channels, axis=3)
    return save(tmp_path, train_images=images, test_images=images)


@pytest.mark.usefixtures("few")
def test_denoised_pictures_stand_beside_noisy_ones_and_the_best_filter(tmp_path):
    model = keras_gen.DenoisingAutoencoder(
        image_shape=(12, 12, 1),
        latent_dim=2,
        filters=(4,),
        corruption=layers.GaussianNoise((0.1, 0.3)),
    )
    measuring = bench(model, pictures_of(tmp_path))
    rows = restoring.denoising(measuring)
    for word, deviation in restoring.DEVIATIONS.items():
        found = rows[f"denoised_psnr_{word}"]
        assert set(found) == {"model", "noisy", "tool"}
        # Clipping takes some of the noise away.
        assert -1 < found["noisy"] + 20 * np.log10(deviation) < 4
        assert found["model"] < found["tool"]  # nothing has been learnt yet
    assert "0.25" in measuring.words["tool"]
    assert {"denoised_psnr_weak", "mse"} <= set(panels.measure(measuring))


@pytest.mark.usefixtures("few")
def test_filled_and_coloured_pictures_stand_beside_their_tools(tmp_path):
    filling = keras_gen.InpaintingAutoencoder(
        image_shape=(12, 12, 1), filters=(4,), corruption=layers.BlockMask(2, 6)
    )
    rows = restoring.inpainting(bench(filling, pictures_of(tmp_path)))
    assert rows["inpainted_error"]["tool"] < rows["inpainted_error"]["model"] < 1
    colouring = keras_gen.DenoisingAutoencoder(
        image_shape=(12, 12, 3), filters=(4,), corruption=layers.Greyscale()
    )
    (tmp_path / "colour").mkdir()
    source = pictures_of(tmp_path / "colour", channels=3)
    rows = restoring.colouring(bench(colouring, source))["colorized_error"]
    # Pictures that are grey all along.
    assert rows["noisy"] == pytest.approx(0, abs=1e-6)
    assert rows["tool"] == pytest.approx(0, abs=1e-3)


def test_sequences_are_measured_by_their_real_steps(tmp_path):
    rng = np.random.default_rng(0)
    sequences = rng.normal(size=(40, 6, 3)).astype("float32")
    sequences[:, 4:] = 0
    model = keras_gen.GRUAutoencoder(sequence_shape=(6, 3), latent_dim=2, units=4)
    source = {"image": sequences}
    measuring = bench(model, "arrays", samples=40)
    object.__setattr__(measuring, "table", {**measuring.table, "source": source})
    found = panels.measure(measuring)["mse"]
    back = model.reconstruct(sequences)
    expected = np.mean((back - sequences)[:, :4] ** 2)
    assert found["model"] == pytest.approx(expected, rel=1e-5)
    assert 0 < found["pca"] < found["model"]


def test_codes_in_use_are_counted(tmp_path):
    images = conformance.images(16)
    source = save(tmp_path, train_images=images, test_images=images)
    model = conformance.make("VQVAE")
    codes = model.encode(images)
    shares = np.bincount(codes.ravel()) / codes.size
    expected = np.exp(-sum(p * np.log(p) for p in shares if p))
    found = panels.measure(bench(model, source, figures=("codebook_perplexity",)))
    estimate = found["codebook_perplexity"]["model"]
    assert estimate == pytest.approx(expected)
    assert 1 <= estimate.low <= estimate.high
