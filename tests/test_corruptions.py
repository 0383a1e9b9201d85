"""The corruptions that autoencoders undo: what each does to pictures."""

import conformance
import keras
import numpy as np
import pytest
from drawn import colours, luma, under_noise

import keras_gen
from keras_gen import layers

SHAPE = (8, 8, 1)


def test_each_picture_has_a_deviation_of_its_own_from_the_pair():
    x = np.full((400, 30, 30, 1), 0.5, "float32")
    noise = under_noise(layers.GaussianNoise((0.1, 0.5)), x) - x
    found = noise.std(axis=(1, 2, 3))
    assert found.min() > 0.09
    assert found.max() < 0.54
    counts, _ = np.histogram(found, 4, (0.1, 0.5))
    assert (abs(counts - 100) < 35).all()


@pytest.mark.parametrize(
    ("cls", "altered"),
    [
        (layers.MaskingNoise, lambda y: y == 0),
        (layers.SaltAndPepper, lambda y: y != 0.5),
    ],
)
def test_each_picture_has_a_share_of_its_own_from_the_pair(cls, altered):
    x = np.full((400, 30, 30, 1), 0.5, "float32")
    found = altered(under_noise(cls((0.2, 0.6)), x)).mean(axis=(1, 2, 3))
    assert found.min() > 0.14
    assert found.max() < 0.66
    assert found.mean() == pytest.approx(0.4, abs=0.02)
    assert found.std() == pytest.approx(0.4 / np.sqrt(12), rel=0.15)
    plain = under_noise(cls(0.3), x)
    np.testing.assert_array_equal(plain, under_noise(cls([0.3, 0.3]), x))


@pytest.mark.parametrize("wrong", [-1, (0.2, 0.1), (0.1,), (-0.1, 0.1), float("nan")])
def test_ranges_that_are_none_are_refused(wrong):
    for cls in (layers.GaussianNoise, layers.MaskingNoise, layers.SaltAndPepper):
        with pytest.raises(ValueError, match=r"Expected a .*, or a pair.*Received: "):
            cls(wrong)
    with pytest.raises(ValueError, match="Expected a share in .*Received: .0.5, 1.5"):
        layers.MaskingNoise((0.5, 1.5))


def test_block_masks_erase_one_rectangle_and_leave_the_rest():
    x = np.random.default_rng(0).uniform(0.1, 1, (2000, 9, 7, 2)).astype("float32")
    y = under_noise(layers.BlockMask(2, 5), x)
    gone = (y == 0).all(axis=-1)
    np.testing.assert_array_equal(y[~gone], x[~gone])
    assert (y[gone] == 0).all()
    rows, columns = gone.any(axis=2), gone.any(axis=1)
    np.testing.assert_array_equal(gone, rows[:, :, None] & columns[:, None])
    for lines in (rows, columns):
        # One stretch each: lines go from known to missing once, the edge included.
        starts = np.diff(lines.astype(int), axis=1, prepend=0) == 1
        assert (starts.sum(axis=1) == 1).all()
        sizes = np.bincount(lines.sum(axis=1), minlength=6)
        assert (abs(sizes[2:] - 500) < 100).all()
        assert sizes[:2].sum() == 0
        of_five = starts[lines.sum(axis=1) == 5].sum(axis=0)
        places = lines.shape[1] - 5 + 1
        expected = np.pad(np.full(places, of_five.sum() / places), (0, 4))
        assert (abs(of_five - expected) < 80).all()
    sides = [rows.sum(axis=1), columns.sum(axis=1)]
    assert abs(np.corrcoef(sides)[0, 1]) < 0.08


def test_blocks_may_be_whole_pictures_but_no_larger():
    x = np.ones((3, 4, 4, 1), "float32")
    assert not under_noise(layers.BlockMask(4, 4), x).any()
    with pytest.raises(ValueError, match="blocks of 5 pixels. Received: shape .3, 4"):
        under_noise(layers.BlockMask(2, 5), x)
    for wrong in ((0, 3), (4, 3), (1.5, 3)):
        with pytest.raises(ValueError, match="sides in whole pixels.*Received: "):
            layers.BlockMask(*wrong)


def test_grey_is_the_luma_of_pillow_three_times():
    x = colours(4)
    grey = keras.ops.convert_to_numpy(layers.Greyscale()(x))
    np.testing.assert_allclose(grey, luma(x).repeat(3, axis=-1), atol=1e-6)
    again = keras.ops.convert_to_numpy(layers.Greyscale()(grey))
    np.testing.assert_allclose(again, grey, atol=1e-6)
    with pytest.raises(ValueError, match="3 channels.*Received: shape .1, 8, 8, 1"):
        layers.Greyscale()(np.zeros((1, *SHAPE), "float32"))


def test_another_luma_keeps_hues_and_fades_what_would_leave_the_range():
    x, grey = colours(50), colours(50, seed=1)[..., :1]
    y = keras.ops.convert_to_numpy(layers.with_luma(x, grey))
    np.testing.assert_allclose(luma(y), grey, atol=1e-6)
    assert y.min() >= 0
    assert y.max() <= 1
    before, after = x - luma(x), y - grey
    share = (before * after).sum(-1) / (before**2).sum(-1)
    np.testing.assert_allclose(after, share[..., None] * before, atol=1e-6)
    touching = (y < 1e-5).any(-1) | (y > 1 - 1e-5).any(-1)
    assert (touching | (abs(share - 1) < 1e-4)).all()
    assert 0.2 < touching.mean() < 0.9
    own = luma(x).astype("float32")
    np.testing.assert_allclose(layers.with_luma(x, own), x, atol=1e-6)
    flat = np.full((1, 2, 2, 3), 0.7, "float32")
    np.testing.assert_allclose(
        layers.with_luma(flat, grey[:1, :2, :2]),
        grey[:1, :2, :2].repeat(3, -1),
        atol=1e-6,
    )


@pytest.mark.parametrize(
    "corruption",
    [
        layers.GaussianNoise((0.05, 0.6)),
        layers.MaskingNoise([0.1, 0.2]),
        layers.SaltAndPepper(0.3),
        layers.BlockMask(2, 3),
    ],
)
def test_corruptions_come_back_from_presets(corruption, tmp_path):
    model = keras_gen.DenoisingAutoencoder(
        image_shape=SHAPE, latent_dim=3, filters=(2,), corruption=corruption
    )
    model.save_to_preset(tmp_path / "preset")
    again = keras_gen.from_preset(tmp_path / "preset")
    x = conformance.images(5)
    np.testing.assert_array_equal(model.corrupt(x, seed=3), again.corrupt(x, seed=3))
    assert np.abs(model.corrupt(x, seed=3) - x / 255).max() > 0.1
