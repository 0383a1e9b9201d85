"""Penalties on the gradient of a critic's scores with respect to its inputs.

Each object names the points where the gradient is taken, between or at the real and
the generated examples, and what is added to the critic's loss there; an adversarial
model takes some of them as `penalties=`.
"""

import keras
from keras import ops

from keras_gen.engine.configured import Configured
from keras_gen.losses.reductions import sum_per_example


def gradient_penalty(gradients, target=1.0, one_sided=False):
    """(||gradient||_2 - target)^2 of each example.

    Gulrajani et al. 2017 (arXiv:1704.00028), equation 3; one-sided, only what exceeds
    the target counts (section 4 there; Petzka et al. 2018, arXiv:1709.08894,
    equation 8).

    Args:
        gradients: (batch, ...) of the critic with respect to its inputs, float32.

    Returns:
        (batch,) float32.
    """
    # The epsilon keeps the square root's own gradient finite at zero.
    norm = ops.sqrt(sum_per_example(ops.square(gradients)) + 1e-12)
    excess = norm - target
    return ops.square(ops.relu(excess) if one_sided else excess)


def zero_centered_penalty(gradients):
    """||gradient||_2^2 / 2 of each example, (batch,).

    Mescheder et al. 2018 (arXiv:1801.04406): R1 at real examples (equation 9), R2 at
    generated ones (equation 10).
    """
    return sum_per_example(ops.square(gradients)) / 2


class _Penalty(Configured):
    def __init__(self, weight, every):
        if not weight >= 0:
            raise ValueError(f"Expected a weight from 0 on. Received: {weight}")
        if every < 1 or int(every) != every:
            raise ValueError(f"Expected `every` as an int from 1. Received: {every}")
        self.weight = weight
        self.every = every

    def points(self, real, fake, shares):
        """Where the gradient is taken, of the examples' shape.

        Args:
            real, fake: (batch, ...) examples.
            shares: (batch,) uniform over [0, 1).
        """
        raise NotImplementedError

    def penalty(self, gradients):
        """What the gradients cost before the weight, (batch,)."""
        return zero_centered_penalty(gradients)


@keras.saving.register_keras_serializable("keras_gen")
class GradientPenalty(_Penalty):
    """`gradient_penalty` at uniform points of the lines between the pairs.

    Args:
        weight: w in w (||grad f|| - target)^2.
        target: the slope asked for.
        one_sided: whether smaller slopes are free.
        every: see `R1`.
    """

    def __init__(self, weight=10.0, target=1.0, one_sided=False, every=1):
        super().__init__(weight, every)
        self.target = target
        self.one_sided = one_sided

    def points(self, real, fake, shares):
        shares = ops.reshape(shares, (-1,) + (1,) * (len(real.shape) - 1))
        return shares * real + (1 - shares) * ops.cast(fake, real.dtype)

    def penalty(self, gradients):
        return gradient_penalty(gradients, self.target, self.one_sided)


@keras.saving.register_keras_serializable("keras_gen")
class R1(_Penalty):
    """`zero_centered_penalty` at real examples.

    Args:
        weight: gamma in (gamma / 2) ||grad f||^2.
        every: updates from one that is penalised to the next, which then counts as
            many times: lazy regularisation (Karras et al. 2020, arXiv:1912.04958,
            section 3.1).
    """

    def __init__(self, weight=10.0, every=1):
        super().__init__(weight, every)

    def points(self, real, fake, shares):
        return real


@keras.saving.register_keras_serializable("keras_gen")
class R2(R1):
    """`zero_centered_penalty` at generated examples; see `R1`."""

    def points(self, real, fake, shares):
        return fake
