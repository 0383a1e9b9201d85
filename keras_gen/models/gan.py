"""Generative adversarial networks: Goodfellow et al. 2014 (arXiv:1406.2661)."""

import keras

from keras_gen import layers
from keras_gen.models.adversarial import AdversarialModel


@keras.saving.register_keras_serializable("keras_gen")
class GAN(AdversarialModel):
    """The first of them: dense networks, a maxout critic with dropout (section 5).

    Latents are normal, not uniform. The default loss is the one that section 3 advises,
    `losses.NonSaturating`; `loss=losses.Minimax()` plays the value of equation 1.

    Args:
        hidden: units of the critic's maxout layers; the generator mirrors them by
            rectifiers.
        pieces: linear functions of each maxout unit.
        dropout: share of the critic's hidden units dropped in training.
        **options: as `AdversarialModel` takes them.
    """

    def __init__(
        self, *, hidden=(256, 256), pieces=5, dropout=0.3, name="gan", **options
    ):
        super().__init__(hidden=hidden, name=name, **options)

    def build_critic(self, shape, outputs, tail=(), name=None):
        if self._config["filters"]:
            return super().build_critic(shape, outputs, tail=tail, name=name)
        pieces = self._config["pieces"]
        x = inputs = keras.Input(shape)
        if len(shape) != 1:
            x = keras.layers.Flatten()(x)
        for units in self._config["hidden"]:
            x = layers.Maxout(pieces)(keras.layers.Dense(units * pieces)(x))
            x = layers.Dropout(self._config["dropout"])(x)
        for layer in tail:
            x = layer(x)
        x = keras.layers.Dense(outputs, dtype="float32")(x)
        return keras.Model(inputs, x, name=name)

    def default_optimizers(self):
        """Adam(2e-4, beta_1 = 0.5), Radford et al.'s, in place of momentum."""
        return {n: keras.optimizers.Adam(2e-4, 0.5) for n in self.networks}
