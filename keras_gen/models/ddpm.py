"""Denoising diffusion: Ho, Jain and Abbeel 2020 (arXiv:2006.11239)."""

import math

import keras
import numpy as np
from keras import ops

from keras_gen import diffusion
from keras_gen.engine import random
from keras_gen.models.denoising import levels_of
from keras_gen.models.diffusion import DiffusionModel, column

VARIATIONAL_WEIGHT = 1e-3  # lambda of Nichol and Dhariwal's equation 16


@keras.saving.register_keras_serializable("keras_gen")
class DDPM(DiffusionModel):
    """Denoising diffusion probabilistic model.

    Trains the denoiser by the simple loss (equation 14): at a step t drawn uniformly,
    the squared error of the noise. The paper's own sampler, `diffusion.Ancestral()`,
    calls the denoiser once for every step of the schedule.

    Args:
        learned_variance: whether the network also returns where between its bounds
            the logarithm of each variance lies, trained by the variational bound
            beside the simple loss (Nichol and Dhariwal 2021, arXiv:2102.09672,
            equations 15 and 16); a denoiser then returns twice the channels. Logs
            `bound_bits_per_dim`, without the prior's term, too. The last step's
            deviation is never learned; see `diffusion.bound.decoder_term`.
        **options: as `DiffusionModel` takes them; by default
            `diffusion.LinearSchedule()` and `diffusion.Epsilon()`.
    """

    trackers = ("loss", "bound_bits_per_dim")

    def __init__(self, *, learned_variance=False, name="ddpm", **options):
        super().__init__(name=name, **options)

    def default_schedule(self):
        return diffusion.LinearSchedule()

    def default_target(self):
        return diffusion.Epsilon()

    @property
    def learned_variance(self):
        return self._config["learned_variance"]

    def output_shape_of(self, image_shape):
        return (*image_shape[:-1], image_shape[-1] * (1 + self.learned_variance))

    def losses_of(self, output, images, noisy, sigma):
        if not self.learned_variance:
            return super().losses_of(output, images, noisy, sigma)
        output, fraction = self.parts(output)
        simple = super().losses_of(output, images, noisy, sigma)["loss"]
        estimate = ops.stop_gradient(super().clean(output, noisy, sigma))
        nats = self.bound_at(images, estimate, sigma, fraction)
        # A step drawn at random stands for all of them.
        bits = nats * self.schedule.steps / (math.prod(self.data_shape()) * math.log(2))
        return {
            "loss": simple + VARIATIONAL_WEIGHT * bits,
            "bound_bits_per_dim": bits,
        }

    def clean(self, output, x, sigma):
        return super().clean(self.parts(output)[0], x, sigma)

    def parts(self, output):
        """What the target asks for, and the variances' place between their bounds.

        Returns:
            Two float32 tensors; the second is 0 at the lower bound and 1 at the upper,
            and 0.0 where none is learned.
        """
        if not self.learned_variance:
            return output, 0.0
        output, fraction = ops.split(output, 2, axis=-1)
        return output, 0.5 * (fraction + 1)

    def bound_at(self, images, estimate, sigma, fraction):
        """The bound's term at levels (batch,) of steps: (batch,) nats."""
        table = np.concatenate([[0.0], self.schedule.sigmas()]).astype("float32")
        step = ops.cast(ops.round(self.schedule.time(sigma)), "int32")
        following = ops.take(table, step)
        first = ops.equal(step, 0)
        # At step 0 other levels stand in, so that the branch not taken is finite.
        before = column(ops.maximum(following, table[1]))
        safe = column(ops.where(first, 2 * sigma, sigma))
        inner = diffusion.bound.step_term(images, estimate, safe, before, fraction)
        last = diffusion.bound.decoder_term(images, estimate, table[1])
        return ops.where(first, last, inner)

    def meaning_for(self, sampler):
        own = isinstance(sampler, diffusion.Ancestral) and sampler.variance is None
        if not (self.learned_variance and own):
            return self.clean
        return lambda output, *place: (
            self.clean(output, *place),
            self.parts(output)[1],
        )

    def variational_bound(self, images, labels=None, *, seed=0):
        """A lower bound of log p(x) of 8-bit pictures, every step by one draw of noise.

        Minus equation 5, with L_0 of equation 13: of the ancestral sampler's own
        likelihood, with all steps.

        Args:
            images: (n, h, w, c), uint8 in [0, 255] or float in [0, 1], which is rounded
                to these levels.
            labels: ints (n,) or one for all, or None to go without.
            seed: int in [0, 2**31) of the noise.

        Returns:
            float64 array (n,), nats; `metrics.bits_per_dim(-nats, h * w * c)`.
        """
        inputs = {"images": self.check_inputs(images)}
        # A call a step: in one loop of independent steps TensorFlow would run several
        # of them at a time, in which its oneDNN convolutions have crashed.
        terms = (
            self._from_pictures(self._bound_term, inputs, seed, labels, place=(step,))
            for step in range(self.schedule.steps + 1)
        )
        return -np.sum(list(terms), axis=0, dtype="float64")

    def _bound_term(self, data, place):
        """The bound's term at a step; at one more than there are, the prior's."""
        images, step = levels_of(data["images"]), place[2]
        rows = ops.shape(images)[0]
        labels = (self.one_hot(data["labels"]),) if "labels" in data else ()
        sigmas = self.schedule.sigmas().astype("float32")
        sigma = ops.take(sigmas, ops.minimum(step, self.schedule.steps - 1))
        sigma = ops.broadcast_to(sigma, (rows,))
        with self.own_noise(place):
            noisy = images + column(sigma) * random.normal(ops.shape(images))
        output = self.output(noisy, sigma, labels or self.hidden_labels(rows))
        estimate = ops.clip(self.clean(output, noisy, sigma), -1.0, 1.0)
        term = self.bound_at(images, estimate, sigma, self.parts(output)[1])
        prior = diffusion.bound.prior_term(images, sigmas[-1])
        return ops.where(step < self.schedule.steps, term, prior)
