"""What a diffusion model does with pictures that it is given."""

import math
import numbers

import numpy as np
from keras import ops

from keras_gen import diffusion
from keras_gen.diffusion.bound import LEVEL
from keras_gen.engine import random
from keras_gen.engine.trainer import check_seed
from keras_gen.models import base, checks

OWN = 1  # last fold of the noise of verbs that are given pictures


class Denoising:
    """The half of a diffusion model whose verbs start from pictures, or end in noise.

    They take pictures, uint8 in [0, 255] or float in [0, 1], shape (n, h, w, c), their
    `labels`, ints (n,), one for all, or None to go without, and beside labels
    `guidance` as `generate` does.
    """

    def flow_levels(self):
        """Noise levels of the probability flow, which `steps` cut evenly."""
        return diffusion.KarrasLevels(sigma_max=min(80.0, self.schedule.sigma_max))

    def inpaint(
        self, images, mask, *, seed=0, labels=None, guidance=None, sampler=None
    ):
        """Pictures with their missing pixels drawn anew, the others untouched.

        See `diffusion.denoisers.given`.

        Args:
            images: pictures; what stands at missing pixels does not matter.
            mask: (n, h, w) or (n, h, w, 1), bool or of 0 and 1: where pixels are
                missing.
            seed: int in [0, 2**31) of the noise.
            sampler: of `keras_gen.diffusion`; by default `Ancestral`, by 100 steps
                or as many as the schedule has where they are fewer.

        Returns:
            float32 array (n, h, w, c) in [0, 1].

        Raises:
            ValueError: pictures that do not fit the model, or a mask that fits neither.
        """
        images = self.check_inputs(images)
        mask = checks.mask(mask, images.shape[:3])
        sampler = sampler or diffusion.Ancestral(min(100, self.schedule.steps))
        inputs = {"images": images, "mask": mask}
        filled = self._from_pictures(
            self._inpaint, inputs, seed, labels, guidance, sampler=sampler
        )
        scale = np.float32(255 if images.dtype == np.uint8 else 1)
        return np.where(mask > 0, filled, (images / scale).astype("float32"))

    def edit(
        self,
        images,
        *,
        strength=0.5,
        seed=0,
        labels=None,
        guidance=None,
        sampler=None,
    ):
        """Pictures drowned in noise in part, and drawn out of it again.

        SDEdit (Meng et al. 2022, arXiv:2108.01073, algorithm 1): strokes become
        pictures, and pictures others that resemble them.

        Args:
            images: pictures.
            strength: share of a sampler's steps that are taken, in (0, 1]; 1 leaves
                almost nothing of a picture.
            seed: int in [0, 2**31) of the noise.
            sampler: of `keras_gen.diffusion`; see `default_sampler`.

        Returns:
            float32 array (n, h, w, c) in [0, 1].

        Raises:
            ValueError: pictures that do not fit the model, or strength out of range.
        """
        if not 0 < strength <= 1:
            raise ValueError(
                f"Expected a strength in (0, 1]. Received: strength={strength}"
            )
        inputs = {"images": self.check_inputs(images)}
        return self._from_pictures(
            self._edit,
            inputs,
            seed,
            labels,
            guidance,
            sampler=sampler,
            strength=float(strength),
        )

    def invert(self, images, *, labels=None, steps=50):
        """The noise that `decode` makes pictures of, by the probability flow.

        See `diffusion.flow.invert`. Between two of them that were made without labels
        `applications.interpolate` goes with `spherical=True`.

        Args:
            images: pictures.
            labels: ints (n,) or one for all, or None to go without.
            steps: of Heun's method, at least 2.

        Returns:
            float32 array (n, h, w, c), near to standard normal.
        """
        _check_flow_steps(steps)
        inputs = {"images": self.check_inputs(images)}
        return self._from_pictures(self._invert, inputs, 0, labels, steps=steps)

    def decode(self, codes, *, labels=None, steps=50):
        """Pictures of noise by the probability flow; arguments as `invert`'s.

        Args:
            codes: float (n, h, w, c), standard normal.

        Returns:
            float32 array (n, h, w, c) in [0, 1].
        """
        _check_flow_steps(steps)
        inputs = {"images": self.check_codes(codes)}
        return self._from_pictures(self._decode, inputs, 0, labels, steps=steps)

    def code_shape(self):
        return self.data_shape()

    def log_likelihood(self, images, labels=None, *, steps=60, seed=0):
        """A lower bound, in expectation, of log p(x) of 8-bit pictures.

        The density of the probability flow (`diffusion.flow.log_density`) at levels
        dequantised uniformly, its divergence estimated by one Rademacher probe a
        picture (Skilling and Hutchinson; Song et al. 2021, arXiv:2011.13456, equation
        40).

        Args:
            images: pictures; floats are rounded to those levels.
            labels: ints (n,) or one for all, or None to go without.
            steps: of Heun's method, at least 2. Fewer find more: of a Gaussian with
                correlated pixels 30 steps find 0.04 bits a dimension too much, 60
                0.014, 120 0.007.
            seed: int in [0, 2**31) of the noise within a level and of the probes.

        Returns:
            float64 array (n,), nats; `metrics.bits_per_dim(-nats, h * w * c)`.
        """
        _check_flow_steps(steps)
        inputs = {"images": self.check_inputs(images)}
        nats = self._from_pictures(
            self._log_likelihood, inputs, seed, labels, steps=steps
        )
        return nats.astype("float64")

    # Compiled bodies: dicts of a batch's arrays and [seed, first row]

    def _inpaint(self, data, place, *, sampler):
        known = base.to_signed(data["images"])
        with self.own_noise(place):
            levels = sampler.path(self.schedule)
            noise = random.normal(ops.shape(known))
            denoise = self._denoiser(data, sampler)
            denoise = diffusion.denoisers.given(denoise, known, data["mask"])
            return self.run_sampler(sampler, denoise, levels, levels[0] * noise)

    def _edit(self, data, place, *, sampler, strength):
        with self.own_noise(place):
            levels = sampler.path(self.schedule)
            count = levels.shape[0] - 1
            # Rounded, for 0.14 * 50 is more than 7.
            taken = math.ceil(round(strength * count, 9))
            levels, sampler = levels[count - taken :], sampler.over(taken / count)
            images = base.to_signed(data["images"])
            x = images + levels[0] * random.normal(ops.shape(images))
            denoise = self._denoiser(data, sampler)
            return self.run_sampler(sampler, denoise, levels, x)

    def _invert(self, data, place, *, steps):
        levels = self.flow_levels()(self.schedule, steps)
        x = base.to_signed(data["images"])
        return diffusion.flow.invert(self._denoiser(data), levels, x) / levels[0]

    def _decode(self, data, place, *, steps):
        levels = self.flow_levels()(self.schedule, steps)
        sampler = diffusion.Heun(steps)
        x = levels[0] * ops.cast(data["images"], "float32")
        return base.from_signed(sampler(self._denoiser(data), levels, x))

    def _log_likelihood(self, data, place, *, steps):
        images = levels_of(data["images"])
        with self.own_noise(place):
            x = images + LEVEL * (random.uniform(ops.shape(images)) - 0.5)
            probe = ops.sign(random.uniform(ops.shape(images)) - 0.5)
        size, denoise = math.prod(images.shape[1:]), self._denoiser(data)

        def rest_and_divergence(x, sigma):
            gradient = self.input_gradient(lambda v: probe * denoise(v, sigma), x)
            trace = ops.sum(probe * gradient, axis=(1, 2, 3))
            return x - denoise(x, sigma), size - trace

        levels = self.flow_levels()(self.schedule, steps)
        nats = diffusion.flow.log_density(rest_and_divergence, levels, x)
        return nats + size * math.log(LEVEL)

    def own_noise(self, place):
        """The noise of a verb, a context.

        Not that of the samples of its seed: given back to them it would undo itself.

        Args:
            place: int32 scalars (k,) in a tensor, the seed first.
        """
        return self.noise(*ops.unstack(place, place.shape[0]), OWN)

    def _denoiser(self, data, sampler=None):
        return self.denoiser_of(sampler, data.get("labels"), data.get("guidance"))

    def _from_pictures(
        self, method, inputs, seed, labels, guidance=None, place=(), **static
    ):
        """Run a compiled body over the rows of a dict of arrays, a batch at a time.

        Args:
            place: ints that follow [seed, first row] in what the body is given.
        """
        seed, rows = check_seed(seed), len(inputs["images"])
        if guidance is not None and labels is None and self.takes_labels():
            raise ValueError(
                "Expected labels beside guidance, which is towards them. "
                f"Received: guidance={guidance}, labels=None"
            )
        options = {"guidance": guidance} if guidance is not None else {}
        options |= {"labels": labels} if labels is not None else {}
        sampled = "sampler" in static
        own, fixed = self.check_conditions(
            rows, sampler=static.pop("sampler", None), **options
        )
        if labels is None:  # `generate` draws them, a given picture goes without
            own.pop("labels", None)
        static |= fixed if sampled else {}
        parts = []
        for start in range(0, rows, base.CHUNK):
            cut = slice(start, start + base.CHUNK)
            data = {name: x[cut] for name, x in (inputs | own).items()}
            where = np.int32([seed, start, *place])
            parts.append(self.run_compiled(method, data, where, **static))
        return np.concatenate(parts)


def levels_of(images):
    """Pictures at the nearest 8-bit levels, on the scale of [-1, 1]."""
    return ops.round((base.to_signed(images) + 1) / LEVEL) * LEVEL - 1


def _check_flow_steps(steps):
    if not isinstance(steps, numbers.Integral) or steps < 2:
        raise ValueError(f"Expected at least 2 steps. Received: steps={steps!r}")
