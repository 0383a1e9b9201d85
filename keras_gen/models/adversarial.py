"""The thin base of models with a generator and a critic."""

import keras

from keras_gen.engine import random
from keras_gen.models import base


class AdversarialModel(base.GenerativeModel):
    """A generator from Gaussian latents to images in [-1, 1], and its judge."""

    networks = ("critic", "generator")

    def latents(self, rows):
        """Standard normal latents (rows, latent_dim)."""
        return random.normal((rows, self.latent_dim))

    def sample(self, n):
        """Images (n, h, w, c) in [0, 1] from fresh latents."""
        return self.call(self.latents(n))

    def call(self, latents):
        """Images (batch, h, w, c) float32 in [0, 1] of latents (batch, latent_dim)."""
        return base.from_signed(self.averaged("generator")(latents, training=False))

    def decode(self, latents):
        """Images of given latents.

        Args:
            latents: float (n, latent_dim).

        Returns:
            float32 array (n, h, w, c) in [0, 1].
        """
        return self.apply_in_batches(self.call, self.check_codes(latents))

    def score(self, images):
        """The critic's scores, higher for what it takes for real.

        Args:
            images: (n, h, w, c), uint8 in [0, 255] or float in [0, 1].

        Returns:
            float32 array (n,).
        """
        return self.apply_in_batches(self._score, self.check_inputs(images))

    def signatures(self):
        latent = ((None, self.latent_dim), "float32")
        image = ((None, *self.data_shape()), "float32")
        return {
            "serving_default": (self.call, {"latents": latent}),
            "score": (self._score, {"images": image}),
        }

    def _score(self, images):
        scores = self.critic(base.to_signed(images), training=False)
        return keras.ops.reshape(keras.ops.cast(scores, "float32"), (-1,))
