"""Pictures that were made before."""

import keras
from keras import ops

from keras_gen.engine import backend, random


@keras.saving.register_keras_serializable("keras_gen")
class HistoryBuffer(keras.layers.Layer):
    """A buffer of generated pictures: Shrivastava et al. 2017 (arXiv:1612.07828).

    As Zhu et al. 2017 (arXiv:1703.10593) use it to train critics. While it fills up,
    pictures are kept and returned. Then each is, with probability 1/2, swapped for one
    drawn from the buffer, and else returned. Every replica keeps the same buffer,
    filled from the global batch's pictures in order.

    Args:
        size: how many pictures.
        shape: of a picture, (height, width, channels).
    """

    def __init__(self, size, shape, **kwargs):
        super().__init__(**{"dtype": "float32"} | kwargs)
        self.size = size
        self.shape = tuple(shape)
        state = {"trainable": False, "aggregation": "only_first_replica"}
        state["autocast"] = False
        self.kept = self.add_weight(
            shape=(size, *self.shape), initializer="zeros", name="kept", **state
        )
        self.count = self.add_weight(
            shape=(), initializer="zeros", dtype="int", name="count", **state
        )
        self.built = True

    def call(self, pictures):
        """Pictures (batch, *shape) float32 for some, the buffer brought up to date."""
        rows = ops.shape(pictures)[0]
        draws = backend.gather(random.uniform((rows, 2)))
        every = backend.gather(ops.cast(pictures, "float32"))

        def swap(row, state):
            kept, count, returned = state
            picture, draw = (ops.take(x, [row], axis=0) for x in (every, draws))
            filling = count < self.size
            old = ops.logical_and(ops.logical_not(filling), draw[0, 0] < 0.5)
            place = ops.cast(ops.floor(draw[0, 1] * self.size), "int32")
            place = ops.where(filling, ops.cast(count, "int32"), place)
            there = ops.take(kept, [ops.minimum(place, self.size - 1)], axis=0)
            taken = ops.where(old, there, picture)
            stored = ops.logical_and(ops.logical_or(filling, old), _at(kept, place))
            return (
                ops.where(stored, picture, kept),
                count + ops.cast(filling, count.dtype),
                ops.where(_at(returned, row), taken, returned),
            )

        state = (ops.convert_to_tensor(self.kept), self.count + 0, every)
        kept, count, returned = ops.fori_loop(0, ops.shape(every)[0], swap, state)
        self.kept.assign(kept)
        self.count.assign(count)
        return backend.own_rows(returned, rows)

    def get_config(self):
        return {**super().get_config(), "size": self.size, "shape": self.shape}


def _at(pictures, row):
    """Where in pictures (n, h, w, c) a row lies: bool (n, 1, 1, 1)."""
    return ops.reshape(ops.arange(ops.shape(pictures)[0]) == row, (-1, 1, 1, 1))
