"""The engine: optimizers, noise, moving averages, gradients and their failures."""

import conformance
import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

import keras_gen
from keras_gen import callbacks, engine
from keras_gen.engine import random
from keras_gen.models import base


def line(inputs, units, **options):
    return keras.Sequential(
        [keras.Input((inputs,)), keras.layers.Dense(units, **options)]
    )


class Toy(keras_gen.GenerativeModel):
    """Two linear networks with a loss each, on vectors (batch, 2) in [0, 1]."""

    networks = ("first", "second")
    trackers = ("loss", "other")

    def __init__(self, *, regularizer=None, name="toy"):
        super().__init__(name=name)
        self.ready(
            first=line(2, 3, kernel_regularizer=regularizer),
            second=line(2, 1, bias_initializer="ones"),
        )
        conformance.randomize(self)

    def data_shape(self):
        return (2,)

    def prepare(self, data):
        return base.to_unit(base.first(data))

    def default_optimizers(self):
        return {name: keras.optimizers.Adam(0.01) for name in self.networks}

    def update(self, batch):
        self.minimize(self.noisy_loss, "first", batch)
        self.minimize(self.plain_loss, "second", batch)

    def noisy_loss(self, batch):
        noisy = batch + random.normal(ops.shape(batch))
        return {"loss": ops.mean(ops.square(self.first(noisy)), axis=1)}

    def plain_loss(self, batch):
        return {"other": ops.mean(ops.square(self.second(batch)), axis=1)}


class NoLoss(Toy):
    """Its first network learns from its regularizers alone."""

    def noisy_loss(self, batch):
        return {"loss": 0.0 * ops.mean(self.first(batch), axis=1)}


class HalfFrozen(Toy):
    """Trains the first network's kernel and not its bias."""

    def active_variables(self, network):
        variables = super().active_variables(network)
        return variables[:1] if network == "first" else variables


class TurnsNaN(Toy):
    """The second network's loss is not finite from the third step on."""

    def plain_loss(self, batch):
        late = ops.greater_equal(self.optimizer.iterations.value, 2)
        losses = super().plain_loss(batch)["other"]
        return {"other": losses * ops.where(late, float("nan"), 1.0)}


class Untracked(Toy):
    def noisy_loss(self, batch):
        return {"nobody": super().noisy_loss(batch)["loss"]}


X = np.random.default_rng(0).random((16, 2)).astype("float32")


def toy(cls=Toy, **options):
    model = cls()
    model.compile(**options)
    return model


def fit(model, epochs=1, **options):
    return model.fit(X, batch_size=8, epochs=epochs, verbose=0, **options).history


# Optimizers


def test_optimizer_variables_are_counts_then_networks_in_order():
    optimizer = toy().optimizer
    assert isinstance(optimizer, engine.NetworkOptimizers)
    assert list(optimizer) == ["first", "second"]
    inner = [*optimizer["first"].variables, *optimizer["second"].variables]
    assert [id(v) for v in optimizer.variables] == [
        id(v) for v in (optimizer.iterations, *inner)
    ]


def test_optimizers_load_by_position_and_refuse_another_number():
    trained, fresh = toy(), toy()
    fit(trained, epochs=2)
    store = {}
    trained.optimizer.save_own_variables(store)
    fresh.optimizer.load_own_variables(store)
    pairs = zip(trained.optimizer.variables, fresh.optimizer.variables, strict=True)
    for a, b in pairs:
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert int(fresh.optimizer.iterations) == 4
    assert int(fresh.optimizer["second"].iterations) == 4
    with pytest.raises(ValueError, match=r"optimizer variables.*Received: "):
        toy(optimizer="sgd").optimizer.load_own_variables(store)


@pytest.mark.parametrize(
    "options", [{"use_ema": True}, {"gradient_accumulation_steps": 2}]
)
def test_optimizers_that_average_or_accumulate_are_refused(options):
    with pytest.raises(ValueError, match=r"without use_ema.*Received: "):
        toy(optimizer=keras.optimizers.Adam(**options))


def test_compile_takes_an_optimizer_a_name_or_a_dict():
    given = keras.optimizers.SGD(0.25)
    optimizer = toy(optimizer=given).optimizer
    inner = [optimizer[name] for name in optimizer]
    assert [float(o.learning_rate) for o in inner] == [0.25, 0.25]
    assert len({id(given), *map(id, inner)}) == 3  # a clone for each network
    assert isinstance(
        toy(optimizer="rmsprop").optimizer["second"], keras.optimizers.RMSprop
    )
    mixed = toy(optimizer={"second": "sgd", "first": given}).optimizer
    assert list(mixed) == ["first", "second"]
    assert float(mixed["second"].learning_rate) == pytest.approx(0.01)


def test_schedules_follow_updates_and_not_a_networks_own_steps(tmp_path):
    model = keras_gen.WGANGP(image_shape=(8, 8, 1), filters=(4,), critic_updates=3)
    decay = keras.optimizers.schedules.PolynomialDecay(1e-3, 10, 0.0)
    model.compile(keras.optimizers.Adam(decay))
    model.fit(np.zeros((12, 8, 8, 1), "float32"), batch_size=6, verbose=0)

    def rates(model):
        return [float(model.optimizer[n].learning_rate) for n in model.networks]

    assert int(model.optimizer["critic"].iterations.numpy()) == 6
    np.testing.assert_allclose(rates(model), 2 * [8e-4], rtol=1e-5)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(rates(again), 2 * [8e-4], rtol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": {"first": "adam"}},
        {"optimizer": {"first": "adam", "third": "adam"}},
        {"averages": {"third": 0.9}},
        {"averages": {"first": 1.0}},
        {"averages": {"first": -0.1}},
        {"seed": -1},
        {"seed": 2**31},
        {"seed": 0.5},
        {"seed": True},
    ],
)
def test_bad_options_of_compile_are_refused(options):
    with pytest.raises(ValueError, match=r"Expected .*Received: "):
        toy(**options)


def test_each_network_moves_by_its_own_loss_alone():
    model = toy(optimizer={"first": keras.optimizers.SGD(0.0), "second": "sgd"})
    before = [model.first.get_weights(), model.second.get_weights()]
    fit(model)
    for a, b in zip(before[0], model.first.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert all(
        (a != b).all()
        for a, b in zip(before[1], model.second.get_weights(), strict=True)
    )


# Splitting and noise


def test_split_takes_every_nth_row():
    batch = {"x": np.arange(12).reshape(6, 2), "y": np.arange(6)}
    parts = toy().split(batch, 3)
    assert [part["y"].tolist() for part in parts] == [[0, 3], [1, 4], [2, 5]]
    np.testing.assert_array_equal(parts[1]["x"], [[2, 3], [8, 9]])
    with pytest.raises(ValueError, match=r"that 4 divides. Received: 6"):
        toy().split(batch, 4)


def stream(seed=0, *folds, block=lambda rows: (rows, None)):
    key = engine.backend.key(seed, *folds)
    return random.Stream(engine.backend, key, block)


def test_noise_is_a_function_of_key_index_and_step():
    def draws(*folds, step=None):
        with random.use(stream(*folds)):
            return [random.normal((4, 3), step=step).numpy() for _ in range(2)]

    known = draws(0, 1, 2)
    np.testing.assert_array_equal(known, draws(0, 1, 2))
    others = [draws(0, 2, 1), draws(1, 1, 2), draws(0, 1, 2, step=0)]
    others += [draws(0, 1, 2, step=1)]
    numbers = [a for pair in (known, *others) for a in pair]
    for i, a in enumerate(numbers):
        for b in numbers[:i]:
            assert np.abs(a - b).max() > 1e-3


def test_replicas_draw_their_rows_of_the_whole_blocks_noise():
    whole = stream().draw("uniform", (6, 2)).numpy()
    for k in range(3):
        part = stream(block=lambda rows, k=k: (6, k * rows)).draw("uniform", (2, 2))
        np.testing.assert_array_equal(part, whole[2 * k : 2 * k + 2])


def test_noise_has_its_distribution():
    normal = stream().draw("normal", (20_000, 2)).numpy()
    np.testing.assert_allclose(normal.mean(0), 0, atol=0.03)
    np.testing.assert_allclose(np.cov(normal.T), np.eye(2), atol=0.04)
    uniform = stream().draw("uniform", (20_000, 1)).numpy()
    assert uniform.min() >= 0
    assert uniform.max() < 1
    assert np.histogram(uniform, 10, (0, 1))[0].min() > 1800


def test_draws_need_a_stream_and_an_overriding_one_wins():
    with pytest.raises(RuntimeError, match=r"inside a training step.*\n?.*Received: "):
        random.normal((2, 2))
    assert not random.active()
    recorded = conformance.Recorded()
    with random.use(recorded), random.use(stream()) as inner:
        assert inner is recorded
    with random.use(stream()) as outer:
        with random.use(other := stream(1)) as inner:
            assert inner is other
        assert random.active()
        random.normal((2,))
        assert outer.index == 1


def test_training_noise_follows_the_compiled_seed():
    histories = [fit(toy(seed=seed))["loss"] for seed in (0, 0, 1)]
    assert histories[0] == histories[1]
    assert histories[0] != histories[2]


# Moving averages


class Weights(keras.callbacks.Callback):
    """Keeps the first network's weights after every step."""

    def __init__(self):
        super().__init__()
        self.kept = []

    def on_train_batch_end(self, batch, logs=None):
        self.kept.append(self.model.first.get_weights())


def test_moving_averages_follow_the_recursion():
    model, seen = toy(averages={"first": 0.9}), Weights()
    assert model.averaged("second") is model.second
    average = model.averaged("first")
    assert average is not model.first
    expected = model.first.get_weights()
    fit(model, epochs=3, callbacks=[seen])
    for weights in seen.kept:
        expected = [0.9 * e + 0.1 * w for e, w in zip(expected, weights, strict=True)]
    assert len(seen.kept) == 6
    for a, b in zip(expected, average.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    assert (average.get_weights()[0] != model.first.get_weights()[0]).any()


def test_averages_are_not_trained_and_survive_a_second_compile():
    model = toy(averages={"first": 0.5})
    assert len(model.trainable_variables) == 4
    assert len(model.weights) == 6
    fit(model)
    before = model.averaged("first").get_weights()
    model.compile(averages={"first": 0.5})
    for a, b in zip(before, model.averaged("first").get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    model.compile(averages={})
    assert model.averaged("first") is model.first


# Gradients


def test_inactive_variables_keep_weights_and_moments(tmp_path):
    trained, frozen = toy(), toy(HalfFrozen)
    fit(trained)
    trained.save_weights(tmp_path / "state.weights.h5")
    frozen.load_weights(tmp_path / "state.weights.h5")
    before = conformance.state(frozen)
    fit(frozen, epochs=2)
    variables = [*frozen.weights, *frozen.optimizer.variables]
    bias = frozen.first.trainable_variables[1]
    still = [
        v.path
        for v, old in zip(variables, before, strict=True)
        if np.array_equal(v.numpy(), old) and "learning_rate" not in v.path
    ]
    moments = [v for v in frozen.optimizer["first"].variables if v.shape == bias.shape]
    assert len(moments) == 2
    assert all(np.abs(v.numpy()).max() > 0 for v in moments)
    assert sorted(still) == sorted([bias.path, *(v.path for v in moments)])


def test_input_gradient_is_the_closed_form_and_differentiates_again():
    model, w = toy(), tf.Variable([2.0, -3.0])
    x = tf.constant(X[:4])
    with tf.GradientTape() as tape:
        # f = sum (w x)^2 / 2, df/dx = w^2 x
        gradient = model.input_gradient(lambda v: tf.square(w * v) / 2, x)
        total = tf.reduce_sum(gradient)
    np.testing.assert_allclose(gradient, [4.0, 9.0] * X[:4], rtol=1e-6)
    # d/dw sum w^2 x = 2 w sum x
    expected = 2 * w.numpy() * X[:4].sum(0)
    np.testing.assert_allclose(tape.gradient(total, w), expected, rtol=1e-5)


def test_regularizers_of_a_network_are_added_to_its_loss():
    model = NoLoss(regularizer="l2")  # weight 0.01
    model.compile(optimizer=keras.optimizers.SGD(0.5))
    kernel, bias = model.first.get_weights()
    fit(model)
    after = model.first.get_weights()
    np.testing.assert_allclose(after[0], kernel * (1 - 0.5 * 2 * 0.01) ** 2, rtol=1e-5)
    np.testing.assert_array_equal(after[1], bias)


# Trackers and failures


def test_unknown_trackers_are_refused():
    with pytest.raises(ValueError, match=r"Untracked.trackers.*Received: 'nobody'"):
        fit(toy(Untracked, run_eagerly=True))


def test_logs_are_means_over_the_epoch_in_the_order_of_trackers():
    model = toy(optimizer=keras.optimizers.SGD(0.0))
    history = fit(model, shuffle=False)
    assert list(history) == ["loss", "other"]
    expected = np.square(model.second(X)).mean()
    assert history["other"][0] == pytest.approx(float(expected), rel=1e-5)


def test_a_broken_loss_stops_training_with_network_and_step():
    message = r"other is nan at step 3 \(network: second\)"
    with pytest.raises(callbacks.Diverged, match=message):
        fit(toy(TurnsNaN), epochs=3, callbacks=[callbacks.StopOnNaN()])


def test_a_checkpoint_of_broken_weights_is_not_written(tmp_path):
    model = toy()
    checkpoint = callbacks.Checkpoint(tmp_path / "state.weights.h5")
    fit(model, callbacks=[checkpoint])
    kept = checkpoint.path.read_bytes()
    model.second.trainable_variables[0].assign([[np.inf], [0.0]])
    with pytest.raises(callbacks.Diverged, match="not finite after epoch"):
        fit(model, callbacks=[checkpoint])
    assert checkpoint.path.read_bytes() == kept
    assert [p.name for p in tmp_path.iterdir()] == ["state.weights.h5"]


def test_a_rate_stays_and_then_falls_to_zero():
    rate = keras_gen.learning_rates.ConstantThenLinear(0.2, 4, 8)
    found = [float(rate(step)) for step in (0, 4, 6, 10, 12, 99)]
    assert found == pytest.approx([0.2, 0.2, 0.15, 0.05, 0.0, 0.0])
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(rate)
    )
    assert again.get_config() == rate.get_config()
    with pytest.raises(ValueError, match="decay_steps above 0. Received: 4, 0"):
        keras_gen.learning_rates.ConstantThenLinear(0.2, 4, 0)
