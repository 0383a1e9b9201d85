"""Context encoder: Pathak, Krahenbuhl, Donahue, Darrell and Efros 2016
(arXiv:1604.07379), without the adversarial part.
"""

import keras
import numpy as np
from keras import ops

from keras_gen import layers
from keras_gen.engine.trainer import check_seed
from keras_gen.models import base, checks
from keras_gen.models.autoencoding import side_by_side
from keras_gen.models.convolutional_autoencoder import ConvolutionalAutoencoder


@keras.saving.register_keras_serializable("keras_gen")
class InpaintingAutoencoder(ConvolutionalAutoencoder):
    """Fills in what is missing of a picture from what surrounds it.

    The encoder sees the picture with the missing pixels at 0, and where they are in
    one more channel, 1 for missing. The loss is the missing pixels' (equation 1) and
    `context` times that of all pixels, which the paper leaves out: with it, what the
    decoder makes of a code is a whole picture. Likelihoods other than the squared
    error add a constant for every known pixel to the former.

    Args:
        corruption: draws the missing pixels in training: `layers.BlockMask`, by
            default of 4 to 14 pixels, or a layer with its method `missing`.
        context: weight of the loss of all pixels.
        encoder: any Keras model from (batch, h, w, c + 1) to codes; built from the
            keywords by default.
        **options: as `ConvolutionalAutoencoder` takes them.
    """

    def __init__(
        self,
        *,
        image_shape=(28, 28, 1),
        latent_dim=128,
        corruption=None,
        context=0.1,
        name="inpainting_autoencoder",
        **options,
    ):
        super().__init__(
            image_shape=image_shape,
            latent_dim=latent_dim,
            name=name,
            **options,
        )
        self.corruption = corruption or layers.BlockMask(4, 14)
        self.context = context

    def seen_shape(self):
        height, width, channels = self.data_shape()
        return height, width, channels + 1

    def masked(self, images, missing):
        """(batch, h, w, c + 1): the known pixels, and where none are."""
        return ops.concatenate([images * (1 - missing), missing], axis=-1)

    def objective(self, images, training=True):
        missing = self.corruption.missing(images)  # (batch, h, w, 1)
        codes = self.codes_around(images, missing, training)
        parameters = self.network("decoder", training)(codes, training=training)
        loss = self.likelihood.log_likelihood
        hidden = loss(images * missing, parameters * missing)
        reconstruction = -hidden - self.context * loss(images, parameters)
        return self.terms(reconstruction, self.penalty(images, codes, training))

    def codes(self, images):
        """Codes of images (batch, h, w, c) in [0, 1] of which nothing is missing."""
        return self.codes_around(images, ops.zeros_like(images[..., :1]))

    def codes_around(self, images, missing, training=False):
        """Codes of images in [0, 1] and where (batch, h, w, 1) their pixels miss."""
        seen = self.masked(images, missing)
        return self.network("encoder", training)(seen, training=training)

    def fill(self, images, mask):
        """Images whose missing pixels are replaced.

        Args:
            images: (batch, h, w, c), uint8 or float in [0, 1].
            mask: (batch, h, w, 1), 1 where pixels are missing, else 0.

        Returns:
            float32 (batch, h, w, c) in [0, 1].
        """
        images, mask = base.to_unit(images), ops.cast(mask, "float32")
        filled = self.images_from(self.codes_around(images, mask))
        return ops.where(mask > 0, filled, images)

    def inpaint(self, images, mask):
        """Pictures with their missing pixels filled in, the others untouched.

        Args:
            images: (n, h, w, c), uint8 in [0, 255] or float in [0, 1]; what stands at
                missing pixels does not matter.
            mask: (n, h, w) or (n, h, w, 1), bool or of 0 and 1: where pixels are
                missing.

        Returns:
            float32 array (n, h, w, c) in [0, 1].

        Raises:
            ValueError: images that do not fit the model, or a mask that fits neither.
        """
        images = self.check_inputs(images)
        mask = checks.mask(mask, images.shape[:3])
        # Scaled here: a compiled division may round otherwise, and known pixels stay.
        scale = np.float32(255 if images.dtype == np.uint8 else 1)
        images = (images / scale).astype("float32")
        return self.apply_in_batches(self.fill, (images, mask))

    def draw_masks(self, images, *, seed=0):
        """Masks as training draws them, for `inpaint`.

        Args:
            images: (n, h, w, c), uint8 in [0, 255] or float in [0, 1].
            seed: int in [0, 2**31).

        Returns:
            bool array (n, h, w, 1), True where pixels are missing.
        """
        images, seed = self.check_inputs(images), np.int32(check_seed(seed))
        return self.run_compiled(self._draw_masks, images, seed) > 0

    def showcase(self, images, labels=None):
        mask = self.draw_masks(images)
        filled = self.inpaint(images, mask)
        holes = np.where(mask, np.float32(1), filled)
        return side_by_side(holes, filled, "what its white block was filled with")

    def signatures(self):
        image = ((None, *self.data_shape()), "float32")
        mask = ((None, *self.data_shape()[:2], 1), "float32")
        inpaint = (self.fill, {"images": image, "mask": mask})
        return super().signatures() | {"inpaint": inpaint}

    def _draw_masks(self, images, seed):
        with self.noise(seed):
            return self.corruption.missing(base.to_unit(images))
