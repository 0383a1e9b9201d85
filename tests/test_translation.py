"""Models from pictures to pictures: pairs, any size, tiles, histories."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_gen
from keras_gen import data, layers
from keras_gen.engine import backend, random
from keras_gen.models import tiling


def pictures(n, height=16, width=16, channels=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.random((n, height, width, channels)).astype("float32")


def local_model():
    """A Pix2Pix whose generator is one 3x3 convolution."""
    inputs = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(3, 3, padding="same", activation="tanh")(inputs)
    generator = keras.Model(inputs, x)
    return keras_gen.Pix2Pix(
        image_shape=(16, 16, 3), generator=generator, receptive_field=16, stride=4
    )


def small_pix2pix(**options):
    sizes = {"image_shape": (16, 16, 3), "filters": (4, 8), "receptive_field": 16}
    return keras_gen.Pix2Pix(**sizes | {"critic_filters": 4, "dropped": 1} | options)


# Pairs


def test_pairs_train_and_are_told_apart_from_pictures_alone():
    model = small_pix2pix()
    model.compile(run_eagerly=True)
    x, y = pictures(8), pictures(8, seed=1)
    history = model.fit(x, y, batch_size=4, verbose=0, validation_data=(x, y)).history
    assert {"critic_loss", "generator_loss", "l1", "val_loss"} <= set(history)
    made = model.translate(x)
    error = np.abs(made - y).mean()
    assert history["val_loss"][0] == pytest.approx(error, rel=1e-4)
    with pytest.raises(ValueError, match="Expected pairs.*Received: inputs alone"):
        model.fit(x, verbose=0)
    with pytest.raises(ValueError, match="as many targets as inputs, 8. Received: 4"):
        model.fit(x, y[:4], verbose=0)
    with pytest.raises(ValueError, match=r"\(batch, 16, 16, 3\). Received: .*8, 16"):
        model.fit(x, y[:, :8], verbose=0)


def test_a_corruption_makes_the_inputs():
    model = small_pix2pix(corruption=layers.Greyscale())
    model.compile(run_eagerly=True)
    y = pictures(8)
    model.fit(y, batch_size=4, verbose=0)
    grey = model.corrupt(y)
    np.testing.assert_allclose(grey[..., 0], y @ [0.299, 0.587, 0.114], atol=1e-6)
    with pytest.raises(ValueError, match=r"with a corruption. Received: one of pairs"):
        small_pix2pix().corrupt(y)
    with pytest.raises(ValueError, match="no outputs beside a corruption"):
        small_pix2pix(corruption=layers.Greyscale(), outputs=1)


def test_augmentation_changes_both_of_a_pair_alike():
    model = small_pix2pix(augmentation=layers.RandomShift(3))
    model.compile()
    x = pictures(6)
    stream = random.Stream(backend, backend.key(0), lambda rows: (rows, None))
    with random.use(stream):
        inputs, targets = model.pairs((x, 1 - x))
        same = model.pairs((x, 1 - x), training=False)
    np.testing.assert_allclose(inputs, -np.asarray(targets), atol=1e-6)
    assert np.abs(inputs - (2 * x - 1)).max() > 0.1
    np.testing.assert_allclose(same[0], 2 * x - 1, atol=1e-6)


def test_without_the_adversarial_loss_the_critic_does_not_learn():
    model = small_pix2pix(adversarial_weight=0.0)
    model.compile(run_eagerly=True)
    before = model.critic.get_weights()
    history = model.fit(pictures(8), pictures(8), batch_size=4, verbose=0).history
    for a, b in zip(before, model.critic.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert history["generator_loss"][0] == pytest.approx(200 * history["l1"][0])


def test_the_generators_loss_is_equation_4():
    model = small_pix2pix(dropout=0.0, l1_weight=10.0)
    model.compile()
    x, y = (tf.constant(2 * pictures(3, seed=s) - 1) for s in (0, 1))
    losses = model.generator_loss(x, y)
    made = np.asarray(model.generator(x), "float64")
    scores = np.asarray(model.critic(np.concatenate([x, made], axis=-1)), "float64")
    adversarial = np.log1p(np.exp(-scores)).mean(axis=(1, 2, 3))
    absolute = np.abs(y - made).mean(axis=(1, 2, 3))
    expected = adversarial + 10 * absolute
    np.testing.assert_allclose(losses["generator_loss"], expected, rtol=1e-5)
    np.testing.assert_allclose(losses["l1"], absolute / 2, rtol=1e-5)


# Any size


def test_sides_that_the_stride_does_not_divide_are_padded_and_cropped():
    model = local_model()
    x = pictures(2, 18, 21)
    made = model.translate(x)
    assert made.shape == x.shape
    assert made.dtype == np.float32
    mirrored = np.pad(x, [(0, 0), (0, 2), (0, 3), (0, 0)], mode="symmetric")
    np.testing.assert_allclose(made, model.call(mirrored)[:, :18, :21], atol=1e-6)


@pytest.mark.parametrize(("tile", "overlap"), [(8, 2), (12, 5), (16, 4), (40, 8)])
def test_tiles_join_to_what_whole_pictures_give(tile, overlap):
    model = local_model()
    x = pictures(2, 37, 22)
    whole, parts = model.translate(x), model.translate(x, tile=tile, overlap=overlap)
    assert parts.shape == whole.shape
    # A tile's own edge is padded otherwise, a pixel deep, and counts least there.
    assert np.abs(whole - parts).mean() < 0.03


def test_identical_tiles_blend_to_themselves():
    x = pictures(1, 23, 31, 2)
    for tile, overlap, scale in ((8, 3, 1), (10, 0, 2), (23, 22, 1)):
        made = tiling.tiled(
            lambda part, k=scale: part.repeat(k, axis=1).repeat(k, axis=2),
            x,
            tile=tile,
            overlap=overlap,
            scale=scale,
        )
        expected = x.repeat(scale, axis=1).repeat(scale, axis=2)
        np.testing.assert_allclose(made, expected, atol=1e-6)


def test_tiles_cover_a_side_and_overlap():
    for side, tile, overlap in ((37, 8, 2), (100, 32, 16), (33, 32, 4), (32, 32, 4)):
        found = tiling.starts(side, tile, overlap)
        assert found[0] == 0
        assert found[-1] == side - tile
        assert np.diff(found).max(initial=0) <= tile - overlap


@pytest.mark.parametrize(
    "options", [{"tile": 6}, {"tile": 8, "overlap": 8}, {"tile": 0}]
)
def test_tiles_that_do_not_fit_are_refused(options):
    with pytest.raises(ValueError, match="multiple of 4, the model's stride.*Received"):
        local_model().translate(pictures(1), **options)


def test_other_channels_are_refused():
    with pytest.raises(ValueError, match=r"\(batch, None, None, 3\). Received: .*1\)"):
        local_model().translate(pictures(1, channels=1))


def test_a_seed_draws_the_generators_dropout():
    model = small_pix2pix()
    x = pictures(3)
    first = model.translate(x, seed=1)
    np.testing.assert_array_equal(first, model.translate(x, seed=1))
    assert np.abs(first - model.translate(x, seed=2)).max() > 1e-3
    assert np.abs(first - model.translate(x)).max() > 1e-3


def test_the_showcase_is_of_inputs_results_and_truth():
    model = small_pix2pix(corruption=layers.Greyscale())
    y = pictures(10)
    shown = model.showcase(y)
    assert shown.images.shape == (24, 16, 16, 3)
    assert shown.columns == 8
    np.testing.assert_allclose(shown.images[16:], y[:8], atol=1e-6)
    np.testing.assert_allclose(
        shown.images[8:16], model.colorize(model.corrupt(y[:8])), atol=1e-6
    )


# Cycles


def small_cycle_gan(**options):
    sizes = {"image_shape": (8, 8, 3), "filters": (4, 4), "blocks": 1}
    sizes |= {"receptive_field": 16, "critic_filters": 4}
    return keras_gen.CycleGAN(**sizes | options)


def test_cycles_and_identities_are_of_the_right_kinds():
    model = small_cycle_gan(identity_weight=5.0, cycle_weight=10.0)
    model.compile()
    a, b = (tf.constant(2 * pictures(2, 8, 8, seed=s) - 1) for s in (0, 1))
    there, back = model.generator_ab, model.generator_ba

    def error(x, y):
        return np.abs(np.asarray(x) - np.asarray(y)).mean(axis=(1, 2, 3))

    found = model.generator_loss(a, b)
    cycle = error(back(there(a)), a) + error(there(back(b)), b)
    same = error(there(b), b) + error(back(a), a)
    adversarial = sum(
        ((np.asarray(critic(x)) - 1) ** 2).mean(axis=(1, 2, 3))
        for critic, x in ((model.critic_a, back(b)), (model.critic_b, there(a)))
    )
    np.testing.assert_allclose(found["cycle"], cycle / 4, rtol=1e-4)
    np.testing.assert_allclose(found["identity"], same / 4, rtol=1e-4)
    total = adversarial + 10 * cycle + 5 * same
    np.testing.assert_allclose(found["generator_loss"], total, rtol=1e-4)
    loss = model.validate(((a + 1) / 2, (b + 1) / 2))["loss"]
    np.testing.assert_allclose(loss, cycle / 4, rtol=1e-4)


def test_pictures_go_there_and_back():
    model = small_cycle_gan()
    x = pictures(2, 8, 8)
    np.testing.assert_allclose(
        model.translate(x, reverse=True),
        (model.generator_ba(2 * x - 1) + 1) / 2,
        atol=1e-6,
    )
    assert np.abs(model.translate(x) - model.translate(x, reverse=True)).max() > 1e-4


def test_kinds_of_other_lengths_and_channels():
    model = small_cycle_gan(outputs=1, identity_weight=0.0)
    model.compile(run_eagerly=True)
    a, b = pictures(9, 8, 8), pictures(5, 8, 8, 1)
    model.fit(a, b, batch_size=2, verbose=0)
    assert int(model.optimizer.iterations) == 4
    assert model.translate(a).shape == (9, 8, 8, 1)
    assert model.translate(b, reverse=True).shape == (5, 8, 8, 3)
    with pytest.raises(ValueError, match="identity_weight=0 for kinds of 3 and 1"):
        small_cycle_gan(outputs=1)
    with pytest.raises(ValueError, match="Expected no corruption"):
        small_cycle_gan(corruption=layers.Greyscale())


def run_history(layer, batches, seed=0):
    found = []
    for k, batch in enumerate(batches):
        key = backend.key(seed, k)
        stream = random.Stream(backend, key, lambda rows: (rows, None))
        with random.use(stream):
            found.append(np.asarray(layer(batch)))
    return found


def test_the_history_fills_up_and_then_swaps_half():
    layer = layers.HistoryBuffer(10, (1, 1, 1))
    numbers = np.arange(400, dtype="float32").reshape(100, 4, 1, 1, 1)
    found = run_history(layer, numbers)
    np.testing.assert_array_equal(
        np.concatenate(found[:2]), np.concatenate(numbers[:2])
    )
    given, made = numbers.ravel(), np.concatenate(found).ravel()
    swapped = (given != made)[10:]
    assert 0.4 < swapped.mean() < 0.6
    kept = np.asarray(layer.kept).ravel()
    # Every picture was returned once or lies in the buffer.
    np.testing.assert_array_equal(
        np.sort(np.r_[made[given != made], kept]),
        np.sort(np.r_[given[:10], given[10:][swapped]]),
    )
    assert int(layer.count) == 10


def test_the_history_holds_pictures_of_one_batch_in_order():
    one, many = (layers.HistoryBuffer(6, (1, 1, 1)) for _ in range(2))
    numbers = np.arange(16, dtype="float32").reshape(16, 1, 1, 1)
    draws = np.random.default_rng(0).random((16, 2)).astype("float32")

    class Given:
        override = True

        def __init__(self, values):
            self.values = values

        def draw(self, kind, shape, step=None):
            return keras.ops.convert_to_tensor(self.values)

    with random.use(Given(draws)):
        together = np.asarray(many(numbers))
    alone = []
    for k in range(16):
        with random.use(Given(draws[k : k + 1])):
            alone.append(np.asarray(one(numbers[k : k + 1])))
    np.testing.assert_array_equal(together, np.concatenate(alone))
    np.testing.assert_array_equal(one.kept, many.kept)


# What makes inputs


def test_edges_of_planes_are_their_slopes():
    down, across = np.mgrid[:9, :9] / 8.0
    plane = (0.6 * down + 0.8 * across) / 1.4
    picture = np.repeat(plane[None, ..., None], 3, axis=-1).astype("float32")
    edges = np.asarray(layers.Edges(gain=1.0)(picture))
    # Sobel's operator gives 8 times the slope a pixel.
    slope = 8 * np.hypot(0.6, 0.8) / 1.4 / 8 / np.sqrt(18)
    np.testing.assert_allclose(edges[0, 1:-1, 1:-1], slope, rtol=1e-5)
    assert not np.any(layers.Edges()(0 * picture + 0.3))
    step = (down + across > 1).astype("float32")[None, ..., None]
    assert np.asarray(layers.Edges(gain=1.0)(step)).max() == pytest.approx(1.0)


# Unpaired data


def test_unpaired_pipelines_go_on_in_orders_of_their_own():
    first = data.pipeline(np.arange(8)[:, None], batch_size=2, seed=1)
    second = data.pipeline(100 + np.arange(6)[:, None], batch_size=2, seed=2)
    both = data.Unpaired(first, second)
    assert len(both) == 4
    assert both.num_examples == 8
    epochs = [list(both.batches(epoch)) for epoch in range(3)]
    seen = np.array(epochs)[..., 0]  # (epochs, steps, 2, rows)
    for epoch in seen:
        assert sorted(epoch[:, 0].ravel()) == list(range(8))
    shorter = seen[:, :, 1].ravel().reshape(-1, 6)  # its own epochs
    for epoch in shorter:
        assert sorted(epoch) == list(range(100, 106))
    assert len({tuple(e) for e in shorter}) > 1
    again = list(both.batches(1, start=2))
    np.testing.assert_array_equal(np.array(again), np.array(epochs[1][2:]))
    parts = [both.shard(k, 2).first_batch() for k in range(2)]
    joined = [np.concatenate(columns) for columns in zip(*parts, strict=True)]
    np.testing.assert_array_equal(joined, both.first_batch())


def test_unpaired_pipelines_of_other_sizes_or_several_fields_are_refused():
    x = pictures(8)
    one = data.pipeline(x, batch_size=4)
    with pytest.raises(ValueError, match=r"one batch size. Received: \(4, 2\)"):
        data.Unpaired(one, data.pipeline(x, batch_size=2))
    with pytest.raises(ValueError, match="a single field each"):
        data.Unpaired(one, data.pipeline((x, np.arange(8)), batch_size=4))
