"""Networks whose outputs are the same everywhere, for coders that must agree."""

import hashlib

import keras
import numpy as np
from keras import ops

# Weights and activations are whole multiples of these. Products are then multiples of
# 2**-30, and float64 adds them up without rounding, in whatever order, as long as the
# sum of their sizes stays below 2**23: a matrix product or a convolution is exact, and
# neither threads nor the processor's instructions nor the backend can change a bit.
WEIGHT_GRID, ACTIVATION_GRID = 2.0**-16, 2.0**-14


class ExactNetwork:
    """A Keras network in float64 whose weights and layers' outputs lie on a grid.

    It always computes `rows` examples at once. What is no sum of products (an
    exponential, say) may differ in its last bit between machines, which rounding to
    the grid hides but for one value in some 2**30.

    Args:
        network: functional or sequential Keras model with one input, left as it is.
        rows: examples that one pass computes.

    Raises:
        RuntimeError: the backend has no float64.
        ValueError: another kind of model, or one with layers in fixed precision.
    """

    def __init__(self, network, rows):
        _check_float64()
        self.rows = rows
        self._network = _clone(network)
        self.input_shape = self._network.input_shape[1:]
        weights = network.get_weights()
        self._network.set_weights([_on_grid(w, WEIGHT_GRID) for w in weights])
        self.digest = hashlib.sha256()
        for weight in weights:
            self.digest.update(str(weight.shape).encode())
            self.digest.update(np.ascontiguousarray(weight, "<f4").tobytes())
        self.digest = self.digest.digest()

    def __call__(self, inputs):
        """Outputs for (n, ...) float64, n at most `rows`: float64 (n, ...)."""
        padded = np.zeros((self.rows, *self.input_shape))
        padded[: len(inputs)] = _on_grid(inputs, ACTIVATION_GRID)
        outputs = ops.convert_to_numpy(self._network(padded, training=False))
        return outputs[: len(inputs)]


def _check_float64():
    received = ops.convert_to_tensor(np.zeros(1, "float64")).dtype
    if keras.backend.standardize_dtype(received) != "float64":
        raise RuntimeError(
            "Expected a backend that computes in float64: on JAX, set "
            "JAX_ENABLE_X64=1 in the environment before it starts, or call "
            'jax.config.update("jax_enable_x64", True). '
            f"Received: {keras.backend.backend()}, which makes it {received}"
        )


def _on_grid(values, step):
    """Values rounded to whole multiples of a step, float64."""
    return np.round(np.asarray(values, "float64") / step) * step


def _clone(network):
    """The same layers in float64, each output rounded to the grid."""
    if not getattr(network, "inputs", None) or len(network.inputs) != 1:
        raise ValueError(
            "Expected a functional or sequential Keras model with one input. "
            f"Received: {type(network).__name__} {network.name!r}"
        )

    def clone_layer(layer):
        if not isinstance(layer, keras.layers.Layer):
            return layer
        return type(layer).from_config({**layer.get_config(), "dtype": "float64"})

    def call_layer(layer, *args, **kwargs):
        outputs = layer(*args, **kwargs)
        return keras.tree.map_structure(
            # Not `ops.floor`, which on JAX returns float32.
            lambda x: ops.round(x / ACTIVATION_GRID) * ACTIVATION_GRID,
            outputs,
        )

    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")  # for layers within layers
    try:
        clone = keras.models.clone_model(
            keras.Model(network.inputs[0], network.outputs[0], name=network.name),
            input_tensors=keras.Input(network.inputs[0].shape[1:], dtype="float64"),
            clone_function=clone_layer,
            call_function=call_layer,
            recursive=True,
        )
    finally:
        keras.config.set_dtype_policy(policy)
    # What it computes, not what it says it would: on JAX the two differ.
    example = clone(np.zeros((1, *clone.input_shape[1:])), training=False)
    for tensor in (example, *clone.weights):
        if keras.backend.standardize_dtype(tensor.dtype) != "float64":
            raise ValueError(
                "Expected layers that compute in float64 where their dtype says so. "
                f"Received: {network.name!r}, which stays in {tensor.dtype}"
            )
    return clone
