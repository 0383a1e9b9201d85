"""Encoders as steps of scikit-learn pipelines, and clusters of codes."""

import pickle

import conformance
import numpy as np
import pytest
import tiny
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import keras_gen
from keras_gen import metrics
from keras_gen.applications import Clusterer, Encoder


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """A folder with a small autoencoder of bars."""
    model = keras_gen.Autoencoder(image_shape=tiny.IMAGE_SHAPE, latent_dim=12)
    model.compile()
    model.fit(tiny.pictures(400)[0], batch_size=40, epochs=15, verbose=0)
    folder = tmp_path_factory.mktemp("preset") / "bars"
    model.save_to_preset(folder)
    return folder


def test_a_pipeline_on_codes_learns_what_pictures_show(preset):
    images, labels = tiny.pictures(300, seed=3)
    pipeline = make_pipeline(Encoder(preset), LogisticRegression(max_iter=2000))
    pipeline.fit(images, labels)
    held_out, truth = tiny.pictures(200, seed=4)
    assert pipeline.score(held_out, truth) > 0.6
    codes = pipeline[0].transform(held_out)
    assert codes.shape == (200, 12)
    model = keras_gen.from_preset(preset)
    np.testing.assert_array_equal(codes, model.encode(held_out))


def test_it_clones_and_pickles(preset):
    images, _ = tiny.pictures(10)
    encoder = clone(Encoder(preset)).fit(images)
    assert encoder.get_params() == {"preset": preset}
    again = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_allclose(
        again.transform(images), encoder.transform(images), atol=1e-6
    )


def test_codes_with_places_are_laid_out_in_a_row():
    model = keras_gen.ConvolutionalAutoencoder(
        image_shape=conformance.IMAGE_SHAPE, filters=(4,), code_channels=2
    )
    codes = Encoder(model).fit_transform(conformance.images(3))
    assert codes.shape == (3, 4 * 4 * 2)


def test_other_examples_and_models_are_refused(preset):
    with pytest.raises(ValueError, match=r"Expected images.*Received"):
        Encoder(preset).fit(conformance.images(3))
    with pytest.raises(ValueError, match=r"Expected .*Received"):
        Encoder(conformance.make("WGANGP")).fit(conformance.images(3))


def test_clustering_accuracy_by_hand():
    labels = np.array([0, 0, 0, 1, 1, 2])
    assert metrics.clustering_accuracy(labels, np.array([2, 2, 2, 0, 0, 1])) == 1
    assert metrics.clustering_accuracy(labels, np.zeros(6, int)) == 0.5
    # The greedy match 0 to 0 would leave 2 + 0 + 0.
    clusters = np.array([0, 0, 1, 0, 0, 1])
    assert metrics.clustering_accuracy(labels, clusters) == pytest.approx(3 / 6)
    for bad in (labels[:3], labels.astype(float), labels[None], labels - 1):
        with pytest.raises(ValueError, match=r"Expected .*Received"):
            metrics.clustering_accuracy(labels, bad)


@pytest.mark.parametrize("neighbors", [0, 8])
def test_clusters_of_codes_follow_what_pictures_show(neighbors):
    model = keras_gen.Autoencoder(image_shape=(8, 8, 1), latent_dim=64, hidden=())
    model.encoder.set_weights([np.eye(64, dtype="float32"), np.zeros(64, "float32")])
    rng = np.random.default_rng(0)
    kinds = rng.integers(0, 3, 90)
    images = rng.integers(0, 40, (90, 8, 8, 1)).astype("uint8")
    for image, kind in zip(images, kinds, strict=True):
        image[2 * kind : 2 * kind + 3] += 150
    found = Clusterer(model, n_clusters=3, neighbors=neighbors).fit(images)
    assert metrics.clustering_accuracy(kinds, found.labels_) > 0.95
    with pytest.raises(ValueError, match=r"Expected n_clusters .*Received: 91"):
        Clusterer(model, n_clusters=91).fit(images)
