"""Denoising autoencoder: Vincent, Larochelle, Bengio and Manzagol 2008
(doi:10.1145/1390156.1390294), and Vincent et al. 2010 (JMLR 11:3371).
"""

import math

import keras
import numpy as np
from keras import ops

from keras_gen import layers, networks
from keras_gen.engine.trainer import check_seed
from keras_gen.models import base, checks
from keras_gen.models.autoencoding import side_by_side
from keras_gen.models.convolutional_autoencoder import ConvolutionalAutoencoder


@keras.saving.register_keras_serializable("keras_gen")
class DenoisingAutoencoder(ConvolutionalAutoencoder):
    """Reproduces a picture from a corrupted one: L(x, g(f(x~))) with x~ ~ q(x~|x).

    A code without places loses detail that weak noise leaves; one with `code_channels`
    and `skip` keeps it. With `layers.Greyscale` it learns to colour, by least squares
    as Cheng, Yang and Sheng 2015 (arXiv:1605.00075) do: where several colours would
    fit it gives their mean.

    Args:
        corruption: q, a layer of `keras_gen.layers`: `GaussianNoise`, `MaskingNoise`
            (the papers' own), `SaltAndPepper`, `BlockMask`, `Greyscale`, or one of
            yours that draws from `keras_gen.engine.random`. What it gives is clipped
            to [0, 1]. By default `MaskingNoise(0.25)`.
        augmentation: a layer that changes clean pictures in training, such as
            `layers.RandomShift(2)`, or None.
        skip: whether a code with `code_channels` holds the corrupted picture too, so
            that the decoder only has to correct it (`networks.carrying_pixels`).
        **options: as `ConvolutionalAutoencoder` takes them.
    """

    def __init__(
        self,
        *,
        image_shape=(28, 28, 1),
        latent_dim=128,
        corruption=None,
        augmentation=None,
        skip=False,
        name="denoising_autoencoder",
        **options,
    ):
        super().__init__(
            image_shape=image_shape,
            latent_dim=latent_dim,
            name=name,
            **options,
        )
        self.corruption = corruption or layers.MaskingNoise(0.25)
        self.augmentation = base.built(augmentation, self.data_shape())

    def code_shape(self):
        *places, channels = super().code_shape()
        if not self._config["skip"]:
            return (*places, channels)
        if not places:
            raise ValueError(
                "Expected code_channels beside skip, for a code with places. "
                "Received: code_channels=None"
            )
        pixels = math.prod(self.data_shape()) // math.prod(places)
        return (*places, channels + pixels)

    def default_encoder(self, image_shape, code_shape):
        encoder = super().default_encoder(image_shape, super().code_shape())
        return networks.carrying_pixels(encoder) if self._config["skip"] else encoder

    def default_decoder(self, code_shape, output_shape):
        decoder = super().default_decoder(super().code_shape(), output_shape)
        return networks.adding_pixels(decoder) if self._config["skip"] else decoder

    def update(self, images):
        if self.augmentation is not None:
            images = self.augmentation(images, training=True)
        super().update(images)

    def seen(self, images):
        """x~: corrupted images, clipped to [0, 1]."""
        return ops.clip(self.corruption(images), 0.0, 1.0)

    def corrupt(self, images, *, seed=0):
        """Images as the encoder sees them in training.

        Args:
            images: (n, h, w, c), uint8 in [0, 255] or float in [0, 1].
            seed: int in [0, 2**31) of the noise.

        Returns:
            float32 array (n, h, w, c), clipped to [0, 1].
        """
        images, seed = self.check_inputs(images), np.int32(check_seed(seed))
        return self.run_compiled(self._corrupt, images, seed)

    def denoise(self, images):
        """Clean pictures float32 (n, h, w, c) in [0, 1] of noisy ones in [0, 1]."""
        return self.reconstruct(images)

    def colorize(self, images):
        """Colour pictures of grey ones, whose lightness they keep.

        The network's colours, their luma set to the given one (BT.601) and faded as
        far as it takes to stay in [0, 1]. For models of colour pictures, trained with
        `layers.Greyscale`.

        Args:
            images: (n, h, w, 1), or (n, h, w, 3), of which only the luma is used;
                uint8 in [0, 255] or float in [0, 1].

        Returns:
            float32 array (n, h, w, 3) in [0, 1].

        Raises:
            ValueError: a model of pictures without colours, or other images.
        """
        height, width, channels = self.data_shape()
        if channels != 3:
            raise ValueError(
                "Expected a model of pictures of 3 channels to colour with. "
                f"Received: one of {channels}"
            )
        images = np.asarray(images)
        if images.shape[-1:] == (1,):
            checks.images(images, (height, width, 1))
            images = np.repeat(images, 3, axis=-1)
        return self.apply_in_batches(self._colorize, self.check_inputs(images))

    def showcase(self, images, labels=None):
        noisy = self.corrupt(images)
        return side_by_side(noisy, self.denoise(noisy), "what was made of them")

    def _corrupt(self, images, seed):
        with self.noise(seed):
            return self.seen(base.to_unit(images))

    def _colorize(self, images):
        grey = layers.luma(base.to_unit(images))  # (batch, h, w, 1)
        return layers.with_luma(self.call(ops.repeat(grey, 3, axis=-1)), grey)
