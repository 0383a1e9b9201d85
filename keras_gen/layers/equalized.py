"""Layers whose weights learn equally fast: Karras et al. 2018 (arXiv:1710.10196)."""

import math

import keras
from keras import ops


class _Equalized(keras.layers.Layer):
    """Weights from N(0, 1) that are scaled by He's constant whenever they are used.

    Section 4.1 there: an optimizer that divides by the gradient's size then moves each
    weight by the same share of its range.

    Args:
        units: of the output.
        gain: of He's constant gain / sqrt(inputs); sqrt(2) suits rectifiers.
        rate: how much slower than the others to learn, as the mapping network of Karras
            et al. 2019 (arXiv:1812.04948, appendix C) does at 0.01; the layer's
            function at the start does not depend on it.
        bias: what all biases start at.
        use_bias: whether there are any.
    """

    def __init__(
        self, units, *, gain=2**0.5, rate=1.0, bias=0.0, use_bias=True, **kwargs
    ):
        super().__init__(**kwargs)
        self.units = units
        self.gain = gain
        self.rate = rate
        self.start = bias
        self.use_bias = use_bias

    def kernel_shape(self, inputs):
        """Of the kernel, outputs last, for a number of inputs."""
        raise NotImplementedError

    def build(self, input_shape):
        shape = self.kernel_shape(input_shape[-1])
        normal = keras.initializers.RandomNormal(stddev=1 / self.rate)
        self.weight = self.add_weight(
            shape=shape, initializer=normal, name="equalized_kernel"
        )
        self.scale = self.gain * self.rate / math.sqrt(math.prod(shape[:-1]))
        if self.use_bias:
            start = keras.initializers.Constant(self.start / self.rate)
            self.bias = self.add_weight(
                shape=(self.units,), initializer=start, name="bias"
            )

    @property
    def kernel(self):
        """The kernel as it is used."""
        return self.weight * self.scale

    def biased(self, outputs):
        """Outputs with the bias added."""
        if not self.use_bias:
            return outputs
        # Not a vector: TensorFlow would fuse it with an activation, and fail to.
        shape = (1,) * (len(outputs.shape) - 1) + (self.units,)
        return outputs + ops.reshape(self.bias * self.rate, shape)

    def get_config(self):
        own = {"units": self.units, "gain": self.gain, "rate": self.rate}
        own |= {"bias": self.start, "use_bias": self.use_bias}
        return super().get_config() | own


@keras.saving.register_keras_serializable("keras_gen")
class EqualizedDense(_Equalized):
    """A dense layer, (batch, inputs) to (batch, units); see `_Equalized`."""

    def kernel_shape(self, inputs):
        return (inputs, self.units)

    def call(self, inputs):
        return self.biased(ops.matmul(inputs, self.kernel))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)


@keras.saving.register_keras_serializable("keras_gen")
class EqualizedConv2D(_Equalized):
    """A convolution; see `_Equalized`.

    Args:
        kernel_size: side of the kernel.
        strides: steps of the kernel.
        padding: "same" or "valid".
    """

    def __init__(self, units, kernel_size, *, strides=1, padding="same", **kwargs):
        super().__init__(units, **kwargs)
        self.kernel_size = kernel_size
        self.strides = strides
        self.padding = padding

    def kernel_shape(self, inputs):
        return (self.kernel_size, self.kernel_size, inputs, self.units)

    def call(self, inputs):
        x = ops.conv(inputs, self.kernel, strides=self.strides, padding=self.padding)
        return self.biased(x)

    def compute_output_shape(self, input_shape):
        batch, *sides, _ = input_shape
        lost = self.kernel_size - 1 if self.padding == "valid" else 0
        sides = [s and -(-(s - lost) // self.strides) for s in sides]
        return (batch, *sides, self.units)

    def get_config(self):
        own = {"kernel_size": self.kernel_size, "strides": self.strides}
        return super().get_config() | own | {"padding": self.padding}


@keras.saving.register_keras_serializable("keras_gen")
class PixelNormalization(keras.layers.Layer):
    """x / sqrt(mean over channels of x^2 + 1e-8), at every place: section 4.2 there."""

    def call(self, inputs):
        x = ops.cast(inputs, "float32")
        mean = ops.mean(ops.square(x), axis=-1, keepdims=True)
        return ops.cast(x * ops.rsqrt(mean + 1e-8), inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape
