"""WGAN with gradient penalty: Gulrajani et al. 2017 (arXiv:1704.00028)."""

import keras

from keras_gen import losses
from keras_gen.models.adversarial import AdversarialModel


@keras.saving.register_keras_serializable("keras_gen")
class WGANGP(AdversarialModel):
    """Improved training of Wasserstein GANs, algorithm 1.

    The critic minimises f(fake) - f(real) + w (||grad f(x^)|| - 1)^2 with x^ uniform on
    the line between a real and a fake image (equation 3), `critic_updates` times on
    fresh rows of the batch; then the generator minimises -f(fake).

    The default networks are those of the authors' MNIST experiment at half width:
    strided 5x5 convolutions, no batch normalisation, no bias towards any image size.

    Args:
        latent_dim, filters, critic_updates: as in `AdversarialModel`.
        penalty_weight: weight w of the gradient penalty.
        generator_norm: whether the generator has batch normalisation, as in the
            authors' other experiments; the critic must not, whose gradient is penalised
            example by example (section 4).
        **options: as `AdversarialModel` takes them.
    """

    critic_style = {"initializer": "he_uniform"}

    def __init__(
        self,
        *,
        latent_dim=128,
        filters=(32, 64, 128),
        critic_updates=5,
        penalty_weight=10.0,
        generator_norm=False,
        name="wgan_gp",
        **options,
    ):
        self.generator_style = {**self.critic_style, "batch_norm": generator_norm}
        super().__init__(
            latent_dim=latent_dim,
            filters=filters,
            critic_updates=critic_updates,
            name=name,
            **options,
        )

    def default_loss(self):
        return losses.Wasserstein()

    def default_penalties(self):
        return (losses.GradientPenalty(self._config["penalty_weight"]),)

    def default_optimizers(self):
        """Adam(1e-4, beta_1 = 0, beta_2 = 0.9), the defaults of algorithm 1."""
        return {n: keras.optimizers.Adam(1e-4, 0.0, 0.9) for n in self.networks}
