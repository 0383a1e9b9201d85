"""Super-resolution: small pictures of any size, and what the generator descends."""

import numpy as np
import pytest
import tiny
from PIL import Image
from test_translation import pictures

import keras_gen
from keras_gen import layers


def test_downsampling_is_pillows_bicubic():
    x = pictures(1, 32, 24, 1)
    small = np.asarray(layers.Downsampling(4)(x))[0, ..., 0]
    expected = Image.fromarray(x[0, ..., 0]).resize((6, 8), Image.Resampling.BICUBIC)
    np.testing.assert_allclose(small, np.clip(expected, 0, 1), atol=2e-3)
    with pytest.raises(ValueError, match="sides that 5 divides"):
        layers.Downsampling(5)(x)


def test_a_corruption_of_another_factor_is_refused():
    with pytest.raises(ValueError, match="shrinks sides by 4, the scale. Received"):
        keras_gen.SRResNet(image_shape=(16, 16, 3), corruption=layers.Downsampling(2))


def test_small_pictures_of_any_size_are_enlarged_in_tiles_too():
    model = keras_gen.SRResNet(image_shape=(16, 16, 3), scale=2, filters=4, blocks=1)
    x = pictures(2, 11, 14)
    whole = model.super_resolve(x)
    assert whole.shape == (2, 22, 28, 3)
    assert model.translate(x, tile=8).shape == whole.shape


def test_pictures_of_several_sizes_are_made_small_and_others_refused():
    model = keras_gen.SRResNet(image_shape=(16, 16, 3), scale=2, filters=4, blocks=1)
    for height, width in ((16, 16), (20, 12), (8, 30)):
        small = model.corrupt(pictures(2, height, width))
        assert small.shape == (2, height // 2, width // 2, 3)
    with pytest.raises(ValueError, match=r"2 divides. Received: shape \(2, 9, 16, 3"):
        model.corrupt(pictures(2, 9, 16))


def test_features_are_of_a_presets_layer(tmp_path):
    folder = tiny.colour_judge(tmp_path / "judge")
    options = {"image_shape": (16, 16, 3), "filters": 4, "blocks": 1}
    options |= {"critic_filters": (4,), "critic_hidden": 4, "feature_scale": 1.0}
    model = keras_gen.SRGAN(features=folder, **options)
    model.compile(run_eagerly=True)
    x = pictures(4)
    model.fit(x, batch_size=4, verbose=0)
    small, large = model.pairs((x,))
    seen = [model.features(z) for z in (large, model.made(small))]
    assert seen[0].shape == (4, 8, 8, 8)  # before the pooling
    content = np.square(seen[0] - seen[1]).mean(axis=(1, 2, 3))
    found = model.generator_loss(small, large)["content"]
    np.testing.assert_allclose(found, content, rtol=1e-4)
    other = keras_gen.SRGAN(features=folder, **options | {"image_shape": (32, 32, 3)})
    other.compile()
    with pytest.raises(ValueError, match=r"features of pictures \(32, 32, 3\)"):
        other.fit(pictures(4, 32, 32), verbose=0)


@pytest.mark.parametrize("weight", [0.0, 50.0])
def test_the_generators_loss_is_equation_3_and_the_pixels(tmp_path, weight):
    model = keras_gen.SRGAN(
        image_shape=(16, 16, 3),
        filters=4,
        blocks=1,
        critic_filters=(4,),
        critic_hidden=4,
        features=tiny.colour_judge(tmp_path / "judge"),
        adversarial_weight=0.5,
        pixel_weight=weight,
    )
    model.compile(run_eagerly=True)
    model.fit(pictures(4), batch_size=4, verbose=0)
    small, large = model.pairs((pictures(4),))
    made = model.made(small)
    scores = np.asarray(model.critic(made, training=True))[:, 0]
    pixels = np.square(made - large).mean(axis=(1, 2, 3)) / 4
    found = model.generator_loss(small, large)
    expected = found["content"] + 0.5 * np.logaddexp(0, -scores) + weight * pixels
    np.testing.assert_allclose(found["generator_loss"], expected, rtol=1e-4)
