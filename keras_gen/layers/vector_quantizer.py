"""A codebook that learns by moving averages."""

import keras
from keras import ops

SMALLEST = 1e-8  # usage that is as good as none


@keras.saving.register_keras_serializable("keras_gen")
class VectorQuantizer(keras.layers.Layer):
    """Vectors e_k that codes k stand for: van den Oord et al. 2017 (arXiv:1711.00937).

    Called on codes it returns their vectors. `learn` moves the vectors by appendix
    A.1's averages, N_k <- g N_k + (1 - g) n_k and m_k <- g m_k + (1 - g) sum_i z_ki
    (equations 6 and 7) with e_k = m_k / N_k (equation 8), which is kept in place of
    m_k. N_k is `usage`, where 1 is an even share of all vectors in a batch.

    It has no trainable weights. Replicas must call `learn` with the same arguments.

    Args:
        size: K, number of vectors.
        channels: length of each.
        decay: g in [0, 1).
    """

    def __init__(self, size, channels, decay=0.99, **kwargs):
        super().__init__(**{"dtype": "float32"} | kwargs)
        if not 0 <= decay < 1:
            raise ValueError(f"Expected a decay in [0, 1). Received: {decay}")
        self.size = size
        self.channels = channels
        self.decay = decay
        # Replicas compute equal values; one of them is enough, and none may differ.
        state = {"trainable": False, "aggregation": "only_first_replica"}
        # A codebook rounded to half precision has other nearest vectors.
        state["autocast"] = False
        self.vectors = self.add_weight(
            shape=(size, channels),
            initializer=keras.initializers.RandomUniform(-1 / size, 1 / size),
            name="vectors",
            **state,
        )
        self.usage = self.add_weight(
            shape=(size,), initializer="zeros", name="usage", **state
        )
        self.built = True

    def call(self, codes):
        """Vectors float32 (..., channels) of codes int32 (...) in [0, size)."""
        return ops.take(self.vectors, codes, axis=0)

    def nearest(self, vectors):
        """Codes int32 (...) of the vectors nearest to vectors (..., channels)."""
        flat = ops.reshape(vectors, (-1, self.channels))
        lengths = ops.sum(ops.square(self.vectors), axis=1)
        distances = lengths - 2 * ops.matmul(flat, ops.transpose(self.vectors))
        codes = ops.cast(ops.argmin(distances, axis=1), "int32")
        return ops.reshape(codes, ops.shape(vectors)[:-1])

    def learn(self, vectors, codes, candidates=None, threshold=0.0):
        """Move each e_k towards the mean of the vectors that it stood for.

        Args:
            vectors: (n, channels) of the whole global batch.
            codes: int32 (n,), their codes.
            candidates: (size, channels), what takes the place of each e_k whose usage
                is below `threshold`, and then counts as used evenly; None for nothing.
            threshold: from 0 on.
        """
        chosen = ops.one_hot(codes, self.size)  # (n, size)
        share = ops.mean(chosen, axis=0) * self.size
        sums = ops.matmul(ops.transpose(chosen), vectors)
        means = sums / ops.maximum(ops.sum(chosen, axis=0), 1.0)[:, None]
        usage = self.decay * self.usage + (1 - self.decay) * share
        # m_k / N_k with m_k = N_k e_k before: by how much the batch's mean counts.
        weight = (1 - self.decay) * share / ops.maximum(usage, SMALLEST)
        moved = self.vectors + weight[:, None] * (means - self.vectors)
        if candidates is not None:
            dead = usage < threshold
            moved = ops.where(dead[:, None], candidates, moved)
            usage = ops.where(dead, 1.0, usage)
        self.vectors.assign(moved)
        self.usage.assign(usage)

    def compute_output_shape(self, input_shape):
        return (*input_shape, self.channels)

    def get_config(self):
        return {
            **super().get_config(),
            "size": self.size,
            "channels": self.channels,
            "decay": self.decay,
        }
