"""Adversarial models: what they ask of labels and batches, and how they diagnose."""

import conformance
import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing import event_accumulator

import keras_gen
from keras_gen import callbacks, losses

SHAPE = conformance.IMAGE_SHAPE


def linear(shape, values, name):
    """A network of one dense layer with given weights, no bias."""
    inputs = keras.Input(shape)
    x = keras.layers.Flatten()(inputs)
    outputs = keras.layers.Dense(values.shape[1], use_bias=False)(x)
    network = keras.Model(inputs, outputs, name=name)
    network.set_weights([values])
    return network


def points_model(loss, slope=(3.0, 4.0), **options):
    """A model of points whose critic is linear, and whose generator gives zeros."""
    model = keras_gen.GAN(
        image_shape=(2,),
        latent_dim=2,
        loss=loss,
        critic=linear((2,), np.array(slope, "float32")[:, None], "critic"),
        generator=linear((2,), np.zeros((2, 2), "float32"), "generator"),
        **options,
    )
    model.compile()
    return model


# Diagnosis


def test_diagnosis_of_a_linear_critic_by_hand():
    model = points_model(losses.Minimax())
    x = np.array([[0.6, 0.8], [-0.06, -0.08]], "float32")  # scores 5 and -0.5
    found = model.diagnose(x)
    assert found["real_accuracy"] == 0.5
    assert found["fake_accuracy"] == 0.0  # scores of 0 are on neither side
    sigmoid = 1 / (1 + np.exp([-5.0, 0.5]))
    assert found["real_probability"] == pytest.approx(sigmoid.mean(), rel=1e-6)
    assert found["fake_probability"] == 0.5
    # The slope is 5 everywhere: the gap of mean scores over it.
    assert found["wasserstein"] == pytest.approx(2.25 / 5, rel=1e-5)
    loss = np.mean(-np.log(sigmoid)) + np.log(2)
    assert found["divergence"] == pytest.approx(np.log(2) - loss / 2, rel=1e-5)
    # d loss / d slope = -E (1 - D(x)) x, and log(1 - D) of zeros has none.
    gradient = ((1 - sigmoid)[:, None] * x).mean(axis=0)
    norm = np.linalg.norm(gradient)
    assert found["critic_gradient_norm"] == pytest.approx(norm, rel=1e-5)
    # Of sum_j slope_j (z W)_j / 2 at W = 0: ||mean z|| * 5 / 2, from random z.
    assert found["generator_gradient_norm"] > 0


def test_a_shift_is_the_wasserstein_distance_of_any_slope():
    x = np.tile(np.array([[0, 2]], "float32"), (50, 1))
    for loss in (losses.Wasserstein(), losses.Hinge(), losses.RelativisticPairing()):
        for slope in (0.1, 7.0):
            found = points_model(loss, slope=(0.0, slope)).diagnose(x)
            assert found["wasserstein"] == pytest.approx(2.0, rel=1e-4)
            assert ("real_accuracy" in found) == (loss.boundary is not None)
            assert "real_probability" not in found


@pytest.mark.parametrize("name", ["DCGAN", "GAN", "ConditionalGAN", "WGAN"])
def test_diagnosis_changes_nothing_and_is_the_same_again(name):
    model = conformance.make(name)
    model.compile()
    before = conformance.state(model)
    x, y = conformance.images(12), conformance.labels(name, 12)
    found = model.diagnose(x, y)
    assert np.isfinite(list(found.values())).all()
    assert found == model.diagnose(x, y)
    assert found != model.diagnose(x, y, seed=1)
    for a, b in zip(before, conformance.state(model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_saturation_is_the_share_of_clipped_weights_at_the_bound():
    model = keras_gen.WGAN(image_shape=SHAPE, filters=(4,), clip=0.01)
    model.compile()
    weights = model.critic.get_weights()
    model.critic.set_weights([np.full(w.shape, 0.005) for w in weights])
    assert model.diagnose(conformance.images(8))["clip_saturation"] == 0.0
    kernel, *others = (np.full(w.shape, 0.005) for w in weights)
    kernel[:] = -0.01
    model.critic.set_weights([kernel, *others])
    share = kernel.size / sum(w.size for w in weights)
    found = model.diagnose(conformance.images(8))
    assert found["clip_saturation"] == pytest.approx(share)


def test_the_callback_writes_scalars_every_so_many_epochs(tmp_path):
    model = conformance.make("ConditionalGAN")
    model.compile()
    x, y = conformance.images(16), conformance.labels("ConditionalGAN", 16)
    logs = callbacks.TensorBoardLogs(tmp_path)
    watch = callbacks.Diagnostics(logs, x[:6], y[:6], every=2)
    model.fit(x, y, batch_size=8, epochs=4, callbacks=[logs, watch], verbose=0)
    events = event_accumulator.EventAccumulator(str(tmp_path))
    events.Reload()
    tags = {t for t in events.Tags()["scalars"] if t.startswith("diagnostics/")}
    expected = model.diagnose(x[:6], y[:6])
    assert tags == {f"diagnostics/{name}" for name in expected}
    for name, value in expected.items():
        written = events.Scalars(f"diagnostics/{name}")
        assert [event.step for event in written] == [4, 8]
        assert written[-1].value == pytest.approx(value, rel=1e-5)


def test_the_callback_refuses_other_models():
    model = conformance.make("Autoencoder")
    model.compile()
    logs = callbacks.TensorBoardLogs("unused")
    watch = callbacks.Diagnostics(logs, conformance.images(4))
    with pytest.raises(ValueError, match=r"Expected a model of .* Received: Autoenc"):
        model.fit(conformance.images(8), callbacks=[watch], verbose=0)


# Labels, packs and truncation


CONDITIONAL = ["ConditionalGAN", "ConditionalWGANGP"]


@pytest.mark.parametrize("name", CONDITIONAL)
@pytest.mark.parametrize("labels", [[0, 1, 3], [-1, 0, 1], [0, 1], [0.0, 1.0, 2.0], 3])
def test_labels_that_do_not_fit_are_refused(name, labels):
    model = conformance.make(name)
    with pytest.raises(ValueError, match=r"Expected labels .*Received: "):
        model.generate(3, labels=labels)
    with pytest.raises(ValueError, match=r"Expected labels .*Received: "):
        model.decode(conformance.noise(3, 4), labels)


@pytest.mark.parametrize("name", CONDITIONAL)
def test_training_needs_labels(name):
    model = conformance.make(name)
    model.compile()
    x = conformance.images(8)
    with pytest.raises(ValueError, match=r"Expected labels .*Received: None"):
        model.fit(x, batch_size=8, verbose=0)
    with pytest.raises(ValueError, match=r"Expected labels .*Received: "):
        model.fit(x, np.full(8, 3), batch_size=8, verbose=0)


@pytest.mark.parametrize("name", CONDITIONAL)
def test_labels_decide_what_is_made_and_are_drawn_uniformly(name):
    model = conformance.make(name)
    each = [model.generate(4, seed=0, labels=k) for k in range(3)]
    assert np.abs(each[0] - each[1]).max() > 1e-3
    mixed = model.generate(4, seed=0, labels=[0, 1, 2, 0])
    for row, k in enumerate([0, 1, 2, 0]):
        np.testing.assert_allclose(mixed[row], each[k][row], atol=1e-6)
    latents = conformance.noise(4, 4)
    made = model.decode(latents, [0, 1, 2, 0])
    np.testing.assert_allclose(made[1], model.decode(latents, 1)[1], atol=1e-6)
    # Drawn labels lead to the pictures of one label or another, all of them in turn.
    drawn = model.generate(60, seed=0)
    every = np.stack([model.generate(60, seed=0, labels=k) for k in range(3)])
    chosen = np.abs(every - drawn).max(axis=(2, 3, 4)).argmin(axis=0)
    assert set(np.bincount(chosen, minlength=3) > 8) == {True}


def test_scores_are_of_the_pair():
    model = conformance.make("ConditionalGAN", tail=())
    x = conformance.images(6)
    scores = model.score(x, [0, 1, 2, 0, 1, 2])
    assert scores.shape == (6,)
    np.testing.assert_allclose(scores[1], model.score(x, 1)[1], rtol=1e-4)
    assert np.abs(model.score(x, 0) - model.score(x, 1)).max() > 1e-3


def test_packs_of_images_have_no_scores_of_their_own():
    model = conformance.make("ConditionalWGANGP")
    assert "score" not in model.signatures()
    with pytest.raises(ValueError, match=r"Expected .*Received: one of packs of 2"):
        model.score(conformance.images(2), [0, 1])


@pytest.mark.parametrize(
    ("options", "batch_size"),
    [({"packing": 4}, 2), ({"critic_updates": 4}, 2), ({"packing": 3}, 8)],
)
def test_batches_that_cannot_be_cut_are_refused(options, batch_size):
    model = conformance.make("GAN", tail=(), **options)
    model.compile()
    with pytest.raises(ValueError, match=r"Expected .*Received: "):
        model.fit(conformance.images(16), batch_size=batch_size, verbose=0)
    assert int(model.optimizer.iterations) == 0


@pytest.mark.parametrize("options", [{"packing": 0}, {"critic_updates": 1.5}])
def test_counts_out_of_range_are_refused(options):
    with pytest.raises(ValueError, match=r"Expected .* at least 1. Received: "):
        conformance.make("GAN", **options)


def test_truncated_latents_are_the_same_ones_nearer_to_their_mean():
    model = points_model(losses.Minimax())
    model.generator.set_weights([np.eye(2, dtype="float32")])
    whole = model.generate(200, seed=1)
    np.testing.assert_allclose(
        model.generate(200, seed=1, truncation=0.5), whole / 2, atol=1e-6
    )
    assert whole.std() == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("name", ["GAN", "ConditionalGAN"])
@pytest.mark.parametrize("truncation", [0, -1, 1.5])
def test_truncations_out_of_range_are_refused(name, truncation):
    with pytest.raises(ValueError, match=r"Expected a truncation .*Received: "):
        conformance.make(name).generate(2, truncation=truncation)


def test_vectors_are_neither_scaled_nor_bounded():
    model = points_model(losses.Minimax())
    model.generator.set_weights([100 * np.eye(2, dtype="float32")])
    assert np.abs(model.generate(50, seed=0)).max() > 50
    x = np.array([[30.0, -40.0]], "float32")
    assert model.score(x)[0] == pytest.approx(-70.0)
