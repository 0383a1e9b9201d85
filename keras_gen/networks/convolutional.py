"""Strided convolutions down to a vector, transposed ones up to an image."""

import math

import keras
from keras import layers

from keras_gen.layers import BatchNormalization


def conv_encoder(
    image_shape,
    outputs,
    *,
    filters,
    kernel_size=4,
    hidden=0,
    activation="relu",
    initializer="glorot_uniform",
    batch_norm=False,
    tail=(),
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
        initializer: of kernels: "glorot_uniform"; "he_uniform", which is for rectifiers
            (He et al. 2015, arXiv:1502.01852) and leaves the last layer to Glorot; or
            the standard deviation of normal numbers, for all of them.
        batch_norm: whether every convolution but the first is followed by batch
            normalisation (over the global batch), as in DCGAN's critic.
        tail: layers from (batch, features) to such, before the last dense one.
        kernel_regularizer: a `keras.regularizers` object for every kernel, or None.

    Returns:
        A `keras.Model` from (batch, *image_shape) float to (batch, outputs) float32.
    """
    x = inputs = keras.Input(tuple(image_shape))
    for level, count in enumerate(filters):
        normalize = batch_norm and level > 0
        x = layers.Conv2D(
            count,
            kernel_size,
            strides=2,
            padding="same",
            use_bias=not normalize,
            kernel_initializer=_plain(initializer),
            kernel_regularizer=kernel_regularizer,
        )(x)
        x = _normalized(x) if normalize else x
        x = layers.Activation(activation)(x)
    x = layers.Flatten()(x)
    dense = {"kernel_regularizer": kernel_regularizer}
    if hidden:
        x = layers.Dense(hidden, kernel_initializer=_plain(initializer), **dense)(x)
        x = layers.Activation(activation)(x)
    for layer in tail:
        x = layer(x)
    if not isinstance(initializer, str):
        dense["kernel_initializer"] = _plain(initializer)
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
    initializer="glorot_uniform",
    batch_norm=False,
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
        initializer, kernel_regularizer: as in `conv_encoder`.
        batch_norm: whether every layer but the last is followed by batch normalisation
            (over the global batch), as in DCGAN's generator.

    Returns:
        A `keras.Model` from (batch, inputs) float to (batch, *image_shape) float32.
    """
    sizes = [tuple(image_shape[:2])]
    for _ in filters:
        sizes.append(tuple(math.ceil(side / 2) for side in sizes[-1]))
    (height, width), *sizes = reversed(sizes)

    def followed(x):
        x = _normalized(x) if batch_norm else x
        return layers.Activation(activation)(x)

    def dense(count):
        return layers.Dense(
            count,
            use_bias=not batch_norm,
            kernel_initializer=_plain(initializer),
            kernel_regularizer=kernel_regularizer,
        )

    x = start = keras.Input((inputs,))
    if hidden:
        x = followed(dense(hidden)(x))
    x = dense(height * width * filters[0])(x)
    x = layers.Reshape((height, width, filters[0]))(x)
    x = followed(x)
    counts = (*filters[1:], image_shape[2])
    for level, (count, size) in enumerate(zip(counts, sizes, strict=True)):
        last = level == len(counts) - 1
        x = layers.Conv2DTranspose(
            count,
            kernel_size,
            strides=2,
            padding="same",
            use_bias=last or not batch_norm,
            kernel_initializer=_transposed(initializer, 1 if last else 2),
            kernel_regularizer=kernel_regularizer,
            dtype="float32" if last else None,
        )(x)
        if x.shape[1:3] != size:  # odd sides, rounded up on the way down
            extra = [(0, have - want) for have, want in zip(x.shape[1:3], size)]
            x = layers.Cropping2D(extra)(x)
        if not last:
            x = followed(x)
    if output_activation:
        x = layers.Activation(output_activation, dtype="float32")(x)
    return keras.Model(start, x, name=name)


def _plain(initializer):
    """A fresh initializer: Keras's of one object would start all layers alike."""
    if isinstance(initializer, str):
        return initializer
    return keras.initializers.RandomNormal(stddev=initializer)


def _transposed(initializer, gain):
    """Initializer of a transposed convolution with stride 2.

    Keras takes the kernel's axes for those of a convolution, so that its "he_uniform"
    divides by the number of outputs; each output sums a quarter of a kernel's entries.
    """
    if initializer != "he_uniform":
        return _plain(initializer)
    return keras.initializers.VarianceScaling(4 * gain, "fan_out", "uniform")


def _normalized(x):
    return BatchNormalization(momentum=0.9, epsilon=1e-5)(x)


def followed_by(network, activation):
    """A network with an activation after its output; itself where that is None."""
    if activation is None:
        return network
    outputs = layers.Activation(activation, dtype="float32")(network.output)
    return keras.Model(network.inputs, outputs, name=network.name)
