"""Layers that a style steers: Karras et al. 2019 and 2020.

StyleGAN (arXiv:1812.04948, section 2 and appendix C) and its successor
(arXiv:1912.04958, section 2.2). A style is a vector (batch, style_dim).
"""

import keras
from keras import ops

from keras_gen.engine import random
from keras_gen.layers.equalized import EqualizedDense
from keras_gen.layers.resampling import blurred


@keras.saving.register_keras_serializable("keras_gen")
class LearnedConstant(keras.layers.Layer):
    """The same features for each style of a batch, learned: where synthesis starts.

    Args:
        shape: (height, width, channels).
        initializer: of the features.
    """

    def __init__(self, shape, initializer="ones", **kwargs):
        super().__init__(**kwargs)
        self.features_shape = tuple(shape)
        self.initializer = keras.initializers.get(initializer)

    def build(self, input_shape):
        self.constant = self.add_weight(
            shape=(1, *self.features_shape),
            initializer=self.initializer,
            name="constant",
        )

    def call(self, styles):
        return ops.repeat(self.constant, ops.shape(styles)[0], axis=0)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *self.features_shape)

    def get_config(self):
        own = {"shape": self.features_shape}
        own["initializer"] = keras.initializers.serialize(self.initializer)
        return super().get_config() | own


@keras.saving.register_keras_serializable("keras_gen")
class ChannelBias(keras.layers.Layer):
    """A learned number added to each channel of (batch, h, w, c), from zero."""

    def build(self, input_shape):
        self.bias = self.add_weight(
            shape=(input_shape[-1],), initializer="zeros", name="bias"
        )

    def call(self, inputs):
        # Not a vector: TensorFlow would fuse it with an activation, and fail to.
        return inputs + ops.reshape(self.bias, (1, 1, 1, -1))

    def compute_output_shape(self, input_shape):
        return input_shape


@keras.saving.register_keras_serializable("keras_gen")
class NoiseInput(keras.layers.Layer):
    """Add one plane of normal noise, of a learned strength that starts from zero.

    In training the noise is the step's own; otherwise it is a fixed one, drawn with the
    weights and saved with them, so that a picture is a function of its styles.

    Args:
        per_channel: whether each channel has a strength (2019) or all share one (2020).
    """

    def __init__(self, per_channel=True, **kwargs):
        super().__init__(**kwargs)
        self.per_channel = per_channel

    def build(self, input_shape):
        _, *sides, channels = input_shape
        self.strength = self.add_weight(
            shape=(channels if self.per_channel else 1,),
            initializer="zeros",
            name="strength",
        )
        self.fixed = self.add_weight(
            shape=(1, *sides, 1),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            trainable=False,
            name="fixed_noise",
        )

    def call(self, inputs, training=False):
        noise = self.fixed
        if training and not isinstance(inputs, keras.KerasTensor):
            noise = random.normal((ops.shape(inputs)[0], *inputs.shape[1:-1], 1))
        strength = ops.reshape(self.strength, (1, 1, 1, -1))
        return inputs + strength * ops.cast(noise, strength.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {"per_channel": self.per_channel}


@keras.saving.register_keras_serializable("keras_gen")
class AdaptiveInstanceNormalization(keras.layers.Layer):
    """Features normalised over each picture, then scaled and shifted by a style.

    Equation 1 of the former paper: y_s (x - mean(x)) / deviation(x) + y_b, by an affine
    map of the style that starts with scales about 1 and shifts about 0. Called on
    [features (batch, h, w, c), styles].
    """

    def __init__(self, **kwargs):
        super().__init__(autocast=False, **kwargs)

    def build(self, input_shape):
        features, style = input_shape
        self.affine = EqualizedDense(2 * features[-1], gain=1.0, dtype="float32")
        self.affine.build(style)

    def call(self, inputs):
        features, styles = inputs
        x = ops.cast(features, "float32")
        x = x - ops.mean(x, axis=(1, 2), keepdims=True)
        variance = ops.mean(ops.square(x), axis=(1, 2), keepdims=True)
        scale, shift = ops.split(self.affine(styles), 2, axis=-1)
        scale, shift = (y[:, None, None, :] for y in (scale, shift))
        x = x * ops.rsqrt(variance + 1e-8) * (scale + 1) + shift
        return ops.cast(x, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape[0]


@keras.saving.register_keras_serializable("keras_gen")
class ModulatedConv2D(keras.layers.Layer):
    """A convolution whose inputs a style scales: equations 1 to 3 of the latter paper.

    The kernel of an example is w'_ijk = s_i w_ijk, demodulated to w'' = w' / (sum over
    i, k of w'^2 + 1e-8)^(1/2). As both factors belong to channels, the inputs and the
    outputs are scaled in place of the kernel, which all examples then share. Called on
    [features (batch, h, w, c), styles]; without a bias.

    Args:
        units: channels of the output.
        kernel_size: side of the kernel.
        up: whether the sides are doubled, by a transposed convolution and a blur.
        demodulate: whether the outputs' deviation is undone.
    """

    def __init__(self, units, kernel_size=3, *, up=False, demodulate=True, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.units = units
        self.kernel_size = kernel_size
        self.up = up
        self.demodulate = demodulate

    def build(self, input_shape):
        (*_, channels), style = input_shape
        self.affine = EqualizedDense(channels, gain=1.0, bias=1.0, dtype="float32")
        self.affine.build(style)
        self.weight = self.add_weight(
            shape=(self.kernel_size, self.kernel_size, channels, self.units),
            initializer=keras.initializers.RandomNormal(stddev=1.0),
            name="equalized_kernel",
        )
        self.scale = (self.kernel_size**2 * channels) ** -0.5

    def call(self, inputs):
        features, styles = inputs
        scales, dtype = self.affine(styles), self.compute_dtype
        kernel = self.weight * self.scale
        x = ops.cast(features, dtype) * ops.cast(scales[:, None, None, :], dtype)
        x = self._convolved(x, ops.cast(kernel, dtype))
        if not self.demodulate:
            return x
        squares = ops.sum(ops.square(kernel), axis=(0, 1))  # (channels, units)
        norms = ops.rsqrt(ops.matmul(ops.square(scales), squares) + 1e-8)
        return x * ops.cast(norms[:, None, None, :], x.dtype)

    def _convolved(self, x, kernel):
        if not self.up:
            return ops.conv(x, kernel, padding="same")
        kernel = ops.transpose(kernel, (0, 1, 3, 2))
        # Of zeros between the pixels the filter makes a fourth: hence the four.
        x = ops.conv_transpose(x, 4 * kernel, strides=2, padding="valid")
        return blurred(x, 1)

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape[0]
        factor = 2 if self.up else 1
        return (batch, factor * height, factor * width, self.units)

    def get_config(self):
        own = {"units": self.units, "kernel_size": self.kernel_size, "up": self.up}
        return super().get_config() | own | {"demodulate": self.demodulate}
