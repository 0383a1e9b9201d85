"""DCGAN: Radford, Metz and Chintala 2016 (arXiv:1511.06434)."""

import keras

from keras_gen.models.adversarial import AdversarialModel


@keras.saving.register_keras_serializable("keras_gen")
class DCGAN(AdversarialModel):
    """Strided convolutions against transposed ones, as section 3 lays them out.

    Batch normalisation but for the generator's output and the critic's input,
    rectifiers in the generator with tanh last, leaky ones of slope 0.2 in the critic,
    weights from a normal distribution of standard deviation 0.02 (section 4).

    Args:
        filters: channels of the critic's convolutions, finest first; the generator
            mirrors them.
        critic_norm: whether the critic has batch normalisation; without it, penalties
            on its gradient or spectral normalisation find their place.
        **options: as `AdversarialModel` takes them.
    """

    generator_style = {"initializer": 0.02, "batch_norm": True}

    def __init__(self, *, filters=(64, 128), critic_norm=True, name="dcgan", **options):
        self.critic_style = {"initializer": 0.02, "batch_norm": critic_norm}
        super().__init__(filters=filters, name=name, **options)

    def default_optimizers(self):
        """Adam(2e-4, beta_1 = 0.5), section 4's."""
        return {n: keras.optimizers.Adam(2e-4, 0.5) for n in self.networks}
