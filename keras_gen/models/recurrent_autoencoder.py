"""Recurrent autoencoders: from a sequence to a code and back.

Sutskever, Vinyals and Le 2014 (arXiv:1409.3215) and Cho et al. 2014 (arXiv:1406.1078)
translate a sequence through a vector; Srivastava, Mansimov and Salakhutdinov 2015
(arXiv:1502.04681, section 2.1) reproduce it.
"""

import functools

import keras
import numpy as np
from keras import ops

from keras_gen import data, losses, networks
from keras_gen.engine import random
from keras_gen.models import base, checks
from keras_gen.models.autoencoding import AutoencodingModel, side_by_side


class RecurrentAutoencoder(AutoencodingModel):
    """The base of `LSTMAutoencoder` and `GRUAutoencoder`, which name the cell.

    The encoder's code is a function of the real steps alone, however many steps of
    padding follow. The decoder gives a step after the other, p(x_t | x_<t, c) (Cho et
    al., equation 3): from the code c and the step before, which is the true one
    (teacher forcing) or, when it runs freely, its own output. Logs `loss`, minus the
    log-likelihood of a sequence's real steps, with the true step before; in validation
    also `free_running`, the same without.

    Args:
        sequence_shape: (steps, features) of real vectors, or (steps,) of symbols. A
            sequence may have any number of steps; these are what `decode` gives.
        vocabulary: number of symbols, which are ints in [0, vocabulary) and one-hot
            for the networks; None for real vectors.
        alphabet: the characters of the symbols from 1 on, a string, for showing text;
            then `vocabulary` may be left out.
        latent_dim: length of the code.
        units: of the cells.
        embedding: features to which a step is mapped linearly before a cell reads it,
            for symbols their embedding; 0 for none.
        dropout: share of the inputs' and the last states' values left out in training
            of the encoder.
        forcing: share of steps, in [0, 1], at which the decoder is trained with the
            true step before it, drawn anew each time; at the others it reads its own
            output (Bengio et al. 2015, arXiv:1506.03099, at a constant rate).
        mask_value: what every feature of a step of padding is; padding follows the
            real steps. None where there is no padding.
        likelihood: of a step: `losses.SquaredError(bounded=False)`, for symbols
            `losses.Categorical()`, or an object with their methods.
        encoder: any Keras model of the inputs and outputs of
            `networks.recurrent_encoder`; built from the keywords above by default.
        decoder: one of those of `networks.recurrent_decoder`.

    Raises:
        ValueError: a given network's shapes do not fit.
    """

    trackers = ("loss", "free_running")

    loss_meaning = "minus the log-likelihood of a sequence, its true past given"

    cell = None  # class of the cells

    def __init__(
        self,
        *,
        sequence_shape,
        vocabulary=None,
        alphabet=None,
        latent_dim=32,
        units=128,
        embedding=0,
        dropout=0.0,
        forcing=1.0,
        mask_value=0.0,
        likelihood=None,
        encoder=None,
        decoder=None,
        name="recurrent_autoencoder",
    ):
        super().__init__(name=name)
        self.latent_dim = latent_dim
        self.alphabet = alphabet
        self.symbols = vocabulary or (len(alphabet) + 1 if alphabet else None)
        self.mask_value = mask_value
        self.forcing = forcing
        self._check_config(tuple(sequence_shape))
        self.features = self.symbols or sequence_shape[-1]
        self.likelihood = likelihood or self._default_likelihood()
        self.ready(
            encoder=encoder or self._default_encoder(),
            decoder=decoder or self._default_decoder(),
        )
        self._check_networks()

    def _check_config(self, shape):
        expected = 1 if self.symbols else 2
        if len(shape) != expected:
            raise ValueError(
                f"Expected sequence_shape as (steps,) of symbols with a vocabulary, or "
                f"as (steps, features) without. Received: {shape}"
            )
        if self.alphabet and self.symbols != len(self.alphabet) + 1:
            raise ValueError(
                f"Expected a vocabulary of the alphabet's {len(self.alphabet)} "
                f"characters and the padding. Received: {self.symbols}"
            )
        if not 0 <= self.forcing <= 1:
            raise ValueError(f"Expected forcing in [0, 1]. Received: {self.forcing}")

    def _default_likelihood(self):
        if self.symbols:
            return losses.Categorical()
        return losses.SquaredError(bounded=False)

    def _default_encoder(self):
        return networks.recurrent_encoder(
            dropout=self._config["dropout"], **self._sizes()
        )

    def _default_decoder(self):
        return networks.recurrent_decoder(likelihood=self.likelihood, **self._sizes())

    def _sizes(self):
        names = ("latent_dim", "units", "embedding")
        sizes = {name: self._config[name] for name in names}
        return {"features": self.features, "cell": self.cell, **sizes}

    def _check_networks(self):
        codes, channels = (self.latent_dim,), self.likelihood.channels(self.features)
        frames = ((None, self.features), (None,))
        base.check_network(self.encoder, frames, codes, "encoder")
        frames = ((None, self.features), (None, 1), codes)
        base.check_network(self.decoder, frames, (None, channels), "decoder")

    def data_shape(self):
        return tuple(self._config["sequence_shape"])

    def check_inputs(self, sequences):
        """Return sequences as they are once they fit the model, else raise ValueError.

        Args:
            sequences: (n, steps, features) float, or (n, steps) int in [0, vocabulary),
                of any number of steps; padding, if any, at the end, something before.
        """
        sequences = np.asarray(sequences)
        checks.sequences(sequences, self.features, self.symbols, self.mask_value)
        return sequences

    def default_optimizers(self):
        """Adam at 1e-3, where the papers' descent with momentum needs clipping."""
        return {name: keras.optimizers.Adam(1e-3) for name in self.networks}

    def prepare(self, batch):
        """Sequences as float32 (batch, steps, features) or int32 (batch, steps)."""
        return ops.cast(base.first(batch), "int32" if self.symbols else "float32")

    def frames(self, sequences):
        """Sequences as (batch, steps, features) float32, symbols one-hot, and where
        they are real: (batch, steps) bool."""
        sequences = self.prepare(sequences)
        if self.symbols:
            frames = ops.one_hot(sequences, self.symbols, dtype="float32")
            sequences = sequences[..., None]
        else:
            frames = sequences
        if self.mask_value is None:
            return frames, ops.ones(ops.shape(frames)[:2], dtype="bool")
        mask = ops.cast(self.mask_value, sequences.dtype)
        return frames, ops.any(ops.not_equal(sequences, mask), axis=-1)

    def update(self, sequences):
        self.minimize(self.objective, self.networks, sequences)

    def objective(self, sequences):
        """Minus the log-likelihood with the share `forcing` of true steps, (batch,)."""
        frames, real = self.frames(sequences)
        flags = ops.ones_like(frames[..., :1])
        if self.forcing < 1:
            draws = random.uniform(ops.shape(flags))
            flags = ops.cast(draws < self.forcing, "float32")
        codes = self.encoder([frames, real], training=True)
        parameters = self.decoder([before(frames), flags, codes], training=True)
        return {"loss": self._error(frames, real, parameters)}

    def validate(self, sequences):
        frames, real = self.frames(sequences)
        codes = self.averaged("encoder")([frames, real], training=False)
        forced = self._forced(frames, codes)
        free = self._free(codes, ops.shape(frames)[1])
        return {
            "loss": self._error(frames, real, forced),
            "free_running": self._error(frames, real, free),
        }

    def _error(self, frames, real, parameters):
        """Minus the log-likelihood of the real steps: (batch,) nats."""
        rows, steps = ops.shape(frames)[0], ops.shape(frames)[1]
        each = self.likelihood.log_likelihood(
            ops.reshape(frames, (-1, self.features)),
            ops.reshape(parameters, (-1, parameters.shape[-1])),
        )  # (batch * steps,)
        each = ops.reshape(each, (rows, steps))
        return -ops.sum(ops.where(real, each, 0.0), axis=1)

    def _forced(self, frames, codes):
        flags = ops.ones_like(frames[..., :1])
        decoder = self.averaged("decoder")
        return decoder([before(frames), flags, codes], training=False)

    def _free(self, codes, steps):
        """Parameters (batch, steps, channels), the decoder reading its own output."""
        blank = ops.zeros((ops.shape(codes)[0], steps, self.features))
        decoder = self.averaged("decoder")
        return decoder([blank, blank[..., :1], codes], training=False)

    def _values(self, parameters):
        """Steps that parameters stand for: float32 vectors or int32 symbols."""
        values = self.likelihood.mean(parameters)
        if self.symbols:
            return ops.cast(ops.argmax(values, axis=-1), "int32")
        return ops.cast(values, "float32")

    def _padded(self, values, real):
        if self.mask_value is None:
            return values
        real = real if self.symbols else real[..., None]
        return ops.where(real, values, ops.cast(self.mask_value, values.dtype))

    def codes(self, sequences):
        """Codes (batch, latent_dim) float32 of sequences."""
        frames, real = self.frames(sequences)
        return self.averaged("encoder")([frames, real], training=False)

    def images_from(self, codes, steps=None):
        """Sequences of codes, free-running, of so many steps."""
        steps = self.data_shape()[0] if steps is None else steps
        return self._values(self._free(codes, steps))

    def call(self, sequences):
        """Sequences of the inputs' lengths, decoded freely from their codes."""
        frames, real = self.frames(sequences)
        codes = self.averaged("encoder")([frames, real], training=False)
        free = self._free(codes, ops.shape(frames)[1])
        return self._padded(self._values(free), real)

    def decode(self, codes, *, steps=None):
        """Sequences of codes, free-running.

        Args:
            codes: (n, latent_dim) float, as `encode` gives them.
            steps: how many to give, by default those of `sequence_shape`.

        Returns:
            float32 array (n, steps, features), or int32 (n, steps) of symbols.
        """
        steps = self.data_shape()[0] if steps is None else steps
        if isinstance(steps, bool) or int(steps) != steps or steps < 1:
            raise ValueError(f"Expected steps as an int above 0. Received: {steps!r}")
        codes = self.check_codes(codes)
        return self.apply_in_batches(self.images_from, codes, steps=int(steps))

    def teacher_forced(self, sequences):
        """Each step predicted from the code and the true step before it.

        Args:
            sequences: (n, steps, features) float or (n, steps) int symbols.

        Returns:
            float32 array (n, steps, features), or int32 (n, steps) of symbols, padded
            where the sequences are.
        """
        sequences = self.check_inputs(sequences)
        return self.apply_in_batches(self._teacher_forced, sequences)

    def _teacher_forced(self, sequences):
        frames, real = self.frames(sequences)
        codes = self.averaged("encoder")([frames, real], training=False)
        return self._padded(self._values(self._forced(frames, codes)), real)

    def showcase(self, sequences, labels=None):
        """Held-out sequences beside their reconstructions, as pictures.

        Text, where there is an `alphabet`, stands above what was made of it; other
        sequences are grey pictures, a step a row, black the least value of all and
        white the largest.
        """
        sequences = np.asarray(sequences)
        again = self.reconstruct(sequences)
        if self.alphabet:
            return self._show_text(sequences, again)
        shown = [ops.convert_to_numpy(self.frames(x)[0]) for x in (sequences, again)]
        low, high = shown[0].min(), max(shown[0].max(), shown[0].min() + 1e-6)
        original, made = (
            np.clip((x[..., None] - low) / (high - low), 0, 1) for x in shown
        )
        return side_by_side(original, made, "their reconstructions")

    def _show_text(self, *versions):
        lines = (data.decode_text(codes, alphabet=self.alphabet) for codes in versions)
        steps = versions[0].shape[1]
        pictures = [data.text_pictures(text, steps=steps) for text in lines]
        caption = "held-out lines, each above its reconstruction"
        return base.Showcase(np.concatenate(pictures, axis=1), caption, 2)

    def _encode(self, sequences):
        return self.codes(sequences)

    def signatures(self):
        """Those of every autoencoder, for sequences of any number of steps."""
        shape = (None, *self.data_shape())
        kind = "int32" if self.symbols else "float32"
        sequences = ((None, None, *shape[2:]), kind)
        codes = ((None, self.latent_dim), "float32")
        return {
            "serving_default": (self.call, {"sequences": sequences}),
            "encode": (self._encode, {"sequences": sequences}),
            "decode": (self.images_from, {"codes": codes}),
        }


@keras.saving.register_keras_serializable("keras_gen")
class LSTMAutoencoder(RecurrentAutoencoder):
    """Of cells with long short-term memory, as Sutskever et al. and Srivastava et al.

    Arguments are those of `RecurrentAutoencoder`.
    """

    cell = keras.layers.LSTMCell

    def __init__(self, *, name="lstm_autoencoder", **options):
        super().__init__(name=name, **options)


@keras.saving.register_keras_serializable("keras_gen")
class GRUAutoencoder(RecurrentAutoencoder):
    """Of gated units as Cho et al. propose them (equations 5 to 8).

    Arguments are those of `RecurrentAutoencoder`.
    """

    # The paper resets the state before its product with the weights, not after.
    cell = staticmethod(functools.partial(keras.layers.GRUCell, reset_after=False))

    def __init__(self, *, name="gru_autoencoder", **options):
        super().__init__(name=name, **options)


def before(frames):
    """The frame before each: (batch, steps, features), zeros before the first."""
    return ops.pad(frames, ((0, 0), (1, 0), (0, 0)))[:, :-1]
