"""Lower bounds of log p(x) from importance weights."""

import math

import numpy as np
from keras import ops


def importance_weighted_bound(log_weights):
    """log 1/k sum_i w_i, in expectation at most log p(x).

    Burda et al. 2016 (arXiv:1509.00519), equation 8; with k = 1 the evidence lower
    bound.

    Args:
        log_weights: (batch, k) of log w_i = log p(x, z_i) - log q(z_i|x) with z_i
            drawn from q, nats: a tensor, or a NumPy array, which stays one.

    Returns:
        (batch,) nats, of the same dtype.
    """
    if isinstance(log_weights, np.ndarray):
        total = np.logaddexp.reduce(log_weights, axis=1)
    else:
        total = ops.logsumexp(log_weights, axis=1)
    return total - math.log(log_weights.shape[1])
