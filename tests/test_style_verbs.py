"""What models with styles do: truncation, mixing, projection, exports."""

import conformance
import numpy as np
import pytest
import tensorflow as tf
from test_style import numbers

import keras_gen
from benchmarks import mixing
from keras_gen.training.publish import GOLDEN_ROWS, golden


@pytest.fixture(scope="module", params=["StyleGAN", "StyleGAN2"])
def either(request):
    model = conformance.make(request.param, filters=(3, 4, 6))
    model.mean_style.assign(conformance.noise(6, seed=9))
    if request.param == "StyleGAN":  # its last level has faded in
        model.shown.assign([0, 0, model.fade])
    return model


def test_truncation_draws_styles_to_their_mean(either):
    plain = either.generate(3, seed=1)
    np.testing.assert_array_equal(either.generate(3, seed=1, truncation=1.0), plain)
    mean = either.synthesize(numbers(either.mean_style)[None])
    none = either.generate(3, seed=1, truncation=0.0)
    np.testing.assert_allclose(none, np.broadcast_to(mean, none.shape), atol=1e-5)
    half = either.generate(3, seed=1, truncation=0.5)
    styles = either._styles_at([1])
    between = (styles + numbers(either.mean_style)) / 2
    np.testing.assert_allclose(half[:1], either.synthesize(between), atol=1e-5)
    before = len(either._programs)
    either.generate(3, seed=1, truncation=0.3)
    assert len(either._programs) == before  # one program for all truncations
    with pytest.raises(ValueError, match=r"Expected a truncation in \[-1, 1\].*1.5"):
        either.generate(1, truncation=1.5)


def test_maps_and_synthesizes_what_decode_shows(either):
    z = conformance.noise(3, 4, seed=0)
    styles = either.map(z)
    assert styles.shape == (3, 6)
    assert styles.dtype == np.float32
    np.testing.assert_allclose(either.synthesize(styles), either.decode(z), atol=1e-6)
    full = np.repeat(styles[:, None], either.num_styles, axis=1)
    np.testing.assert_allclose(either.synthesize(full), either.decode(z), atol=1e-6)
    with pytest.raises(ValueError, match=r"Expected styles of shape.*\(3, 4\)"):
        either.synthesize(z)


def test_mixing_takes_some_layers_from_the_other_seed(either):
    a, b = [3, 4], [5, 6, 7]
    own = {s: either.generate(1, seed=s)[0] for s in a + b}
    none = either.mix(a, b, [])
    every = either.mix(a, b, range(either.num_styles))
    some = either.mix(a, b, "fine")
    assert none.shape == (2, 3, *conformance.IMAGE_SHAPE)
    for i, first in enumerate(a):
        for j, second in enumerate(b):
            np.testing.assert_allclose(none[i, j], own[first], atol=1e-5)
            np.testing.assert_allclose(every[i, j], own[second], atol=1e-5)
    np.testing.assert_allclose(some, either.mix(a, b, [4, 5]), atol=1e-6)
    assert np.abs(some - none).max() > 1e-3
    for layers_ in ("finest", [6], [0.0], [True]):
        with pytest.raises(ValueError, match=r"Expected layers as ints in \[0, 6\)"):
            either.mix(a, b, layers_)
    with pytest.raises(ValueError, match=r"Expected one seed at least.*\[\]"):
        either.mix([], b)


def test_a_card_shows_samples_and_their_mixtures(either):
    shown = either.showcase(None)
    rows = shown.images.reshape(12, 9, *conformance.IMAGE_SHAPE)
    assert shown.columns == 9
    np.testing.assert_array_equal(
        rows[:2].reshape(18, 8, 8, 1), either.generate(18, seed=0)
    )
    tops = [either.generate(1, seed=s)[0] for s in range(8)]
    np.testing.assert_allclose(rows[2, 1:], tops, atol=1e-5)
    left = either.generate(1, seed=16)[0]
    np.testing.assert_allclose(rows[11, 0], left, atol=1e-5)
    fine = either.mix([16], range(8), "fine")[0]
    np.testing.assert_allclose(rows[11, 1:], fine, atol=1e-5)


def test_fixed_inputs_of_every_endpoint_give_outputs(either):
    arrays = golden(either)
    assert arrays["synthesize/styles"].shape == (GOLDEN_ROWS, 6, 6)
    assert arrays["map/outputs"].shape == (GOLDEN_ROWS, 6)
    pictures = (GOLDEN_ROWS, *conformance.IMAGE_SHAPE)
    for name in ("serving_default", "synthesize"):
        assert arrays[f"{name}/outputs"].shape == pictures


@pytest.mark.parametrize("free", [False, True])
def test_projection_finds_a_picture_of_its_own(free):
    model = conformance.make("StyleGAN2", filters=(3, 4, 6))
    wanted = model.generate(2, seed=3)
    start = np.square(model.synthesize(np.zeros((2, 6))) - wanted).mean()
    styles = model.project(wanted, steps=300, free=free, verbose=False)
    assert styles.shape == (2, 6, 6)
    assert np.abs(np.diff(styles, axis=1)).max() > 0 or not free
    assert np.square(model.synthesize(styles) - wanted).mean() < 0.05 * start
    with pytest.raises(ValueError, match="Expected steps as an int from 1.*0"):
        model.project(wanted, steps=0)


def test_exports_take_seed_n_and_truncation(either, tmp_path):
    either.export(tmp_path / "served")
    served = tf.saved_model.load(tmp_path / "served").signatures
    asked = {"seed": tf.constant(5), "n": tf.constant(3)}
    made = served["generate"](**asked, truncation=tf.constant(0.5))["outputs"]
    expected = either.generate(3, seed=5, truncation=0.5)
    np.testing.assert_allclose(made, expected, atol=1e-5)
    z = conformance.noise(2, 4, seed=0)
    styles = served["map"](latents=tf.constant(z))["outputs"]
    np.testing.assert_allclose(styles, either.map(z), atol=1e-5)
    full = np.repeat(numbers(styles)[:, None], either.num_styles, axis=1)
    made = served["synthesize"](styles=tf.constant(full))["outputs"]
    np.testing.assert_allclose(made, either.decode(z), atol=1e-5)


def test_generators_without_styles_are_refused():
    generator = conformance.dense((4,), conformance.IMAGE_SHAPE, "generator")
    with pytest.raises(ValueError, match="Expected a generator with `map`"):
        conformance.make("StyleGAN2", generator=generator)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("StyleGAN2", {"path_every": 0}),
        ("StyleGAN2", {"path_shrink": 0.5}),
        ("StyleGAN2", {"mixing": 1.5}),
        ("StyleGAN", {"fade": -1}),
    ],
)
def test_numbers_out_of_range_are_refused(name, options):
    ((key, value),) = options.items()
    with pytest.raises(ValueError, match=f"Expected {key} .*Received: .*{value}"):
        conformance.make(name, **options)


@pytest.mark.parametrize("name", ["stylegan_emoji", "stylegan2_emoji"])
def test_coarse_styles_move_edges_and_fine_ones_colours(name):
    """Shares of what swapping all styles moves, over 128 pairs of pictures."""
    if name not in keras_gen.list_presets():
        pytest.skip("not published")
    shares = mixing.shares(keras_gen.from_preset(name))
    colour, edge = shares["fine"]
    assert colour > edge
    colour, edge = shares["coarse"]
    assert edge > colour
