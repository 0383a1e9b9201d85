"""Generators that styles steer: Karras et al. 2019 and 2020.

StyleGAN (arXiv:1812.04948, figure 1) and StyleGAN2 (arXiv:1912.04958, figures 2 and 7).
Both map a latent to a style and synthesize a picture from a style for each layer.
"""

import itertools

import keras
from keras import layers, ops

from keras_gen.layers import (
    AdaptiveInstanceNormalization,
    Blur2D,
    ChannelBias,
    EqualizedConv2D,
    EqualizedDense,
    LearnedConstant,
    MinibatchStdDev,
    ModulatedConv2D,
    NoiseInput,
    PixelNormalization,
    SmoothDownsampling2D,
    SmoothUpsampling2D,
)
from keras_gen.layers.resampling import doubled
from keras_gen.networks.growing import GrowingGenerator
from keras_gen.networks.pyramid import Pyramid


def mapping_network(latent_dim, style_dim, depth, name="mapping"):
    """Latents, normalised, to styles by dense layers that learn slowly (appendix C).

    Returns:
        A `keras.Model` from (batch, latent_dim) to (batch, style_dim), float32.
    """
    inputs = keras.Input((latent_dim,))
    x = PixelNormalization(dtype="float32")(inputs)
    for _ in range(depth):
        x = EqualizedDense(style_dim, rate=0.01, dtype="float32")(x)
        x = layers.Activation("leaky_relu", dtype="float32")(x)  # of slope 0.2
    return keras.Model(inputs, x, name=name)


class Styled:
    """The half of a generator that maps; it stands before a `Pyramid`.

    Called on latents (batch, latent_dim), or on a list of these and conditions, it
    returns float32 pictures. Two layers of each level take a style.

    Args:
        latent_dim: length of the latents, which are normalised.
        image_shape, filters: as `Pyramid` takes them.
        style_dim: length of the styles.
        depth: layers of the mapping network.
    """

    def __init__(
        self,
        latent_dim,
        image_shape,
        filters,
        *,
        style_dim=512,
        depth=8,
        name="generator",
    ):
        super().__init__(
            image_shape=image_shape,
            filters=filters,
            name=name,
            latent_dim=latent_dim,
            style_dim=style_dim,
            depth=depth,
        )

    def lay_out(self):
        self.mapping = mapping_network(self.latent_dim, self.style_dim, self.depth)
        super().lay_out()

    @property
    def num_styles(self):
        """How many styles a picture is synthesized from."""
        return 2 * self.levels

    @property
    def used_styles(self):
        """How many of them, the first ones, have a part in it now."""
        return self.num_styles

    def map(self, latents):
        """Styles float32 (batch, style_dim) of latents (batch, latent_dim)."""
        return self.mapping(latents)

    def spread(self, styles):
        """Styles (batch, style_dim) for every layer, (batch, num_styles, style_dim)."""
        return ops.repeat(styles[:, None], self.num_styles, axis=1)

    def synthesize(self, styles, *conditions, training=False):
        """Pictures in about [-1, 1] of styles (batch, num_styles, style_dim)."""
        raise NotImplementedError

    def call(self, inputs, training=False):
        latents, *conditions = inputs if isinstance(inputs, list) else [inputs]
        styles = self.spread(self.map(latents))
        return self.synthesize(styles, *conditions, training=training)


@keras.saving.register_keras_serializable("keras_gen")
class GrowingStyleGenerator(Styled, GrowingGenerator):
    """StyleGAN's generator, which grows as `GrowingGenerator` does.

    Each level has two convolutions, the first of level 0 replaced by a learned
    constant; after each come noise, a bias, a rectifier and adaptive instance
    normalisation.

    Args:
        latent_dim, image_shape, filters, style_dim, depth: as `Styled` takes them.

    Called on [(batch, latent_dim), alpha (batch, 1)] it returns float32
    (batch, *shape_at(stage)).
    """

    @property
    def used_styles(self):
        return 2 * (self.stage + 1)

    def active_variables(self):
        return [*self.mapping.trainable_variables, *super().active_variables()]

    def _block(self, level):
        styles = [keras.Input((self.style_dim,)) for _ in range(2)]
        count, inputs = self.channels_at(level), list(styles)
        if level:
            inputs = [keras.Input(self.features_at(level - 1)), *styles]
            x = SmoothUpsampling2D()(inputs[0])
            x = EqualizedConv2D(count, 3, use_bias=False)(x)
        else:
            x = LearnedConstant(self.features_at(0))(styles[0])
        x = _steered(x, styles[0])
        x = EqualizedConv2D(count, 3, use_bias=False)(x)
        x = _steered(x, styles[1])
        return keras.Model(inputs, x, name=f"block_{level}")

    def synthesize(self, styles, alpha, training=False):
        styles = ops.convert_to_tensor(styles)
        before = x = None
        for level, block in enumerate(self.blocks[: self.stage + 1]):
            own = [styles[:, 2 * level], styles[:, 2 * level + 1]]
            inputs = [x, *own] if level else own
            before, x = x, block(inputs, training=training)
        return self.coloured(before, x, alpha)


@keras.saving.register_keras_serializable("keras_gen")
class SkipStyleGenerator(Styled, Pyramid):
    """StyleGAN2's generator: modulated convolutions, and colours summed over levels.

    Level 0 has a learned constant and one convolution, further ones have two; each is
    followed by noise, a bias and a rectifier. The last style of a level steers its
    colours too, which the next level's first convolution shares.

    Args:
        latent_dim, image_shape, filters, style_dim, depth: as `Styled` takes them.

    Called on (batch, latent_dim) it returns float32 (batch, *image_shape).
    """

    @property
    def input_shape(self):
        return (None, self.latent_dim)

    @property
    def output_shape(self):
        return (None, *self.image_shape)

    def _block(self, level):
        count, width = self.channels_at(level), self.style_dim
        if not level:
            style = keras.Input((width,))
            normal = keras.initializers.RandomNormal(stddev=1.0)
            x = LearnedConstant(self.features_at(0), normal)(style)
            return keras.Model([style], _modulated(x, style, count), name="block_0")
        inputs = [keras.Input(self.features_at(level - 1))]
        styles = [keras.Input((width,)) for _ in range(2)]
        x = _modulated(inputs[0], styles[0], count, up=True)
        x = _modulated(x, styles[1], count)
        return keras.Model([*inputs, *styles], x, name=f"block_{level}")

    def _colour(self, level):
        inputs = [keras.Input(self.features_at(level)), keras.Input((self.style_dim,))]
        options = {"demodulate": False, "dtype": "float32"}
        x = ModulatedConv2D(self.image_shape[-1], 1, **options)(inputs)
        return keras.Model(
            inputs, ChannelBias(dtype="float32")(x), name=f"colour_{level}"
        )

    def synthesize(self, styles, training=False):
        styles = ops.convert_to_tensor(styles)
        x = self.blocks[0]([styles[:, 0]], training=training)
        pictures = self.colours[0]([x, styles[:, 1]])
        for level in range(1, self.levels):
            first, second, last = (styles[:, 2 * level + k] for k in (-1, 0, 1))
            x = self.blocks[level]([x, first, second], training=training)
            more = self.colours[level]([x, last])
            pictures = doubled(pictures) + more
        return pictures


def residual_critic(image_shape, filters, *, group=4, name="critic"):
    """StyleGAN2's critic: a residual block for each halving (figure 7).

    Args:
        image_shape: (height, width, channels), sides divisible by
            2 ** (len(filters) - 1).
        filters: channels at each size, finest first.
        group: rows over whose deviation the last level is told, 0 for none; see
            `layers.MinibatchStdDev`.

    Returns:
        A `keras.Model` from (batch, *image_shape) to scores float32 (batch, 1).
    """
    inputs = keras.Input(tuple(image_shape))
    x = _leaky(EqualizedConv2D(filters[0], 1)(inputs))
    for count, following in itertools.pairwise(filters):
        skip = SmoothDownsampling2D()(x)
        skip = EqualizedConv2D(following, 1, gain=1.0, use_bias=False)(skip)
        x = _leaky(EqualizedConv2D(count, 3)(x))
        x = EqualizedConv2D(following, 3, strides=2, padding="valid")(Blur2D(2)(x))
        # Halving the sum's square keeps its deviation.
        x = layers.Add()([_leaky(x), skip]) * 0.5**0.5
    x = MinibatchStdDev(group)(x) if group else x
    x = _leaky(EqualizedConv2D(filters[-1], 3)(x))
    x = _leaky(EqualizedDense(filters[-1])(layers.Flatten()(x)))
    x = EqualizedDense(1, gain=1.0, dtype="float32")(x)
    return keras.Model(inputs, x, name=name)


def _leaky(x):
    return layers.Activation("leaky_relu")(x)  # of slope 0.2


def _steered(x, style):
    x = _leaky(ChannelBias()(NoiseInput()(x)))
    return AdaptiveInstanceNormalization()([x, style])


def _modulated(x, style, count, up=False):
    x = ModulatedConv2D(count, up=up)([x, style])
    x = _leaky(ChannelBias()(NoiseInput(per_channel=False)(x)))
    return x * 2**0.5  # what the rectifier takes
