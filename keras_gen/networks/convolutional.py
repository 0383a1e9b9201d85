"""Strided convolutions down to a vector, transposed ones up to an image."""

import math

import keras
from keras import layers


def conv_encoder(
    image_shape,
    outputs,
    *,
    filters,
    kernel_size=4,
    hidden=0,
    activation="relu",
    he=False,
    kernel_regularizer=None,
    name="encoder",
):
    """Image to vector: one strided convolution per entry of `filters`.

    Args:
        image_shape: (height, width, channels); every layer halves the sides, rounding
            up.
        outputs: length of the output vector.
        filters: channels of each convolution.
        hidden: units of a dense layer before the output, 0 for none.
        activation: string or serializable callable, after every layer but the last.
        he: initialize for rectifiers (He et al. 2015, arXiv:1502.01852) instead of
            Glorot's way.
        kernel_regularizer: a `keras.regularizers` object for every kernel, or None.

    Returns:
        A `keras.Model` from (batch, *image_shape) float to (batch, outputs) float32.
    """
    kernel_initializer = "he_uniform" if he else "glorot_uniform"
    x = inputs = keras.Input(tuple(image_shape))
    for count in filters:
        x = layers.Conv2D(
            count,
            kernel_size,
            strides=2,
            padding="same",
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
        )(x)
        x = layers.Activation(activation)(x)
    x = layers.Flatten()(x)
    dense = {"kernel_regularizer": kernel_regularizer}
    if hidden:
        x = layers.Dense(hidden, kernel_initializer=kernel_initializer, **dense)(x)
        x = layers.Activation(activation)(x)
    x = layers.Dense(outputs, dtype="float32", **dense)(x)
    return keras.Model(inputs, x, name=name)


def conv_decoder(
    inputs,
    image_shape,
    *,
    filters,
    kernel_size=4,
    hidden=0,
    activation="relu",
    output_activation=None,
    he=False,
    kernel_regularizer=None,
    name="decoder",
):
    """Vector to image: the mirror of `conv_encoder`.

    Args:
        inputs: length of the input vector.
        image_shape: (height, width, channels) of the output.
        filters: channels from the coarsest feature map to the finest; each is followed
            by a transposed convolution that doubles the sides.
        output_activation: activation of the last layer, None for none.
        he, kernel_regularizer: as in `conv_encoder`.

    Returns:
        A `keras.Model` from (batch, inputs) float to (batch, *image_shape) float32.
    """
    sizes = [tuple(image_shape[:2])]
    for _ in filters:
        sizes.append(tuple(math.ceil(side / 2) for side in sizes[-1]))
    (height, width), *sizes = reversed(sizes)
    kernel_initializer = "he_uniform" if he else "glorot_uniform"
    dense = {
        "kernel_initializer": kernel_initializer,
        "kernel_regularizer": kernel_regularizer,
    }
    x = start = keras.Input((inputs,))
    if hidden:
        x = layers.Dense(hidden, **dense)(x)
        x = layers.Activation(activation)(x)
    x = layers.Dense(height * width * filters[0], **dense)(x)
    x = layers.Activation(activation)(x)
    x = layers.Reshape((height, width, filters[0]))(x)
    counts = (*filters[1:], image_shape[2])
    for level, (count, size) in enumerate(zip(counts, sizes, strict=True)):
        last = level == len(counts) - 1
        x = layers.Conv2DTranspose(
            count,
            kernel_size,
            strides=2,
            padding="same",
            kernel_initializer=_transposed(he, 1 if last else 2),
            kernel_regularizer=kernel_regularizer,
            dtype="float32" if last else None,
        )(x)
        if x.shape[1:3] != size:  # odd sides, rounded up on the way down
            extra = [(0, have - want) for have, want in zip(x.shape[1:3], size)]
            x = layers.Cropping2D(extra)(x)
        if not last:
            x = layers.Activation(activation)(x)
    if output_activation:
        x = layers.Activation(output_activation, dtype="float32")(x)
    return keras.Model(start, x, name=name)


def _transposed(he, gain):
    """Initializer of a transposed convolution with stride 2.

    Keras takes the kernel's axes for those of a convolution, so that its "he_uniform"
    divides by the number of outputs; each output sums a quarter of a kernel's entries.
    """
    if not he:
        return "glorot_uniform"
    return keras.initializers.VarianceScaling(4 * gain, "fan_out", "uniform")


def followed_by(network, activation):
    """A network with an activation after its output; itself where that is None."""
    if activation is None:
        return network
    outputs = layers.Activation(activation, dtype="float32")(network.output)
    return keras.Model(network.inputs, outputs, name=network.name)
