"""Trade resolution for channels and back."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gen")
class SpaceToDepth(keras.layers.Layer):
    """(batch, h, w, c) to (batch, h / b, w / b, b * b * c): blocks become channels.

    Args:
        block: side b of a block; it must divide height and width.
    """

    def __init__(self, block, **kwargs):
        super().__init__(**kwargs)
        self.block = block

    def call(self, inputs):
        _, h, w, c = ops.shape(inputs)
        b = self.block
        x = ops.reshape(inputs, (-1, h // b, b, w // b, b, c))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))  # (batch, h/b, w/b, b, b, c)
        return ops.reshape(x, (-1, h // b, w // b, b * b * c))

    def get_config(self):
        return {**super().get_config(), "block": self.block}


@keras.saving.register_keras_serializable("keras_gen")
class DepthToSpace(SpaceToDepth):
    """The inverse of `SpaceToDepth`; sub-pixel shuffling (Shi et al. 2016)."""

    def call(self, inputs):
        _, h, w, c = ops.shape(inputs)
        b = self.block
        c = c // (b * b)
        x = ops.reshape(inputs, (-1, h, w, b, b, c))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))  # (batch, h, b, w, b, c)
        return ops.reshape(x, (-1, h * b, w * b, c))
