"""Training in other precisions than float32."""

import conformance
import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_gen import engine, layers, networks, training
from keras_gen.engine import random

STYLED = ["ProgressiveGAN", "StyleGAN", "StyleGAN2"]
BFLOAT16 = [*conformance.WAYS, "WGANGP", *STYLED]


@pytest.fixture
def policy():
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy("float32")


@conformance.slow_but({"DDPM", "StyleGAN2", "VAE", "WGANGP"}, BFLOAT16)
def test_mixed_bfloat16_trains_with_finite_losses(name, policy):
    policy("mixed_bfloat16")
    model = conformance.make(name)
    network = getattr(model, model.networks[0])
    assert any(layer.compute_dtype == "bfloat16" for layer in network.layers)
    model.compile()
    x = conformance.examples(name, 16)
    labels = conformance.labels(name, 16)
    held_out = (x[:8], None if labels is None else labels[:8])
    history = model.fit(
        x, labels, batch_size=8, verbose=0, validation_data=held_out
    ).history
    assert np.isfinite(list(history.values())).all()
    assert {v.dtype for v in model.trainable_variables} == {"float32"}
    assert np.isfinite([v.sum() for v in model.get_weights()]).all()
    if model.samples():
        assert model.generate(2, seed=0).dtype == "float32"
    golden = conformance.GOLDENS[name]
    outputs = model(golden.call_inputs())
    assert keras.backend.standardize_dtype(outputs.dtype) == golden.output_dtype


def stream():
    key = engine.backend.key(0)
    return random.Stream(engine.backend, key, lambda rows: (rows, None))


def test_small_deviations_of_a_batch_are_measured_in_float32():
    x = tf.cast(5 + 0.03 * conformance.noise(8, 4, 4, 3, seed=0), "bfloat16")
    exact = layers.MinibatchStdDev(4)(tf.cast(x, "float32"))
    found = layers.MinibatchStdDev(4, dtype="mixed_bfloat16")(x)
    assert found.dtype == tf.bfloat16
    np.testing.assert_array_equal(found, tf.cast(exact, "bfloat16"))


def test_levels_that_have_faded_are_gone_under_bfloat16():
    old, new = (
        tf.cast(size * conformance.noise(1, 4, 4, 3, seed=size), "bfloat16")
        for size in (4, 1)
    )
    for alpha, expected in ((0.0, old), (1.0, new)):
        found = networks.growing.faded(old, new, tf.constant([[alpha]]))
        np.testing.assert_array_equal(found, expected)


def test_gradient_penalty_is_float32_under_bfloat16(policy):
    policy("mixed_bfloat16")
    model = conformance.make("WGANGP")
    real, fake = (tf.constant(conformance.noise(3, 8, 8, 1, seed=s)) for s in (0, 1))
    with random.use(stream()):
        penalty = model.penalty(model.penalties[0], real, fake)
    assert penalty.dtype == tf.float32
    policy("float32")
    exact = conformance.make("WGANGP")
    with random.use(stream()):
        expected = exact.penalty(exact.penalties[0], real, fake)
    np.testing.assert_allclose(penalty, expected, rtol=0.1, atol=0.02)


def test_mixed_float16_is_refused(policy):
    policy("mixed_float16")
    model = conformance.make("VAE")
    with pytest.raises(ValueError, match=r"bfloat16.*Received: mixed_float16 in 'enc"):
        model.compile()


def test_half_precision_tells_times_and_low_noise_apart(policy):
    policy("mixed_bfloat16")
    embedding = layers.SinusoidalEmbedding(8)
    even, odd = np.asarray(embedding(np.array([256.0, 257.0])), "float32")
    assert np.abs(even - odd).max() > 0.1  # bfloat16 rounds 257 to 256
    network = networks.unet((8, 8, 1), filters=(8, 8), groups=2, heads=1)
    first = next(x for x in network.layers if isinstance(x, keras.layers.Conv2D))
    until = keras.Model(network.input, first.output)
    image = np.full((1, 8, 8, 1), 0.9, "float32")
    step = 1e-3 * conformance.noise(1, 8, 8, 1, seed=0)  # bfloat16 keeps 4e-3 here
    time = np.array([3.0])
    change = until([image + step, time]) - until([image, time])
    expected = until([step, time]) - until([0 * step, time])
    np.testing.assert_allclose(change, expected, atol=2e-6)


def test_a_recipe_trains_in_its_own_precision_and_leaves_the_global_one(monkeypatch):
    monkeypatch.setattr(engine, "multiplies_in_bfloat16", lambda: True)
    tables = training.load_recipe("ddpm_fashion_mnist").tables
    tables["model"]["dtype_policy"] = "mixed_bfloat16"
    model = training.Recipe("half", tables).model()
    computed = {layer.compute_dtype for layer in model.denoiser.layers}
    assert computed == {"float32", "bfloat16"}
    assert keras.config.dtype_policy().name == "float32"
    brief = training.Recipe("half", tables).quick().model()
    assert {layer.compute_dtype for layer in brief.denoiser.layers} == {"float32"}


def test_pictures_are_corrupted_and_shifted_in_float32(policy):
    policy("mixed_bfloat16")
    pictures = conformance.noise(2, 8, 8, 3, seed=0) ** 2
    grey = layers.Greyscale()(pictures)
    assert grey.dtype == tf.float32
    again = layers.Greyscale.from_config(layers.Greyscale(name="grey").get_config())
    np.testing.assert_array_equal(again(pictures), grey)
    with random.use(stream()):
        shifted = layers.RandomShift(0)(pictures, training=True)
    assert shifted.dtype == tf.float32
    assert set(np.unique(shifted)) == set(np.unique(pictures))


@pytest.mark.parametrize(
    ("flags", "has"), [("fpu avx2 fma", False), ("fpu avx512_bf16 fma", True)]
)
def test_bfloat16_is_taken_where_the_processor_multiplies_in_it(tmp_path, flags, has):
    said = tmp_path / "cpuinfo"
    said.write_text(f"processor\t: 0\nflags\t\t: {flags}\n")
    assert engine.multiplies_in_bfloat16(said) == has
    assert not engine.multiplies_in_bfloat16(tmp_path / "none")


@pytest.mark.parametrize(
    ("has", "taken"), [(True, "mixed_bfloat16"), (False, "float32")]
)
def test_elsewhere_recipes_train_in_float32(monkeypatch, has, taken):
    monkeypatch.setattr(engine, "multiplies_in_bfloat16", lambda: has)
    recipe = training.load_recipe("edm_emoji")
    assert recipe.tables["model"]["dtype_policy"] == "mixed_bfloat16"
    assert recipe.precision() == taken
