"""Autoencoders by back-propagation: Rumelhart, Hinton and Williams 1986; Hinton and
Salakhutdinov 2006 (doi:10.1126/science.1127647).
"""

import keras
from keras import ops

from keras_gen import losses, networks
from keras_gen.models import base
from keras_gen.models.autoencoding import AutoencodingModel


@keras.saving.register_keras_serializable("keras_gen")
class Autoencoder(AutoencodingModel):
    """A network that reproduces its input through a code.

    Undercomplete where the code is smaller than the picture, which then has to be
    compressed; overcomplete where it is larger, which asks for a constraint such as
    a penalty or noise (the subclasses) against learning the identity. Logs `loss`,
    and its terms `reconstruction` (minus the log-likelihood) and `penalty`.

    Args:
        image_shape: (height, width, channels), or (features,) for real vectors, which
            stay unscaled and want a likelihood without bounds.
        latent_dim: length of the code.
        hidden: units of the encoder's hidden layers, those next to the picture first;
            the decoder mirrors them.
        activation: of the hidden layers.
        code_activation: of the code, None for a linear one.
        likelihood: `losses.SquaredError()` (the default), `losses.Bernoulli()` for
            cross-entropy, or an object with their methods.
        kernel_regularizer: of every kernel, an object of `keras.regularizers`, such as
            `L2(1e-4)`, or None. It is trained on, but not logged.
        encoder: any Keras model from images (batch, h, w, c) in [0, 1] to codes
            (batch, latent_dim); built from the keywords above by default.
        decoder: any Keras model from codes to the likelihood's parameters.

    Raises:
        ValueError: a given network's shapes do not fit.
    """

    trackers = ("loss", "reconstruction", "penalty")

    loss_meaning = "the reconstruction's loss and the penalty"

    def __init__(
        self,
        *,
        image_shape=(28, 28, 1),
        latent_dim=32,
        hidden=(256,),
        activation="relu",
        code_activation=None,
        likelihood=None,
        kernel_regularizer=None,
        encoder=None,
        decoder=None,
        name="autoencoder",
    ):
        super().__init__(name=name)
        self.latent_dim = latent_dim
        self.likelihood = likelihood or losses.SquaredError()
        seen_shape, code_shape = self.seen_shape(), self.code_shape()
        channels = self.likelihood.channels(image_shape[-1])
        output_shape = (*image_shape[:-1], channels)
        self.ready(
            encoder=encoder or self.default_encoder(seen_shape, code_shape),
            decoder=decoder or self.default_decoder(code_shape, output_shape),
        )
        base.check_network(self.encoder, seen_shape, code_shape, "encoder")
        base.check_network(self.decoder, code_shape, output_shape, "decoder")

    def seen_shape(self):
        """Shape of what the encoder takes, without the batch: the data's."""
        return self.data_shape()

    def default_encoder(self, image_shape, code_shape):
        """The encoder that the keywords describe."""
        return networks.dense_network(
            image_shape,
            code_shape,
            hidden=self._config["hidden"],
            activation=self._config["activation"],
            output_activation=self._config["code_activation"],
            kernel_regularizer=self._config["kernel_regularizer"],
            name="encoder",
        )

    def default_decoder(self, code_shape, output_shape):
        """The decoder that the keywords describe, the encoder's mirror."""
        return networks.dense_network(
            code_shape,
            output_shape,
            hidden=self._config["hidden"][::-1],
            activation=self._config["activation"],
            kernel_regularizer=self._config["kernel_regularizer"],
            name="decoder",
        )

    def default_optimizers(self):
        """Adam at 1e-3."""
        return {name: keras.optimizers.Adam(1e-3) for name in self.networks}

    def prepare(self, data):
        """Images float32 (batch, h, w, c) in [0, 1], 8-bit values unchanged."""
        return base.to_unit(base.first(data))

    def update(self, images):
        self.minimize(self.objective, self.networks, images)

    def validate(self, images):
        return self.objective(images, training=False)

    def objective(self, images, training=True):
        """What is minimised and its terms, (batch,) each."""
        encoder = self.network("encoder", training)
        codes = encoder(self.seen(images), training=training)
        parameters = self.network("decoder", training)(codes, training=training)
        reconstruction = -self.likelihood.log_likelihood(images, parameters)
        return self.terms(reconstruction, self.penalty(images, codes, training))

    def terms(self, reconstruction, penalty):
        """The loss, their sum, and both: (batch,) each; the penalty (batch,) or ()."""
        penalty = ops.zeros_like(reconstruction) + penalty
        return {
            "loss": reconstruction + penalty,
            "reconstruction": reconstruction,
            "penalty": penalty,
        }

    def seen(self, images):
        """What the encoder is trained on in place of images: the images."""
        return images

    def penalty(self, images, codes, training):
        """What is added to the reconstruction's loss, () or (batch,): nothing."""
        return 0.0

    def images_from(self, codes):
        return self.likelihood.mean(super().images_from(codes))
