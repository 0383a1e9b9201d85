"""Denoising autoencoder: Vincent, Larochelle, Bengio and Manzagol 2008
(doi:10.1145/1390156.1390294), and Vincent et al. 2010 (JMLR 11:3371).
"""

import keras
import numpy as np

from keras_gen import layers
from keras_gen.engine.trainer import check_seed
from keras_gen.models import base
from keras_gen.models.autoencoding import side_by_side
from keras_gen.models.convolutional_autoencoder import ConvolutionalAutoencoder


@keras.saving.register_keras_serializable("keras_gen")
class DenoisingAutoencoder(ConvolutionalAutoencoder):
    """Reproduces a picture from a corrupted one: L(x, g(f(x~))) with x~ ~ q(x~|x).

    Args:
        corruption: q, a layer of `keras_gen.layers`: `GaussianNoise`, `MaskingNoise`
            (the papers' own), `SaltAndPepper`, or one of yours that draws from
            `keras_gen.engine.random`. By default `MaskingNoise(0.25)`.
        **options: as `ConvolutionalAutoencoder` takes them.
    """

    def __init__(
        self,
        *,
        image_shape=(28, 28, 1),
        latent_dim=128,
        corruption=None,
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

    def seen(self, images):
        """x~: corrupted images."""
        return self.corruption(images)

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

    def showcase(self, images):
        noisy = self.corrupt(images)
        return side_by_side(noisy, self.denoise(noisy), "what was made of them")

    def _corrupt(self, images, seed):
        with self.noise(seed):
            return keras.ops.clip(self.corruption(base.to_unit(images)), 0.0, 1.0)
