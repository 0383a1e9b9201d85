"""Penalties on codes and on the networks that make them."""

import keras
from keras import ops

from keras_gen.engine.configured import Configured
from keras_gen.losses.reductions import sum_per_example


@keras.saving.register_keras_serializable("keras_gen")
class L1Sparsity(Configured):
    """weight * sum_j |h_j|: as a Laplace prior on the code, it makes units zero.

    Args:
        weight: of the penalty, beside a loss in nats.
    """

    def __init__(self, weight=0.1):
        self.weight = weight

    def penalty(self, codes):
        """Of codes (batch, units): a scalar, the mean over the batch."""
        return self.weight * ops.mean(sum_per_example(ops.abs(codes)))


@keras.saving.register_keras_serializable("keras_gen")
class KLSparsity(Configured):
    """weight * sum_j KL(target || mean of h_j): each unit is active that often.

    KL(r || q) = r log(r / q) + (1 - r) log((1 - r) / (1 - q)), q the unit's mean over
    the batch (Ng 2011, CS294A lecture notes, section 3).

    Args:
        target: mean activation r of every unit, in (0, 1).
        weight: of the penalty, beside a loss in nats.

    Raises:
        ValueError: the target is out of range.
    """

    def __init__(self, target=0.05, weight=10.0):
        if not 0 < target < 1:
            raise ValueError(f"Expected a target in (0, 1). Received: {target}")
        self.target = target
        self.weight = weight

    def penalty(self, codes):
        """Of codes (batch, units) in [0, 1]: a scalar."""
        tiny = 1e-6  # a mean of exactly 0 or 1 has no finite divergence
        mean = ops.clip(ops.mean(codes, axis=0), tiny, 1 - tiny)
        active = self.target * ops.log(self.target / mean)
        silent = (1 - self.target) * ops.log((1 - self.target) / (1 - mean))
        return self.weight * ops.sum(active + silent)


def sigmoid_jacobian_norm(codes, kernel):
    """||J||_F^2 of one sigmoid layer: sum_j (h_j (1 - h_j))^2 sum_i W_ij^2.

    Rifai et al. 2011 (ICML, "Contractive auto-encoders"), equation 5.

    Args:
        codes: (batch, units) h, the layer's outputs in (0, 1).
        kernel: (inputs, units) W.

    Returns:
        (batch,).
    """
    slopes = ops.square(codes * (1 - codes))
    return ops.sum(slopes * ops.sum(ops.square(kernel), axis=0), axis=-1)
