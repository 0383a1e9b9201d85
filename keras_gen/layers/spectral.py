"""Layers whose kernels have a largest singular value of one."""

import keras
from keras import ops


class _Spectral:
    """W / sigma(W) in place of a kernel W.

    Miyato et al. 2018 (arXiv:1802.05957), section 2.1 and algorithm 1: sigma is the
    largest singular value of the kernel as a matrix (inputs, outputs), by one step of
    power iteration in each training call. The gradient passes through sigma
    (equation 12). Inference uses the very kernel that the next training call would.
    """

    outputs_axis = -1

    def build(self, input_shape):
        super().build(input_shape)
        matrix = self._matrix(self._kernel)
        # Replicas hold equal kernels, so that one of them speaks for all.
        self.vector = self.add_weight(
            shape=(matrix.shape[1],),
            initializer="ones",
            trainable=False,
            aggregation="only_first_replica",
            name="vector",
        )

    @property
    def kernel(self):
        _, sigma = self._singular(self._matrix(self._kernel))
        # A kernel of zeros stays one.
        return self._kernel / ops.cast(ops.maximum(sigma, 1e-12), self._kernel.dtype)

    @kernel.setter
    def kernel(self, variable):
        # Conv2DTranspose assigns to `kernel` what the other layers keep here.
        self._kernel = variable

    def call(self, inputs, training=False):
        outputs = super().call(inputs)
        if training:
            matrix = ops.stop_gradient(self._matrix(self._kernel))
            left, _ = self._singular(matrix)
            self.vector.assign(_unit(ops.matmul(ops.transpose(matrix), left)))
        return outputs

    # Keras's own layers save the kernel and the bias alone.

    def save_own_variables(self, store):
        keras.layers.Layer.save_own_variables(self, store)

    def load_own_variables(self, store):
        keras.layers.Layer.load_own_variables(self, store)

    def _singular(self, matrix):
        """The left vector that the kept right one leads to, and sigma between them."""
        right = ops.stop_gradient(_unit(ops.cast(self.vector, matrix.dtype)))
        product = ops.matmul(matrix, right)
        left = ops.stop_gradient(_unit(product))
        return left, ops.sum(left * product)

    def _matrix(self, kernel):
        kernel = ops.cast(ops.convert_to_tensor(kernel), "float32")
        kernel = ops.moveaxis(kernel, self.outputs_axis, -1)
        return ops.reshape(kernel, (-1, kernel.shape[-1]))


@keras.saving.register_keras_serializable("keras_gen")
class SpectralDense(_Spectral, keras.layers.Dense):
    """`keras.layers.Dense` with a spectrally normalised kernel."""


@keras.saving.register_keras_serializable("keras_gen")
class SpectralConv2D(_Spectral, keras.layers.Conv2D):
    """`keras.layers.Conv2D` with a spectrally normalised kernel."""


@keras.saving.register_keras_serializable("keras_gen")
class SpectralConv2DTranspose(_Spectral, keras.layers.Conv2DTranspose):
    """`keras.layers.Conv2DTranspose` with a spectrally normalised kernel."""

    outputs_axis = -2


def _unit(vector):
    return vector / ops.sqrt(ops.sum(ops.square(vector)) + 1e-12)
