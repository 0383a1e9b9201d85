"""Variational autoencoder: Kingma and Welling 2014 (arXiv:1312.6114)."""

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
        image_shape: (height, width, channels), or (features,) for real vectors, which
            stay unscaled and want dense networks and a likelihood without bounds.
        latent_dim: length of the code.
        filters: channels of the strided convolutions, finest first; the decoder
            mirrors them. Without any, `()`, the networks are dense, as the paper's.
        hidden: units of the dense layer next to the code; of dense networks a tuple,
            those of the layer next to the picture first, which the decoder mirrors.
        activation: of the hidden layers; the paper's dense ones had "tanh".
        likelihood: `losses.Bernoulli()` (the default); of 8-bit pixels
            `losses.DiscretizedLogistic()`, `DiscretizedLogisticMixture()` or
            `AutoregressiveLogisticMixture()`; or an object with their methods.
        encoder: any Keras model from images (batch, h, w, c) in [0, 1] to
            (batch, 2 * latent_dim), mean and log variance; built from the keywords
            above by default.
        decoder: any Keras model from (batch, latent_dim) to the likelihood's
            parameters (batch, h, w, channels).

    Raises:
        ValueError: a given network's shapes do not fit, or `hidden` names several
            layers beside convolutions.
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
        activation="relu",
        likelihood=None,
        encoder=None,
        decoder=None,
        name="vae",
    ):
        super().__init__(name=name)
        self.latent_dim = latent_dim
        self.likelihood = likelihood or losses.Bernoulli()
        if filters and not isinstance(hidden, int):
            raise ValueError(
                "Expected hidden as an int beside filters, as a tuple only without. "
                f"Received: hidden={hidden!r}, filters={filters!r}"
            )
        channels = self.likelihood.channels(image_shape[-1])
        output_shape = (*image_shape[:-1], channels)
        self.ready(
            encoder=encoder or self.default_encoder(image_shape, 2 * latent_dim),
            decoder=decoder or self.default_decoder(latent_dim, output_shape),
        )
        inputs = self.with_conditions(image_shape)
        base.check_network(self.encoder, inputs, (2 * latent_dim,), "encoder")
        inputs = self.with_conditions((latent_dim,))
        base.check_network(self.decoder, inputs, output_shape, "decoder")

    def default_encoder(self, image_shape, outputs):
        """The encoder that the keywords describe, to vectors of length `outputs`."""
        filters, activation = self._config["filters"], self._config["activation"]
        if not filters:
            return networks.dense_network(
                image_shape,
                (outputs,),
                hidden=self.dense_units(),
                activation=activation,
                name="encoder",
            )
        return networks.conv_encoder(
            image_shape,
            outputs,
            filters=filters,
            hidden=self._config["hidden"],
            activation=activation,
        )

    def default_decoder(self, inputs, output_shape):
        """The decoder that the keywords describe, from vectors of length `inputs`."""
        filters, activation = self._config["filters"], self._config["activation"]
        if not filters:
            return networks.dense_network(
                (inputs,),
                output_shape,
                hidden=self.dense_units()[::-1],
                activation=activation,
                name="decoder",
            )
        return networks.conv_decoder(
            inputs,
            output_shape,
            filters=filters[::-1],
            hidden=self._config["hidden"],
            activation=activation,
        )

    def dense_units(self):
        """Units of the dense layers, the one next to the picture first: a tuple."""
        hidden = self._config["hidden"]
        if isinstance(hidden, int):
            return (hidden,) if hidden else ()
        return tuple(hidden)

    def with_conditions(self, shape):
        """What a network takes beside inputs of a shape: that shape, nothing more."""
        return tuple(shape)

    def default_optimizers(self):
        """Adam at 1e-3, where the paper used Adagrad, which came before it."""
        return {name: keras.optimizers.Adam(1e-3) for name in self.networks}

    def prepare(self, data):
        """Images float32 (batch, h, w, c) in [0, 1], 8-bit values unchanged."""
        return base.to_unit(base.first(data))

    def update(self, batch):
        self.minimize(self.objective, self.networks, batch)

    def validate(self, batch):
        return self.objective(batch, training=False)

    def objective(self, batch, training=True):
        """Minus the bound and its two terms, (batch,) nats each."""
        mean, log_variance = self.posterior(batch, training)
        noise = random.normal(ops.shape(mean))
        codes = mean + ops.exp(0.5 * log_variance) * noise
        parameters = self.decoded(codes, batch, training)
        images = base.first(batch)
        reconstruction = -self.likelihood.log_likelihood(images, parameters)
        kl = losses.gaussian_kl(mean, log_variance)
        return {
            "loss": reconstruction + kl,
            "reconstruction": reconstruction,
            "kl": kl,
        }

    def posterior(self, batch, training=False):
        """Mean and log variance of q(z|x), (batch, latent_dim) each."""
        encoder = self.network("encoder", training)
        return ops.split(encoder(batch, training=training), 2, axis=-1)

    def decoded(self, codes, batch=None, training=False):
        """The likelihood's parameters (batch, h, w, channels) given codes.

        Args:
            codes: float (batch, latent_dim).
            batch: what `prepare` returned, from which a conditional model takes its
                conditions.
        """
        return self.network("decoder", training)(codes, training=training)

    def importance(self, batch, noise, training=False):
        """log p(x, z) - log q(z|x) of z = mean + exp(log_variance / 2) * noise.

        Args:
            batch: what `prepare` returned.
            noise: (batch, draws, latent_dim), standard normal.

        Returns:
            (batch, draws) nats.
        """
        mean, log_variance = self.posterior(batch, training)
        draws = noise.shape[1]
        codes = mean[:, None] + ops.exp(0.5 * log_variance)[:, None] * noise
        prior = -0.5 * ops.sum(codes**2, axis=-1)
        posterior = -0.5 * ops.sum(noise**2 + log_variance[:, None], axis=-1)
        codes = ops.reshape(codes, (-1, self.latent_dim))  # (batch * draws, latent_dim)
        repeated = keras.tree.map_structure(
            lambda x: ops.repeat(x, draws, axis=0), batch
        )
        parameters = self.decoded(codes, repeated, training)
        fit = self.likelihood.log_likelihood(base.first(repeated), parameters)
        return ops.reshape(fit, (-1, draws)) + prior - posterior

    def log_likelihood(self, images, *, samples=500, seed=0):
        """A lower bound of log p(x) by importance sampling, tighter with more samples.

        Burda, Grosse and Salakhutdinov 2016 (arXiv:1509.00519), equation 8; with one
        sample it is the evidence lower bound. Arguments as `log_weights` takes them.

        Returns:
            float64 array (n,), nats.
        """
        weights = self.log_weights(images, samples=samples, seed=seed)
        return losses.importance_weighted_bound(weights)

    def log_weights(self, images, *, samples=500, seed=0):
        """Logarithms of importance weights: their mean is the evidence lower bound.

        Args:
            images: (n, h, w, c), uint8 in [0, 255] or float in [0, 1].
            samples: draws z from the posterior q for each image x.
            seed: int in [0, 2**31) of the draws.

        Returns:
            float64 array (n, samples) of log p(x, z) - log q(z|x), nats.
        """
        return self.weigh(self.check_inputs(images), samples, seed)

    def weigh(self, data, samples, seed):
        """`log_weights` of checked data, an array or a tuple of arrays."""
        seed, parts = check_seed(seed), []
        for start in range(0, len(base.first(data)), IMPORTANCE_ROWS):
            cut = slice(start, start + IMPORTANCE_ROWS)
            rows = keras.tree.map_structure(lambda x, cut=cut: x[cut], data)
            draws = [
                self.run_compiled(self._log_weights, rows, np.int32([seed, start, k]))
                for k in range(0, samples, IMPORTANCE_DRAWS)
            ]
            parts.append(np.concatenate(draws, axis=1)[:, :samples])
        return np.concatenate(parts).astype("float64")

    def _log_weights(self, data, place):
        """IMPORTANCE_DRAWS log weights of each row: (rows, IMPORTANCE_DRAWS)."""
        rows = ops.shape(base.first(data))[0]
        with self.noise(*ops.unstack(place, 3)):
            noise = random.normal((rows, IMPORTANCE_DRAWS, self.latent_dim))
        return self.importance(self.prepare(data), noise)

    def codes(self, images):
        """The posterior's mean: (batch, latent_dim)."""
        return self.posterior(images)[0]

    def images_from(self, codes):
        return self.likelihood.mean(self.decoded(codes))

    def sample(self, n):
        """Images (n, h, w, c): decoded draws from the prior, at the pixels' mean."""
        return self.images_from(random.normal((n, self.latent_dim)))
