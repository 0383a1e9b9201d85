"""Layers that let a critic see a batch as a whole, so that it notices sameness."""

import keras
from keras import ops

from keras_gen.engine import backend


@keras.saving.register_keras_serializable("keras_gen")
class MinibatchDiscrimination(keras.layers.Layer):
    """Beside each example's features, how near those of the batch's others are.

    Salimans et al. 2016 (arXiv:1606.03498), section 3.2: a learned tensor makes
    matrices M_i (kernels, size) of features, and o(x_i)_b = sum over the other j of
    exp(-||M_ib - M_jb||_1) is appended. The batch is the global one, whatever the
    number of replicas.

    Args:
        kernels: B, how many closenesses are appended.
        size: C, length of each kernel's vectors.
    """

    def __init__(self, kernels=16, size=8, **kwargs):
        super().__init__(**kwargs)
        self.kernels = kernels
        self.size = size

    def build(self, input_shape):
        self.tensor = self.add_weight(
            shape=(input_shape[-1], self.kernels * self.size),
            initializer="glorot_uniform",
            name="tensor",
        )
        self.built = True

    def call(self, inputs):
        own = ops.matmul(inputs, self.tensor)
        own = ops.reshape(own, (-1, 1, self.kernels, self.size))
        every = ops.transpose(backend.gather(own), (1, 0, 2, 3))
        distances = ops.sum(ops.abs(own - every), axis=-1)  # (batch, all, kernels)
        # The nearness of an example to itself, exp(0), does not count.
        closeness = ops.sum(ops.exp(-distances), axis=1) - 1
        return ops.concatenate([inputs, closeness], axis=-1)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + self.kernels)

    def get_config(self):
        return super().get_config() | {"kernels": self.kernels, "size": self.size}


@keras.saving.register_keras_serializable("keras_gen")
class MinibatchStdDev(keras.layers.Layer):
    """One more feature: the mean standard deviation within groups of examples.

    Karras et al. 2018 (arXiv:1710.10196), section 3: deviations of every feature over
    the group, averaged over features and places, are appended as a constant channel.

    Args:
        group: neighbouring rows of the batch that are one group. A replica's batch
            should be a multiple, so that other replicas do not change the groups; the
            first rows fill a last group up.
    """

    def __init__(self, group=4, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.group = group

    def call(self, inputs):
        rows, shape = ops.shape(inputs)[0], inputs.shape[1:]
        x = ops.cast(inputs, "float32")  # small deviations are what is looked for
        # The first rows fill the last group up.
        places = ops.arange(-(-rows // self.group) * self.group) % rows
        groups = ops.take(x, places, axis=0)
        groups = ops.reshape(groups, (-1, self.group, *shape))
        groups = groups - ops.mean(groups, axis=1, keepdims=True)
        # The epsilon keeps the square root's own gradient finite at zero.
        deviations = ops.sqrt(ops.mean(ops.square(groups), axis=1) + 1e-8)
        mean = ops.mean(deviations, axis=tuple(range(1, len(shape) + 1)))  # (groups,)
        mean = ops.repeat(mean, self.group)[:rows]
        mean = ops.reshape(mean, (-1,) + (1,) * len(shape))
        x = ops.concatenate([x, ops.ones_like(x[..., :1]) * mean], axis=-1)
        return ops.cast(x, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] + 1)

    def get_config(self):
        return super().get_config() | {"group": self.group}
