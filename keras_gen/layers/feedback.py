"""What a recurrent decoder needs: the code at every step, and its own output."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gen")
class RepeatSteps(keras.layers.Layer):
    """A vector at every step: [(batch, d), a sequence (batch, steps, any)] to
    (batch, steps, d)."""

    def call(self, inputs):
        vector, sequence = inputs
        return ops.repeat(vector[:, None], ops.shape(sequence)[1], axis=1)

    def compute_output_shape(self, input_shape):
        (batch, size), (_, steps, _) = input_shape
        return (batch, steps, size)


@keras.saving.register_keras_serializable("keras_gen")
class FeedbackCell(keras.layers.Layer):
    """One step of a decoder: from the frame before and the code to the next frame.

    Cho et al. 2014 (arXiv:1406.1078), equations 2 and 3: h_t = f(h_t-1, y_t-1, c), and
    y_t linear in h_t, y_t-1 and c. The frame before is the one given where its flag is
    1 (teacher forcing) and the cell's own output where that is 0. Goes into
    `keras.layers.RNN`; inputs are frame, flag and code, (batch, features + 1 + latent).

    Args:
        cell: f, a `keras.layers.LSTMCell`, `GRUCell` or another of one layer.
        features: of a frame.
        likelihood: says how many parameters a frame takes and what frame they stand
            for, an object of `keras_gen.losses`.
        embedding: features that a frame is mapped to linearly before the cell reads
            it, which for one-hot symbols is their embedding; 0 for none.
    """

    def __init__(self, cell, *, features, likelihood, embedding=0, **kwargs):
        super().__init__(**kwargs)
        self.cell = cell
        self.features = features
        self.likelihood = likelihood
        self.embedding = embedding
        self.output_size = likelihood.channels(features)
        self.head = keras.layers.Dense(self.output_size, name="head")
        self.embed = None
        if embedding:
            self.embed = keras.layers.Dense(embedding, use_bias=False, name="embed")

    @property
    def state_size(self):
        """Of the inner cell's states, then of the frame put out."""
        inner = self.cell.state_size
        inner = list(inner) if isinstance(inner, (list, tuple)) else [inner]
        return [*inner, self.features]

    def build(self, input_shape):
        batch, size = input_shape[0], input_shape[-1]
        read, code = self.embedding or self.features, size - self.features - 1
        if self.embed:
            self.embed.build((batch, self.features))
        if not self.cell.built:  # one that Keras has read back is
            self.cell.build((batch, read + code))
        self.head.build((batch, self.state_size[0] + read + code))

    def call(self, inputs, states):
        frame, flag, code = ops.split(
            inputs, [self.features, self.features + 1], axis=-1
        )
        *inner, own = states
        before = flag * frame + (1 - flag) * own
        if self.embed:
            before = self.embed(before)
        read = ops.concatenate([before, code], axis=-1)
        output, inner = self.cell(read, inner)
        parameters = self.head(ops.concatenate([output, read], axis=-1))
        return parameters, [*inner, self.likelihood.mean(parameters)]

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "cell": serialize(self.cell),
            "features": self.features,
            "likelihood": serialize(self.likelihood),
            "embedding": self.embedding,
        }

    @classmethod
    def from_config(cls, config):
        read = keras.saving.deserialize_keras_object
        parts = {name: read(config[name]) for name in ("cell", "likelihood")}
        return cls(**config | parts)
