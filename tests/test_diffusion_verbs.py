"""What diffusion models do with pictures that they are given."""

import os
import pathlib
import subprocess
import sys

import conformance
import numpy as np
import pytest
import verbs_of_diffusion
from test_diffusion_models import SHAPE, gaussian, pictures, tiny

import keras_gen
from keras_gen import applications, data, diffusion, metrics

# Faster to compile, not to run: XLA's answers stay the same.
QUICK_XLA = (
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
)


def test_a_picture_of_a_seed_is_drawn_anew_by_that_seed_as_by_others():
    model = gaussian(keras_gen.EDM, 0.5)
    made = model.generate(64, seed=0, verbose=False)
    sampler, mask = diffusion.Ancestral(20), np.ones((64, *SHAPE[:2]))
    for verb in (
        lambda seed: model.edit(made, strength=0.9, seed=seed, sampler=sampler),
        lambda seed: model.inpaint(made, mask, seed=seed, sampler=sampler),
    ):
        own, other = (np.square(verb(seed) - made).mean() for seed in (0, 1))
        assert own == pytest.approx(other, rel=0.1)


def test_likelihoods_are_of_the_nearest_levels():
    model = gaussian(keras_gen.DDPM, 0.5, schedule=diffusion.CosineSchedule(steps=20))
    levels = pictures()
    between = ((levels + 0.3) / 255.0).clip(0, 1)
    for verb in (model.log_likelihood, model.variational_bound):
        np.testing.assert_allclose(verb(between), verb(levels), rtol=1e-5)


@pytest.mark.parametrize("verb", ["invert", "decode", "edit", "log_likelihood"])
def test_models_that_always_saw_labels_want_them(verb):
    model = tiny(keras_gen.EDM, num_classes=3, unlabelled=0.0)
    given = conformance.noise(2, *SHAPE, seed=0).clip(0, 1)
    with pytest.raises(ValueError, match="Expected labels of.*Received: labels=None"):
        getattr(model, verb)(given)
    assert np.isfinite(getattr(model, verb)(given, labels=1)).all()


@pytest.mark.parametrize("kind", ["ddpm", "edm"])
def test_inpainting_leaves_known_pixels(kind):
    model = tiny(keras_gen.EDM, num_classes=3) if kind == "edm" else tiny()
    images, mask = pictures(), np.zeros((6, 8, 8), bool)
    mask[:, 2:5, 3:] = True
    options = {"seed": 1, "sampler": diffusion.Ancestral(5)}
    options |= {"labels": 2, "guidance": 1.5} if kind == "edm" else {}
    filled = model.inpaint(images, mask, **options)
    expected = (images / np.float32(255)).astype("float32")
    assert np.array_equal(filled[~mask], expected[~mask])
    assert np.abs(filled - expected)[mask].mean() > 0.05
    assert np.array_equal(filled, model.inpaint(images, mask[..., None], **options))
    other = np.where(mask[..., None], np.uint8(0), images)
    assert np.array_equal(filled, model.inpaint(other, mask, **options))


@pytest.mark.slow
def test_editing_keeps_less_of_a_picture_the_stronger_it_is():
    model = gaussian(keras_gen.EDM, 0.5)
    images = pictures(20).astype("float32") / 255
    sampler = diffusion.DDIM(40)
    apart = [
        np.abs(model.edit(images, strength=s, sampler=sampler) - images).mean()
        for s in (0.1, 0.4, 0.6, 1.0)
    ]
    assert (np.diff(apart) > 0).all()
    assert apart[0] < 0.02


@pytest.mark.slow
def test_noise_of_pictures_leads_back_to_them():
    model = gaussian(keras_gen.DDPM, 0.5)
    images = pictures().astype("float32") / 255
    codes = model.invert(images)
    # The flow of a Gaussian keeps each value's place in deviations.
    places = (images * 2 - 1) / np.sqrt(0.25 + model.schedule.sigma_min**2)
    np.testing.assert_allclose(codes, places, atol=0.02)
    np.testing.assert_allclose(model.decode(codes), images, atol=0.01)


@pytest.mark.slow
def test_published_noise_reconstructs_to_30_decibels():
    model = keras_gen.from_preset("ddpm_fashion_mnist")
    images, _ = data.load("fashion_mnist", "test")
    images = images[:8].astype("float32") / 255
    codes = model.invert(images)
    assert codes.std() == pytest.approx(1, abs=0.2)
    assert metrics.psnr(images, model.decode(codes)).min() > 30
    path = applications.interpolate(
        model, codes[:2], codes[2:4], steps=3, spherical=True
    )
    assert path.shape == (6, 28, 28, 1)


@pytest.mark.slow
def test_verbs_are_the_same_on_jax(tmp_path):
    program, path = pathlib.Path(verbs_of_diffusion.__file__), tmp_path / "verbs.npz"
    variables = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": QUICK_XLA}
    subprocess.run(
        [sys.executable, str(program), str(path)],
        check=True,
        env=os.environ | variables,
    )
    ours, theirs = verbs_of_diffusion.verbs(), np.load(path)
    assert set(ours) == set(theirs)
    for name, values in ours.items():
        np.testing.assert_allclose(theirs[name], values, rtol=1e-4, atol=1e-4)
