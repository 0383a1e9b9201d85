"""Training in stages: who leads through them, what changes, what keeps them."""

import os
import pathlib
import subprocess
import sys

import conformance
import h5py
import keras
import numpy as np
import pytest

import keras_gen
from keras_gen import callbacks
from keras_gen.callbacks import Stages

X = conformance.images(16)


@keras.saving.register_keras_serializable("keras_gen_tests")
class TwoPhases(keras_gen.Autoencoder):
    """Trains its decoder alone under one name, then all of it under another."""

    num_stages = 2
    trackers = ("first", "second")

    def update(self, images):
        names = (("decoder",), self.networks)[self.stage]
        self.minimize(getattr(self, self.trackers[self.stage]), names, images)

    def validate(self, images):
        name = self.trackers[self.stage]
        return {name: getattr(self, name)(images, training=False)}

    def first(self, images, training=True):
        return self.objective(images, training)["loss"]

    def second(self, images, training=True):
        return self.first(images, training)


def two_phases(**options):
    model = TwoPhases(image_shape=conformance.IMAGE_SHAPE, latent_dim=4, hidden=())
    conformance.randomize(model)
    model.compile(**options)
    return model


def fit(model, epochs, **options):
    options = {"batch_size": 8, "verbose": 0} | options
    return model.fit(X, epochs=epochs, **options).history


# Which epoch belongs to which stage


def test_stages_are_a_function_of_the_epoch():
    stages = Stages((3, 1, 2))
    assert [stages.stage(epoch) for epoch in range(8)] == [0, 0, 0, 1, 2, 2, 2, 2]
    assert [Stages([4]).stage(epoch) for epoch in (0, 3, 9)] == [0, 0, 0]


@pytest.mark.parametrize("epochs", [(), (0, 1), (1.5,), (-1, 2), ("3",)])
def test_bad_epochs_are_refused(epochs):
    with pytest.raises(ValueError, match=r"Expected the epochs of each.*Received: "):
        Stages(epochs)


def test_another_number_of_stages_is_refused_before_training():
    model = two_phases()
    before = conformance.state(model)
    with pytest.raises(ValueError, match=r"epochs of 2 stages.*Received: \[1, 1, 1\]"):
        fit(model, 3, callbacks=[Stages((1, 1, 1))])
    for a, b in zip(before, conformance.state(model), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("stage", [-1, 2, 0.5, True, None])
def test_stages_that_are_not_there_are_refused(stage):
    model = two_phases()
    with pytest.raises(ValueError, match=r"Expected a stage of TwoPhases.*Received: "):
        model.set_stage(stage)
    assert model.stage == 1


def test_other_models_have_one_stage():
    model = conformance.make("VAE")
    assert (model.num_stages, model.stage) == (1, 0)
    model.set_stage(0)


# What a stage changes


def test_each_stage_trains_and_logs_its_own():
    model = two_phases()
    kept = model.encoder.get_weights()
    changed = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            now = self.model.encoder.get_weights()
            changed.append(any((a != b).any() for a, b in zip(kept, now)))

    history = fit(model, 5, callbacks=[Stages((2, 3)), Watch()], validation_data=X[:8])
    lengths = {name: len(values) for name, values in history.items()}
    assert lengths == {"first": 2, "val_first": 2, "second": 3, "val_second": 3}
    assert changed == [False, False, True, True, True]
    assert model.stage == 1
    # The other direction, and without `fit`.
    model.set_stage(0)
    assert set(model.evaluate(X, return_dict=True, verbose=0)) == {"first"}
    assert model.trained_by("first") == ("decoder",)


def test_training_without_the_callback_is_that_of_the_last_stage():
    assert set(fit(two_phases(), 1)) == {"second"}


def test_verbs_follow_the_stage():
    model = conformance.make("StackedAutoencoder")
    model.compile()
    for stage, units in ((2, 4), (0, 8), (1, 4), (0, 8)):
        model.set_stage(stage)
        codes = model.encode(X)
        assert codes.shape == (16, units)
        images = model.reconstruct(X)
        np.testing.assert_allclose(model.decode(codes), images, atol=1e-6)
        np.testing.assert_allclose(model.predict(X, verbose=0), images, atol=1e-6)
    fit(model, 1)
    trained = model.reconstruct(X)
    assert np.abs(trained - images).max() > 1e-4
    np.testing.assert_allclose(model.predict(X, verbose=0), trained, atol=1e-6)


# What keeps it


def test_the_stage_comes_back_with_the_weights(tmp_path):
    model = two_phases()
    fit(model, 1, callbacks=[Stages((2, 2))])
    assert model.stage == 0
    model.save_weights(tmp_path / "some.weights.h5")
    model.save(tmp_path / "whole.keras")
    callbacks.Checkpoint(tmp_path / "state.weights.h5").set_model(model)
    again = two_phases()
    again.load_weights(tmp_path / "some.weights.h5")
    loaded = keras.saving.load_model(tmp_path / "whole.keras")
    for copy in (again, loaded):
        assert copy.stage == 0
        assert set(fit(copy, 1)) == {"first"}
        fit(copy, 4, initial_epoch=3, callbacks=[Stages((2, 2))])
        assert copy.stage == 1
    again.load_weights(tmp_path / "some.weights.h5")  # back, in a model that has run
    assert set(again.evaluate(X, return_dict=True, verbose=0)) == {"first"}


def test_presets_carry_the_stage(tmp_path):
    model = conformance.make("StackedAutoencoder")
    model.save_to_preset(tmp_path / "ended")
    assert keras_gen.from_preset(tmp_path / "ended").stage == 2
    model.set_stage(0)
    model.save_to_preset(tmp_path / "begun")
    again = keras_gen.from_preset(tmp_path / "begun")
    assert again.stage == 0
    np.testing.assert_array_equal(again.encode(X), model.encode(X))


def test_files_of_models_with_one_stage_hold_none(tmp_path):
    path = tmp_path / "vae.weights.h5"
    model = conformance.make("VAE")
    model.save_weights(path)
    names = []
    with h5py.File(path) as file:
        file.visit(names.append)
    assert not [name for name in names if "stage" in name]
    model.load_weights(path)


@pytest.mark.slow
def test_all_of_this_holds_on_jax():
    variables = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    program = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not slow", __file__]
    subprocess.run(
        program,
        check=True,
        env=os.environ | variables,
        cwd=pathlib.Path(__file__).parent.parent,
    )
