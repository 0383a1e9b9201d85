"""Small changes of pictures that keep what they show."""

import keras
from keras import ops

from keras_gen.engine import random


@keras.saving.register_keras_serializable("keras_gen")
class RandomShift(keras.layers.Layer):
    """In training, shift each picture by whole pixels and mirror half of them.

    Pictures (batch, h, w, c) of any range; what a shift uncovers repeats the edge.
    The noise is the training step's own, as for `Dropout`.

    Args:
        pixels: largest shift up, down, left or right.
        flip: whether half of the pictures are mirrored, left to right.
    """

    def __init__(self, pixels, flip=True, **kwargs):
        super().__init__(**{"dtype": "float32"} | kwargs)  # pictures stay exact
        if pixels < 0 or int(pixels) != pixels:
            raise ValueError(f"Expected pixels as an int from 0. Received: {pixels}")
        self.pixels = pixels
        self.flip = flip
        self.built = True

    def call(self, inputs, training=False):
        # A functional network is laid out once without any noise to draw from.
        if not training or isinstance(inputs, keras.KerasTensor):
            return inputs
        _, h, w, _ = inputs.shape
        rows = self._sources(inputs, h, False)  # (batch, h, h)
        columns = self._sources(inputs, w, self.flip)  # (batch, w, w)
        x = ops.einsum("bij,bjwc->biwc", rows, inputs)
        return ops.einsum("bij,bhjc->bhic", columns, x)

    def _sources(self, inputs, side, flip):
        """One-hot (batch, side, side): from where each line of a picture is taken."""
        n = ops.shape(inputs)[0]
        steps = 2 * self.pixels + 1
        shift = ops.floor(random.uniform((n, 1)) * steps) - self.pixels
        lines = ops.arange(side, dtype="float32")[None]
        if flip:
            mirrored = random.uniform((n, 1)) < 0.5
            lines = ops.where(mirrored, side - 1 - lines, lines)
        lines = ops.clip(lines + shift, 0, side - 1)
        return ops.one_hot(ops.cast(lines, "int32"), side, dtype=inputs.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "pixels": self.pixels, "flip": self.flip}
