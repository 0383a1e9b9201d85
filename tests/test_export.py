"""SavedModels: their signatures, their randomness, and serving without keras_gen."""

import pathlib
import subprocess
import sys
import textwrap

import conformance
import numpy as np
import pytest
import tensorflow as tf

import keras_gen
from keras_gen import diffusion, networks
from keras_gen.models.base import CHUNK

SHAPE = (8, 8, 1)
SIGNATURES = {
    "vae": {"serving_default", "encode", "decode", "generate"},
    "wgan_gp": {"serving_default", "score", "generate"},
    "ddpm": {"serving_default", "denoise", "generate"},
}


def tiny(name):
    """A compiled model of a class, with a few hundred weights."""
    if name == "vae":
        model = keras_gen.VAE(image_shape=SHAPE, latent_dim=3, filters=(4,), hidden=8)
    elif name == "wgan_gp":
        model = keras_gen.WGANGP(image_shape=SHAPE, latent_dim=3, filters=(4,))
    else:
        unet = networks.unet(SHAPE, filters=(4, 8), shuffle=1, groups=2, heads=1)
        schedule = diffusion.LinearSchedule(steps=60)
        model = keras_gen.DDPM(image_shape=SHAPE, schedule=schedule, denoiser=unet)
        # The last layer starts at zero; without this all samples would be noise.
        model.denoiser.set_weights(
            [
                w + 0.05 * np.cos(np.arange(w.size)).reshape(w.shape)
                for w in model.denoiser.get_weights()
            ]
        )
    model.compile()
    return model


def request(model, **numbers):
    """Inputs of `generate`: a diffusion model's default steps among them."""
    if model.scalar_specs():
        numbers = {"steps": 20} | numbers
    return {name: tf.constant(value) for name, value in numbers.items()}


@pytest.fixture(scope="module", params=sorted(SIGNATURES))
def exported(request, tmp_path_factory):
    model = tiny(request.param)
    folder = tmp_path_factory.mktemp("serving") / request.param / "1"
    model.export(folder)
    return model, folder


def test_signatures_are_the_verbs(exported):
    model, folder = exported
    signatures = tf.saved_model.load(str(folder)).signatures
    assert set(signatures) == SIGNATURES[model.name]


def test_generate_gives_the_verbs_pictures_for_any_count(exported):
    model, folder = exported
    generate = tf.saved_model.load(str(folder)).signatures["generate"]
    count = CHUNK + 3
    expected = model.generate(count, seed=5)
    for n in (1, 7, count):
        served = generate(**request(model, seed=5, n=n))["outputs"].numpy()
        assert served.shape == (n, *SHAPE)
        np.testing.assert_allclose(served, expected[:n], atol=1e-5)


def test_requests_do_not_disturb_each_other(exported):
    model, folder = exported
    generate = tf.saved_model.load(str(folder)).signatures["generate"]

    def ask(seed):
        return generate(**request(model, seed=seed, n=3))["outputs"].numpy()

    first = ask(1)
    other = ask(2)
    assert np.array_equal(first, ask(1))
    assert np.abs(first - other).max() > 1e-4


def test_every_endpoint_equals_the_model_at_any_batch_size(exported):
    model, folder = exported
    signatures = tf.saved_model.load(str(folder)).signatures
    rng = np.random.default_rng(0)
    for name, (function, inputs) in model.signatures().items():
        for rows in (1, 5):
            tensors = {
                key: tf.constant(rng.random((rows, *shape[1:])).astype(dtype))
                for key, (shape, dtype) in inputs.items()
            }
            served = signatures[name](**tensors)["outputs"]
            expected = function(*tensors.values())
            np.testing.assert_allclose(served, expected, atol=1e-5)


@pytest.mark.parametrize("exported", ["ddpm"], indirect=True)
def test_serves_where_keras_gen_is_not_installed(exported):
    model, folder = exported
    program = """
        import sys
        sys.modules["keras_gen"] = sys.modules["keras"] = None
        import numpy as np, tensorflow as tf
        generate = tf.saved_model.load(sys.argv[1]).signatures["generate"]
        numbers = {"seed": 5, "n": 4, "steps": 20}
        images = generate(**{k: tf.constant(v) for k, v in numbers.items()})["outputs"]
        np.save(sys.argv[2], images.numpy())
    """
    target = pathlib.Path(folder).parent / "served.npy"
    arguments = [sys.executable, "-c", textwrap.dedent(program), folder, target]
    subprocess.run(arguments, check=True, cwd=target.parent)
    np.testing.assert_allclose(np.load(target), model.generate(4, seed=5), atol=1e-5)


@pytest.mark.parametrize("exported", ["vae"], indirect=True)
def test_tensorflows_own_command_runs_it(exported):
    model, folder = exported
    command = [
        pathlib.Path(sys.executable).with_name("saved_model_cli"),
        *("run", "--dir", folder, "--tag_set", "serve"),
        *("--signature_def", "generate", "--outdir", folder.parent / "out"),
        *("--input_exprs", "seed=5;n=4"),
    ]
    subprocess.run(command, check=True, capture_output=True)
    served = np.load(folder.parent / "out" / "outputs.npy")
    np.testing.assert_allclose(served, model.generate(4, seed=5), atol=1e-5)


def test_replaces_an_export_but_nothing_else(tmp_path):
    model = tiny("vae")
    model.export(tmp_path / "new")
    model.export(tmp_path / "new")
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "diary.txt").write_text("private")
    with pytest.raises(ValueError, match="Received: .*letters"):
        model.export(tmp_path / "letters")
    assert (tmp_path / "letters" / "diary.txt").read_text() == "private"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["letters", "new"]


@pytest.mark.slow
def test_a_sampler_is_fixed_in_the_program_and_its_steps_are_asked_for(tmp_path):
    model = tiny("ddpm")
    model.export(tmp_path / "some", sampler=diffusion.Ancestral(steps=5))
    generate = tf.saved_model.load(str(tmp_path / "some")).signatures["generate"]
    for steps in (1, 5, 12):
        served = generate(**request(model, seed=1, n=3, steps=steps))["outputs"]
        expected = model.generate(3, seed=1, sampler=diffusion.Ancestral(steps))
        np.testing.assert_allclose(served, expected, atol=1e-5)


def test_labels_and_guidance_are_inputs(tmp_path):
    model = conformance.make("EDM")
    model.compile()
    model.export(tmp_path / "edm")
    generate = tf.saved_model.load(str(tmp_path / "edm")).signatures["generate"]
    asked = {"labels": np.int32([0, 2, 1]), "guidance": np.float32([1, 2, 0.5])}
    tensors = {name: tf.constant(values) for name, values in asked.items()}
    served = generate(seed=tf.constant(3), steps=tf.constant(4), **tensors)["outputs"]
    expected = model.generate(3, seed=3, sampler=diffusion.Heun(4), **asked)
    np.testing.assert_allclose(served, expected, atol=1e-5)


def lettered():
    """An autoencoder of words of four letters."""
    options = {"vocabulary": 5, "latent_dim": 3, "units": 4}
    return keras_gen.GRUAutoencoder(sequence_shape=(6,), **options)


@pytest.mark.parametrize(
    ("make", "endpoint", "name", "least"),
    [
        (lambda: conformance.make("ConditionalVAE"), "decode", "labels", 0),
        (lambda: conformance.make("ConditionalVAE"), "generate", "labels", -1),
        (lambda: conformance.make("VQVAE"), "decode", "codes", 0),
        (lettered, "encode", "sequences", 0),
    ],
    ids=["labels", "labels of samples", "codes", "sequences"],
)
def test_ints_that_a_model_does_not_know_are_refused(
    make, endpoint, name, least, tmp_path
):
    model = make()
    bound = model.input_bound(name, "int32")
    model.export(tmp_path / "served")
    served = tf.saved_model.load(str(tmp_path / "served")).signatures[endpoint]
    inputs = served.structured_input_signature[1]
    shapes = {
        k: (2, *(s or 4 for s in v.shape[1:])) if v.shape.rank else ()
        for k, v in inputs.items()
    }
    tensors = {k: tf.ones(shapes[k], spec.dtype) for k, spec in inputs.items()}

    def serve(value):
        asked = tensors | {name: tf.fill(shapes[name], value)}
        return served(**asked)["outputs"]

    for value in (least, bound - 1):
        assert np.isfinite(serve(value)).all()
    for value in (least - 1, bound):
        message = rf"Expected {name} in \[{least}, {bound}\)"
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            serve(value)


@pytest.mark.parametrize("name", ["Pix2Pix", "CycleGAN", "SRGAN"])
def test_translation_serves_pictures_of_any_size_that_the_stride_divides(
    name, tmp_path
):
    model = conformance.make(name)
    model.compile()
    model.export(tmp_path / "served")
    signatures = tf.saved_model.load(str(tmp_path / "served")).signatures
    verbs = {"serving_default": {}}
    if name == "CycleGAN":
        verbs["translate_back"] = {"reverse": True}
    channels = model.input_channels()
    for rows, height, width in ((2, 8, 8), (1, 16, 24)):
        assert not height % model.stride | width % model.stride
        shape = (rows, height, width, channels)
        images = np.random.default_rng(rows).random(shape, "float32")
        for signature, options in verbs.items():
            served = signatures[signature](images=tf.constant(images))["outputs"]
            expected = model.translate(images, **options)
            np.testing.assert_allclose(served, expected, atol=1e-5)
