"""Recurrent autoencoders: padding, both ways of decoding, text."""

import conformance_data
import keras
import numpy as np
import pytest
import tensorflow as tf
from conformance import make, randomize
from sklearn.decomposition import PCA

import keras_gen
from keras_gen import data, losses

BOTH = ("LSTMAutoencoder", "GRUAutoencoder")
both = pytest.mark.parametrize("name", BOTH)


@pytest.fixture(scope="module")
def models():
    """A tiny model a class with weights of every size; tests leave them as they are."""
    return {name: make(name) for name in BOTH}


def padded(x, steps):
    """Sequences with zeros behind them, (n, steps, ...)."""
    rest = [(0, 0)] * (x.ndim - 2)
    return np.pad(x, [(0, 0), (0, steps - x.shape[1]), *rest])


def examples(name, n=5, seed=0):
    of_class = {"LSTMAutoencoder": "sequences", "GRUAutoencoder": "symbols"}
    return getattr(conformance_data, of_class[name])(n, seed)


# Padding


@both
def test_codes_do_not_depend_on_the_length_of_the_padding(name, models):
    model, x = models[name], examples(name)
    codes = model.encode(x)
    assert np.abs(codes[0] - codes[1]).max() > 1e-2
    for steps in (20, 29, 60):
        np.testing.assert_allclose(model.encode(padded(x, steps)), codes, atol=1e-6)
    for row, code in zip(x, codes, strict=True):  # nor on there being any
        real = (row.reshape(len(row), -1) != 0).any(axis=1).sum()
        np.testing.assert_allclose(model.encode(row[None, :real])[0], code, atol=1e-6)


@pytest.mark.parametrize(
    "name", [BOTH[0], pytest.param(BOTH[1], marks=pytest.mark.slow)]
)
def test_padding_counts_nothing(name, models):
    model, x = models[name], examples(name)
    model.compile()
    short = model.evaluate(x, batch_size=5, verbose=0, return_dict=True)
    long = model.evaluate(padded(x, 20), batch_size=5, verbose=0, return_dict=True)
    assert long == pytest.approx(short, rel=1e-6)
    verbs = (model.reconstruct, model.teacher_forced)
    for again, more in ((verb(x), verb(padded(x, 20))) for verb in verbs):
        np.testing.assert_allclose(more[:, :6], again, atol=1e-6)
        assert not more[:, 6:].any()
        assert not again[x == 0].any()


def test_the_loss_is_a_sum_over_real_steps():
    model, x = make("LSTMAutoencoder"), examples("LSTMAutoencoder")
    model.compile()
    logs = model.evaluate(x, batch_size=5, verbose=0, return_dict=True)
    forced = ((x - model.teacher_forced(x)) ** 2).sum() / 2
    free = ((x - model.reconstruct(x)) ** 2).sum() / 2
    assert logs["loss"] == pytest.approx(forced / 5, rel=1e-5)
    assert logs["free_running"] == pytest.approx(free / 5, rel=1e-5)


def test_without_a_mask_value_zeros_are_steps_like_others():
    model = make("LSTMAutoencoder", mask_value=None)
    x = examples("LSTMAutoencoder")
    x[:, 2] = 0
    assert np.abs(model.encode(padded(x, 9)) - model.encode(x)).max() > 1e-3
    assert model.reconstruct(padded(x, 9))[:, 8].any()


# A second implementation, in float64


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(weights, x, states):
    """Keras's order of gates: input, forget, candidate, output."""
    kernel, recurrent, bias = weights
    hidden, carry = states
    gates = np.split(x @ kernel + hidden @ recurrent + bias, 4, axis=-1)
    i, f, o = (sigmoid(gates[k]) for k in (0, 1, 3))
    carry = f * carry + i * np.tanh(gates[2])
    return o * np.tanh(carry), carry


def gru(weights, x, states):
    """Cho et al. 2014, equations 5 to 8, Keras's order: update, reset, candidate."""
    kernel, recurrent, bias = weights
    (hidden,) = states
    a = np.split(x @ kernel + bias, 3, axis=-1)
    u = np.split(recurrent, 3, axis=-1)
    z, r = (sigmoid(a[k] + hidden @ u[k]) for k in (0, 1))
    candidate = np.tanh(a[2] + (r * hidden) @ u[2])
    return (z * hidden + (1 - z) * candidate,)


class ByHand:
    """The whole model in NumPy, one sequence at a time."""

    def __init__(self, name, model):
        self.step, self.states = (lstm, 2) if name == BOTH[0] else (gru, 1)
        self.embedded = name == BOTH[1]
        weights = [w.astype("float64") for w in model.encoder.get_weights()]
        self.encoder_embed = weights.pop(0) if self.embedded else np.eye(3)
        *both_ways, self.kernel, self.bias = weights
        self.forwards, self.backwards = both_ways[:3], both_ways[3:]
        self.decoder = {
            w.path.rsplit("/", 2)[-2] + "/" + w.name: w.numpy().astype("float64")
            for w in model.decoder.weights
        }

    def run(self, weights, frames):
        states = [np.zeros(5)] * self.states
        for frame in frames:
            states = self.step(weights, frame @ self.encoder_embed, states)
        return states[0]

    def encode(self, frames):
        ends = [self.run(self.forwards, frames), self.run(self.backwards, frames[::-1])]
        return np.concatenate(ends) @ self.kernel + self.bias

    def decode(self, code, steps, true=None):
        """Frames after each other: from the true ones before where these are given."""
        named = self.decoder
        cell = "lstm_cell" if self.step is lstm else "gru_cell"
        cell = [
            next(v for k, v in named.items() if k.startswith(cell) and k.endswith(end))
            for end in ("/kernel", "/recurrent_kernel", "/bias")
        ]
        embed = named["embed/kernel"] if self.embedded else np.eye(3)
        states, before, results = [np.zeros(5)] * self.states, np.zeros(len(embed)), []
        for t in range(steps):
            read = np.concatenate([before @ embed, code])
            states = self.step(cell, read, states)
            output = np.concatenate([states[0], read])
            frame = output @ named["head/kernel"] + named["head/bias"]
            if self.embedded:
                frame = np.eye(4)[frame.argmax()]
            results.append(frame)
            before = frame if true is None else true[t]
        return np.stack(results)


def one_hot(name, row):
    return np.eye(4)[row] if name == BOTH[1] else row.astype("float64")


@both
def test_networks_and_verbs_equal_a_second_implementation(name, models):
    model, x = models[name], examples(name)
    by_hand = ByHand(name, model)
    forced, free = model.teacher_forced(x), model.reconstruct(x)
    for k, row in enumerate(x):
        steps = (row.reshape(6, -1) != 0).any(axis=1).sum()
        frames = one_hot(name, row[:steps])
        code = by_hand.encode(frames)
        np.testing.assert_allclose(model.encode(x[k : k + 1])[0], code, atol=1e-5)
        for made, true in ((forced, frames), (free, None)):
            expected = by_hand.decode(code, steps, true)
            received = one_hot(name, made[k, :steps])
            np.testing.assert_allclose(received, expected, atol=1e-5)


@both
def test_decoding_runs_freely_for_any_number_of_steps(name, models):
    model, codes = models[name], models[name].encode(examples(name))
    by_hand = ByHand(name, model)
    assert model.decode(codes).shape[:2] == (5, 6)
    long = model.decode(codes, steps=11)
    np.testing.assert_allclose(long[:, :6], model.decode(codes), atol=1e-6)
    expected = by_hand.decode(codes[1].astype("float64"), 11)
    np.testing.assert_allclose(one_hot(name, long[1]), expected, atol=1e-5)


def test_predictions_are_of_the_next_step():
    # What comes at a step and after it must not change what is predicted for it.
    model, x = make("LSTMAutoencoder"), conformance_data.noise(1, 6, 3)
    codes = model.encode(x)
    both = np.concatenate([x, x])
    both[1, 3:] += 1
    codes = np.concatenate([codes, codes])
    first, second = model._forced(tf.constant(both), tf.constant(codes)).numpy()
    # Rows of one product may round otherwise on some processors.
    np.testing.assert_allclose(first[:4], second[:4], rtol=0, atol=1e-6)
    assert np.abs(first[4:] - second[4:]).max() > 1e-3


# Training


def sines(n, seed=0):
    """Sequences (n, 12, 1) of 8 to 12 steps: sines of two frequencies, any phase."""
    rng = np.random.default_rng(seed)
    phase, pace = rng.uniform(0, 2 * np.pi, n), rng.choice([0.6, 1.5], n)
    x = np.sin(np.arange(12) * pace[:, None] + phase[:, None])
    x *= np.arange(12) < rng.integers(8, 13, n)[:, None]
    return x[..., None].astype("float32")


def error(x, made):
    return np.mean((x - made)[x != 0] ** 2)


@pytest.mark.slow
def test_sines_are_kept_better_than_by_principal_components():
    x, held_out = sines(512), sines(128, seed=1)
    flat, others = x.reshape(512, -1), held_out.reshape(128, -1)
    pca = PCA(2).fit(flat)
    linear = pca.inverse_transform(pca.transform(others)).reshape(held_out.shape)
    keras.utils.set_random_seed(0)
    model = keras_gen.GRUAutoencoder(
        sequence_shape=(12, 1), latent_dim=2, units=24, forcing=0.25
    )
    model.compile({name: keras.optimizers.Adam(1e-2) for name in model.networks})
    before = error(held_out, model.reconstruct(held_out))
    model.fit(x, batch_size=64, epochs=20, verbose=0)
    after = error(held_out, model.reconstruct(held_out))
    assert after < 0.7 * error(held_out, linear)
    assert after < 0.5 * before
    forced = error(held_out, model.teacher_forced(held_out))
    assert forced < 2 * after


def test_forcing_says_which_steps_the_decoder_sees():
    x = sines(8)

    def losses_at(forcing):
        """That of the first step of training, and those of validation before it."""
        model = make(
            "LSTMAutoencoder", sequence_shape=(12, 1), dropout=0.0, forcing=forcing
        )
        model.compile(run_eagerly=True)
        logs = model.evaluate(x, batch_size=8, verbose=0, return_dict=True)
        return model.fit(x, batch_size=8, verbose=0).history["loss"][0], logs

    forced, logs = losses_at(1.0)
    free, _ = losses_at(0.0)
    assert forced == pytest.approx(logs["loss"], rel=1e-5)
    assert free == pytest.approx(logs["free_running"], rel=1e-5)
    assert abs(losses_at(0.5)[0] - forced) > 1e-4 * forced


# Symbols


def test_cross_entropy_by_hand():
    symbols = np.eye(3, dtype="float32")[None, [0, 2]]
    logits = np.log(np.float32([[[0.5, 0.25, 0.25], [0.1, 0.3, 0.6]]]))
    categorical = losses.Categorical()
    received = float(categorical.log_likelihood(symbols, logits + 5)[0])
    assert received == pytest.approx(np.log(0.5 * 0.6), rel=1e-6)
    assert categorical.channels(7) == 7
    np.testing.assert_array_equal(categorical.mean(logits), symbols)


def test_an_embedding_is_a_linear_map_of_the_one_hot_symbols():
    embedded = make("GRUAutoencoder", embedding=4)
    plain = make("GRUAutoencoder", embedding=0)
    x = examples("GRUAutoencoder")
    identity = np.eye(4, dtype="float32")
    weights = plain.encoder.get_weights()
    embedded.encoder.set_weights([identity, *weights])
    np.testing.assert_allclose(embedded.encode(x), plain.encode(x), atol=1e-6)


def test_text_is_shown_as_text():
    model = keras_gen.GRUAutoencoder(
        sequence_shape=(12,), alphabet=data.LETTERS, latent_dim=4, units=5
    )
    randomize(model)
    x = data.encode_text(["let there be", "light", "and, lo"], steps=12)
    shown = model.showcase(x)
    assert shown.images.shape == (3, 32, 84, 1)
    assert shown.columns == 2
    original = data.text_pictures(data.decode_text(x), steps=12)
    np.testing.assert_array_equal(shown.images[:, :16], original)
    again = data.decode_text(model.reconstruct(x))
    assert "and, lo" not in again
    np.testing.assert_array_equal(
        shown.images[:, 16:], data.text_pictures(again, steps=12)
    )
    assert model.reconstruct(x).dtype == "int32"


def test_real_sequences_are_shown_as_pictures():
    model, x = make("LSTMAutoencoder"), examples("LSTMAutoencoder", 4)
    shown = model.showcase(x)
    assert shown.images.shape == (8, 6, 3, 1)
    assert shown.columns == 4
    assert shown.images[:4].min() == 0
    assert shown.images[:4].max() == 1
    scaled = (x - x.min()) / (x.max() - x.min())
    np.testing.assert_allclose(shown.images[:4, ..., 0], scaled, atol=1e-6)


# What is refused


@pytest.mark.parametrize(
    "options",
    [
        {"sequence_shape": (6,)},
        {"sequence_shape": (6, 3, 1)},
        {"sequence_shape": (6, 3), "vocabulary": 5},
        {"sequence_shape": (6, 3), "forcing": 1.5},
        {"sequence_shape": (6, 3), "forcing": -0.1},
        {"sequence_shape": (6,), "alphabet": "ab", "vocabulary": 2},
    ],
)
def test_unfit_keywords_are_refused(options):
    with pytest.raises(ValueError, match=r"Expected [\s\S]*Received: "):
        keras_gen.LSTMAutoencoder(units=2, latent_dim=2, **options)


@both
@pytest.mark.parametrize("verb", ["encode", "reconstruct", "teacher_forced"])
def test_bad_sequences_are_refused_by_every_verb(name, verb, models):
    of_class = {BOTH[0]: "bad_sequences", BOTH[1]: "bad_symbols"}[name]
    for bad in getattr(conformance_data, of_class)().values():
        with pytest.raises(ValueError, match=r"Expected [\s\S]*Received: "):
            getattr(models[name], verb)(bad)


@pytest.mark.parametrize("steps", [0, -1, 2.5, True])
def test_bad_numbers_of_steps_are_refused(steps, models):
    with pytest.raises(ValueError, match="Expected steps .*Received: "):
        models["LSTMAutoencoder"].decode(np.zeros((2, 4)), steps=steps)


# Serving


@pytest.mark.parametrize(
    "name", [pytest.param(BOTH[0], marks=pytest.mark.slow), BOTH[1]]
)
def test_served_verbs_take_sequences_of_any_length(name, models, tmp_path):
    model, x = models[name], padded(examples(name), 9)
    model.export(tmp_path / "served")
    served = tf.saved_model.load(str(tmp_path / "served")).signatures
    assert set(served) == {"serving_default", "encode", "decode"}
    codes = served["encode"](sequences=tf.constant(x))["outputs"].numpy()
    np.testing.assert_allclose(codes, model.encode(x), atol=1e-5)
    again = served["serving_default"](sequences=tf.constant(x))["outputs"].numpy()
    np.testing.assert_allclose(again, model.reconstruct(x), atol=1e-5)
    made = served["decode"](codes=tf.constant(codes))["outputs"].numpy()
    np.testing.assert_allclose(made, model.decode(codes), atol=1e-5)
