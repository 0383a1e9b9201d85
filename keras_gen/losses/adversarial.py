"""Adversarial losses and penalties."""

from keras import ops

from keras_gen.losses.reductions import mean_per_example, sum_per_example


def wasserstein_critic_loss(real_scores, fake_scores):
    """f(fake) - f(real): minus the critic's estimate of the Wasserstein distance.

    Arjovsky et al. 2017 (arXiv:1701.07875), equation 2.

    Args:
        real_scores, fake_scores: (batch, 1) or (batch,) real.

    Returns:
        (batch,).
    """
    return mean_per_example(fake_scores) - mean_per_example(real_scores)


def wasserstein_generator_loss(fake_scores):
    """-f(fake), (batch,), from scores (batch, 1) or (batch,); equation 3 there."""
    return -mean_per_example(fake_scores)


def gradient_penalty(gradients, target=1.0):
    """(||gradient||_2 - target)^2 of each example.

    Gulrajani et al. 2017 (arXiv:1704.00028), equation 3.

    Args:
        gradients: (batch, ...) of the critic with respect to its inputs, float32.

    Returns:
        (batch,) float32.
    """
    # The epsilon keeps the square root's own gradient finite at zero.
    norm = ops.sqrt(sum_per_example(ops.square(gradients)) + 1e-12)
    return ops.square(norm - target)
