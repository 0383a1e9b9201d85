"""Conditional VAE: Sohn, Lee and Yan 2015 (NIPS 28), the image given its label; the
label beside the code is Kingma et al. 2014 (arXiv:1406.5298), section 2, model M2.
"""

import keras
from keras import layers

from keras_gen import losses, networks
from keras_gen.engine import random
from keras_gen.models import base
from keras_gen.models.labelled import Labelled
from keras_gen.models.vae import VAE


@keras.saving.register_keras_serializable("keras_gen")
class ConditionalVAE(Labelled, VAE):
    """A variational autoencoder of images given their class, which it draws at will.

    Maximises E_q(z|x,y)[log p(x|z, y)] - KL(q(z|x, y) || N(0, I)) (Sohn et al.,
    equation 4, with M2's prior, that of z without y; Kingma et al., equation 6 without
    the label's own probability). Both networks see the label, so the code need not
    carry it. Trains on (images, labels); logs as the VAE.

    Args:
        num_classes: labels are ints in [0, num_classes).
        encoder: any Keras model from [images (batch, h, w, c) in [0, 1], one-hot labels
            (batch, num_classes)] to (batch, 2 * latent_dim).
        decoder: any Keras model from [codes (batch, latent_dim), one-hot labels] to the
            likelihood's parameters.
        **options: as `VAE` takes them.
    """

    loss_meaning = "minus the evidence lower bound given the label, nats an image"

    def __init__(self, *, num_classes=10, name="conditional_vae", **options):
        super().__init__(name=name, **options)

    def default_encoder(self, image_shape, outputs):
        """The label joins the picture, or what convolutions have made of it."""
        images = keras.Input(image_shape)
        labels = keras.Input((self.num_classes,))
        filters, units = self._config["filters"], self.dense_units()
        activation = self._config["activation"]
        if filters:
            features = networks.conv_encoder(
                image_shape,
                units[0] if units else outputs,
                filters=filters,
                activation=activation,
                name="features",
            )
            x = networks.followed_by(features, activation)(images)
        else:
            x = layers.Flatten()(images)
        x = layers.Concatenate()([x, labels])
        x = networks.dense_network(
            (x.shape[1],),
            (outputs,),
            hidden=units,
            activation=activation,
            name="posterior",
        )(x)
        return keras.Model([images, labels], x, name="encoder")

    def default_decoder(self, inputs, output_shape):
        """The label stands beside the code."""
        codes = keras.Input((inputs,))
        labels = keras.Input((self.num_classes,))
        x = layers.Concatenate()([codes, labels])
        x = super().default_decoder(x.shape[1], output_shape)(x)
        return keras.Model([codes, labels], x, name="decoder")

    def with_conditions(self, shape):
        """What a network takes beside inputs of a shape: one-hot labels."""
        return (tuple(shape), (self.num_classes,))

    def prepare(self, data):
        """(images float32 in [0, 1], one-hot labels float32 (batch, num_classes))."""
        images, labels = base.labelled(data)
        return base.to_unit(images), self.one_hot(labels)

    def decoded(self, codes, batch, training=False):
        return super().decoded([codes, batch[1]], training=training)

    def call(self, inputs):
        """Reconstructions (batch, h, w, c) in [0, 1] of [images, labels (batch,)]."""
        batch = self.prepare(inputs)
        return self.images_from(self.posterior(batch)[0], inputs[1])

    def images_from(self, codes, labels):
        """Images (batch, h, w, c) in [0, 1] of codes and int labels (batch,)."""
        batch = (None, self.one_hot(labels))
        return self.likelihood.mean(self.decoded(codes, batch))

    def encode(self, images, labels):
        """The posterior's mean.

        Args:
            images: (n, h, w, c), uint8 in [0, 255] or float in [0, 1].
            labels: ints in [0, num_classes), (n,) or one for all.

        Returns:
            float32 array (n, latent_dim).
        """
        return self.apply_in_batches(self._encode, self._pair(images, labels))

    def decode(self, codes, labels):
        """Images float32 (n, h, w, c) in [0, 1] of codes (n, latent_dim) and labels."""
        codes = self.check_codes(codes)
        labels = self.check_labels(labels, len(codes))
        return self.apply_in_batches(self.images_from, (codes, labels))

    def reconstruct(self, images, labels):
        """`decode(encode(images, labels), labels)`: float32 (n, h, w, c) in [0, 1]."""
        return self.apply_in_batches(self._reconstruct, self._pair(images, labels))

    def log_likelihood(self, images, labels, *, samples=500, seed=0):
        """A lower bound of log p(x|y), float64 (n,) nats; see `VAE.log_likelihood`."""
        weights = self.log_weights(images, labels, samples=samples, seed=seed)
        return losses.importance_weighted_bound(weights)

    def log_weights(self, images, labels, *, samples=500, seed=0):
        """log p(x, z|y) - log q(z|x, y), float64 (n, samples) nats; see the VAE's."""
        return self.weigh(self._pair(images, labels), samples, seed)

    def sample(self, n, labels):
        """Images (n, h, w, c) of int32 labels (n,), those below 0 drawn uniformly."""
        codes = random.normal((n, self.latent_dim))
        return self.images_from(codes, self.drawn(labels))

    def signatures(self):
        image = ((None, *self.data_shape()), "float32")
        code = ((None, *self.code_shape()), self.code_dtype)
        labels = ((None,), "int32")
        seen, coded = {"images": image, "labels": labels}, {"codes": code}
        return {
            "serving_default": (self._reconstruct, seen),
            "encode": (self._encode, seen),
            "decode": (self.images_from, coded | {"labels": labels}),
        }

    def _pair(self, images, labels):
        images = self.check_inputs(images)
        return images, self.check_labels(labels, len(images))

    def _reconstruct(self, images, labels):
        return self.call((images, labels))

    def _encode(self, images, labels):
        return self.posterior(self.prepare((images, labels)))[0]
