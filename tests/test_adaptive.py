"""Augmentation that adapts: what it does to pictures, and when."""

import math

import conformance
import numpy as np
import pytest
from keras import ops

import keras_gen
from keras_gen import layers, losses
from keras_gen.engine import random
from keras_gen.layers import adaptive


class Drawn(conformance.Recorded):
    """Numbers of a seed, as many as a batch wants."""

    def __init__(self, seed=0):
        super().__init__()
        self.index = 100 * seed


def numbers(x):
    return np.asarray(ops.convert_to_numpy(x))


def changed(x, seed=0, **options):
    layer = layers.AdaptiveAugmentation(**{"start": 1.0} | options)
    with random.use(Drawn(seed)):
        return numbers(layer(ops.convert_to_tensor(x), training=True))


def moved(x, matrix):
    maps = np.broadcast_to(np.array(matrix, "float32"), (len(x), 3, 3))
    return numbers(
        adaptive.sampled(ops.convert_to_tensor(x), ops.convert_to_tensor(maps))
    )


def test_nothing_changes_at_p_0_or_outside_of_training():
    x = conformance.noise(4, 6, 8, 3, seed=0)
    np.testing.assert_allclose(changed(x, start=0.0), x, atol=1e-5)
    layer = layers.AdaptiveAugmentation(start=1.0)
    np.testing.assert_array_equal(layer(x), x)


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], lambda x: x),
        ([[-1, 0, 0], [0, 1, 0], [0, 0, 1]], lambda x: x[:, :, ::-1]),
        ([[0, -1, 0], [1, 0, 0], [0, 0, 1]], lambda x: np.rot90(x, 1, (1, 2))),
        (
            [[1, 0, 2], [0, 1, -1], [0, 0, 1]],
            lambda x: np.pad(x, [(0, 0), (1, 0), (0, 2), (0, 0)], "symmetric")[
                :, :-1, 2:
            ],
        ),
        (
            [[1, 0, 0.5], [0, 1, 0], [0, 0, 1]],
            lambda x: (x + np.concatenate([x[:, :, 1:], x[:, :, -1:]], 2)) / 2,
        ),
    ],
)
def test_pictures_are_sampled_where_a_map_says(matrix, expected):
    x = conformance.noise(2, 6, 6, 3, seed=0)
    np.testing.assert_allclose(moved(x, matrix), expected(x), atol=1e-5)


def test_far_places_are_reflections_of_reflections():
    x = conformance.noise(1, 4, 4, 1, seed=0)
    matrix = [[1, 0, 8], [0, 1, -16], [0, 0, 1]]  # whole periods
    np.testing.assert_allclose(moved(x, matrix), x, atol=1e-5)


def test_blitting_only_rearranges_pixels():
    x = conformance.noise(16, 8, 8, 2, seed=0)
    y = changed(x, geometry=False, colours=False)
    assert np.abs(y - x).max() > 0.5
    for before, after in zip(x, y, strict=True):
        kept = [np.abs(after[i, j] - before).max(-1).min() for i, j in np.ndindex(8, 8)]
        assert max(kept) < 1e-4


def places(sides=(64, 32), n=100_000, **options):
    """The maps (n, 3, 3) of a layer that changes pictures alone in the way asked."""
    layer = layers.AdaptiveAugmentation(**{"start": 0.2, "colours": False} | options)
    layer.build(None)
    with random.use(Drawn()):
        return numbers(layer._places(n, sides)).astype("float64")


def test_whole_shifts_are_of_an_eighth_at_most_in_both_directions_at_once():
    maps = places(geometry=False)
    shifts = np.round(maps[:, :2, 2])
    np.testing.assert_allclose(shifts, maps[:, :2, 2], atol=1e-5)
    upright = np.abs(maps[:, 0, 0]) > 0.5
    assert (*np.abs(shifts[upright]).max(axis=0),) == (4, 8)  # of 32 and of 64
    still = (shifts == 0).all(axis=1).mean()
    # Of 2 x 4 + 1 and 2 x 8 + 1 places, those at both ends are half as likely.
    assert still == pytest.approx(1 - 0.2 * (1 - 1 / (8 * 16)), abs=0.005)


def test_geometry_has_the_deviations_of_appendix_b():
    maps = places(pixels=False)
    shifts = maps[:, :2, 2] / (32, 64)
    moved = (shifts != 0).any(axis=1)
    assert moved.mean() == pytest.approx(0.2, abs=0.005)
    assert ((shifts != 0).all(axis=1) == moved).all()
    scales = np.log2(np.linalg.det(maps[:, :2, :2])) / 2  # stretches keep areas
    scaled = np.abs(scales) > 1e-5
    assert scaled.mean() == pytest.approx(0.2, abs=0.005)
    assert scales[scaled].std() == pytest.approx(0.2, abs=0.005)
    # Neither turned nor stretched: no rotation, by 1 - p, and no stretch, by 1 - p.
    linear = maps[:, :2, :2] / 2 ** scales[:, None, None]
    plain = (np.abs(linear - np.eye(2)) < 1e-4).all(axis=(1, 2))
    assert plain.mean() == pytest.approx(0.8 * 0.8, abs=0.005)
    stretches = np.log2(np.linalg.svd(linear)[1][:, 0])  # of either axis
    stretched = stretches > 1e-4
    assert stretched.mean() == pytest.approx(0.2, abs=0.005)
    half_normal = 0.2 * (2 / math.pi) ** 0.5
    assert stretches[stretched].mean() == pytest.approx(half_normal, abs=0.005)
    still = plain & ~scaled
    assert shifts[still & moved].std(axis=0) == pytest.approx(0.125, abs=0.005)


def test_colours_have_the_deviations_of_appendix_b():
    x = np.zeros((20_000, 1, 2, 3), "float32")
    x[:, :, 1] = 1.0  # a black and a white pixel
    y = changed(x, pixels=False, geometry=False, start=0.2)[:, 0].mean(axis=-1)
    contrast = np.log2(np.abs(y[:, 1] - y[:, 0]))
    chosen = np.abs(contrast) > 1e-4
    assert chosen.mean() == pytest.approx(0.2, abs=0.01)
    assert contrast[chosen].std() == pytest.approx(0.5, abs=0.02)
    inverted = y[:, 1] < y[:, 0]
    assert inverted.mean() == pytest.approx(0.1, abs=0.01)
    brightness = y[~chosen, 0] * np.where(inverted[~chosen], -1, 1)
    moved = np.abs(brightness) > 1e-6
    assert moved.mean() == pytest.approx(0.2, abs=0.01)
    assert brightness[moved].std() == pytest.approx(0.2, abs=0.01)


def test_saturation_has_the_deviation_of_appendix_b():
    x = np.broadcast_to(np.float32([1.0, 0.0, -1.0]), (20_000, 1, 1, 3))
    y = changed(x, pixels=False, geometry=False, start=0.2)[:, 0, 0]
    spread = np.linalg.norm(y - y.mean(axis=-1, keepdims=True), axis=-1) / 2**0.5
    # Contrast of 2^(0.5 N) and saturation of 2^N, each by 0.2.
    logarithms = np.log2(spread)
    still = (np.abs(logarithms) < 1e-4).mean()
    assert still == pytest.approx(0.8 * 0.8, abs=0.01)
    expected = 0.2 * 0.25 + 0.2 * 1.0
    assert logarithms.var() == pytest.approx(expected, abs=0.02)


def test_geometry_keeps_pictures_of_one_colour():
    flat = np.broadcast_to(conformance.noise(32, 1, 1, 3, seed=1), (32, 8, 6, 3))
    np.testing.assert_allclose(changed(flat, colours=False), flat, atol=1e-5)


def test_colours_change_by_one_affine_map_a_picture():
    x = conformance.noise(5, 8, 8, 3, seed=0)
    y = changed(x, pixels=False, geometry=False)
    for before, after in zip(x.reshape(5, 64, 3), y.reshape(5, 64, 3), strict=True):
        known = np.c_[before, np.ones(64)]
        solution, *_ = np.linalg.lstsq(known, after, rcond=None)
        np.testing.assert_allclose(known @ solution, after, atol=1e-4)
        assert np.abs(solution[:3] - np.eye(3)).max() > 0.05
        # Luma is scaled and inverted, apart from the colours.
        grey = solution[:3].sum(axis=0)
        np.testing.assert_allclose(grey, grey.mean(), atol=1e-4)


def test_hue_turns_colours_about_grey():
    turns = numbers(adaptive._hue(ops.convert_to_tensor([0.0, 2 * math.pi / 3])))
    np.testing.assert_allclose(turns[0], np.eye(3), atol=1e-6)
    np.testing.assert_allclose(turns[1], np.roll(np.eye(3), 1, axis=1), atol=1e-6)
    colour = changed(conformance.noise(3, 2, 2, 1, seed=0), pixels=False)
    assert colour.shape == (3, 2, 2, 1)


def test_a_share_p_of_pictures_is_mirrored_or_not():
    x = conformance.noise(1, 8, 8, 1, seed=0).repeat(2000, axis=0)
    y = changed(x, start=0.2, geometry=False, colours=False)
    same = (np.abs(y - x).max(axis=(1, 2, 3)) < 1e-4).mean()
    # Half of the flips, a fourth of the turns and of the shifts change nothing.
    assert same == pytest.approx(0.9 * 0.85 * 0.85, abs=0.02)


def test_p_rises_while_the_critic_is_too_sure():
    layer = layers.AdaptiveAugmentation(target=0.6, pictures=100)
    layer.build(None)
    sure, unsure = ops.ones((10, 1)), ops.convert_to_tensor([[1.0], [-1.0]] * 5)
    steps = []
    for scores in [sure] * 3 + [unsure] * 6:
        layer.observe(scores)
        steps.append(float(layer.probability.numpy()))
    # The mean sign is one of four batches: it falls below the target at the second.
    expected = [0.1, 0.2, 0.3, 0.4, 0.3, 0.2, 0.1, 0.0, 0.0]
    np.testing.assert_allclose(steps, expected, atol=1e-6)


def test_training_adapts_and_keeps_p(tmp_path):
    def make():
        augmentation = layers.AdaptiveAugmentation(pictures=64, target=-0.99)
        return conformance.make("DCGAN", augmentation=augmentation)

    model = make()
    model.augmentation.probability.assign(0.0)
    model.compile(run_eagerly=True)
    model.fit(conformance.images(32), batch_size=16, verbose=0)
    p = float(model.augmentation.probability.numpy())
    assert p == pytest.approx(0.5)
    model.save_weights(tmp_path / "kept.weights.h5")
    again = make()
    again.compile()
    again.load_weights(tmp_path / "kept.weights.h5")
    assert float(again.augmentation.probability.numpy()) == p
    model.save_to_preset(tmp_path / "preset")
    preset = keras_gen.from_preset(tmp_path / "preset")
    assert float(preset.augmentation.probability.numpy()) == p


def test_losses_without_a_boundary_and_bad_numbers_are_refused():
    options = {"image_shape": (8, 8, 1), "filters": (2,), "latent_dim": 2}
    with pytest.raises(ValueError, match=r"Expected a loss whose scores.*Wasserstein"):
        keras_gen.DCGAN(
            loss=losses.Wasserstein(),
            augmentation=layers.AdaptiveAugmentation(),
            **options,
        )
    with pytest.raises(ValueError, match=r"Expected a start in \[0, 1\].*start=2"):
        layers.AdaptiveAugmentation(start=2)


@pytest.mark.parametrize("name", ["DCGAN", "Pix2Pix", "DenoisingAutoencoder"])
def test_models_build_the_layer_that_they_are_given(name):
    augmentation = layers.AdaptiveAugmentation(start=0.5)
    assert not augmentation.built
    model = conformance.GOLDENS[name].make(augmentation=augmentation)
    assert float(model.augmentation.probability.numpy()) == 0.5
    model.compile()
    rows, beside = conformance.examples(name, 8), conformance.labels(name, 8)
    model.fit(rows, beside, batch_size=8, verbose=0)


@pytest.mark.parametrize("stage", [0, 2])
def test_pictures_of_every_stage_are_augmented(stage):
    augmentation = layers.AdaptiveAugmentation(pictures=64, target=-0.99)
    options = {"filters": (3, 4, 6), "augmentation": augmentation}
    model = conformance.make("StyleGAN", **options)
    model.augmentation.probability.assign(0.5)
    model.compile()
    model.set_stage(stage)
    model.fit(conformance.images(16), batch_size=16, verbose=0)
    assert float(model.augmentation.probability.numpy()) == pytest.approx(0.75)


def test_packs_count_as_the_pictures_that_they_are_of():
    layer = layers.AdaptiveAugmentation(pictures=100)
    model = conformance.make("DCGAN", packing=2, augmentation=layer)
    model.augmentation.probability.assign(0.5)
    model.compile()
    model.fit(conformance.images(8), batch_size=8, verbose=0)
    moved = abs(float(model.augmentation.probability) - 0.5)
    assert moved == pytest.approx(0.08, abs=1e-6)
