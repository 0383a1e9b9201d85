"""Networks and the model that grow: their parts, their counts, their fades."""

import conformance
import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gen
from keras_gen import callbacks, layers, losses, networks

# Of the authors' networks for 1024 pixels, finest first.
PAPER = (16, 32, 64, 128, 256, 512, 512, 512, 512)


@pytest.fixture
def model():
    return conformance.make("ProgressiveGAN")


def column(value, rows=3):
    return np.full((rows, 1), value, "float32")


# Layers


@pytest.mark.parametrize("rate", [1.0, 0.01])
def test_equalised_weights_start_as_he_says(rate):
    layer = layers.EqualizedDense(400, rate=rate)
    x = conformance.noise(50, 300, seed=0)
    y = np.array(layer(x))
    assert y.std() == pytest.approx(np.sqrt(2), rel=0.03)
    assert np.array(layer.weight).std() == pytest.approx(1 / rate, rel=0.01)


def test_a_slower_layer_moves_less_by_the_same_step():
    moved = {}
    for rate in (1.0, 0.01):
        layer = layers.EqualizedDense(4, rate=rate, gain=1.0)
        layer.build((None, 9))
        before = np.array(layer.kernel)
        layer.weight.assign_add(tf.ones_like(layer.weight))
        moved[rate] = np.array(layer.kernel) - before
    np.testing.assert_allclose(moved[1.0], 1 / 3, rtol=1e-5)
    np.testing.assert_allclose(moved[0.01], 1 / 300, rtol=1e-3)


def test_an_equalised_convolution_is_one_of_its_kernel():
    layer = layers.EqualizedConv2D(5, 3, bias=0.5)
    x = conformance.noise(2, 6, 7, 3, seed=1)
    plain = keras.layers.Conv2D(5, 3, padding="same")
    plain.build(x.shape)
    found = layer(x)
    plain.set_weights([layer.kernel, np.full(5, 0.5)])
    np.testing.assert_allclose(found, plain(x), atol=1e-5)
    std = np.array(layer.kernel).std() * np.sqrt(27)
    assert std == pytest.approx(np.sqrt(2), rel=0.15)


def test_pixels_are_normalised():
    x = 7 * conformance.noise(2, 3, 4, 6, seed=0)
    y = np.array(layers.PixelNormalization()(x))
    np.testing.assert_allclose((y**2).mean(axis=-1), 1, rtol=1e-5)
    np.testing.assert_allclose(y * np.sqrt((x**2).mean(-1, keepdims=True)), x, 1e-4)


def test_drift_costs_the_square_of_real_scores():
    real, fake = conformance.noise(4, 1, seed=0), conformance.noise(4, 1, seed=1)
    plain, drifting = losses.Wasserstein(), losses.Wasserstein(drift=0.25)
    more = drifting.critic(real, fake) - plain.critic(real, fake)
    np.testing.assert_allclose(more, 0.25 * real[:, 0] ** 2, rtol=1e-5)


# Networks


@pytest.mark.parametrize("make", ["generator", "critic"])
def test_networks_for_1024_pixels_are_as_large_as_the_papers(make):
    shape = (1024, 1024, 3)
    if make == "generator":
        network = networks.GrowingGenerator(512, shape, PAPER)
    else:
        network = networks.GrowingCritic(shape, PAPER)
    # Table 2 counts the last size's layers, with its converter of colours alone.
    used = sum(int(np.prod(v.shape)) for v in network.active_variables())
    older = network.colours[-2].count_params()
    assert round((used - older) / 1e6, 1) == 23.1


@pytest.mark.parametrize("stage", [1, 2])
def test_a_level_fades_in_from_the_enlarged_picture_of_the_one_before(model, stage):
    generator = model.generator
    latents = conformance.noise(3, model.latent_dim, seed=0)

    def made(stage, alpha):
        generator.stage = stage
        return np.array(generator([latents, column(alpha)]))

    before, faint = made(stage - 1, 1.0), made(stage, 0.0)
    assert faint.shape[1:] == generator.shape_at(stage)
    enlarged = before.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_allclose(faint, enlarged, atol=1e-6)
    x = latents
    for block in generator.blocks[: stage + 1]:
        x = block(x)
    full = made(stage, 1.0)
    np.testing.assert_allclose(full, generator.colours[stage](x), atol=1e-6)
    np.testing.assert_allclose(made(stage, 0.25), 0.75 * faint + 0.25 * full, atol=1e-6)


@pytest.mark.parametrize("stage", [1, 2])
def test_levels_with_styles_fade_in_likewise(stage):
    generator = conformance.make("StyleGAN", filters=(3, 4, 6)).generator
    styles = generator.spread(generator.map(conformance.noise(3, 4, seed=0)))

    def made(stage, alpha):
        generator.stage = stage
        return np.array(generator.synthesize(styles, column(alpha)))

    before, faint, full = made(stage - 1, 1.0), made(stage, 0.0), made(stage, 1.0)
    enlarged = before.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_allclose(faint, enlarged, atol=1e-6)
    np.testing.assert_allclose(made(stage, 0.25), 0.75 * faint + 0.25 * full, atol=1e-6)
    assert np.abs(full - faint).max() > 1e-3


@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("stage", [1, 2])
def test_a_critic_without_its_newest_level_is_the_one_before(stage, smooth):
    keras.utils.set_random_seed(0)
    critic = networks.GrowingCritic(conformance.IMAGE_SHAPE, (3, 4, 6), smooth=smooth)
    large = conformance.noise(4, *critic.shape_at(stage), seed=0)
    n, h, w, c = large.shape
    small = large.reshape(n, h // 2, 2, w // 2, 2, c).mean(axis=(2, 4))

    def scores(stage, pictures, alpha):
        critic.stage = stage
        return np.array(critic([pictures, column(alpha, n)]))

    faint = scores(stage, large, 0.0)
    np.testing.assert_allclose(faint, scores(stage - 1, small, 1.0), atol=1e-6)
    assert np.abs(faint - scores(stage, large, 1.0)).max() > 1e-3


def test_only_what_a_stage_uses_is_trained():
    generator = networks.GrowingGenerator(4, (8, 8, 1), (3, 4))
    assert len(generator.active_variables()) == len(generator.trainable_variables)
    generator.stage = 0
    with tf.GradientTape() as tape:
        pictures = generator([conformance.noise(2, 4, seed=0), column(1.0, 2)])
    gradients = tape.gradient(pictures, [v.value for v in generator.variables])
    used = [v.path for v, g in zip(generator.variables, gradients) if g is not None]
    assert [v.path for v in generator.active_variables()] == used
    assert len(used) == 6


def test_sides_that_do_not_divide_are_refused():
    with pytest.raises(ValueError, match=r"Expected sides that 4 divides.*\(8, 6, 1\)"):
        keras_gen.ProgressiveGAN(image_shape=(8, 6, 1), filters=(2, 2, 2))


# The model


def test_alpha_moves_with_the_pictures_shown(model):
    model.compile(run_eagerly=True)
    stages = callbacks.Stages([1, 1, 2])
    alphas = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            alphas.append((model.stage, float(model.alpha())))

    x = conformance.examples("ProgressiveGAN", 16)
    model.fit(x, batch_size=8, epochs=4, callbacks=[stages, Watch()], verbose=0)
    fade = model.fade
    assert fade == 20
    assert [stage for stage, _ in alphas] == [0, 0, 1, 1, 2, 2, 2, 2]
    expected = [1, 1, 8 / fade, 16 / fade, 8 / fade, 16 / fade, 1, 1]
    np.testing.assert_allclose([alpha for _, alpha in alphas], expected, rtol=1e-6)
    assert np.array(model.shown).tolist() == [16, 16, 32]


def test_optimizers_start_anew_with_a_stage_and_counts_go_on(model):
    model.compile(run_eagerly=True)
    x = conformance.examples("ProgressiveGAN", 16)
    stages = callbacks.Stages([1, 1, 1])
    model.fit(x, batch_size=8, verbose=0, callbacks=[stages])
    critic = model.optimizer["critic"]
    critic.learning_rate = 0.5
    moments = [v for v in critic.variables if "velocity" in v.path]
    assert int(critic.iterations) == 2
    assert max(float(np.abs(v).max()) for v in moments) > 0
    model.enter_stage(0)  # where it is
    assert int(critic.iterations) == 2
    model.enter_stage(1)
    assert int(critic.iterations) == 0
    assert max(float(np.abs(v).max()) for v in moments) == 0
    assert float(critic.learning_rate) == 0.5
    assert int(model.optimizer.iterations) == 2
    model.set_stage(0)
    np.testing.assert_array_equal(model.shown, [16, 0, 0])


def test_latents_that_are_normalised_cannot_be_truncated(model):
    with pytest.raises(
        ValueError, match=r"truncation=1 of .* Received: truncation=0.5"
    ):
        model.generate(2, truncation=0.5)


def test_real_pictures_are_as_blurred_as_the_fade_is_young(model):
    x = conformance.noise(2, *conformance.IMAGE_SHAPE, seed=0)
    h, w, c = conformance.IMAGE_SHAPE
    small = x.reshape(2, h // 2, 2, w // 2, 2, c).mean(axis=(2, 4))
    blurred = small.repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_allclose(model.seen(x), blurred, atol=1e-6)
    model.shown.assign([0, 0, model.fade // 4])
    np.testing.assert_allclose(model.seen(x), 0.75 * blurred + 0.25 * x, atol=1e-6)
    model.set_stage(0)
    smallest = small.reshape(2, h // 4, 2, w // 4, 2, c).mean(axis=(2, 4))
    np.testing.assert_allclose(model.seen(x), smallest, atol=1e-6)


def test_pictures_are_of_the_last_size_at_any_stage(model):
    pictures = {}
    for stage in range(3):
        model.set_stage(stage)
        pictures[stage] = model.generate(2, seed=0)
        assert pictures[stage].shape == (2, *conformance.IMAGE_SHAPE)
    blocks = pictures[0][:, ::4, ::4].repeat(4, axis=1).repeat(4, axis=2)
    np.testing.assert_array_equal(pictures[0], blocks)


def test_a_fade_goes_on_where_it_was(model, tmp_path):
    model.compile()
    model.set_stage(1)
    model.fit(conformance.examples("ProgressiveGAN", 8), batch_size=8, verbose=0)
    model.save_weights(tmp_path / "half.weights.h5")
    again = conformance.make("ProgressiveGAN", seed=3)
    again.compile()
    again.load_weights(tmp_path / "half.weights.h5")
    assert again.stage == 1
    assert float(again.alpha()) == pytest.approx(8 / model.fade)
    np.testing.assert_array_equal(again.generate(2, seed=0), model.generate(2, seed=0))
