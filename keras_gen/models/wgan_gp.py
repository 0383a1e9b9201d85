"""WGAN with gradient penalty: Gulrajani et al. 2017 (arXiv:1704.00028)."""

import keras
from keras import ops

from keras_gen import losses, networks
from keras_gen.engine import random
from keras_gen.models import base
from keras_gen.models.adversarial import AdversarialModel


@keras.saving.register_keras_serializable("keras_gen")
class WGANGP(AdversarialModel):
    """Improved training of Wasserstein GANs, algorithm 1.

    The critic minimises f(fake) - f(real) + w (||grad f(x^)|| - 1)^2 with x^ uniform on
    the line between a real and a fake image (equation 3), `critic_updates` times on
    fresh rows of the batch; then the generator minimises -f(fake). Logs `critic_loss`,
    `wasserstein` (the critic's estimate of the distance), `gradient_penalty` (before
    its weight) and `generator_loss`; the validation `loss` is the estimated distance
    to held-out images.

    The default networks are those of the authors' MNIST experiment at half width:
    strided 5x5 convolutions, no batch normalisation, no bias towards any image size.

    Args:
        image_shape: (height, width, channels).
        latent_dim: length of the generator's input.
        filters: channels of the critic's convolutions, finest first; the generator
            mirrors them.
        kernel_size: side of the kernels.
        critic_updates: updates of the critic per update of the generator; the batch
            size on each replica must be a multiple.
        penalty_weight: weight w of the gradient penalty.
        critic: any Keras model from images (batch, h, w, c) in [-1, 1] to (batch, 1),
            twice differentiable and without batch normalisation.
        generator: any Keras model from (batch, latent_dim) to images in [-1, 1].

    Raises:
        ValueError: a given network's shapes do not fit.
    """

    trackers = ("loss", "critic_loss", "wasserstein", "gradient_penalty")
    trackers += ("generator_loss",)

    loss_meaning = "the critic's estimate of the distance to held-out images"

    def __init__(
        self,
        *,
        image_shape=(28, 28, 1),
        latent_dim=128,
        filters=(32, 64, 128),
        kernel_size=5,
        critic_updates=5,
        penalty_weight=10.0,
        critic=None,
        generator=None,
        name="wgan_gp",
    ):
        super().__init__(name=name)
        self.latent_dim = latent_dim
        self.critic_updates = critic_updates
        self.penalty_weight = penalty_weight
        common = {"kernel_size": kernel_size, "he": True}
        self.ready(
            critic=critic
            or networks.conv_encoder(
                image_shape,
                1,
                filters=filters,
                activation="leaky_relu",
                name="critic",
                **common,
            ),
            generator=generator
            or networks.conv_decoder(
                latent_dim,
                image_shape,
                filters=filters[::-1],
                output_activation="tanh",
                name="generator",
                **common,
            ),
        )
        base.check_network(self.critic, image_shape, (1,), "critic")
        base.check_network(self.generator, (latent_dim,), image_shape, "generator")

    def default_optimizers(self):
        """Adam(1e-4, beta_1 = 0, beta_2 = 0.9), the defaults of algorithm 1."""
        return {n: keras.optimizers.Adam(1e-4, 0.0, 0.9) for n in self.networks}

    def batch_multiple(self):
        return self.critic_updates

    def update(self, images):
        rows = ops.shape(images)[0] // self.critic_updates
        for real in self.split(images, self.critic_updates):
            fake = self.generator(self.latents(rows), training=True)
            fake = ops.stop_gradient(fake)
            self.minimize(self.critic_loss, "critic", real, fake)
        self.minimize(self.generator_loss, "generator", rows)

    def critic_loss(self, real, fake):
        """Equation 3, per example, with its terms."""
        wasserstein = losses.wasserstein_critic_loss(
            self.critic(real, training=True), self.critic(fake, training=True)
        )
        penalty = self.gradient_penalty(real, fake)
        return {
            "critic_loss": wasserstein + self.penalty_weight * penalty,
            "wasserstein": -wasserstein,
            "gradient_penalty": penalty,
        }

    def gradient_penalty(self, real, fake):
        """(||grad f|| - 1)^2 at random points between pairs: (batch,) float32."""
        share = random.uniform((ops.shape(real)[0], 1, 1, 1))
        between = share * real + (1 - share) * ops.cast(fake, real.dtype)
        gradients = self.input_gradient(
            lambda x: self.critic(x, training=True), between
        )
        return losses.gradient_penalty(gradients)

    def generator_loss(self, rows):
        """-f(fake), (rows,)."""
        fake = self.generator(self.latents(rows), training=True)
        return losses.wasserstein_generator_loss(self.critic(fake, training=True))

    def validate(self, images):
        """The critic's estimate of the distance from samples to held-out images."""
        fake = self.generator(self.latents(ops.shape(images)[0]), training=False)
        return {
            "loss": -losses.wasserstein_critic_loss(
                self.critic(images, training=False), self.critic(fake, training=False)
            )
        }
