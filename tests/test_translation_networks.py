"""Networks from pictures to pictures, and critics of patches."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gen import layers, networks


def noise(*shape):
    return np.random.default_rng(0).standard_normal(shape).astype("float32")


@pytest.mark.parametrize("side", networks.PATCHES)
def test_a_score_of_the_patch_critic_depends_on_its_patch_alone(side):
    # Without normalisation, by which a score depends on the picture's statistics too.
    critic = networks.patch_critic(2, receptive_field=side, filters=2, norm=False)
    pictures = tf.constant(noise(1, side + 70, side + 90, 2))
    with tf.GradientTape() as tape:
        tape.watch(pictures)
        scores = critic(pictures)
        place = scores.shape[1] // 2, scores.shape[2] // 2
        score = scores[0, place[0], place[1], 0]
    seen = np.abs(tape.gradient(score, pictures)[0]).sum(axis=-1) > 0
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    assert rows[-1] - rows[0] + 1 == columns[-1] - columns[0] + 1 == side
    assert seen.sum() == side**2


def test_other_receptive_fields_are_refused():
    with pytest.raises(ValueError, match=r"1, 16, 34, 70, .*Received: .*field=64"):
        networks.patch_critic(3, receptive_field=64)


def test_networks_have_the_papers_sizes():
    filters = (64, 128, 256, 512, 512, 512, 512, 512)
    assert networks.skip_generator(3, 3, filters=filters).count_params() == (
        pytest.approx(54.4e6, rel=1e-3)
    )
    residual = networks.residual_generator(3, 3, blocks=9)
    assert residual.count_params() == pytest.approx(11.38e6, rel=2e-3)
    critic = networks.patch_critic(6)
    assert critic.count_params() == pytest.approx(2.769e6, rel=1e-3)
    assert critic(np.zeros((1, 256, 256, 6), "float32")).shape == (1, 30, 30, 1)
    resolver = networks.super_resolver(3)
    assert resolver.count_params() == pytest.approx(1.55e6, rel=1e-2)


@pytest.mark.parametrize(
    ("network", "stride", "scale"),
    [
        (networks.skip_generator(3, 1, filters=(4, 4, 4), dropped=1), 8, 1),
        (networks.residual_generator(3, 1, filters=(4, 4, 8), blocks=1), 4, 1),
        (networks.super_resolver(3, filters=4, blocks=1), 1, 4),
    ],
    ids=["skips", "residual", "resolver"],
)
def test_generators_take_pictures_of_any_size_that_the_stride_divides(
    network, stride, scale
):
    pictures = noise(2, 16, stride, 3)
    made = network(pictures)
    assert made.shape == (2, scale * 16, scale * stride, made.shape[-1])
    if scale == 1:
        assert np.abs(made).max() <= 1


def test_the_skips_carry_where_something_is():
    network = networks.skip_generator(1, 1, filters=(8, 8, 8), dropped=0)
    pictures = noise(1, 32, 32, 1)
    other = pictures.copy()
    other[0, 8, 20] += 1.0
    change = np.abs(network(other) - network(pictures))[0, ..., 0]
    # The coarsest level has places of 8 pixels: without skips, blocks change alike.
    assert change[6:11, 18:23].mean() > 2 * change.mean()


def test_super_resolution_needs_a_power_of_two():
    with pytest.raises(ValueError, match="power of 2.*Received: scale=3"):
        networks.super_resolver(3, scale=3)


def test_the_picture_critic_halves_four_times_and_scores_once():
    critic = networks.picture_critic((32, 24, 3), filters=(4, 4, 8, 8), hidden=8)
    assert critic(noise(2, 32, 24, 3)).shape == (2, 1)


def test_reflection_padding_mirrors_without_repeating_the_edge():
    pictures = noise(2, 5, 4, 3)
    sides = ((0, 0), (2, 2), (2, 2), (0, 0))
    padded = layers.ReflectionPadding2D(2)(pictures)
    np.testing.assert_array_equal(padded, np.pad(pictures, sides, mode="reflect"))


@pytest.mark.parametrize("side", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("known", [False, True])
def test_reflections_go_on_where_a_picture_is_smaller_than_they_are(side, known):
    pictures = noise(2, side, 5, 3)
    pad = tf.function(
        layers.ReflectionPadding2D(3),
        input_signature=[tf.TensorSpec(pictures.shape if known else [None] * 3 + [3])],
    )
    sides = ((0, 0), (3, 3), (3, 3), (0, 0))
    np.testing.assert_array_equal(pad(pictures), np.pad(pictures, sides, "reflect"))


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("make", [networks.skip_generator, networks.residual_generator])
def test_a_flat_picture_gets_a_grid_by_transposed_convolutions_alone(make, transposed):
    keras.utils.set_random_seed(0)
    blocks = {"blocks": 1} if make is networks.residual_generator else {}
    network = make(3, 3, filters=(4, 4), transposed=transposed, **blocks)
    network.set_weights([w * 10 if w.ndim == 4 else w for w in network.get_weights()])
    inside = np.array(network(np.full((1, 64, 64, 3), 0.3, "float32")))[
        :, 16:-16, 16:-16
    ]
    spread = inside.std(axis=(1, 2)).max()
    assert spread > 1e-2 if transposed else spread < 1e-5


@pytest.mark.parametrize("groups", [None, 1])
def test_the_one_colour_of_a_picture_is_lost_by_instance_normalisation(groups):
    keras.utils.set_random_seed(0)
    network = networks.residual_generator(3, 3, filters=(4,), blocks=0, groups=groups)
    colours = np.array([[0.5, -0.5, 0.0], [-0.8, 0.1, 0.9]], "float32")
    made = np.array(network(np.broadcast_to(colours[:, None, None], (2, 16, 16, 3))))
    apart = np.abs(made[0] - made[1]).max()
    assert apart > 1e-2 if groups else apart < 1e-4


@pytest.mark.parametrize("make", [networks.skip_generator, networks.residual_generator])
def test_a_generator_that_adds_begins_with_its_input(make):
    network = make(3, 3, filters=(4, 4), adds=True)
    pictures = np.clip(noise(2, 8, 8, 3), -1, 1)
    made = np.array(network(pictures))
    assert np.abs(made - pictures).max() > 0
    assert np.abs(made).max() <= 1
    *_, kernel, bias = network.weights
    kernel.assign(np.zeros(kernel.shape))
    bias.assign(np.zeros(bias.shape))
    np.testing.assert_array_equal(network(pictures), pictures)
    with pytest.raises(ValueError, match="as many channels.*Received: 3 and 1"):
        make(3, 1, filters=(4, 4), adds=True)


@pytest.mark.parametrize("level", [0, 1, 100, 254, 255])
def test_a_palette_gives_one_level_a_colour_of_its_own(level):
    network = networks.skip_generator(1, 3, filters=(8, 8), adds=False, palette=2)
    (table,) = [w for w in network.weights if tuple(w.shape) == (256, 2)]
    pictures = np.arange(256, dtype="float32").reshape(1, 16, 16, 1) / 127.5 - 1
    before = np.array(network(pictures))
    rows = np.array(table)
    rows[level] += 5.0
    table.assign(rows)
    changed = np.abs(np.array(network(pictures)) - before).max(axis=-1)[0] > 0
    # The last convolution sees a pixel's neighbours.
    near = np.zeros((18, 18), bool)
    row, column = np.divmod(level, 16)
    near[row : row + 3, column : column + 3] = True
    assert changed[row, column]
    assert not (changed & ~near[1:-1, 1:-1]).any()
