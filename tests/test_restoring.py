"""Denoising, inpainting and colouring: the corruptions, the verbs, and simple tools."""

import conformance
import keras
import numpy as np
import pytest
from drawn import colours, luma, under_noise

import keras_gen
from keras_gen import layers
from keras_gen.applications import (
    ClassicalDenoiser,
    LevelColours,
    fill_biharmonic,
    restoring,
)

SHAPE = (8, 8, 1)


def signs(n, seed=0):
    """Colour pictures (n, 8, 8, 3) of one luma: red bars lie, blue ones stand."""
    rng = np.random.default_rng(seed)
    standing = rng.random(n) < 0.5
    x = np.zeros((n, 8, 8, 3), "float32")
    for image, place, flag in zip(x, rng.integers(1, 6, n), standing, strict=True):
        image[place : place + 2] = (0.1, 0.32, 1.0) if flag else (1.0, 0.02, 0.0)
        image *= 0.3 / np.maximum(luma(image), 1e-6)
        image[:] = image.swapaxes(0, 1) if flag else image
    return np.clip(x, 0, 1)


def bumps(n, seed=0):
    """Pictures (n, 8, 8, 1) of bumps of one width at random places."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:8, :8]
    centres = rng.uniform(1, 6, (n, 2, 1, 1))
    squares = (y - centres[:, 0]) ** 2 + (x - centres[:, 1]) ** 2
    return np.exp(-squares / 4)[..., None].astype("float32")


def trained(model, x, epochs, rate=3e-3):
    model.compile(keras.optimizers.Adam(rate))
    model.fit(x, batch_size=64, epochs=epochs, verbose=0)
    return model


# Denoising


def test_pictures_are_augmented_in_training_alone():
    shift = layers.RandomShift(2)
    model = conformance.make(
        "DenoisingAutoencoder", corruption=layers.MaskingNoise(0.0), augmentation=shift
    )
    x, seen = bumps(4), []
    model.minimize = lambda loss, networks, images: seen.append(images)
    under_noise(lambda x: model.update(x) or x, x)
    shifted = under_noise(lambda x: shift(x, training=True), x)
    np.testing.assert_array_equal(seen[0], shifted)
    assert np.abs(shifted - x).max() > 0.1
    found = under_noise(lambda x: model.validate(x)["reconstruction"], x)
    made = keras.ops.convert_to_numpy(model.decoder(model.encoder(x)))
    expected = 0.5 * ((made - x) ** 2).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_codes_with_a_skip_hold_the_picture_and_the_decoder_adds_to_it():
    model = keras_gen.DenoisingAutoencoder(
        image_shape=(8, 12, 3), filters=(4, 5), code_channels=2, skip=True
    )
    conformance.randomize(model)
    x = colours(3, side=12)[:, :8]
    codes = model.encode(x)
    assert codes.shape == (3, *model.code_shape()) == (3, 2, 3, 2 + 48)
    np.testing.assert_array_equal(codes[:, 1, 2, 2:], x[:, 4:, 8:].reshape(3, -1))
    made = model.decode(codes)
    np.testing.assert_allclose(made, model.denoise(x), atol=1e-6)
    other = codes.copy()
    other[..., 2:] *= 0.5
    lower = model.decoder(codes) - model.decoder(other)
    np.testing.assert_allclose(lower, x / 2, atol=1e-5)
    model.decoder.set_weights([0 * w for w in model.decoder.get_weights()])
    np.testing.assert_array_equal(model.denoise(x), x)


def test_a_skip_keeps_texture_that_a_small_code_loses():
    x = bumps(256) * np.random.default_rng(0).random((256, *SHAPE), "float32")
    errors = {}
    for skip in (True, False):
        keras.utils.set_random_seed(0)
        model = keras_gen.DenoisingAutoencoder(
            image_shape=SHAPE,
            filters=(8,),
            code_channels=2,
            skip=skip,
            corruption=layers.GaussianNoise((0.0, 0.1)),
        )
        trained(model, x, 10, 1e-2)
        noisy = model.corrupt(x, seed=1)
        errors[skip] = np.mean((model.denoise(noisy) - x) ** 2)
    assert errors[True] < 1.1 * np.mean((noisy - x) ** 2)
    assert errors[True] < 0.5 * errors[False]


def test_skips_without_places_are_refused():
    with pytest.raises(ValueError, match="Expected code_channels beside skip"):
        keras_gen.DenoisingAutoencoder(skip=True)
    with pytest.raises(ValueError, match="sides the code's divide. Received: sides"):
        keras_gen.DenoisingAutoencoder(
            image_shape=(7, 7, 1), skip=True, code_channels=2, filters=(4, 4)
        )


# Inpainting


@pytest.fixture(scope="module")
def inpainter():
    keras.utils.set_random_seed(0)
    model = keras_gen.InpaintingAutoencoder(
        image_shape=SHAPE,
        filters=(16,),
        code_channels=16,
        blocks=1,
        corruption=layers.BlockMask(2, 4),
    )
    return trained(model, bumps(512), 24, 5e-3)


def test_inpainting_beats_the_biharmonic_equation_on_what_it_has_learnt(inpainter):
    x = bumps(64, seed=1)
    mask = inpainter.draw_masks(x, seed=2)
    assert mask.dtype == bool
    assert mask.shape == (64, *SHAPE)
    given = np.where(mask, np.float32(0), x)
    made = inpainter.inpaint(given, mask)
    ours = np.mean((made - x)[mask] ** 2)
    assert ours < np.mean((fill_biharmonic(given, mask) - x)[mask] ** 2)
    assert ours < 0.1 * np.mean(x[mask] ** 2)


def test_known_pixels_stay_to_the_bit_and_missing_ones_do_not_matter(inpainter):
    x, rng = conformance.images(200), np.random.default_rng(0)
    mask = rng.random((200, 8, 8)) < 0.3
    made = inpainter.inpaint(x, mask)
    assert made.shape == x.shape
    assert made.dtype == np.float32
    assert 0 <= made.min() <= made.max() <= 1
    floats = x.astype("float32") / 255
    np.testing.assert_array_equal(made[~mask], floats[~mask])
    other = np.where(mask[..., None], rng.random(x.shape), floats)
    for same in (mask[..., None], mask.astype("uint8"), mask.astype(float)):
        np.testing.assert_array_equal(inpainter.inpaint(other, same), made)
    nothing = inpainter.inpaint(x, np.zeros_like(mask))
    np.testing.assert_array_equal(nothing, floats)


def test_whole_pictures_come_back_through_their_codes(inpainter):
    x = bumps(32, seed=3)
    back = inpainter.reconstruct(x)
    np.testing.assert_allclose(back, inpainter.decode(inpainter.encode(x)), atol=1e-5)
    assert np.mean((back - x) ** 2) < 0.1 * x.var()


def test_masks_that_do_not_fit_are_refused(inpainter):
    x = conformance.images(3)
    good = np.zeros((3, 8, 8))
    for wrong in (good[:2], good[:, :7], good[..., None, None], good + 0.5, good + 2):
        with pytest.raises(ValueError, match="Expected a mask of shape .*Received: "):
            inpainter.inpaint(x, wrong)
    with pytest.raises(ValueError, match="Expected images of shape .*Received: "):
        inpainter.inpaint(x[:, :7], good[:, :7])


def test_masks_are_a_function_of_their_seed(inpainter):
    x = conformance.images(6)
    mask = inpainter.draw_masks(x, seed=1)
    np.testing.assert_array_equal(mask, inpainter.draw_masks(x, seed=1))
    assert (mask != inpainter.draw_masks(x, seed=2)).any()
    shown = inpainter.showcase(x)
    assert shown.images.shape == (12, *SHAPE)
    assert (shown.images[:6][inpainter.draw_masks(x)] == 1).all()


def test_the_loss_is_of_missing_pixels_and_a_little_of_all():
    model = conformance.make("InpaintingAutoencoder", context=0.25)
    x = conformance.images(4).astype("float32") / 255
    found = under_noise(lambda x: model.objective(x)["loss"], x)
    mask = under_noise(model.corruption.missing, x)
    seen = np.concatenate([np.where(mask > 0, 0, x), mask], axis=-1).astype("float32")
    made = np.asarray(model.decoder(model.encoder(seen)))
    squares = 0.5 * (made - x) ** 2
    expected = (squares * (mask + 0.25)).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.slow
def test_inpainting_is_served(inpainter, tmp_path):
    tf = pytest.importorskip("tensorflow")
    inpainter.export(tmp_path / "serving")
    signature = tf.saved_model.load(str(tmp_path / "serving")).signatures["inpaint"]
    x = bumps(5)
    mask = inpainter.draw_masks(x).astype("float32")
    served = signature(images=tf.constant(x), mask=tf.constant(mask))["outputs"]
    np.testing.assert_allclose(served, inpainter.inpaint(x, mask), atol=1e-5)


# Colouring


@pytest.fixture(scope="module")
def colorizer():
    keras.utils.set_random_seed(0)
    model = keras_gen.DenoisingAutoencoder(
        image_shape=(8, 8, 3),
        latent_dim=16,
        filters=(16,),
        corruption=layers.Greyscale(),
    )
    return trained(model, signs(512), 20, 5e-3)


def test_colours_come_from_shapes_where_the_grey_level_does_not_tell(colorizer):
    x = signs(64, seed=1)
    grey = luma(x).astype("float32")
    lookup = LevelColours().fit(signs(512)).colorize(grey)
    error = np.mean((colorizer.colorize(grey) - x) ** 2)
    assert error < 0.2 * np.mean((lookup - x) ** 2) < np.mean((grey - x) ** 2)


def test_coloured_pictures_keep_their_luma_however_they_are_given(colorizer):
    grey = conformance.images(9)
    made = colorizer.colorize(grey)
    assert made.shape == (9, 8, 8, 3)
    assert made.dtype == np.float32
    assert 0 <= made.min() <= made.max() <= 1
    np.testing.assert_allclose(luma(made), grey / 255, atol=1e-5)
    assert np.ptp(made, axis=-1).max() > 0.05
    three = colorizer.colorize(np.repeat(grey, 3, axis=-1))
    np.testing.assert_allclose(three, made, atol=1e-6)
    x = colours(4, side=8)
    from_luma = colorizer.colorize(luma(x).astype("float32"))
    np.testing.assert_allclose(colorizer.colorize(x), from_luma, atol=1e-4)


def test_what_cannot_be_coloured_is_refused(colorizer):
    with pytest.raises(ValueError, match="Expected a model of pictures of 3 channels"):
        conformance.make("DenoisingAutoencoder").colorize(conformance.images(2))
    for wrong in (conformance.images(2)[:, :7], np.zeros((2, 8, 8, 2), "uint8")):
        with pytest.raises(ValueError, match="Expected images of .*Received: "):
            colorizer.colorize(wrong)


# The simple tools


def test_the_mean_of_clipped_noise_is_known():
    levels = np.array([0.0, 0.1, 0.5, 1.0])
    draws = np.random.default_rng(0).normal(0, 0.4, (400_000, 1))
    clipped = np.clip(levels + draws, 0, 1).mean(axis=0)
    found = restoring.clipped_mean(levels, 0.4)
    np.testing.assert_allclose(found, clipped, atol=2e-3)
    assert found[2] == pytest.approx(0.5, abs=1e-12)
    assert found[0] + found[3] == pytest.approx(1, abs=1e-12)
    weak = restoring.clipped_mean(levels[1:3], 1e-3)
    np.testing.assert_allclose(weak, levels[1:3], atol=1e-12)


def test_classical_tools_denoise_and_the_best_is_kept():
    pytest.importorskip("skimage")
    rng = np.random.default_rng(0)
    clean = np.kron(rng.random((4, 2, 2, 1)), np.ones((1, 8, 8, 1)))
    clean[:, :, :8] = 0
    noisy = np.clip(clean + rng.normal(0, 0.3, clean.shape), 0, 1)
    tool = ClassicalDenoiser(0.3).fit(clean, noisy)
    before = keras_gen.metrics.psnr(clean, noisy).mean()
    scores = {name: found["psnr"] for name, found in tool.chosen.items()}
    assert set(scores) == {"non-local means", "total variation", "median"}
    assert min(scores.values()) > before + 2
    assert tool.chosen[tool.best]["unclipped"]  # half of it lies at 0
    made = tool.denoise(noisy)
    assert keras_gen.metrics.psnr(clean, made).mean() == pytest.approx(
        max(scores.values())
    )
    with pytest.raises(ValueError, match="Expected a deviation above 0. Received: 0"):
        ClassicalDenoiser(0)


def test_biharmonic_filling_goes_on_along_planes():
    pytest.importorskip("skimage")
    y, x = np.mgrid[:12, :12] / 12
    plane = (0.2 + 0.3 * x + 0.4 * y)[None, ..., None]
    mask = np.zeros(plane.shape, bool)
    mask[0, 4:8, 3:7] = True
    made = fill_biharmonic(np.where(mask, 0, plane), mask)
    np.testing.assert_allclose(made, plane, atol=1e-6)


def test_level_colours_by_hand():
    x = np.array([[[1.0, 0, 0], [0.299, 0.299, 0.299], [1, 1, 1]]], "float32")[None]
    lookup = LevelColours().fit(x)
    grey = np.array([0.299, 1.0, 0.0, (76 + 255) / 2 / 255], "float32")
    found = lookup.colorize(grey.reshape(1, 2, 2, 1)).reshape(4, 3)
    mixed = [(1 + 0.299) / 2, 0.299 / 2, 0.299 / 2]
    between = np.interp(166, [76, 255], [0, 1])
    np.testing.assert_allclose(found[0], mixed, atol=1e-6)
    np.testing.assert_allclose(found[1], 1, atol=1e-6)
    np.testing.assert_allclose(found[2], mixed, atol=1e-6)
    np.testing.assert_allclose(
        found[3], mixed + between * (1 - np.array(mixed)), atol=5e-3
    )
