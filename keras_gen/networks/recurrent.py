"""Recurrent encoders and decoders of sequences, whatever their length."""

import keras
from keras import layers

from keras_gen.layers import Dropout, FeedbackCell, RepeatSteps


def recurrent_encoder(
    features, latent_dim, *, cell, units=128, embedding=0, dropout=0.0
):
    """From a sequence to a code: the state after its last frame, both ways.

    Sutskever et al. 2014 (arXiv:1409.3215); one cell reads the sequence forwards, one
    backwards (Schuster and Paliwal 1997). Frames of padding change no state.

    Args:
        features: of a frame.
        latent_dim: length of the code.
        cell: class of the cells, such as `keras.layers.LSTMCell`, or a function from
            the number of units to one.
        units: of each cell.
        embedding: features that a frame is mapped to linearly first, 0 for none.
        dropout: share of the values of frames and of the states left out in training.

    Returns:
        A `keras.Model` from [(batch, steps, features) float, (batch, steps) bool, true
        where a frame is no padding] to (batch, latent_dim) float32.
    """
    frames = keras.Input((None, features))
    real = keras.Input((None,), dtype="bool")
    x = Dropout(dropout)(frames)
    if embedding:
        x = layers.Dense(embedding, use_bias=False)(x)
    both = layers.Bidirectional(
        layers.RNN(cell(units)),
        backward_layer=layers.RNN(cell(units), go_backwards=True),
    )
    x = Dropout(dropout)(both(x, mask=real))
    codes = layers.Dense(latent_dim, dtype="float32")(x)
    return keras.Model([frames, real], codes, name="encoder")


def recurrent_decoder(
    features, latent_dim, *, cell, likelihood, units=128, embedding=0
):
    """From a code to a sequence, a frame at a time; see `layers.FeedbackCell`.

    Args:
        features, latent_dim, cell, units, embedding: as `recurrent_encoder` takes them.
        likelihood: of a frame, an object of `keras_gen.losses`.

    Returns:
        A `keras.Model` from [(batch, steps, features) float, the frames before, (batch,
        steps, 1) float, 1 where these are to be read and 0 where the decoder's own are,
        (batch, latent_dim)] to the likelihood's parameters (batch, steps, channels).
    """
    before = keras.Input((None, features))
    flags = keras.Input((None, 1))
    codes = keras.Input((latent_dim,))
    repeated = RepeatSteps()([codes, flags])  # (batch, steps, latent_dim)
    step = FeedbackCell(
        cell(units), features=features, likelihood=likelihood, embedding=embedding
    )
    decoder = layers.RNN(step, return_sequences=True, dtype="float32")
    parameters = decoder(layers.Concatenate()([before, flags, repeated]))
    return keras.Model([before, flags, codes], parameters, name="decoder")
