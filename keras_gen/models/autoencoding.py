"""The thin base of models with an encoder and a decoder."""

import numpy as np

from keras_gen.models import base


class AutoencodingModel(base.GenerativeModel):
    """An encoder to codes and a decoder back, with the verbs that follow from them.

    A subclass says in `codes` and `images_from` what its networks' outputs mean.
    """

    networks = ("encoder", "decoder")

    def codes(self, images):
        """Codes (batch, latent_dim) float32 of images (batch, h, w, c) in [0, 1]."""
        return self.averaged("encoder")(images, training=False)

    def images_from(self, codes):
        """Images (batch, h, w, c) float32 in [0, 1] of codes (batch, latent_dim)."""
        return self.averaged("decoder")(codes, training=False)

    def call(self, images):
        """Reconstructions (batch, h, w, c) in [0, 1] of images, uint8 or float."""
        return self.images_from(self.codes(base.to_unit(images)))

    def encode(self, images):
        """Codes of images.

        Args:
            images: (n, h, w, c), uint8 in [0, 255] or float in [0, 1].

        Returns:
            float32 array (n, latent_dim), or (n, *code_shape) where codes are no
            vectors.
        """
        return self.apply_in_batches(self._encode, self.check_inputs(images))

    def decode(self, codes):
        """Images float32 (n, h, w, c) in [0, 1] of codes as `encode` gives them."""
        return self.apply_in_batches(self.images_from, self.check_codes(codes))

    def reconstruct(self, images):
        """`decode(encode(images))`: float32 (n, h, w, c) in [0, 1]."""
        return self.apply_in_batches(self.call, self.check_inputs(images))

    def showcase(self, images, labels=None):
        """Samples where the model draws some, else reconstructions of held-out images.

        The latter in rows of 16, each below what it reproduces.
        """
        if self.samples():
            return super().showcase(images, labels)
        return side_by_side(images, self.reconstruct(images), "their reconstructions")

    def signatures(self):
        image = ((None, *self.data_shape()), "float32")
        code = ((None, *self.code_shape()), self.code_dtype)
        return {
            "serving_default": (self.call, {"images": image}),
            "encode": (self._encode, {"images": image}),
            "decode": (self.images_from, {"codes": code}),
        }

    def _encode(self, images):
        return self.codes(base.to_unit(images))


def side_by_side(images, results, words):
    """A `Showcase` of rows of images, each above a row of what became of them.

    Args:
        images: (n, h, w, c), uint8 or float in [0, 1].
        results: float in [0, 1], of the same shape.
        words: what the results are.
    """
    columns = min(16, len(images))
    rows = len(images) // columns
    shape = (rows, columns, *results.shape[1:])
    kept = images[: rows * columns]
    scale = 255 if kept.dtype == np.uint8 else 1
    pairs = [kept.astype("float32") / scale, results[: rows * columns]]
    stacked = np.stack([part.reshape(shape) for part in pairs], axis=1)
    caption = f"held-out pictures, each row above {words}"
    return base.Showcase(stacked.reshape(-1, *results.shape[1:]), caption, columns)
