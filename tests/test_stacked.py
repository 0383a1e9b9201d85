"""The stacked autoencoder, by the properties that its papers claim."""

import conformance
import keras
import numpy as np
import pytest
from drawn import labelled_blobs
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

import keras_gen
from keras_gen import layers, losses
from keras_gen.callbacks import Stages

SHAPE = (8, 8, 1)


def stacked(seed=0, **options):
    keras.utils.set_random_seed(seed)
    options = {"hidden": (32, 16), "latent_dim": 6, "activation": "tanh"} | options
    return keras_gen.StackedAutoencoder(image_shape=SHAPE, **options)


def loss_of(model, stage, x):
    model.set_stage(stage)
    return model.evaluate(x, batch_size=len(x), verbose=0, return_dict=True)


class Watch(keras.callbacks.Callback):
    """Every network's weights and its optimizer's state after each epoch."""

    def __init__(self):
        super().__init__()
        self.states = []

    def on_train_begin(self, logs=None):
        self.on_epoch_end(-1)

    def on_epoch_end(self, epoch, logs=None):
        model = self.model
        self.states.append(
            {
                name: [
                    *getattr(model, name).get_weights(),
                    *(v.numpy() for v in model.optimizer[name].variables),
                ]
                for name in model.networks
            }
        )


def moved(before, after):
    """Names of the networks any part of whose state differs."""
    return {
        name
        for name, arrays in before.items()
        if any((a != b).any() for a, b in zip(arrays, after[name], strict=True))
    }


def test_each_stage_touches_its_own_pair_alone():
    model = stacked()
    model.compile()
    watch = Watch()
    stages = [Stages((1, 1, 1, 1)), watch]
    model.fit(labelled_blobs(64)[0], epochs=4, callbacks=stages, verbose=0)
    steps = list(zip(watch.states, watch.states[1:], strict=False))
    for k, (before, after) in enumerate(steps[:3], start=1):
        assert moved(before, after) == {f"encoder_{k}", f"decoder_{k}"}
    assert moved(*steps[3]) == set(model.networks)


def test_linear_layers_are_principal_components():
    # Baldi and Hornik 1989. Above an orthonormal first layer the components of the
    # codes are those of the data, and the errors are sums of the variances left out.
    rng = np.random.default_rng(0)
    directions = np.linalg.qr(rng.normal(size=(10, 10)))[0]
    deviations = [1.2, 1.0, 0.8, 0.4, 0.3, 0.3, 0.2, 0.2, 0.1, 0.1]
    x = 1 + rng.normal(size=(256, 10)) * deviations @ directions
    x = x.astype("float32")
    pca = PCA().fit(x)
    variances = pca.explained_variance_ * 255 / 256
    left = {d: 0.5 * variances[d:].sum() for d in (6, 3)}  # half the squared error
    model = keras_gen.StackedAutoencoder(
        image_shape=(10,),
        hidden=(6,),
        latent_dim=3,
        activation=None,
        likelihood=losses.SquaredError(bounded=False),
    )
    conformance.randomize(model)
    basis = pca.components_[:6].T  # (10, 6)
    model.encoder_1.set_weights([basis, -pca.mean_ @ basis])
    model.decoder_1.set_weights([basis.T, pca.mean_])
    model.compile(keras.optimizers.Adam(1e-2))
    first = loss_of(model, 0, x)
    assert first["loss"] == pytest.approx(left[6], rel=1e-4)
    assert first["reconstruction"] == first["loss"]
    model.set_stage(1)
    model.fit(x, batch_size=256, steps_per_epoch=800, verbose=0)
    second = loss_of(model, 1, x)
    own = left[3] - left[6]
    assert own * 0.999 < second["loss"] < own * 1.02
    assert second["reconstruction"] == pytest.approx(left[6] + second["loss"], rel=1e-4)


def test_every_stage_lowers_the_error_and_the_last_one_that_of_all():
    x, held_out = labelled_blobs(512)[0], labelled_blobs(128, seed=1)[0]
    model = stacked()
    model.compile(keras.optimizers.Adam(3e-3))
    starts = [0, 8, 16, 24, 32]
    for stage in range(4):
        before = loss_of(model, stage, held_out)
        model.fit(
            x,
            batch_size=64,
            initial_epoch=starts[stage],
            epochs=starts[stage + 1],
            callbacks=[Stages((8, 8, 8, 8))],
            verbose=0,
        )
        after = loss_of(model, stage, held_out)
        assert after["loss"] < 0.8 * before["loss"]
        assert after["reconstruction"] < 0.8 * before["reconstruction"]
    assert after["loss"] == after["reconstruction"]


def test_corruption_meets_every_layers_input_and_nothing_in_the_last_stage():
    # Where all of the input is masked, no kernel of the layer's encoder can learn.
    model = stacked(corruption=layers.MaskingNoise(1.0))
    model.compile()
    watch = Watch()
    x = labelled_blobs(64)[0]
    stages = [Stages((1, 1, 1, 1)), watch]
    history = model.fit(x, epochs=4, callbacks=stages, verbose=0).history
    for k, state in enumerate(watch.states[1:4], start=1):
        kernel, bias = (
            (a != b).any()
            for a, b in zip(
                watch.states[0][f"encoder_{k}"][:2], state[f"encoder_{k}"][:2]
            )
        )
        assert bias
        assert not kernel
    first, last = (watch.states[k]["encoder_1"][0] for k in (3, 4))
    assert (first != last).any()
    # What is to be reproduced is clean: zeros would be no effort.
    assert min(history["loss"]) > 0.01


def test_codes_lead_back_from_every_layer():
    model = stacked()
    x = labelled_blobs(5)[0]
    for stage, units in enumerate((32, 16, 6, 6)):
        model.set_stage(stage)
        codes = model.encode(x)
        assert codes.shape == (5, units)
        np.testing.assert_allclose(model.decode(codes), model.reconstruct(x), atol=1e-6)
    with pytest.raises(ValueError, match="Expected codes of .*6.*Received: "):
        model.decode(np.zeros((2, 16)))


def test_a_classifier_starts_from_the_codes_and_leaves_them(tmp_path):
    model, (x, y) = stacked(), labelled_blobs(32)
    model.compile()
    before = model.get_weights()
    classifier = model.classifier(4, label_smoothing=0.1)
    np.testing.assert_allclose(classifier.features(x), model.encode(x), atol=1e-5)
    classifier.compile()
    classifier.fit(x, y, verbose=0)
    assert np.abs(classifier.features(x) - model.encode(x)).max() > 1e-4
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    classifier.save_to_preset(tmp_path / "classifier")
    again = keras_gen.from_preset(tmp_path / "classifier")
    np.testing.assert_array_equal(again.classify(x), classifier.classify(x))


@pytest.mark.slow
def test_few_labels_reach_further_on_learned_layers():
    # Sigmoid layers from random weights pass little of an error down (Bengio et al.).
    digits = load_digits()
    x, y = (digits.images / 16).astype("float32")[..., None], digits.target
    few = np.concatenate([np.flatnonzero(y[:1300] == k)[:10] for k in range(10)])
    options = {"hidden": (48, 32), "latent_dim": 16, "activation": "sigmoid"}
    options |= {"code_activation": "sigmoid", "corruption": layers.MaskingNoise(0.25)}

    def accuracy(model):
        keras.utils.set_random_seed(0)
        classifier = model.classifier(10)
        classifier.compile(keras.optimizers.Adam(1e-2))
        classifier.fit(x[few], y[few], batch_size=10, epochs=20, verbose=0)
        return (classifier.classify(x[1300:]).argmax(axis=1) == y[1300:]).mean()

    model = stacked(**options)
    model.compile(keras.optimizers.Adam(1e-2))
    stages = Stages((8, 8, 8, 16))
    model.fit(x[:1300], batch_size=50, epochs=40, callbacks=[stages], verbose=0)
    learned = accuracy(model)
    assert learned > accuracy(stacked(**options)) + 0.05
    assert learned > 0.7


def test_conformance_covers_all_stages():
    golden = conformance.GOLDENS["StackedAutoencoder"]
    assert len(golden.stages) == golden.make().num_stages
    assert sum(golden.stages) == 4
