"""Perceptual path length, where it is known in closed form."""

import conformance
import numpy as np
import pytest

from keras_gen import metrics


class Flat:
    """A judge whose features are the pixels."""

    def features(self, images):
        return images.reshape(len(images), -1)


class Latents:
    """A model whose picture is its latent."""

    latent_dim = 16

    def takes_labels(self):
        return False

    def decode(self, latents):
        return np.asarray(latents).reshape(-1, 4, 4, 1)


class Styles(Latents):
    """A model that maps latents to twice their size."""

    def map(self, latents):
        return 2 * latents

    def synthesize(self, styles):
        return self.decode(styles)


def ends(samples, seed):
    return np.random.default_rng(seed).standard_normal((2, samples, 16))


def places(samples, seed):
    rng = np.random.default_rng(seed)
    rng.standard_normal((2, samples, 16))
    return rng.uniform(size=samples)


def test_a_line_of_styles_is_as_long_as_their_distance():
    found = metrics.perceptual_path_length(
        Styles(), samples=50, extractor=Flat(), seed=3, resamples=20
    )
    first, last = 2 * ends(50, 3)
    expected = ((last - first) ** 2).sum(axis=1).mean()
    assert found == pytest.approx(expected, rel=1e-6)
    assert found.low < found < found.high
    # Twice the mean of a squared normal in 16 dimensions, doubled.
    assert expected == pytest.approx(2 * 4 * 16, rel=0.1)


def test_an_arc_of_latents_turns_and_lengthens():
    found = metrics.perceptual_path_length(
        Latents(), samples=50, extractor=Flat(), seed=3, epsilon=1e-5
    )
    first, last = ends(50, 3)
    place = places(50, 3)
    lengths = [np.linalg.norm(x, axis=1) for x in (first, last)]
    angles = np.arccos((first * last).sum(axis=1) / lengths[0] / lengths[1])
    radius = (1 - place) * lengths[0] + place * lengths[1]
    squares = (radius * angles) ** 2 + (lengths[1] - lengths[0]) ** 2
    assert found == pytest.approx(squares.mean(), rel=1e-4)


def test_models_with_labels_or_without_latents_are_refused():
    for name in ("ConditionalGAN", "DDPM", "Pix2Pix"):
        with pytest.raises(ValueError, match=f"without labels. Received: {name}"):
            metrics.perceptual_path_length(conformance.make(name))
