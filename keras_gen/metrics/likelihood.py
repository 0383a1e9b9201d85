"""Likelihoods and their bounds, brought to the units that papers report.

Arithmetic is NumPy float64.
"""

import math

import numpy as np

from keras_gen import losses


def bits_per_dim(nats, dimensions) -> np.ndarray:
    """Negative log-likelihood in bits per dimension: nats / (D ln 2).

    Theis et al. 2016 (arXiv:1511.01844), section 3.1. It is a length of code only if
    `nats` is that of whole levels: a density of levels divided by 256 lacks 8 bits,
    log2 256, which the caller adds.

    Args:
        nats: negative log-likelihoods summed over dimensions, of any shape, real.
        dimensions: D, how many values an example has (h * w * c), at least 1.

    Returns:
        float64 of the shape of `nats`, bits.

    Raises:
        ValueError: on NaN, on fewer than 1 dimensions.
    """
    nats = np.asarray(nats, "float64")
    if np.isnan(nats).any():
        raise ValueError("Expected nats as numbers. Received: NaN")
    if not 1 <= dimensions < math.inf:
        raise ValueError(
            f"Expected at least 1 dimension. Received: dimensions={dimensions}"
        )
    return nats / (dimensions * math.log(2))


def importance_weighted(log_weights) -> np.ndarray:
    """The importance-weighted bound L_k = log 1/k sum_i w_i, a bound on log p(x).

    w_i = p(x, z_i) / q(z_i | x) with z_i drawn from q: in expectation it is at most
    log p(x), and comes nearer as k grows (Burda et al. 2016, arXiv:1509.00519,
    equation 8 and theorem 1). With k = 1 it is the evidence lower bound.

    Args:
        log_weights: (n, k) log w_i, real or -inf, nats; k at least 1.

    Returns:
        (n,) float64 nats; -inf where all k weights are 0.

    Raises:
        ValueError: on NaN, on inf, on another shape.
    """
    log_weights = np.asarray(log_weights, "float64")
    if log_weights.ndim != 2 or not log_weights.shape[1]:
        raise ValueError(
            "Expected log_weights of shape (n, k), k at least 1. "
            f"Received: {log_weights.shape}"
        )
    if not np.all(log_weights < np.inf):
        raise ValueError("Expected log_weights below inf. Received: NaN or inf")
    return losses.importance_weighted_bound(log_weights)
