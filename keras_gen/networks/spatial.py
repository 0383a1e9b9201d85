"""Convolutions to and from a code that keeps the picture's layout."""

import keras
from keras import layers

from keras_gen.layers import DepthToSpace, SpaceToDepth


def coarse_shape(image_shape, filters, channels):
    """Shape of a code: the sides halved, rounding up, once for each of `filters`."""
    height, width = image_shape[:2]
    for _ in filters:
        height, width = -(-height // 2), -(-width // 2)
    return height, width, channels


def spatial_encoder(
    image_shape,
    channels,
    *,
    filters,
    blocks=0,
    kernel_size=4,
    activation="relu",
    kernel_regularizer=None,
    name="encoder",
):
    """Image to a vector for each place of the coarsest level.

    Args:
        image_shape: (height, width, channels).
        channels: length of the vectors.
        filters: channels of each strided convolution, finest first.
        blocks: residual blocks at the coarsest level, of a 3x3 and a 1x1 convolution
            (van den Oord et al. 2017, arXiv:1711.00937, section 4.1).
        kernel_size: side of the strided convolutions' kernels.
        activation: of every layer but the last.
        kernel_regularizer: a `keras.regularizers` object for every kernel, or None.

    Returns:
        A `keras.Model` from (batch, *image_shape) float to
        (batch, *coarse_shape(image_shape, filters, channels)) float32.
    """
    common = {"padding": "same", "kernel_regularizer": kernel_regularizer}
    x = inputs = keras.Input(tuple(image_shape))
    for count in filters:
        x = layers.Conv2D(count, kernel_size, strides=2, **common)(x)
        x = layers.Activation(activation)(x)
    for _ in range(blocks):
        x = _residual(x, activation, common)
    x = layers.Conv2D(channels, 3, dtype="float32", **common)(x)
    return keras.Model(inputs, x, name=name)


def spatial_decoder(
    channels,
    image_shape,
    *,
    filters,
    blocks=0,
    kernel_size=4,
    activation="relu",
    kernel_regularizer=None,
    name="decoder",
):
    """A vector for each place to an image: the mirror of `spatial_encoder`.

    Args:
        channels: length of the vectors.
        image_shape: (height, width, channels) of the output.
        filters: as the encoder's, finest first.
        blocks, kernel_size, activation, kernel_regularizer: likewise.

    Returns:
        A `keras.Model` from codes (batch, h', w', channels) float to
        (batch, *image_shape) float32.
    """
    common = {"padding": "same", "kernel_regularizer": kernel_regularizer}
    sizes = [
        coarse_shape(image_shape, filters[:level], 1)[:2]
        for level in range(len(filters) + 1)
    ]
    x = inputs = keras.Input((*sizes[-1], channels))
    x = layers.Conv2D(filters[-1], 3, **common)(x)
    x = layers.Activation(activation)(x)
    for _ in range(blocks):
        x = _residual(x, activation, common)
    counts = [image_shape[2], *filters[:-1]]
    for level in reversed(range(len(filters))):
        dtype = None if level else "float32"
        x = layers.Conv2DTranspose(
            counts[level], kernel_size, strides=2, dtype=dtype, **common
        )(x)
        if x.shape[1:3] != sizes[level]:  # odd sides, rounded up on the way down
            extra = [(0, have - want) for have, want in zip(x.shape[1:3], sizes[level])]
            x = layers.Cropping2D(extra)(x)
        if level:
            x = layers.Activation(activation)(x)
    return keras.Model(inputs, x, name=name)


def _residual(x, activation, common):
    y = layers.Activation(activation)(x)
    y = layers.Conv2D(x.shape[-1], 3, **common)(y)
    y = layers.Activation(activation)(y)
    y = layers.Conv2D(x.shape[-1], 1, **common)(y)
    return layers.Add()([x, y])


def carrying_pixels(encoder, name="encoder"):
    """An encoder whose code holds the picture too, blocks of pixels as channels.

    Args:
        encoder: a model from (batch, h, w, c) to (batch, h / b, w / b, k).

    Returns:
        A `keras.Model` to (batch, h / b, w / b, k + b * b * c) float32, pixels last.

    Raises:
        ValueError: the code's sides do not divide the picture's.
    """
    sides, places = encoder.input_shape[1:3], encoder.output_shape[1:3]
    block = sides[0] // places[0]
    if sides != tuple(block * place for place in places):
        raise ValueError(
            "Expected pictures whose sides the code's divide. "
            f"Received: sides {sides}, of the code {places}"
        )
    pixels = SpaceToDepth(block, dtype="float32")(encoder.input)
    codes = layers.Concatenate(dtype="float32")([encoder.output, pixels])
    return keras.Model(encoder.input, codes, name=name)


def adding_pixels(decoder, name="decoder"):
    """A decoder of what `carrying_pixels` gives: its pixels and what is to be added.

    Residual learning: Zhang et al. 2017 (arXiv:1608.03981).

    Args:
        decoder: a model from the other channels, (batch, h / b, w / b, k), to
            (batch, h, w, c).

    Returns:
        A `keras.Model` from (batch, h / b, w / b, k + b * b * c) to (batch, h, w, c)
        float32.
    """
    height, width, k = decoder.input_shape[1:]
    block = decoder.output_shape[1] // height
    count = block**2 * decoder.output_shape[3]
    codes = keras.Input((height, width, k + count))

    def channels(start, stop):  # cropped as the last of two sides
        crop = ((0, 0), (start, k + count - stop))
        return layers.Cropping2D(crop, "channels_first", dtype="float32")(codes)

    pixels = DepthToSpace(block, dtype="float32")(channels(k, k + count))
    added = decoder(channels(0, k))
    return keras.Model(codes, layers.Add(dtype="float32")([pixels, added]), name=name)
