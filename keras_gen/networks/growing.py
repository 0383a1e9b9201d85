"""Networks that grow by a level at a time: Karras et al. 2018 (arXiv:1710.10196).

A network stands at one level, its `stage`, and works on pictures of that size; its
second input, alpha in [0, 1], says how far the newest level has faded in (figure 2
there).
"""

import keras
from keras import layers, ops

from keras_gen.layers import (
    EqualizedConv2D,
    EqualizedDense,
    MinibatchStdDev,
    PixelNormalization,
    SmoothDownsampling2D,
)
from keras_gen.networks.pyramid import Pyramid


class Growing(Pyramid):
    """What a growing generator and critic have in common; see `Pyramid`.

    Attributes:
        stage: the level it stands at, the last one in a new network.
    """

    def lay_out(self):
        super().lay_out()
        self.stage = self.levels - 1

    def active_variables(self):
        """Trainable variables of the layers in use at this stage, a list."""
        used = [*self.blocks[: self.stage + 1]]
        used += self.colours[max(self.stage - 1, 0) : self.stage + 1]
        return [v for network in used for v in network.trainable_variables]


@keras.saving.register_keras_serializable("keras_gen")
class GrowingGenerator(Growing):
    """Latents to pictures, after table 2 there.

    Args:
        latent_dim: length of the latents, which are normalised.
        image_shape, filters: as `Growing` takes them.

    Called on [(batch, latent_dim), alpha (batch, 1)] it returns float32
    (batch, *shape_at(stage)).
    """

    def __init__(self, latent_dim, image_shape, filters, *, name="generator", **own):
        own["latent_dim"] = latent_dim
        super().__init__(image_shape, filters, name=name, **own)

    @property
    def input_shape(self):
        return [(None, self.latent_dim), (None, 1)]

    @property
    def output_shape(self):
        return (None, *self.image_shape)

    def _block(self, level):
        """Two convolutions, at level 0 the latents' dense layer for the first one."""
        count = self.channels_at(level)
        if level:
            inputs = keras.Input(self.features_at(level - 1))
            x = EqualizedConv2D(count, 3)(layers.UpSampling2D(2)(inputs))
            x = _rectified(x)
        else:
            height, width, _ = shape = self.features_at(0)
            inputs = keras.Input((self.latent_dim,))
            # He's constant is that of a 4x4 convolution of the latents as one pixel,
            # transposed, over 4: the authors' gain.
            units = height * width * count
            x = EqualizedDense(units, gain=2**0.5 / 4)(PixelNormalization()(inputs))
            x = _rectified(layers.Reshape(shape)(x))
        x = _rectified(EqualizedConv2D(count, 3)(x))
        return keras.Model(inputs, x, name=f"block_{level}")

    def _colour(self, level):
        inputs = keras.Input(self.features_at(level))
        channels = self.image_shape[-1]
        x = EqualizedConv2D(channels, 1, gain=1.0, dtype="float32")(inputs)
        return keras.Model(inputs, x, name=f"colour_{level}")

    def call(self, inputs, training=False):
        x, alpha = inputs
        before = None
        for block in self.blocks[: self.stage + 1]:
            before, x = x, block(x)
        return self.coloured(before, x, alpha)

    def coloured(self, before, features, alpha):
        """Pictures of the features at the stage and at the level before it."""
        pictures = self.colours[self.stage](features)
        if not self.stage:
            return pictures
        return faded(enlarged(self.colours[self.stage - 1](before)), pictures, alpha)


@keras.saving.register_keras_serializable("keras_gen")
class GrowingCritic(Growing):
    """Pictures to scores, the generator's mirror image; table 2 there.

    Args:
        image_shape, filters: as `Growing` takes them.
        group: rows over whose deviation the last level is told, 0 for none; see
            `layers.MinibatchStdDev`.
        smooth: whether sides are halved through `layers.SmoothDownsampling2D`, the
            filter of StyleGAN's critic, in place of means of squares. Either comes
            after the rectifier; the authors' programs halve before it.

    Called on [(batch, *shape_at(stage)), alpha (batch, 1)] it returns float32
    (batch, 1).
    """

    def __init__(self, image_shape, filters, group=4, smooth=False, *, name="critic"):
        super().__init__(image_shape, filters, name=name, group=group, smooth=smooth)

    @property
    def input_shape(self):
        return [(None, *self.image_shape), (None, 1)]

    @property
    def output_shape(self):
        return (None, 1)

    def _block(self, level):
        """Two convolutions and pooling, at level 0 dense layers for the latter two."""
        inputs = keras.Input(self.features_at(level))
        count = self.channels_at(level)
        if level:
            x = _leaky(EqualizedConv2D(count, 3)(inputs))
            x = _leaky(EqualizedConv2D(self.channels_at(level - 1), 3)(x))
            pooling = layers.AveragePooling2D(2)
            x = SmoothDownsampling2D()(x) if self.smooth else pooling(x)
            return keras.Model(inputs, x, name=f"b_{level}")
        x = MinibatchStdDev(self.group)(inputs) if self.group else inputs
        x = layers.Flatten()(_leaky(EqualizedConv2D(count, 3)(x)))
        x = _leaky(EqualizedDense(count)(x))
        x = EqualizedDense(1, gain=1.0, dtype="float32")(x)
        return keras.Model(inputs, x, name="b_0")

    def _colour(self, level):
        inputs = keras.Input(self.shape_at(level))
        x = _leaky(EqualizedConv2D(self.channels_at(level), 1)(inputs))
        return keras.Model(inputs, x, name=f"colour_{level}")

    def call(self, inputs, training=False):
        pictures, alpha = inputs
        x = self.colours[self.stage](pictures)
        for level in range(self.stage, -1, -1):
            x = self.blocks[level](x)
            if level and level == self.stage:
                x = faded(self.colours[level - 1](reduced(pictures)), x, alpha)
        return x


def faded(old, new, alpha):
    """(1 - alpha) old + alpha new, tensors (batch, h, w, c), alpha (batch, 1)."""
    alpha = ops.cast(ops.reshape(alpha, (-1, 1, 1, 1)), new.dtype)
    return (1 - alpha) * old + alpha * new


def enlarged(pictures, factor=2):
    """Pictures (batch, h, w, c) with every pixel `factor` times as wide and high."""
    return ops.repeat(ops.repeat(pictures, factor, axis=1), factor, axis=2)


def reduced(pictures, factor=2):
    """Means of the squares of `factor` times `factor` pixels."""
    return ops.average_pool(pictures, factor, factor)


def _leaky(x):
    return layers.Activation("leaky_relu")(x)  # of slope 0.2


def _rectified(x):
    return PixelNormalization()(_leaky(x))
