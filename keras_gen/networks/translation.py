"""Networks from pictures to pictures of any size, and critics of their patches."""

import keras
from keras import layers, ops

from keras_gen.layers import (
    BatchNormalization,
    DepthToSpace,
    Dropout,
    GroupNormalization,
    ReflectionPadding2D,
)

# Pixels that one score of `patch_critic` depends on, by its strided convolutions.
PATCHES = {1: 0, 16: 1, 34: 2, 70: 3, 142: 4, 286: 5}


def skip_generator(
    channels,
    outputs,
    *,
    filters,
    dropout=0.5,
    dropped=3,
    groups=None,
    transposed=True,
    adds=False,
    palette=0,
    name="generator",
):
    """The U-Net of Isola et al. 2017 (arXiv:1611.07004), appendix 6.1.1.

    4x4 convolutions of stride 2 down, transposed ones up, each of the latter beside
    what came out of its mirror. Their "batch normalisation" is over the one picture
    of a batch: instance normalisation, which the innermost layer is without.

    Args:
        channels, outputs: of the pictures taken and returned.
        filters: channels of every layer down, the finest first; sides must divide by
            2 ** len(filters).
        dropout: rate, the paper's only noise, in the coarsest layers up.
        dropped: how many of these.
        groups: of the normalisation; None for the paper's, each channel on its own,
            which loses the colour of a picture that has but one.
        transposed: whether layers up are transposed convolutions, as in the paper; else
            3x3 ones of pixels repeated, which leave no grid in small pictures (Odena,
            Dumoulin and Olah 2016).
        adds: whether what the network makes is added to its input, and clipped, as in
            the residual CycleGAN of de Bel et al. 2021: it begins near the identity.
        palette: channels of an embedding of every pixel's first channel, in 256 levels,
            that goes to the last layer: drawings share colours, which no layer of
            stride 2 looks up; 0 for none, as in the paper.

    Returns:
        A `keras.Model` from (batch, h, w, channels) float to (batch, h, w, outputs)
        float32 in [-1, 1].

    Raises:
        ValueError: pictures of other channels to add to.
    """
    normal = keras.initializers.RandomNormal(stddev=0.02)
    options = {"padding": "same", "kernel_initializer": normal}

    def doubled(x, count, **last):
        if transposed:
            up = layers.Conv2DTranspose(count, 4, strides=2, **_own(options), **last)
            return up(x)
        x = layers.UpSampling2D(2)(x)
        return layers.Conv2D(count, 3, **_own(options), **last)(x)

    x = inputs = keras.Input((None, None, channels))
    skips = []
    for level, count in enumerate(filters):
        norm = 0 < level < len(filters) - 1
        x = layers.Conv2D(count, 4, strides=2, use_bias=not norm, **_own(options))(x)
        x = GroupNormalization(groups or count)(x) if norm else x
        skips.append(x)
        x = layers.Activation("leaky_relu")(x)
    x = layers.Activation("relu")(skips.pop())
    for level, count in enumerate(reversed(filters[:-1])):
        x = GroupNormalization(groups or count)(doubled(x, count, use_bias=False))
        if level < dropped:
            x = Dropout(dropout)(x)
        x = layers.Activation("relu")(layers.Concatenate()([x, skips.pop()]))
    if palette:
        looked_up = layers.Embedding(256, palette)(_levels(inputs))
        x = layers.Concatenate()([doubled(x, filters[0]), looked_up])
        x = layers.Conv2D(filters[0], 1, activation="relu", **_own(options))(x)
        x = layers.Conv2D(
            outputs, 3, dtype="float32", activation="tanh", **_own(options)
        )(x)
    else:
        x = doubled(x, outputs, dtype="float32", activation="tanh")
    x = _added(inputs, x) if adds else x
    return keras.Model(inputs, x, name=name)


def residual_generator(
    channels,
    outputs,
    *,
    filters=(64, 128, 256),
    blocks=6,
    groups=None,
    transposed=True,
    adds=False,
    name="generator",
):
    """The network of Zhu et al. 2017 (arXiv:1703.10593), appendix 7.2.

    A 7x7 convolution, 3x3 ones of stride 2, residual blocks, transposed ones up, a 7x7
    one; reflected edges, instance normalisation.

    Args:
        channels, outputs: of the pictures taken and returned.
        filters: channels from the first convolution to the residual blocks; sides must
            divide by 2 ** (len(filters) - 1).
        blocks: the paper's are 6 for 128 pixels, 9 for 256 and more.
        groups, transposed, adds: as in `skip_generator`.

    Returns:
        A `keras.Model` from (batch, h, w, channels) float to (batch, h, w, outputs)
        float32 in [-1, 1].

    Raises:
        ValueError: pictures of other channels to add to.
    """
    normal = keras.initializers.RandomNormal(stddev=0.02)
    options = {"kernel_initializer": normal, "use_bias": False}

    def convolve(x, count, size):
        x = ReflectionPadding2D(size // 2)(x)
        return layers.Conv2D(count, size, **_own(options))(x)

    def norm(x, activation="relu"):
        return GroupNormalization(groups or x.shape[-1], activation=activation)(x)

    x = inputs = keras.Input((None, None, channels))
    x = norm(convolve(x, filters[0], 7))
    for count in filters[1:]:
        x = layers.Conv2D(count, 3, strides=2, padding="same", **_own(options))(x)
        x = norm(x)
    for _ in range(blocks):
        y = norm(convolve(x, filters[-1], 3))
        x = layers.Add()([x, norm(convolve(y, filters[-1], 3), None)])
    for count in reversed(filters[:-1]):
        if transposed:
            x = layers.Conv2DTranspose(
                count, 3, strides=2, padding="same", **_own(options)
            )(x)
        else:
            x = convolve(layers.UpSampling2D(2)(x), count, 3)
        x = norm(x)
    last = {"dtype": "float32", "activation": "tanh"}
    x = layers.Conv2D(outputs, 7, kernel_initializer=normal.clone(), **last)(
        ReflectionPadding2D(3)(x)
    )
    x = _added(inputs, x) if adds else x
    return keras.Model(inputs, x, name=name)


def patch_critic(channels, *, receptive_field=70, filters=64, norm=True, name="critic"):
    """PatchGAN: Isola et al. 2017 (arXiv:1611.07004), appendix 6.1.2.

    Scores of overlapping patches. 4x4 convolutions of stride 2, as many as the patch
    takes, and two of stride 1; 1x1 convolutions for patches of a pixel.

    Args:
        channels: of what is judged, all that stands side by side.
        receptive_field: side of a patch in pixels: 1, 16, 34, 70, 142 or 286.
        filters: of the first convolution; doubled in each of the next three.
        norm: whether all convolutions but the first and the last are followed by
            instance normalisation, whose statistics are those of the whole picture:
            where much of it is one colour, generators get blots past such a critic.

    Returns:
        A `keras.Model` from (batch, h, w, channels) float to (batch, h', w', 1)
        float32.

    Raises:
        ValueError: no such critic has the receptive field.
    """
    if receptive_field not in PATCHES:
        raise ValueError(
            f"Expected a receptive field of {', '.join(map(str, PATCHES))} pixels. "
            f"Received: receptive_field={receptive_field}"
        )
    strided = PATCHES[receptive_field]
    normal = keras.initializers.RandomNormal(stddev=0.02)

    def convolve(x, count, strides=1, **options):
        options["kernel_initializer"] = normal.clone()
        if not strided:
            return layers.Conv2D(count, 1, **options)(x)
        return layers.Conv2D(count, 4, strides, **options)(layers.ZeroPadding2D(1)(x))

    x = inputs = keras.Input((None, None, channels))
    x = layers.Activation("leaky_relu")(convolve(x, filters, 2 if strided else 1))
    for level in range(1, max(strided, 1) + 1):
        count = filters * 2 ** min(level, 3)
        x = convolve(x, count, 2 if level < strided else 1, use_bias=not norm)
        x = GroupNormalization(count)(x) if norm else x
        x = layers.Activation("leaky_relu")(x)
    return keras.Model(inputs, convolve(x, 1, dtype="float32"), name=name)


def super_resolver(channels, *, scale=4, filters=64, blocks=16, name="generator"):
    """SRResNet: Ledig et al. 2017 (arXiv:1609.04802), section 2.1.1 and figure 4.

    Residual blocks at the small picture's size, then sub-pixel convolutions (Shi et
    al. 2016, arXiv:1609.05158), each of which doubles the sides.

    Args:
        channels: of the pictures.
        scale: by which sides grow, a power of 2.
        filters: channels of every layer.
        blocks: residual blocks.

    Returns:
        A `keras.Model` from (batch, h, w, channels) float to (batch, scale * h,
        scale * w, channels) float32.

    Raises:
        ValueError: the scale is no power of 2 from 2 on.
    """
    if scale < 2 or scale & (scale - 1):
        raise ValueError(
            f"Expected a power of 2 from 2 on as scale. Received: scale={scale}"
        )

    def convolve(x, count=filters, size=3, **options):
        return layers.Conv2D(count, size, padding="same", **options)(x)

    def rectified(x):
        return layers.PReLU(shared_axes=(1, 2))(x)

    x = inputs = keras.Input((None, None, channels))
    x = first = rectified(convolve(x, size=9))
    for _ in range(blocks):
        y = rectified(_normalized(convolve(x, use_bias=False)))
        x = layers.Add()([x, _normalized(convolve(y, use_bias=False))])
    x = layers.Add()([first, _normalized(convolve(x, use_bias=False))])
    for _ in range(scale.bit_length() - 1):
        x = rectified(DepthToSpace(2)(convolve(x, 4 * filters)))
    x = convolve(x, channels, 9, dtype="float32")
    return keras.Model(inputs, x, name=name)


def picture_critic(image_shape, *, filters=(64, 128, 256, 512), hidden=1024):
    """SRGAN's critic of whole pictures (figure 4 of Ledig et al. 2017).

    Args:
        image_shape: (height, width, channels).
        filters: channels of pairs of 3x3 convolutions, the second of stride 2.
        hidden: units of the dense layer before the score.

    Returns:
        A `keras.Model` from (batch, *image_shape) float to (batch, 1) float32.
    """
    x = inputs = keras.Input(tuple(image_shape))
    for level, count in enumerate(filters):
        for strides in (1, 2):
            norm = level or strides == 2
            x = layers.Conv2D(
                count, 3, strides=strides, padding="same", use_bias=not norm
            )(x)
            x = _normalized(x) if norm else x
            x = layers.Activation("leaky_relu")(x)
    x = layers.Activation("leaky_relu")(layers.Dense(hidden)(layers.Flatten()(x)))
    return keras.Model(inputs, layers.Dense(1, dtype="float32")(x), name="critic")


def _added(inputs, change):
    """Pictures changed, in [-1, 1]."""
    if inputs.shape[-1] != change.shape[-1]:
        raise ValueError(
            "Expected as many channels made as taken where they are added. "
            f"Received: {inputs.shape[-1]} and {change.shape[-1]}"
        )
    return ops.clip(ops.cast(inputs, "float32") + change, -1.0, 1.0)


def _levels(pictures):
    """The first channel of pictures in [-1, 1] as int32 (batch, h, w) in [0, 255]."""
    levels = ops.round(127.5 * (pictures[..., 0] + 1))
    return ops.cast(ops.clip(levels, 0, 255), "int32")


def _own(options):
    """Options with an initializer of their own: Keras's of one object repeats."""
    return {**options, "kernel_initializer": options["kernel_initializer"].clone()}


def _normalized(x):
    return BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
