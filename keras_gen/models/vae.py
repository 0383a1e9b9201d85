"""Variational autoencoder: Kingma and Welling 2014 (arXiv:1312.6114)."""

import math

import keras
import numpy as np
from keras import ops

from keras_gen import losses, networks
from keras_gen.engine import random
from keras_gen.engine.trainer import check_seed
from keras_gen.models import base
from keras_gen.models.autoencoding import AutoencodingModel

IMPORTANCE_ROWS, IMPORTANCE_DRAWS = 25, 50  # of one compiled call


@keras.saving.register_keras_serializable("keras_gen")
class VAE(AutoencodingModel):
    """Auto-encoding variational Bayes with a Gaussian posterior.

    Maximises the evidence lower bound (equation 3)
    E_q(z|x)[log p(x|z)] - KL(q(z|x) || N(0, I)), the expectation by one sample
    z = mean + exp(log_variance / 2) * noise (equation 10), the divergence in closed
    form (appendix B). Logs, in nats an image: `loss` (minus the bound),
    `reconstruction` (minus its first term) and `kl`.

    Args:
        image_shape: (height, width, channels).
        latent_dim: length of the code.
        filters: channels of the strided convolutions, finest first; the decoder
            mirrors them.
        hidden: units of the dense layer next to the code.
        likelihood: `losses.Bernoulli()` (the default) or
            `losses.DiscretizedLogistic()`, or an object with their methods.
        encoder: any Keras model from images (batch, h, w, c) in [0, 1] to
            (batch, 2 * latent_dim), mean and log variance; built from the keywords
            above by default.
        decoder: any Keras model from (batch, latent_dim) to the likelihood's
            parameters (batch, h, w, channels).

    Raises:
        ValueError: a given network's shapes do not fit.
    """

    trackers = ("loss", "reconstruction", "kl")

    loss_meaning = "minus the evidence lower bound, nats an image"

    def __init__(
        self,
        *,
        image_shape=(28, 28, 1),
        latent_dim=16,
        filters=(32, 64),
        hidden=256,
        likelihood=None,
        encoder=None,
        decoder=None,
        name="vae",
    ):
        super().__init__(name=name)
        self.latent_dim = latent_dim
        self.likelihood = likelihood or losses.Bernoulli()
        channels = self.likelihood.channels(image_shape[2])
        output_shape = (*image_shape[:2], channels)
        self.ready(
            encoder=encoder
            or networks.conv_encoder(
                image_shape, 2 * latent_dim, filters=filters, hidden=hidden
            ),
            decoder=decoder
            or networks.conv_decoder(
                latent_dim, output_shape, filters=filters[::-1], hidden=hidden
            ),
        )
        base.check_network(self.encoder, image_shape, (2 * latent_dim,), "encoder")
        base.check_network(self.decoder, (latent_dim,), output_shape, "decoder")

    def default_optimizers(self):
        """Adam at 1e-3, where the paper used Adagrad, which came before it."""
        return {name: keras.optimizers.Adam(1e-3) for name in self.networks}

    def prepare(self, data):
        """Images float32 (batch, h, w, c) in [0, 1], 8-bit values unchanged."""
        return base.to_unit(base.first(data))

    def update(self, images):
        self.minimize(self.negative_elbo, self.networks, images)

    def validate(self, images):
        return self.negative_elbo(images, training=False)

    def negative_elbo(self, images, training=True):
        """Minus the bound and its two terms, (batch,) nats each."""
        mean, log_variance = self.posterior(images, training)
        noise = random.normal(ops.shape(mean))
        codes = mean + ops.exp(0.5 * log_variance) * noise
        parameters = self.decoder(codes, training=training)
        reconstruction = -self.likelihood.log_likelihood(images, parameters)
        kl = losses.gaussian_kl(mean, log_variance)
        return {
            "loss": reconstruction + kl,
            "reconstruction": reconstruction,
            "kl": kl,
        }

    def posterior(self, images, training=False):
        """Mean and log variance of q(z|x), (batch, latent_dim) each."""
        return ops.split(self.encoder(images, training=training), 2, axis=-1)

    def log_likelihood(self, images, *, samples=500, seed=0):
        """A lower bound of log p(x) by importance sampling, tighter with more samples.

        Burda, Grosse and Salakhutdinov 2016 (arXiv:1509.00519), equation 8; with one
        sample it is the evidence lower bound. Arguments as `log_weights` takes them.

        Returns:
            float64 array (n,), nats.
        """
        weights = self.log_weights(images, samples=samples, seed=seed)
        return np.logaddexp.reduce(weights, axis=1) - math.log(samples)

    def log_weights(self, images, *, samples=500, seed=0):
        """Logarithms of importance weights: their mean is the evidence lower bound.

        Args:
            images: (n, h, w, c), uint8 in [0, 255] or float in [0, 1].
            samples: draws z from the posterior q for each image x.
            seed: int in [0, 2**31) of the draws.

        Returns:
            float64 array (n, samples) of log p(x, z) - log q(z|x), nats.
        """
        images, parts = self.check_inputs(images), []
        seed = check_seed(seed)
        for start in range(0, len(images), IMPORTANCE_ROWS):
            rows = images[start : start + IMPORTANCE_ROWS]
            draws = [
                self.run_compiled(self._log_weights, rows, np.int32([seed, start, k]))
                for k in range(0, samples, IMPORTANCE_DRAWS)
            ]
            parts.append(np.concatenate(draws, axis=1)[:, :samples])
        return np.concatenate(parts).astype("float64")

    def _log_weights(self, images, place):
        """log p(x, z) - log q(z|x) of draws of z: (rows, IMPORTANCE_DRAWS)."""
        images = base.to_unit(images)
        mean, log_variance = self.posterior(images)
        shape = (ops.shape(images)[0], IMPORTANCE_DRAWS, self.latent_dim)
        with self.noise(*ops.unstack(place, 3)):
            noise = random.normal(shape)
        codes = mean[:, None] + ops.exp(0.5 * log_variance)[:, None] * noise
        prior = -0.5 * ops.sum(codes**2, axis=-1)
        posterior = -0.5 * ops.sum(noise**2 + log_variance[:, None], axis=-1)
        parameters = self.decoder(ops.reshape(codes, (-1, self.latent_dim)))
        repeated = ops.repeat(images, IMPORTANCE_DRAWS, axis=0)
        fit = self.likelihood.log_likelihood(repeated, parameters)
        return ops.reshape(fit, (-1, IMPORTANCE_DRAWS)) + prior - posterior

    def codes(self, images):
        """The posterior's mean: (batch, latent_dim)."""
        return self.posterior(images)[0]

    def images_from(self, codes):
        return self.likelihood.mean(self.decoder(codes, training=False))

    def sample(self, n):
        """Images (n, h, w, c): decoded draws from the prior, at the pixels' mean."""
        return self.images_from(random.normal((n, self.latent_dim)))
