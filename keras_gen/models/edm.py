"""The design space's own model: Karras et al. 2022 (arXiv:2206.00364)."""

import keras

from keras_gen import diffusion
from keras_gen.models.diffusion import DiffusionModel


@keras.saving.register_keras_serializable("keras_gen")
class EDM(DiffusionModel):
    """A denoiser preconditioned at every noise level, with log-normal levels.

    Table 1, right column; sampled by Heun's method (algorithm 1), with churn as
    `diffusion.Heun(churn=...)` (algorithm 2).

    Args:
        **options: as `DiffusionModel` takes them; by default
            `diffusion.LogNormalSchedule()` and `diffusion.Preconditioned()`.
    """

    def __init__(self, *, name="edm", **options):
        super().__init__(name=name, **options)

    def default_schedule(self):
        return diffusion.LogNormalSchedule()

    def default_target(self):
        return diffusion.Preconditioned()

    def default_sampler(self):
        """Algorithm 1 of 18 steps, 35 calls, as the paper samples CIFAR-10."""
        return diffusion.Heun(18)
