"""The denoiser of diffusion models: a residual U-Net that knows the time."""

import keras
from keras import layers

from keras_gen.layers import (
    DepthToSpace,
    Dropout,
    GroupNormalization,
    SinusoidalEmbedding,
    SpaceToDepth,
)


def unet(
    image_shape,
    *,
    num_classes=0,
    outputs=None,
    filters=(64, 128),
    blocks=1,
    shuffle=2,
    groups=8,
    heads=4,
    attention=(),
    dropout=0.0,
    name="denoiser",
):
    """U-Net of Ho et al. 2020 (arXiv:2006.11239, appendix B), sized by its keywords.

    Residual blocks of group normalisation, SiLU and 3x3 convolutions, the time added
    in each, and the label to it; self-attention between the two blocks at the bottom
    and after those of chosen levels. The paper's for CIFAR-10 is
    `filters=(128, 256, 256, 256), blocks=2, shuffle=1, groups=32, heads=1,
    attention=(1,), dropout=0.1`.

    Args:
        image_shape: (height, width, channels), sides divisible by
            shuffle * 2 ** (len(filters) - 1).
        num_classes: of one-hot labels, a third input; 0 for none.
        outputs: channels returned; None for those of the images.
        filters: channels at each level, finest first; levels halve the sides.
        blocks: residual blocks a level.
        shuffle: factor by which pixels are folded into channels before the first
            convolution, 1 for none: the network then costs shuffle^2 times less.
        groups: groups of the normalisations; divides every entry of `filters`.
        heads: of every attention.
        attention: levels with attention after each residual block, 0 for the finest.
        dropout: rate in every residual block.

    Returns:
        A `keras.Model` from [(batch, *image_shape) float, (batch,) time(, (batch,
        num_classes) float)] to (batch, height, width, outputs) float32.

    Raises:
        ValueError: the sides do not divide, or there is no such level for attention.
    """
    factor = shuffle * 2 ** (len(filters) - 1)
    if image_shape[0] % factor or image_shape[1] % factor:
        raise ValueError(
            f"Expected sides divisible by {factor}, from shuffle={shuffle} and "
            f"{len(filters)} levels. Received: image_shape={tuple(image_shape)}"
        )
    if not set(attention) <= set(range(len(filters))):
        raise ValueError(
            f"Expected attention at levels in [0, {len(filters)}). "
            f"Received: attention={tuple(attention)}"
        )

    def norm(x):
        return GroupNormalization(groups, activation="silu")(x)

    def residual(x, count):
        h = layers.Conv2D(count, 3, padding="same")(norm(x))
        h = layers.Add()([h, layers.Reshape((1, 1, count))(layers.Dense(count)(time))])
        h = Dropout(dropout)(norm(h))
        h = layers.Conv2D(count, 3, padding="same", kernel_initializer="zeros")(h)
        if x.shape[-1] != count:
            x = layers.Conv2D(count, 1)(x)
        return layers.Add()([x, h])

    def attend(x):
        _, h, w, c = x.shape
        tokens = layers.Reshape((h * w, c))(GroupNormalization(groups)(x))
        mixed = layers.MultiHeadAttention(heads, c // heads)(tokens, tokens)
        return layers.Add()([x, layers.Reshape((h, w, c))(mixed)])

    def block(x, count, level):
        x = residual(x, count)
        return attend(x) if level in attention else x

    inputs = [keras.Input(tuple(image_shape)), keras.Input(())]
    time = SinusoidalEmbedding(filters[0])(inputs[1])
    time = layers.Dense(4 * filters[0], activation="silu")(time)
    if num_classes:
        inputs.append(keras.Input((num_classes,)))
        label = layers.Dense(4 * filters[0], use_bias=False)(inputs[2])
        time = layers.Add()([time, label])
    time = layers.Dense(4 * filters[0], activation="silu")(time)

    # Noise at low levels is finer than what bfloat16 tells apart.
    x = SpaceToDepth(shuffle, dtype="float32")(inputs[0]) if shuffle > 1 else inputs[0]
    x = layers.Conv2D(filters[0], 3, padding="same", dtype="float32")(x)
    skips = [x]
    for level, count in enumerate(filters):
        if level:
            x = layers.Conv2D(x.shape[-1], 3, strides=2, padding="same")(x)
            skips.append(x)
        for _ in range(blocks):
            x = block(x, count, level)
            skips.append(x)
    x = residual(attend(residual(x, filters[-1])), filters[-1])
    for level, count in reversed(list(enumerate(filters))):
        for _ in range(blocks + 1):
            x = block(layers.Concatenate()([x, skips.pop()]), count, level)
        if level:
            x = layers.Conv2D(x.shape[-1], 3, padding="same")(layers.UpSampling2D(2)(x))
    channels = (outputs or image_shape[2]) * shuffle**2
    x = layers.Conv2D(
        channels, 3, padding="same", kernel_initializer="zeros", dtype="float32"
    )(norm(x))
    if shuffle > 1:
        x = DepthToSpace(shuffle, dtype="float32")(x)
    return keras.Model(inputs, x, name=name)
