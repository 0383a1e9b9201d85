"""What the verbs of a tiny diffusion model give, on whatever backend is chosen.

KERAS_BACKEND=jax python verbs_of_diffusion.py OUT.npz
"""

import sys

import numpy as np

if __name__ == "__main__":
    sys.modules["tensorflow"] = None  # any import of it now fails

import conformance
from keras import ops

from keras_gen import diffusion
from keras_gen.engine import random

SAMPLERS = (
    diffusion.DDIM(3, eta=0.5),
    diffusion.Ancestral(3),
    diffusion.DPMSolver(3),
    diffusion.Heun(3, churn=1.0),
    diffusion.PredictorCorrector(3),
    diffusion.AnnealedLangevin(3, repeats=2),
)


class Tabled:
    """Noise that backends share: tables of draws, for up to 32 steps of a loop.

    The same at every draw, for backends trace a loop's body more or less often.
    """

    override = True

    def draw(self, kind, shape, step=None):
        rng = np.random.default_rng(0 if step is None else 1)
        draw = rng.standard_normal if kind == "normal" else rng.random
        table = ops.convert_to_tensor(draw((32, *shape)).astype("float32"))
        return ops.take(table, 0 if step is None else step, axis=0)


def seeming_trained(model):
    weights = model.denoiser.get_weights()
    model.denoiser.set_weights(
        [w + 0.1 * np.cos(np.arange(w.size)).reshape(w.shape) for w in weights]
    )
    model.compile()
    return model


def verbs():
    """Name to array."""
    with random.use(Tabled()):
        return edm_verbs() | ddpm_verbs()


def ddpm_verbs():
    schedule = diffusion.CosineSchedule(steps=20)
    options = {"schedule": schedule, "learned_variance": True}
    model = seeming_trained(conformance.make("DDPM", **options))
    samples = model.generate(2, seed=0, sampler=diffusion.Ancestral(6))
    bound = model.variational_bound(conformance.images(3))
    return {"ddpm": samples, "bound": bound}


def edm_verbs():
    model = seeming_trained(conformance.make("EDM"))
    images = conformance.images(3)
    codes = model.invert(images, labels=1, steps=4)
    found = {"invert": codes, "decode": model.decode(codes, labels=2, steps=4)}
    found["edit"] = model.edit(images, labels=1, guidance=2.0)
    found["inpaint"] = model.inpaint(
        images,
        np.ones(images.shape[:3]),
        labels=1,
        sampler=diffusion.Ancestral(3),
    )
    found["log_likelihood"] = model.log_likelihood(images, labels=1, steps=3)
    for sampler in SAMPLERS:
        samples = model.generate(2, seed=0, labels=1, guidance=2.0, sampler=sampler)
        found[f"{sampler}"] = samples
    return found


if __name__ == "__main__":
    np.savez(sys.argv[1], **verbs())
