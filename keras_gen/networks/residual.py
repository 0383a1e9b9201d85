"""Residual convolutions down to a vector of features."""

import keras
from keras import layers

from keras_gen.layers import Dropout, RandomShift, SpaceToDepth


def residual_features(
    image_shape,
    outputs,
    *,
    filters,
    blocks=1,
    shuffle=1,
    pool=None,
    shift=0,
    flip=False,
    dropout=0.0,
    name="backbone",
):
    """Image to features: residual blocks without normalisation.

    Every block's last convolution starts from zero, so that the network starts as its
    shortcuts (Zhang et al. 2019, arXiv:1901.09321): it trains without statistics of
    the batch, and is the same on one replica and on many.

    Args:
        image_shape: (height, width, channels).
        outputs: length of the feature vector.
        filters: channels of the first convolution and of each level after it; a level
            starts with a convolution that halves the sides.
        blocks: residual blocks a level, each of two 3x3 convolutions.
        shuffle: side of the blocks of pixels that are made channels first.
        pool: side of the squares that the last level is averaged over, for pictures
            where the place matters; None averages over all of it.
        shift, flip: training's `layers.RandomShift`, none where both are 0.
        dropout: training's share of features set to zero.

    Returns:
        A `keras.Model` from (batch, *image_shape) float to (batch, outputs) float32,
        not negative.
    """

    def convolve(x, count, strides=1, initializer="he_normal"):
        return layers.Conv2D(
            count, 3, strides, padding="same", kernel_initializer=initializer
        )(x)

    x = inputs = keras.Input(tuple(image_shape))
    if shift or flip:
        x = RandomShift(shift, flip)(x)
    if shuffle > 1:
        x = SpaceToDepth(shuffle)(x)
    x = layers.Activation("relu")(convolve(x, filters[0]))
    for count in filters[1:]:
        x = layers.Activation("relu")(convolve(x, count, 2))
        for _ in range(blocks):
            shortcut = x
            x = layers.Activation("relu")(convolve(x, count))
            x = convolve(x, count, initializer="zeros")
            x = layers.Activation("relu")(layers.Add()([x, shortcut]))
    if pool:
        x = layers.Flatten()(layers.AveragePooling2D(pool, padding="same")(x))
    else:
        x = layers.GlobalAveragePooling2D()(x)
    x = Dropout(dropout)(x)
    x = layers.Dense(outputs, kernel_initializer="he_normal", dtype="float32")(x)
    x = layers.Activation("relu", dtype="float32")(x)
    return keras.Model(inputs, x, name=name)
