"""Adversarial models of examples with a label: Mirza and Osindero 2014.

The label goes to both networks (arXiv:1411.1784, equation 2), or into the critic's
last layer as a projection (Miyato and Koyama 2018, arXiv:1802.05637).
"""

import keras
from keras import layers

from keras_gen.models import base
from keras_gen.models.adversarial import AdversarialModel
from keras_gen.models.dcgan import DCGAN
from keras_gen.models.labelled import Labelled
from keras_gen.models.wgan_gp import WGANGP


class ConditionalAdversarial(Labelled):
    """What a label adds to an adversarial model; it stands before the model's class.

    Args:
        num_classes: labels are ints in [0, num_classes).
        projection: whether the critic's default network sees the label as an inner
            product with its features (equation 3 of Miyato and Koyama) of which it has
            `features`, not as further channels of its input.
        features: length of the projected features.
        critic: any Keras model from [images (batch, h, w, c) in [-1, 1], one-hot labels
            (batch, num_classes)] to (batch, 1).
        generator: any Keras model from [latents (batch, latent_dim), one-hot labels] to
            images in [-1, 1].
        **options: as the model without labels takes them.
    """

    def __init__(
        self, *, num_classes=10, projection=False, features=128, name=None, **options
    ):
        super().__init__(name=name, **options)

    def with_conditions(self, shape, packing=1):
        shape = super().with_conditions(shape, packing)
        return (shape, (self.num_classes * packing,))

    def conditions(self, labels):
        return (self.one_hot(labels),)

    def prepare(self, data):
        """(examples, one-hot labels float32 (batch, num_classes))."""
        examples, labels = base.labelled(data)
        return self.to_internal(examples), self.one_hot(labels)

    def default_critic(self, shape):
        examples, labels = (keras.Input(part) for part in shape)
        options = {"tail": self.fresh_tail()}
        if self._config["projection"]:
            count = self._config["features"]
            network = self.build_critic(shape[0], count, name="features", **options)
            x = layers.LeakyReLU(0.2)(network(examples))
            embedded = layers.Dense(count, use_bias=False)(labels)
            x = layers.Add()([layers.Dense(1)(x), layers.Dot(1)([x, embedded])])
        else:
            x = layers.Concatenate()([examples, _spread(labels, shape[0])])
            x = self.build_critic(x.shape[1:], 1, name="score", **options)(x)
        return keras.Model([examples, labels], x, name="critic")

    def default_generator(self, shape, output_shape):
        inputs = [keras.Input(part) for part in shape]
        x = layers.Concatenate()(inputs)
        x = self.build_generator(x.shape[1], output_shape, name="joint")(x)
        return keras.Model(inputs, x, name="generator")

    def check_conditions(self, n, labels=None, truncation=1.0):
        """`labels`, as `Labelled` takes them, and `truncation`, as models without."""
        own, _ = Labelled.check_conditions(self, n, labels)
        _, fixed = AdversarialModel.check_conditions(self, n, truncation)
        return own, fixed

    def sample(self, n, labels, truncation=1.0):
        """Examples (n, ...) of int32 labels (n,), those below 0 drawn uniformly."""
        return self.images_from(self.latents(n, truncation), self.drawn(labels))

    def call(self, inputs):
        """Images (batch, h, w, c) float32 in [0, 1] of [latents, labels (batch,)]."""
        return self.images_from(*inputs)

    def images_from(self, latents, labels):
        """Images (batch, h, w, c) float32 in [0, 1] of latents and labels (batch,)."""
        return super().images_from(latents, labels)

    def scores(self, images, labels):
        """The critic's scores float32 (batch,) of images and labels (batch,)."""
        return super().scores(images, labels)

    def decode(self, latents, labels):
        """Images float32 (n, h, w, c) in [0, 1] of latents (n, latent_dim) and labels.

        Args:
            latents: float (n, latent_dim).
            labels: ints in [0, num_classes), (n,) or one for all.
        """
        latents = self.check_codes(latents)
        labels = self.check_labels(labels, len(latents))
        return self.apply_in_batches(self.images_from, (latents, labels))

    def score(self, images, labels):
        """The critic's scores float32 (n,) of images with their labels."""
        self._check_unpacked()
        images = self.check_inputs(images)
        labels = self.check_labels(labels, len(images))
        return self.apply_in_batches(self.scores, (images, labels))


@keras.saving.register_keras_serializable("keras_gen")
class ConditionalGAN(ConditionalAdversarial, DCGAN):
    """The conditional GAN, here of DCGAN's layers; `filters=()` for dense ones.

    Arguments as `ConditionalAdversarial` and `DCGAN` take them.
    """

    def __init__(self, *, name="conditional_gan", **options):
        super().__init__(name=name, **options)


@keras.saving.register_keras_serializable("keras_gen")
class ConditionalWGANGP(ConditionalAdversarial, WGANGP):
    """`WGANGP` given the label.

    Arguments as `ConditionalAdversarial` and `WGANGP` take them.
    """

    def __init__(self, *, name="conditional_wgan_gp", **options):
        super().__init__(name=name, **options)


def _spread(labels, shape):
    """One-hot labels as further channels of every place, or further features."""
    if len(shape) == 1:
        return labels
    count = labels.shape[-1]
    x = layers.Reshape((1,) * (len(shape) - 1) + (count,))(labels)
    return layers.UpSampling2D(shape[:2])(x)
