"""The distance by a network's maps, against cosines by hand."""

import keras
import numpy as np
import pytest
import tiny

from keras_gen import metrics

SHAPE = (16, 16, 3)


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    return tiny.colour_judge(tmp_path_factory.mktemp("judge") / "judge")


def pictures(n, seed):
    return np.random.default_rng(seed).random((n, *SHAPE), "float32")


def test_it_is_two_less_twice_the_cosine_in_every_layer(judge):
    x, y = pictures(70, 0), pictures(70, 1)
    backbone = metrics.find_extractor(judge).model.averaged("backbone")
    cells = [
        layer.output
        for layer in backbone.layers
        if isinstance(layer, keras.layers.Activation) and len(layer.output.shape) == 4
    ]
    sides = {cell.shape[1] for cell in cells}
    finest_first = sorted(sides, reverse=True)
    last = [[c for c in cells if c.shape[1] == side][-1] for side in finest_first]
    assert len(last) == 2
    network = keras.Model(backbone.input, last)
    expected = np.zeros(70)
    for one, other in zip(*(network.predict(2 * z - 1, verbose=0) for z in (x, y))):
        one, other = one.astype("float64"), other.astype("float64")
        norms = [np.linalg.norm(z, axis=-1) for z in (one, other)]
        # A place where no channel is active is a vector of length 0.
        lengths = (norms[0] > 0) * 1.0 + (norms[1] > 0)
        cosine = (one * other).sum(-1) / np.maximum(norms[0] * norms[1], 1e-20)
        expected += (lengths - 2 * cosine).mean(axis=(1, 2))
    found = metrics.perceptual_distance(x, y, judge)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_a_picture_is_at_no_distance_of_itself_whatever_its_dtype(judge):
    x = (255 * pictures(5, 0)).astype("uint8")
    assert not metrics.perceptual_distance(x, x, judge).any()
    found = metrics.perceptual_distance(x, x / np.float32(255), judge)
    np.testing.assert_allclose(found, 0, atol=1e-9)


def test_it_grows_with_what_is_wrong(judge):
    x, noise = pictures(8, 0), pictures(8, 1)
    near, far = (
        metrics.perceptual_distance(x, (1 - a) * x + a * noise, judge).mean()
        for a in (0.1, 0.5)
    )
    assert 0 < near < far


def test_errors(judge):
    x = pictures(2, 0)
    with pytest.raises(ValueError, match="of one shape.*Received"):
        metrics.perceptual_distance(x, x[:1], judge)
    with pytest.raises(ValueError, match="classifier as extractor.*Received"):
        metrics.perceptual_distance(x, x, metrics.Extractor("mine", "", None, SHAPE))
