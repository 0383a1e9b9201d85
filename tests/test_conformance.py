"""Every model class through every property that all of them promise."""

import functools
import os
import pathlib
import shutil
import subprocess
import sys

import conformance
import keras
import numpy as np
import pytest
import tensorflow as tf
from conformance import GOLDENS, LEADING, examples

import keras_gen
from keras_gen import callbacks, data

NAMES = sorted(GOLDENS)
every_class = pytest.mark.parametrize("name", NAMES)
leading_class = conformance.slow_but(LEADING, NAMES)
untrained = functools.cache(conformance.make)  # for tests that leave it as it is
SAMPLERS = [name for name in NAMES if untrained(name).samples()]
every_sampler = pytest.mark.parametrize("name", SAMPLERS)
leading_sampler = conformance.slow_but(LEADING, SAMPLERS)
# Faster to compile, not to run: XLA's answers stay the same.
QUICK_XLA = (
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
)


def compiled(name, seed=0, **options):
    model = conformance.make(name, seed)
    model.compile(**options)
    return model


def labels(model, x):
    """What stands beside images, where the model trains on it and they are some."""
    return conformance.labels(type(model).__name__, len(x)) if _is_array(x) else None


def _is_array(x):
    return isinstance(x, np.ndarray)


def fit(model, x=None, epochs=1, held_out=None, **options):
    x = examples(type(model).__name__, 16) if x is None else x
    options = {"batch_size": 8, "verbose": 0} | options
    if held_out is not None:
        options["validation_data"] = (held_out, labels(model, held_out))
    return model.fit(x, labels(model, x), epochs=epochs, **options).history


@pytest.fixture(scope="module")
def models():
    """One trained model a class; tests leave it as it is."""
    kept = {}

    def get(name):
        if name not in kept:
            kept[name] = compiled(name)
            fit(kept[name])
        return kept[name]

    return get


def _updates(item):
    """Whether a collected test compares an update of the two backends."""
    return "on_jax" in getattr(item, "fixturenames", ())


@pytest.fixture(scope="module")
def on_jax(request, tmp_path_factory):
    """The arrays of `one_update` for the classes asked for, from the JAX backend."""
    asked = {i.callspec.params["name"] for i in request.session.items if _updates(i)}
    path = tmp_path_factory.mktemp("jax") / "updates.npz"
    variables = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": QUICK_XLA}
    program = pathlib.Path(conformance.__file__)
    subprocess.run(
        [sys.executable, str(program), str(path), *sorted(asked)],
        check=True,
        env=os.environ | variables,
    )
    return dict(np.load(path))


def test_every_exported_class_has_a_golden():
    exported = {
        name
        for name in keras_gen.models.__all__
        if isinstance(cls := getattr(keras_gen.models, name), type)
        and issubclass(cls, keras_gen.GenerativeModel)
    }
    assert exported - {"GenerativeModel"} == set(GOLDENS)
    assert exported <= set(keras_gen.__all__)


@conformance.slow_but({*LEADING, "DDPM"}, NAMES)
def test_one_update_is_the_same_on_both_backends(name, on_jax):
    arrays, _ = conformance.one_update(name)
    assert arrays[f"{name}/moved"] > GOLDENS[name].moved
    assert {key for key in on_jax if key.startswith(f"{name}/")} == set(arrays)
    for key, value in arrays.items():
        scale = max(1.0, np.abs(value).max())  # losses are sums over 64 pixels
        np.testing.assert_allclose(value, on_jax[key], atol=1e-5 * scale, err_msg=key)


@pytest.fixture(scope="module")
def mirrored():
    """One strategy for all: collectives of several get in each other's way."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@leading_class
def test_one_replica_and_two_agree_after_an_epoch_with_noise(name, mirrored):
    one = compiled(name)
    stages = [callbacks.Stages([1] * one.num_stages)]
    options = {
        "epochs": one.num_stages,
        "callbacks": stages,
        "held_out": examples(name, 8),
    }
    losses = fit(one, examples(name, 32), **options)
    with mirrored.scope():
        two = compiled(name)
    assert two.distribute_strategy.num_replicas_in_sync == 2
    again = fit(two, examples(name, 32), **options)
    assert set(losses) == set(again)
    for key, values in losses.items():
        np.testing.assert_allclose(values, again[key], rtol=1e-5, atol=1e-5)
    conformance.assert_same_state(one, two, atol=1e-5)


class SaveAfterTwo(keras.callbacks.Callback):
    """Keeps what a run that stops after its second epoch leaves behind."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder
        self.kept = None

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            self.model.save(self.folder / "model.keras")
            shutil.copy(
                self.folder / "state.weights.h5", self.folder / "kept.weights.h5"
            )
            self.kept = conformance.state(self.model)


@leading_class
def test_resumed_and_reloaded_runs_equal_an_uninterrupted_one(name, tmp_path):
    whole, saved = compiled(name), SaveAfterTwo(tmp_path)
    written = callbacks.Checkpoint(tmp_path / "state.weights.h5")
    assert written.resume(whole, 2) == 0
    stages = callbacks.Stages(GOLDENS[name].stages)
    fit(whole, epochs=4, callbacks=[stages, written, saved])

    resumed = compiled(name, seed=1)
    checkpoint = callbacks.Checkpoint(tmp_path / "kept.weights.h5")
    assert checkpoint.resume(resumed, 2) == 2
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(whole)
    for model in (resumed, loaded):
        for a, b in zip(saved.kept, conformance.state(model), strict=True):
            np.testing.assert_array_equal(a, b)
        assert int(model.optimizer.iterations) == 4
        fit(model, epochs=4, initial_epoch=2, callbacks=[stages])
        conformance.assert_same_state(whole, model)


@leading_sampler
def test_samples_depend_on_seed_and_place_alone(name, models):
    model = models(name)
    many = model.generate(200, seed=3, verbose=False)
    assert many.shape == (200, *conformance.IMAGE_SHAPE)
    assert many.dtype == "float32"
    assert many.min() >= 0
    assert many.max() <= 1
    assert many.std(axis=0).max() > 1e-3
    for n in (1, 16, 128, 150):
        np.testing.assert_allclose(model.generate(n, seed=3), many[:n], atol=1e-5)
    np.testing.assert_array_equal(model.generate(5, seed=3), model.generate(5, seed=3))
    assert np.abs(model.generate(16, seed=4) - many[:16]).max() > 1e-3
    assert np.abs(many[128:144] - many[:16]).max() > 1e-3
    assert np.abs(model.generate(16) - model.generate(16)).max() > 1e-3


@every_sampler
@pytest.mark.parametrize(
    ("n", "seed"), [(0, 0), (-1, 0), (1.5, 0), (True, 0), (4, -1), (4, 2**31), (4, 0.5)]
)
def test_bad_numbers_of_samples_and_seeds_are_refused(name, n, seed):
    with pytest.raises(ValueError, match=r"Expected .* Received: "):
        untrained(name).generate(n, seed=seed)


@leading_class
def test_presets_give_the_same_outputs(name, models, tmp_path):
    model = models(name)
    model.save_to_preset(tmp_path / "preset")
    again = type(model).from_preset(tmp_path / "preset")
    inputs = GOLDENS[name].call_inputs()
    np.testing.assert_array_equal(model(inputs), again(inputs))
    assert again.compiled
    if model.samples():
        first, second = model.generate(8, seed=0), again.generate(8, seed=0)
        np.testing.assert_array_equal(first, second)


@leading_class
def test_verbs_and_presets_take_the_moving_averages(name, tmp_path):
    model = conformance.make(name)
    trained = [n for n in model.networks if getattr(model, n).trainable_variables]
    model.compile(averages=dict.fromkeys(trained, 0.5))
    fit(model, epochs=3)
    model.save_to_preset(tmp_path / "preset")
    again = keras_gen.from_preset(tmp_path / "preset")
    inputs = GOLDENS[name].call_inputs()
    np.testing.assert_array_equal(model(inputs), again(inputs))
    x = conformance.examples(name, 8)
    options = {"batch_size": 8, "verbose": 0, "return_dict": True}
    losses = [m.evaluate(x, labels(m, x), **options) for m in (model, again)]
    if "GAN" not in name:  # whose critics see samples of the generator in training
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)


@leading_class
def test_predict_is_call_in_batches(name, models):
    model, inputs = models(name), GOLDENS[name].call_inputs()
    outputs = model.predict(inputs, verbose=0)
    np.testing.assert_allclose(outputs, model(inputs), atol=1e-5)
    assert outputs.shape == (3, *GOLDENS[name].output_shape)
    assert outputs.dtype == GOLDENS[name].output_dtype
    assert outputs.min() >= GOLDENS[name].output_range[0]
    assert outputs.max() <= GOLDENS[name].output_range[1]


@every_class
def test_models_come_back_from_their_config(name):
    model = conformance.make(name)
    config = model.get_config()
    again = type(model).from_config(config)
    assert again.get_config() == config
    again.set_weights(model.get_weights())
    inputs = GOLDENS[name].call_inputs()
    np.testing.assert_array_equal(model(inputs), again(inputs))


@every_class
def test_unknown_keywords_are_refused(name):
    with pytest.raises(TypeError, match="latent_dims"):
        GOLDENS[name].make(latent_dims=3)


@leading_class
def test_given_networks_train_and_come_back(name, tmp_path):
    model = GOLDENS[name].make(**GOLDENS[name].given())
    model.compile(run_eagerly=True)
    before = model.get_weights()
    history = fit(model, examples(name, 8))
    assert np.isfinite(list(history.values())).all()
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))
    model.save_to_preset(tmp_path / "preset")
    again = keras_gen.from_preset(tmp_path / "preset")
    inputs = GOLDENS[name].call_inputs()
    np.testing.assert_array_equal(model(inputs), again(inputs))


@every_class
def test_given_networks_of_other_shapes_are_refused(name):
    for network in conformance.make(name).networks:
        wrong = {network: conformance.dense((5,), (3,), "wrong")}
        with pytest.raises(ValueError, match=f"Expected {network} to .*Received: "):
            GOLDENS[name].make(**wrong)


@every_class
def test_bad_data_are_refused_before_anything_changes(name):
    model = compiled(name)
    before = conformance.state(model)
    for bad in GOLDENS[name].bad().values():
        with pytest.raises(ValueError, match=r"Expected [\s\S]*Received: "):
            model.fit(bad, labels(model, bad), batch_size=8, verbose=0)
        with pytest.raises(ValueError, match=r"Expected [\s\S]*Received: "):
            model.evaluate(bad, verbose=0)
        if bad is None:
            continue
        with pytest.raises(ValueError, match=r"Expected [\s\S]*Received: "):
            fit(model, examples(name, 8), held_out=bad)
        if len(bad):
            with pytest.raises(ValueError, match=r"Expected [\s\S]*Received: "):
                fit(model, tf.data.Dataset.from_tensors(bad))
            with pytest.raises(ValueError, match=r"Expected [\s\S]*Received: "):
                fit(model, data.pipeline(bad, batch_size=len(bad)), batch_size=None)
    for a, b in zip(before, conformance.state(model), strict=True):
        np.testing.assert_array_equal(a, b)


@conformance.slow_but({"Classifier", "VAE"}, conformance.WAYS)
def test_fit_takes_arrays_pipelines_and_datasets(name):
    x = examples(name, 16)
    y = conformance.labels(name, 16)
    alone = y is None
    y = np.arange(16) % 3 if alone else y
    pairs = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)
    sources = [
        x,
        *([(x / 255).astype("float32")] if x.dtype == np.uint8 else []),
        data.pipeline((x, y), batch_size=8),
        pairs,
    ]
    if alone:
        sources += [
            data.pipeline(x, batch_size=8),
            pairs.map(lambda image, label: image),
        ]
    model = compiled(name, run_eagerly=True)
    for k, source in enumerate(sources):
        size = 8 if isinstance(source, np.ndarray) else None
        fit(model, source, batch_size=size)
        assert int(model.optimizer.iterations) == 2 * (k + 1)


@conformance.slow_but({"VAE"}, conformance.WAYS)
def test_an_unshuffled_array_and_dataset_train_alike(name):
    first, second = compiled(name), compiled(name)
    fit(first, shuffle=False)
    x = examples(name, 16)
    y = labels(second, x)
    columns = x if y is None else (x, y)
    dataset = tf.data.Dataset.from_tensor_slices(columns).batch(8)
    fit(second, dataset, batch_size=None)
    # Known and unknown batch sizes compile to programs with other last bits.
    conformance.assert_same_state(first, second, atol=5e-6)


@leading_class
def test_evaluate_reports_the_loss_and_changes_nothing(name, models):
    model = models(name)
    before = conformance.state(model)
    x = examples(name, 8)
    options = {"batch_size": 8, "verbose": 0, "return_dict": True}
    first = model.evaluate(x, labels(model, x), **options)
    again = model.evaluate(x, labels(model, x), **options)
    assert np.isfinite(first["loss"])
    assert first == again
    for a, b in zip(before, conformance.state(model), strict=True):
        np.testing.assert_array_equal(a, b)
