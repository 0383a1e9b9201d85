"""Fully connected networks between any two shapes."""

import math

import keras
from keras import layers


def dense_network(
    input_shape,
    output_shape,
    *,
    hidden=(),
    activation="relu",
    output_activation=None,
    tail=(),
    kernel_regularizer=None,
    name=None,
):
    """A stack of dense layers.

    Args:
        input_shape, output_shape: without the batch axis; flattened and unflattened.
        hidden: units of each hidden layer, the one next to the input first.
        activation: of the hidden layers.
        output_activation: of the last layer, None for none.
        tail: layers from (batch, features) to such, before the last dense one.
        kernel_regularizer: a `keras.regularizers` object for every kernel, or None.

    Returns:
        A `keras.Model` from (batch, *input_shape) float to (batch, *output_shape)
        float32.
    """
    x = inputs = keras.Input(tuple(input_shape))
    if len(input_shape) != 1:
        x = layers.Flatten()(x)
    for units in hidden:
        x = layers.Dense(units, kernel_regularizer=kernel_regularizer)(x)
        x = layers.Activation(activation)(x)
    for layer in tail:
        x = layer(x)
    x = layers.Dense(
        math.prod(output_shape), kernel_regularizer=kernel_regularizer, dtype="float32"
    )(x)
    if output_activation:
        x = layers.Activation(output_activation, dtype="float32")(x)
    if len(output_shape) != 1:
        x = layers.Reshape(tuple(output_shape), dtype="float32")(x)
    return keras.Model(inputs, x, name=name)
