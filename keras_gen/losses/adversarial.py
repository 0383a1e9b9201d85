"""What a critic and its generator minimise, as functions of the critic's scores.

Each pair of losses is an object that an adversarial model takes as `loss=`; scores are
what the critic returns, without a sigmoid, for real and for generated examples.
"""

import math

import keras
from keras import ops

from keras_gen.engine.configured import Configured
from keras_gen.losses.reductions import mean_per_example


class AdversarialLoss(Configured):
    """A pair of losses, and what the critic's one says of the two distributions.

    Attributes:
        estimates: the divergence that `divergence` estimates, with its unit.
        boundary: the score between real and generated for an ideal critic, None where
            scores have no such zero.
        pairs: whether `generator` needs the scores of real examples too.
    """

    estimates: str
    boundary: float | None = None
    pairs = False

    def critic(self, real_scores, fake_scores):
        """What the critic minimises, (batch,), of scores (batch, ...) each."""
        raise NotImplementedError

    def generator(self, fake_scores, real_scores=None):
        """What the generator minimises, (batch,), of scores (batch, ...)."""
        raise NotImplementedError

    def divergence(self, critic_loss):
        """The divergence that a critic's loss stands for where that is the least."""
        raise NotImplementedError

    def probability(self, scores):
        """D of what was scored, in [0, 1] for the best critic; None without one."""
        return None


@keras.saving.register_keras_serializable("keras_gen")
class Minimax(AdversarialLoss):
    """The value of Goodfellow et al. 2014 (arXiv:1406.2661), equation 1.

    The critic minimises -log D(x) - log(1 - D(G(z))) with D the sigmoid of its scores,
    the generator log(1 - D(G(z))), whose gradient vanishes where D tells them apart.

    Args:
        smoothing: real examples count as real with probability 1 - smoothing (one-sided
            label smoothing, Salimans et al. 2016, arXiv:1606.03498, section 3.4); the
            divergence is right without it.

    Raises:
        ValueError: the smoothing is out of [0, 1).
    """

    estimates = "Jensen-Shannon divergence, nats"
    boundary = 0.0

    def __init__(self, smoothing=0.0):
        if not 0 <= smoothing < 1:
            raise ValueError(
                f"Expected a smoothing in [0, 1). Received: smoothing={smoothing}"
            )
        self.smoothing = smoothing

    def critic(self, real_scores, fake_scores):
        real = ops.softplus(-real_scores) + self.smoothing * real_scores
        return mean_per_example(real) + mean_per_example(ops.softplus(fake_scores))

    def generator(self, fake_scores, real_scores=None):
        return -mean_per_example(ops.softplus(fake_scores))

    def divergence(self, critic_loss):
        """log 2 - loss / 2: theorem 1 there."""
        return math.log(2) - critic_loss / 2

    def probability(self, scores):
        return ops.sigmoid(scores)


@keras.saving.register_keras_serializable("keras_gen")
class NonSaturating(Minimax):
    """`Minimax` for the critic, -log D(G(z)) for the generator; section 3 there."""

    def generator(self, fake_scores, real_scores=None):
        return mean_per_example(ops.softplus(-fake_scores))


@keras.saving.register_keras_serializable("keras_gen")
class LeastSquares(AdversarialLoss):
    """LSGAN: Mao et al. 2017 (arXiv:1611.04076), equation 9.

    (f(x) - 1)^2 / 2 + f(G(z))^2 / 2 for the critic, (f(G(z)) - 1)^2 / 2 for the
    generator.
    """

    estimates = "triangular discrimination, in [0, 2]"
    boundary = 0.5

    def critic(self, real_scores, fake_scores):
        real = mean_per_example(ops.square(real_scores - 1))
        return (real + mean_per_example(ops.square(fake_scores))) / 2

    def generator(self, fake_scores, real_scores=None):
        return mean_per_example(ops.square(fake_scores - 1)) / 2

    def divergence(self, critic_loss):
        """2 - 8 loss: the best critic p / (p + q) leaves (1/2) sum p q / (p + q)."""
        return 2 - 8 * critic_loss

    def probability(self, scores):
        return scores


@keras.saving.register_keras_serializable("keras_gen")
class Hinge(AdversarialLoss):
    """Lim and Ye 2017 (arXiv:1705.02894), as in Miyato et al. 2018, equations 16, 17.

    max(0, 1 - f(x)) + max(0, 1 + f(G(z))) for the critic, -f(G(z)) for the generator.
    """

    estimates = "total variation distance, in [0, 1]"
    boundary = 0.0

    def critic(self, real_scores, fake_scores):
        real = mean_per_example(ops.relu(1 - real_scores))
        return real + mean_per_example(ops.relu(1 + fake_scores))

    def generator(self, fake_scores, real_scores=None):
        return -mean_per_example(fake_scores)

    def divergence(self, critic_loss):
        """1 - loss / 2: the best critic, sign(p - q), leaves 2 - 2 TV."""
        return 1 - critic_loss / 2


@keras.saving.register_keras_serializable("keras_gen")
class Wasserstein(AdversarialLoss):
    """Arjovsky et al. 2017 (arXiv:1701.07875), equations 2 and 3.

    f(G(z)) - f(x) for the critic, which must be kept Lipschitz, and -f(G(z)) for the
    generator.

    Args:
        drift: weight of f(x)^2, which keeps the critic's scores near zero (Karras et
            al. 2018, arXiv:1710.10196, appendix A.1); the divergence is right without
            it.
    """

    estimates = "distance, in units of the critic's slope"

    def __init__(self, drift=0.0):
        self.drift = drift

    def critic(self, real_scores, fake_scores):
        gap = mean_per_example(fake_scores) - mean_per_example(real_scores)
        if not self.drift:
            return gap
        return gap + self.drift * mean_per_example(ops.square(real_scores))

    def generator(self, fake_scores, real_scores=None):
        return -mean_per_example(fake_scores)

    def divergence(self, critic_loss):
        """Minus the loss: the Wasserstein-1 distance for slopes of at most 1."""
        return -critic_loss


@keras.saving.register_keras_serializable("keras_gen")
class RelativisticPairing(AdversarialLoss):
    """Each generated example against a real one of its own.

    Jolicoeur-Martineau 2018 (arXiv:1807.00734), the pairing that Huang et al. 2024
    (arXiv:2501.05441), equation 2, regularise with R1 and R2:
    -log D(f(x) - f(G(z))) for the critic, the signs changed for the generator.
    """

    estimates = "relativistic divergence, nats"
    pairs = True

    def critic(self, real_scores, fake_scores):
        return mean_per_example(ops.softplus(fake_scores - real_scores))

    def generator(self, fake_scores, real_scores=None):
        return mean_per_example(ops.softplus(real_scores - fake_scores))

    def divergence(self, critic_loss):
        """log 2 - loss: zero where the critic cannot tell which is which."""
        return math.log(2) - critic_loss


def feature_matching(real_features, fake_features):
    """||E f(x) - E f(G(z))||^2: Salimans et al. 2016 (arXiv:1606.03498), section 3.1.

    Args:
        real_features, fake_features: (n, ...) of a layer of the critic, of the whole
            batch.

    Returns:
        A scalar.
    """
    gap = ops.mean(real_features, axis=0) - ops.mean(fake_features, axis=0)
    return ops.sum(ops.square(gap))
