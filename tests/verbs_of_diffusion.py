"""What the verbs of a tiny diffusion model give, on whatever backend is chosen.

KERAS_BACKEND=jax python verbs_of_diffusion.py OUT.npz
"""

import sys

import numpy as np

if __name__ == "__main__":
    sys.modules["tensorflow"] = None  # any import of it now fails

import conformance

from keras_gen import diffusion

SAMPLERS = (
    diffusion.DDIM(3, eta=0.5),
    diffusion.Ancestral(3),
    diffusion.DPMSolver(3),
    diffusion.Heun(3, churn=1.0),
    diffusion.PredictorCorrector(3),
    diffusion.AnnealedLangevin(3, repeats=2),
)


def verbs():
    """Name to array: those without noise, and samples, which differ by backend."""
    model = conformance.make("EDM")
    weights = model.denoiser.get_weights()
    model.denoiser.set_weights(
        [w + 0.1 * np.cos(np.arange(w.size)).reshape(w.shape) for w in weights]
    )
    model.compile()
    images = conformance.images(3)
    codes = model.invert(images, labels=1, steps=4)
    found = {"invert": codes, "decode": model.decode(codes, labels=2, steps=4)}
    found["drawn/edit"] = model.edit(images, labels=1, guidance=2.0)
    found["drawn/inpaint"] = model.inpaint(
        images,
        np.ones(images.shape[:3]),
        labels=1,
        sampler=diffusion.Ancestral(3),
    )
    found["drawn/log_likelihood"] = model.log_likelihood(images, labels=1, steps=3)
    for sampler in SAMPLERS:
        samples = model.generate(2, seed=0, labels=1, guidance=2.0, sampler=sampler)
        found[f"drawn/{sampler}"] = samples
    return found


if __name__ == "__main__":
    np.savez(sys.argv[1], **verbs())
