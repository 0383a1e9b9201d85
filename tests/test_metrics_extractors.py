"""Features of pictures, the networks that extract them, and the simple rival."""

import dataclasses
import types

import keras
import numpy as np
import pytest
import tiny

from keras_gen import data, metrics, presets
from keras_gen.metrics import extractors, rivals


class Means:
    """A judge whose one feature is the mean of a picture, which it keeps."""

    def features(self, images):
        self.seen = images
        return images.reshape(len(images), -1).mean(axis=1, keepdims=True)

    classify = features


def judge_of(shape):
    return extractors.Extractor("means", "0" * 64, Means(), shape)


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    """The folder of a tiny classifier."""
    folder = tmp_path_factory.mktemp("extractors") / "tiny_judge"
    tiny.judge().save_to_preset(folder)
    return folder


@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "float64"])
def test_features_pass_through_as_float64(dtype):
    values = np.arange(6).reshape(3, 2).astype(dtype)
    found = metrics.features(values)
    assert found.dtype == "float64"
    np.testing.assert_array_equal(found, values)
    assert metrics.features(values.tolist()).dtype == "float64"


def test_pictures_go_through_the_extractor():
    images = tiny.pictures(5)[0]
    found = metrics.features(images, judge_of((12, 12, 1)))
    assert found.dtype == "float64"
    expected = images.mean(axis=(1, 2, 3))[:, None]
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize(
    ("channels", "expected"), [(1, "classifier_fashion_mnist"), (3, "classifier_emoji")]
)
def test_the_default_extractor_goes_by_channels(channels, expected, monkeypatch):
    asked = []

    def find(name):
        asked.append(name)
        return Means()

    monkeypatch.setattr(extractors, "find_extractor", find)
    metrics.features(np.zeros((2, 8, 8, channels)))
    assert asked == [expected]
    assert extractors.default_extractor(np.zeros((2, 8, 8, channels))) == expected


def test_other_channels_have_no_default_extractor():
    images = np.zeros((2, 8, 8, 2))
    with pytest.raises(ValueError, match="Expected images of 1 or 3 channels"):
        metrics.features(images)
    assert metrics.features(images, Means()).shape == (2, 1)


def test_the_published_judge_of_colours():
    images = data.load("emoji", "test", fields="image", rows=6)
    model = presets.from_preset("classifier_emoji", compile=False)
    found = metrics.features(images)
    assert found.shape == (6, 128)
    np.testing.assert_allclose(found, model.features(images), rtol=1e-6)
    sha256 = presets.info("classifier_emoji")["metadata"]["weights"]["sha256"]
    assert metrics.find_extractor("classifier_emoji").sha256 == sha256


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_features_are_finite(bad):
    features = np.ones((4, 3))
    features[2, 1] = bad
    with pytest.raises(ValueError, match="Expected finite features"):
        metrics.features(features)
    images = np.zeros((2, 8, 8, 1))
    images[1, 0, 0] = bad
    with pytest.raises(ValueError, match="Expected finite features"):
        metrics.features(images, Means())


def test_pictures_with_nan_are_refused_at_any_size(preset):
    for side in (12, 8):
        images = np.zeros((2, side, side, 1), "float32")
        images[1, 3, 3] = np.nan
        with pytest.raises(ValueError, match="NaN"):
            metrics.features(images, preset)


@pytest.mark.parametrize("shape", [(4,), (4, 8, 8), (1, 4, 8, 8, 1), ()])
def test_other_ranks_are_refused(shape):
    for extractor in (None, Means()):
        with pytest.raises(ValueError, match="Expected images"):
            metrics.features(np.zeros(shape), extractor)


def test_features_and_an_extractor_are_refused(preset):
    for extractor in (Means(), str(preset), "InceptionV3"):
        with pytest.raises(ValueError, match="without an extractor"):
            metrics.features(np.zeros((4, 3)), extractor)


def test_pictures_that_fit_are_left_alone():
    judge = judge_of((8, 8, 1))
    images = np.zeros((2, 8, 8, 1), "uint8")
    judge.features(images)
    assert judge.model.seen is images


def test_reduced_pictures_are_antialiased():
    judge = judge_of((8, 8, 1))
    checks = np.indices((32, 32)).sum(axis=0) % 2 * 255
    images = np.stack([checks, 255 - checks])[..., None].astype("uint8")
    judge.classify(images)
    assert judge.model.seen.shape == (2, 8, 8, 1)
    assert judge.model.seen.dtype == "uint8"
    # Without, each pixel would be black or white.
    np.testing.assert_allclose(judge.model.seen, 127.5, atol=4)


def test_pictures_are_cropped_to_the_aspect_ratio():
    judge = judge_of((4, 4, 1))
    images = np.full((1, 8, 24, 1), 255, "uint8")
    images[:, :, 8:16] = 100
    judge.features(images)
    np.testing.assert_array_equal(judge.model.seen, np.full((1, 4, 4, 1), 100))


def test_grey_pictures_are_repeated_for_a_judge_of_colours():
    judge = judge_of((8, 8, 3))
    images = np.random.default_rng(0).random((2, 8, 8, 1))
    judge.features(images)
    np.testing.assert_array_equal(judge.model.seen, images.repeat(3, axis=3))


@pytest.mark.parametrize("side", [6, 8, 16, 28])
def test_resized_floats_stay_in_their_range(side, preset):
    images = np.zeros((3, side, side, 1), "float32")
    images[:, :, side // 2 :] = 1
    judge = judge_of((12, 12, 1))
    judge.features(images)
    assert judge.model.seen.min() >= 0
    assert judge.model.seen.max() <= 1
    assert metrics.features(images, preset).shape == (3, 8)


@pytest.mark.parametrize("side", [8, 12, 28])
def test_bytes_and_floats_of_a_picture_have_nearly_the_same_features(side, preset):
    rng = np.random.default_rng(0)
    images = rng.integers(90, 160, (4, side, side, 1)).astype("uint8")
    first = metrics.features(images, preset)
    second = metrics.features((images / 255).astype("float32"), preset)
    np.testing.assert_allclose(first, second, atol=0.05)
    assert np.ptp(first) > 0.5


def test_a_preset_as_an_extractor(preset):
    images = tiny.pictures(5)[0]
    found = metrics.find_extractor(preset)
    assert found.name == "tiny_judge"
    assert found.shape == (12, 12, 1)
    assert found.sha256 == presets.file_hash(preset / presets.WEIGHTS)
    model = presets.from_preset(preset)
    np.testing.assert_array_equal(found.features(images), model.features(images))
    np.testing.assert_array_equal(found.classify(images), model.classify(images))
    np.testing.assert_array_equal(
        metrics.features(images, str(preset)), model.features(images)
    )


def test_an_object_with_features_is_its_own_extractor():
    judge = Means()
    assert metrics.find_extractor(judge) is judge


def test_what_has_no_features_is_refused(tmp_path):
    tiny.vae().save_to_preset(tmp_path / "vae")
    with pytest.raises(ValueError, match="Expected a preset with features.*a VAE"):
        metrics.find_extractor(tmp_path / "vae")
    for name in ("no_such", tmp_path / "nowhere", types.SimpleNamespace()):
        with pytest.raises(ValueError, match="Expected the name of a preset"):
            metrics.find_extractor(name)


@pytest.fixture
def fresh_inception():
    extractors._inception.cache_clear()
    yield
    extractors._inception.cache_clear()


def test_inception_without_its_weights_says_what_to_do(fresh_inception, monkeypatch):
    def download(weights):
        assert weights == "imagenet"
        raise OSError("no\nroute to host")

    monkeypatch.setattr(keras.applications, "InceptionV3", download)
    file = "inception_v3_weights_tf_dim_ordering_tf_kernels.h5"
    with pytest.raises(FileNotFoundError, match=f"{file}.*no route to host"):
        metrics.find_extractor("InceptionV3")


@pytest.mark.slow
def test_inception_gives_pooled_features_and_classes(fresh_inception, monkeypatch):
    build = keras.applications.InceptionV3
    keras.utils.set_random_seed(0)
    built = []

    def without_weights(weights):
        built.append(build(weights=None))
        return built[-1]

    monkeypatch.setattr(keras.applications, "InceptionV3", without_weights)
    monkeypatch.setattr(extractors, "BATCH", 2)
    judge = metrics.find_extractor("InceptionV3")
    assert metrics.find_extractor("InceptionV3") is judge
    assert len(built) == 1
    assert (judge.name, judge.shape) == ("InceptionV3", (299, 299, 3))
    assert len(bytes.fromhex(judge.sha256)) == 32
    images = data.load("fashion_mnist_mini", "test", fields="image", rows=4)
    found = metrics.features(images, "InceptionV3")
    assert found.shape == (4, 2048)
    assert len(np.unique(found, axis=0)) == 4
    probabilities = judge.classify(images)
    assert probabilities.shape == (4, 1000)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    # By Keras's own call: 299x299, colours, in [-1, 1].
    whole = data.images.Fit((299, 299), 3).batch(images).astype("float32") / 127.5 - 1
    expected = keras.ops.convert_to_numpy(built[0](whole, training=False))
    np.testing.assert_allclose(probabilities, expected, rtol=1e-3)


def blobs(n, seed=0):
    """Pictures (n, 4, 4, 1) of two Gaussians, 3 to 1, and their means (2, 16)."""
    rng = np.random.default_rng(seed)
    means = np.full((2, 16), 0.4)
    means[0, :4], means[1, 4:8] = 0.6, 0.7
    which = np.arange(n) % 4 == 0
    flat = means[which.astype(int)] + rng.normal(0, 0.03, (n, 16))
    return flat.reshape(n, 4, 4, 1).astype("float32"), means


@pytest.fixture(scope="module")
def mixture():
    return metrics.GaussianMixture.fit(blobs(2000)[0], components=2)


def pixels(images):
    scale = 255 if images.dtype == np.uint8 else 1
    return images.reshape(len(images), -1).astype("float64") / scale


def halved(images):
    """Pixels of pictures of half the size, (n, 196) from 28x28."""
    return pixels(images).reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(-1, 196)


def moments(mixture):
    """Mean and covariance of a mixture's codes."""
    weights, means = mixture.weights / mixture.weights.sum(), mixture.means
    centred = means - weights @ means
    within = mixture.factors @ mixture.factors.transpose(0, 2, 1)
    covariance = np.tensordot(weights, within, 1) + (weights * centred.T) @ centred
    return weights @ means, covariance


def test_a_mixture_finds_the_blobs(mixture):
    order = np.argsort(mixture.weights)[::-1]
    np.testing.assert_allclose(mixture.weights[order], [0.75, 0.25], atol=1e-6)
    found = mixture.mean + mixture.means[order] @ mixture.axes
    np.testing.assert_allclose(found, blobs(1)[1], atol=0.006)
    np.testing.assert_allclose(mixture.axes @ mixture.axes.T, np.eye(16), atol=1e-5)
    for factor in mixture.factors:
        np.testing.assert_array_equal(factor, np.tril(factor))
        np.testing.assert_allclose(factor @ factor.T, 0.03**2 * np.eye(16), atol=2e-4)


def test_samples_have_the_moments_of_the_mixture(mixture):
    factors = mixture.factors + np.tril(np.full((16, 16), 0.02), -1)
    mixture = dataclasses.replace(mixture, factors=factors)
    flat = pixels(mixture.sample(40_000, seed=1))
    mean, covariance = moments(mixture)
    expected = mixture.mean + mean @ mixture.axes
    np.testing.assert_allclose(flat.mean(axis=0), expected, atol=0.002)
    expected = mixture.axes.T @ covariance @ mixture.axes
    np.testing.assert_allclose(np.cov(flat.T), expected, atol=4e-4)
    assert np.abs(expected).max() > 0.01


def test_samples_follow_their_seed(mixture):
    first = mixture.sample(50, seed=3)
    assert first.shape == (50, 4, 4, 1)
    assert first.dtype == "float32"
    np.testing.assert_array_equal(first, mixture.sample(50, seed=3))
    np.testing.assert_array_equal(mixture.sample(5), mixture.sample(5, seed=0))
    assert np.abs(first - mixture.sample(50, seed=4)).max() > 0.1


def test_fits_follow_their_seed_and_take_bytes():
    images = tiny.pictures(60)[0]
    first = metrics.GaussianMixture.fit(images, components=3, dimensions=5, seed=1)
    again = metrics.GaussianMixture.fit(
        (images / 255).astype("float32"), components=3, dimensions=5, seed=1
    )
    assert first.means.shape == (3, 5)
    assert first.shape == (12, 12, 1)
    np.testing.assert_allclose(first.sample(9), again.sample(9), atol=1e-4)


def test_samples_are_clipped(mixture):
    wide = dataclasses.replace(mixture, factors=mixture.factors * 30)
    samples = wide.sample(100)
    assert samples.min() == 0
    assert samples.max() == 1


@pytest.mark.parametrize("count", [2, 5, 30])
def test_fewer_pictures_than_components(count):
    images = tiny.pictures(count)[0]
    found = metrics.GaussianMixture.fit(images)
    assert found.means.shape == (count, count)
    assert found.weights.sum() == pytest.approx(1)
    samples = found.sample(40)
    assert samples.shape == (40, 12, 12, 1)
    # Each component is one picture.
    distances, _ = metrics.nearest_neighbours(pixels(samples), pixels(images))
    assert distances.max() < 0.05


def test_a_saved_mixture_comes_back_to_single_precision(mixture, tmp_path):
    mixture.save(tmp_path / "mixture.npz")
    again = metrics.GaussianMixture.load(tmp_path / "mixture.npz")
    assert again.shape == mixture.shape
    for field in ("mean", "axes", "weights", "means", "factors"):
        kept, found = getattr(mixture, field), getattr(again, field)
        assert found.shape == kept.shape
        np.testing.assert_allclose(found, kept, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(again.sample(50), mixture.sample(50), atol=1e-5)
    with np.load(tmp_path / "mixture.npz") as file:
        assert {file[key].dtype.kind + str(file[key].itemsize) for key in file} == {
            *("f4", "i8")
        }
        assert file["factors"].shape == (2, 16 * 17 // 2)


def test_the_rival_of_a_source_is_fitted_to_its_training_pictures(tmp_path):
    source = tiny.source(tmp_path, train=20, test=10)
    found, digest = metrics.gaussian_mixture(source)
    assert digest is None
    assert metrics.gaussian_mixture(source)[0] is found
    train = data.load(source, "train", fields="image")
    np.testing.assert_allclose(found.mean, pixels(train).mean(axis=0), atol=1e-5)
    smaller, _ = metrics.gaussian_mixture(source, 6)
    assert smaller.sample(3).shape == (3, 6, 6, 1)


def test_the_shipped_rival_beats_a_single_gaussian():
    found, digest = metrics.gaussian_mixture("fashion_mnist")
    assert digest == presets.file_hash(rivals.fitted_file("fashion_mnist"))
    assert found.means.shape == (rivals.COMPONENTS, rivals.DIMENSIONS)
    samples = found.sample(1000, seed=0)
    assert samples.shape == (1000, 28, 28, 1)
    assert samples.dtype == "float32"
    assert 0 <= samples.min() < samples.max() <= 1
    # The Gaussian of the same mean and covariance.
    mean, covariance = moments(found)
    factor = np.linalg.cholesky(covariance)
    single = {"weights": np.ones(1), "means": mean[None], "factors": factor[None]}
    single = dataclasses.replace(found, **single).sample(1000, seed=0)
    real = halved(data.load("fashion_mnist_mini", "test", fields="image"))
    fakes = [halved(pictures) for pictures in (samples, single)]
    distances = [metrics.frechet_distance(real, fake) for fake in fakes]
    assert distances[0] < 0.85 * distances[1]
    shares = [metrics.density_coverage(real, fake)[1] for fake in fakes]
    assert shares[0] > 0.9 > 0.6 > shares[1]
