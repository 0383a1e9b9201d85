"""Wasserstein GAN: Arjovsky, Chintala and Bottou 2017 (arXiv:1701.07875)."""

import keras
import numpy as np
from keras import ops

from keras_gen import losses
from keras_gen.models.adversarial import AdversarialModel


@keras.saving.register_keras_serializable("keras_gen")
class WeightClip(keras.constraints.Constraint):
    """Keeps every entry within [-limit, limit], after each update.

    Args:
        limit: above 0.

    Raises:
        ValueError: the limit is not.
    """

    def __init__(self, limit=0.01):
        if not limit > 0:
            raise ValueError(f"Expected a limit above 0. Received: {limit}")
        self.limit = limit

    def __call__(self, w):
        return ops.clip(w, -self.limit, self.limit)

    def get_config(self):
        return {"limit": self.limit}


@keras.saving.register_keras_serializable("keras_gen")
class WGAN(AdversarialModel):
    """The Wasserstein distance by a critic of clipped weights: algorithm 1.

    The critic minimises f(fake) - f(real) (equation 2) within the box of `clip`, which
    bounds its slope, `critic_updates` times; then the generator minimises -f(fake). All
    trainable weights of the critic are clipped, those of a given one too.

    Args:
        filters: channels of the critic's convolutions, finest first; the generator
            mirrors them.
        critic_updates: as in `AdversarialModel`.
        clip: c, the largest absolute value of a critic's weight.
        critic_norm: whether the critic has batch normalisation, as DCGAN's.
        **options: as `AdversarialModel` takes them.
    """

    generator_style = {"batch_norm": True}

    def __init__(
        self,
        *,
        filters=(64, 128),
        critic_updates=5,
        clip=0.01,
        critic_norm=True,
        name="wgan",
        **options,
    ):
        self.critic_style = {"batch_norm": critic_norm}
        super().__init__(
            filters=filters, critic_updates=critic_updates, name=name, **options
        )
        constraint = WeightClip(clip)
        for variable in self.critic.trainable_variables:
            variable.constraint = constraint
            variable.assign(constraint(variable.value))
        self.clip = clip

    def diagnose(self, images, labels=None, *, seed=0):
        """As in `AdversarialModel`, and `clip_saturation`: the share at the bound."""
        found = super().diagnose(images, labels, seed=seed)
        weights = [np.abs(v.numpy()) for v in self.critic.trainable_variables]
        bound = np.float32(self.clip)
        at_bound = sum(np.count_nonzero(w >= bound) for w in weights)
        found["clip_saturation"] = float(at_bound / sum(w.size for w in weights))
        return found

    def default_loss(self):
        return losses.Wasserstein()

    def default_optimizers(self):
        """RMSprop(5e-5), algorithm 1's."""
        return {n: keras.optimizers.RMSprop(5e-5) for n in self.networks}
