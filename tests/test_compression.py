"""Compression without loss: whole, at the bound's rate, the same everywhere."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_gen
from keras_gen import losses
from keras_gen.applications import Compressor
from keras_gen.applications.compression import container, lossless

ROOT = pathlib.Path(__file__).parent.parent


def discs(count, seed=0):
    """Grey discs of any place, size and brightness on noise: uint8 (n, 8, 8, 1)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:8, :8]
    centre = rng.uniform(1, 6, (2, count, 1, 1))
    inside = np.hypot(y - centre[0], x - centre[1]) < rng.uniform(1, 4, (count, 1, 1))
    grey = inside * rng.uniform(60, 220, (count, 1, 1)) + rng.uniform(
        0, 12, (count, 8, 8)
    )
    return grey.astype(np.uint8)[..., None]


def tiny_vae(channels=1, likelihood=None, seed=0, **options):
    keras.utils.set_random_seed(seed)
    return keras_gen.VAE(
        image_shape=(8, 8, channels),
        latent_dim=4,
        filters=(8,),
        hidden=32,
        likelihood=likelihood or losses.DiscretizedLogisticMixture(components=3),
        **options,
    )


@pytest.fixture(scope="module")
def trained():
    model = tiny_vae()
    model.compile(keras.optimizers.Adam(5e-3))
    model.fit(discs(3000), batch_size=100, epochs=12, verbose=0)
    return model


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("preset") / "tiny_vae"
    trained.save_to_preset(path)
    return path


# Whole, to the bit


@pytest.mark.parametrize("count", [1, 2, 9, 10, 150])
def test_images_come_back_to_the_bit(trained, count):
    coder, images = Compressor(trained), discs(count, seed=1)
    result = coder.decompress(coder.compress(images))
    assert result.dtype == np.uint8
    np.testing.assert_array_equal(result, images)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(
    "likelihood",
    [
        losses.DiscretizedLogistic(),
        losses.DiscretizedLogisticMixture(components=2),
        losses.AutoregressiveLogisticMixture(components=2),
    ],
    ids=["logistic", "mixture", "autoregressive"],
)
def test_any_likelihood_codes_any_picture(likelihood, channels):
    # Untrained, and pictures that no model would expect, constant ones among them.
    coder = Compressor(tiny_vae(channels, likelihood))
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 8, 8, channels), "uint8")
    images[3], images[4] = 0, 255
    result = coder.decompress(coder.compress(images))
    np.testing.assert_array_equal(result, images)


def test_pictures_without_information_never_drain_the_stack(trained):
    coder = Compressor(trained)
    images = np.repeat(discs(1), 700, axis=0)
    result = coder.decompress(coder.compress(images))
    np.testing.assert_array_equal(result, images)


def test_batches_cover_all_images_once():
    for count in (1, 8, 9, 10, 72, 73, 74, 1000):
        parts = lossless.batches(count)
        assert [i for part in parts for i in range(*part)] == list(range(count))
        assert max(stop - start for start, stop in parts) <= lossless.BATCH
        assert parts[0] == (0, 1)


# The rate


def test_rate_is_the_evidence_lower_bound(trained):
    images = discs(1500, seed=2)
    bound = -trained.log_weights(images, samples=20).mean(axis=1).sum() / np.log(2)
    bits = 8 * len(Compressor(trained).compress(images))
    assert bits == pytest.approx(bound, rel=0.01)
    # A code sent without getting its bits back costs all of its digits.
    terms = trained.evaluate(images, return_dict=True, verbose=0)
    pixels = len(images) * terms["reconstruction"] / np.log(2)
    digits = len(images) * trained.latent_dim * lossless.DIGITS * 4
    assert bits < 0.95 * (pixels + digits)


def test_neighbours_that_tell_a_pixel_save_its_bits():
    images = np.repeat(discs(60), 2, axis=2)[:, :, :8]  # columns in pairs
    rates = []
    for cls in (
        losses.DiscretizedLogisticMixture,
        losses.AutoregressiveLogisticMixture,
    ):
        model = tiny_vae(likelihood=cls(components=1))
        # One logistic around black, and the neighbour to the left.
        bias = [0, -1, -1] + ([1, 0, 0, 0] if cls.__name__[0] == "A" else [])
        last = model.decoder.trainable_weights[-2:]
        last[0].assign(np.zeros(last[0].shape))
        last[1].assign(bias)
        rates.append(len(Compressor(model).compress(images)))
    assert rates[1] < 0.7 * rates[0]


def test_first_image_alone_pays_for_its_code(trained):
    coder, images = Compressor(trained), discs(200, seed=3)
    bound = -trained.log_weights(images, samples=50).mean(axis=1) / np.log(2)
    digits = trained.latent_dim * lossless.DIGITS * 4
    for count in (1, 9, 73, 200):
        bits = 8 * len(coder.compress(images[:count]))
        header = 8 * 71
        assert bits < bound[:count].sum() * 1.02 + digits + header + 150


# The same bytes wherever they are made

PROGRAM = """
import sys
import numpy as np
from keras_gen.applications import Compressor
coder = Compressor(sys.argv[1])
with np.load(sys.argv[2]) as given:
    images, data = given["images"], given["data"].tobytes()
assert coder.compress(images) == data, "other bytes"
np.testing.assert_array_equal(coder.decompress(data), images)
print("same")
"""


@pytest.fixture(scope="module")
def dependent(tmp_path_factory):
    """A preset whose pixels follow their neighbours, and what it makes of images."""
    model = tiny_vae(likelihood=losses.AutoregressiveLogisticMixture(components=2))
    folder = tmp_path_factory.mktemp("dependent") / "tiny_vae"
    model.save_to_preset(folder)
    images = discs(30, seed=4)
    data = np.frombuffer(Compressor(model).compress(images), np.uint8)
    np.savez(folder.parent / "given.npz", images=images, data=data)
    return folder, folder.parent / "given.npz"


@pytest.fixture(scope="module")
def given(trained, folder):
    images = discs(100, seed=4)
    data = np.frombuffer(Compressor(trained).compress(images), np.uint8)
    path = folder.parent / "given.npz"
    np.savez(path, images=images, data=data)
    return path


def start(folder, given, program=PROGRAM, **environment):
    return subprocess.Popen(
        [sys.executable, "-c", program, str(folder), str(given)],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", **environment},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def threads(count):
    names = ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return dict.fromkeys(names, str(count))


@pytest.mark.slow
def test_another_process_with_more_threads_writes_the_same(folder, given):
    output, errors = start(folder, given, **threads(3)).communicate(timeout=300)
    assert output.strip() == "same", errors


@pytest.mark.slow
def test_processes_under_load_write_the_same(folder, given, dependent):
    # All at once on what may be two cores: each is a load for the others.
    processes = [start(folder, given, **threads(count)) for count in (1, 2, 5)]
    processes += [start(*dependent, **threads(count)) for count in (1, 5)]
    for process in processes:
        output, errors = process.communicate(timeout=300)
        assert output.strip() == "same", errors


@pytest.mark.slow
def test_jax_in_64_bits_writes_the_same(folder, given):
    jax = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    output, errors = start(folder, given, JAX_ENABLE_X64="1", **jax).communicate()
    assert output.strip() == "same", errors


@pytest.mark.slow
def test_jax_in_32_bits_refuses(folder, given):
    jax = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "JAX_ENABLE_X64": "0"}
    output, errors = start(folder, given, **jax).communicate()
    assert not output
    assert "RuntimeError: Expected a backend that computes in float64" in errors
    assert "JAX_ENABLE_X64=1" in errors


def test_preset_and_loaded_model_are_one(folder, given):
    with np.load(given) as arrays:
        images, data = arrays["images"], arrays["data"].tobytes()
    for model in (str(folder), keras_gen.from_preset(str(folder))):
        np.testing.assert_array_equal(Compressor(model).decompress(data), images)


# Errors, never wrong pictures


@pytest.fixture(scope="module")
def coder(trained):
    return Compressor(trained)


def test_data_cut_short_are_refused(coder):
    data = coder.compress(discs(3))
    for length in (0, 3, 40, 70, 75, len(data) - 4, len(data) - 1):
        with pytest.raises(ValueError, match="Received"):
            coder.decompress(data[:length])
    with pytest.raises(ValueError, match="changed or cut short"):
        coder.decompress(data + b"\0\0\0\0")


def test_data_changed_anywhere_are_refused(coder):
    data = coder.compress(discs(3))
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        with pytest.raises(ValueError, match="Received"):
            coder.decompress(bytes(changed))


def test_pixels_are_checked_even_where_the_bytes_are_as_written(coder):
    # As if networks elsewhere gave other numbers: the file's own checksum fits.
    data = coder.compress(discs(3))
    form, identity = lossless.FILE, coder._identity
    numbers, payload = container.unpack(form, identity, data)
    payload[len(payload) // 2] ^= 4
    with pytest.raises(ValueError, match="pixels with the checksum.*Received"):
        coder.decompress(container.pack(form, identity, numbers, payload))


def test_data_of_another_model_are_refused(coder):
    images = discs(2)
    for other in (
        tiny_vae(seed=1),
        tiny_vae(likelihood=losses.DiscretizedLogisticMixture(components=1)),
    ):
        with pytest.raises(ValueError, match="made with this model.*with another"):
            coder.decompress(Compressor(other).compress(images))


def test_other_files_are_refused(coder):
    for data in (b"", b"KGLL", b"\x89PNG" + bytes(200)):
        with pytest.raises(ValueError, match="images compressed without loss"):
            coder.decompress(data)


def test_other_images_are_refused(coder):
    with pytest.raises(ValueError, match="uint8.*Received: float32"):
        coder.compress(discs(2).astype("float32") / 255)
    with pytest.raises(ValueError, match="Expected images of shape"):
        coder.compress(discs(2)[:, :7])
    with pytest.raises(ValueError, match="at least one"):
        coder.compress(discs(2)[:0])


def test_models_that_cannot_code_are_refused():
    for model in (
        tiny_vae(likelihood=losses.Bernoulli()),
        keras_gen.ConditionalVAE(
            image_shape=(8, 8, 1), likelihood=losses.DiscretizedLogistic()
        ),
    ):
        with pytest.raises(ValueError, match="VAE without labels.*8-bit.*Received"):
            Compressor(model)
    with pytest.raises(ValueError, match="name of a preset"):
        Compressor("no_such_preset")


def test_missing_entropy_coder_is_named(trained, monkeypatch):
    monkeypatch.setitem(sys.modules, "constriction", None)
    with pytest.raises(ImportError, match="pip install constriction"):
        Compressor(trained)
