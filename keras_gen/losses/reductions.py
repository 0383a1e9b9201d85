"""Sums and means over all of an example."""

from keras import ops


def sum_per_example(values):
    """Sum (batch, ...) over all axes but the first: (batch,)."""
    return ops.sum(ops.reshape(values, (ops.shape(values)[0], -1)), axis=1)


def mean_per_example(values):
    """Mean of (batch, ...) over all axes but the first: (batch,)."""
    return ops.mean(ops.reshape(values, (ops.shape(values)[0], -1)), axis=1)


def squared_error(target, prediction):
    """Mean over dimensions of (target - prediction)^2: (batch,)."""
    return mean_per_example(ops.square(target - prediction))
