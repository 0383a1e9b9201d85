"""Score-based models: Song and Ermon 2019 (arXiv:1907.05600), and as stochastic
differential equations Song et al. 2021 (arXiv:2011.13456).
"""

import keras

from keras_gen import diffusion
from keras_gen.models.diffusion import DiffusionModel, column


@keras.saving.register_keras_serializable("keras_gen")
class ScoreModel(DiffusionModel):
    """A network that knows the score, the gradient of the logarithm of the density.

    Trained by denoising score matching (Song and Ermon, equations 5 and 6; Song et al.,
    equation 7) at the noise levels of a process:

    - `schedule=diffusion.VarianceExploding()` with `target=diffusion.ScaledScore()`,
      the defaults: the VE equation, and in its levels the noise conditional score
      network, for `diffusion.AnnealedLangevin` and `diffusion.PredictorCorrector`;
    - `schedule=diffusion.VariancePreserving()` with `target=diffusion.Epsilon()`: the
      VP equation, whose network's output is minus the score times the deviation of its
      noise.

    Args:
        **options: as `DiffusionModel` takes them.
    """

    def __init__(self, *, name="score_model", **options):
        super().__init__(name=name, **options)

    @classmethod
    def from_ddpm(cls, model):
        """The score model that a trained `DDPM` is, of the same network.

        Song et al. 2021, section 3.4: DDPM's steps are those of the VP equation.

        Args:
            model: a `DDPM` without learned variances.

        Raises:
            ValueError: a model whose network returns variances too.
        """
        if model.learned_variance:
            raise ValueError(
                "Expected a DDPM without learned variances. "
                "Received: learned_variance=True"
            )
        keys = ("image_shape", "num_classes", "unlabelled", "guidance_interval")
        config = {key: model._config[key] for key in keys}
        return cls(
            **config,
            schedule=model.schedule,
            target=model.target,
            denoiser=model.averaged("denoiser"),
        )

    def default_schedule(self):
        return diffusion.VarianceExploding()

    def default_target(self):
        return diffusion.ScaledScore()

    def default_sampler(self):
        """Algorithm 2 of Karras et al. 2022 (arXiv:2206.00364), 59 calls.

        Fresh noise at each step makes up for what a small network gets wrong, as the
        paper's own samplers do with more calls.
        """
        return diffusion.Heun(30, churn=40.0)

    def score(self, x, sigma, labels=()):
        """The score of noisy examples, (D(x; sigma) - x) / sigma^2.

        Args:
            x: float32 (batch, h, w, c), clean ones on the scale of [-1, 1] plus sigma
                times standard normal noise.
            sigma: float32 (batch,), above 0.
            labels: as `estimate` takes them.

        Returns:
            float32 (batch, h, w, c).
        """
        return (self.estimate(x, sigma, labels) - x) / column(sigma) ** 2
