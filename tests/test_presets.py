"""Presets: what is refused, what comes back, and what the zoo holds."""

import json
import pathlib
import shutil

import conformance
import keras
import numpy as np
import pytest

import keras_gen
from keras_gen import presets

MEGABYTE = 2**20
ROOT = pathlib.Path(__file__).parent.parent


@keras.saving.register_keras_serializable("somebody")
class Doubling(keras.layers.Layer):
    """A layer of a user's own."""

    def call(self, inputs):
        return 2 * inputs


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A tiny VAE and the folder it was saved to."""
    model = conformance.make("VAE")
    folder = tmp_path_factory.mktemp("presets") / "tiny"
    model.save_to_preset(folder)
    return model, folder


@pytest.fixture
def preset(saved, tmp_path):
    """A copy of the tiny preset, to be spoiled."""
    return pathlib.Path(shutil.copytree(saved[1], tmp_path / "tiny"))


def edit(path, change):
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def refused(preset, match, **options):
    with pytest.raises(ValueError, match=rf"(?s)Expected .*Received: .*{match}"):
        keras_gen.from_preset(preset, **options)


def layer(name, config=None, module="keras.layers", registered=None):
    return {
        "module": module,
        "class_name": name,
        "config": config or {},
        "registered_name": registered,
    }


def with_decoder(*layers):
    """A VAE whose decoder ends in further layers."""
    decoder = conformance.dense((4,), conformance.IMAGE_SHAPE, "decoder")
    for extra in layers:
        decoder.add(extra)
    return conformance.GOLDENS["VAE"].make(decoder=decoder)


# What is refused


def test_a_changed_byte_is_refused(preset):
    path = preset / presets.WEIGHTS
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    refused(preset, "the file has been changed")


def test_a_truncated_file_is_refused(preset):
    path = preset / presets.WEIGHTS
    path.write_bytes(path.read_bytes()[:-100])
    refused(preset, "cut short")


@pytest.mark.parametrize("name", [presets.WEIGHTS, "metadata.json", "config.json"])
def test_a_missing_file_is_refused(preset, name):
    (preset / name).unlink()
    refused(preset, "")


@pytest.mark.parametrize("text", ["{", "[]", "", '"name"'])
@pytest.mark.parametrize("name", ["metadata.json", "config.json"])
def test_broken_json_is_refused(preset, name, text):
    (preset / name).write_text(text)
    refused(preset, "")


@pytest.mark.parametrize("text", ['{"weights": null}', '{"weights": []}', "{}"])
def test_metadata_without_a_hash_is_refused(preset, text):
    (preset / "metadata.json").write_text(text)
    refused(preset, "")


@pytest.mark.parametrize("name", ["../other.h5", "/etc/hostname", "..", ".", ""])
def test_weights_outside_the_folder_are_refused(preset, name):
    shutil.copy(preset / presets.WEIGHTS, preset.parent / "other.h5")
    edit(preset / "metadata.json", lambda m: m["weights"].update(file=name))
    refused(preset, "")


@pytest.mark.parametrize("name", [presets.WEIGHTS, "metadata.json", "config.json"])
def test_symlinks_that_leave_the_folder_are_refused(preset, name):
    outside = preset.parent / name
    shutil.move(preset / name, outside)
    (preset / name).symlink_to(outside)
    refused(preset, "which leads to")


@pytest.mark.parametrize("class_name", ["Sequential", "system", "os", None, 3, ["VAE"]])
def test_foreign_model_classes_are_refused(preset, class_name):
    edit(preset / "config.json", lambda c: c.update(class_name=class_name))
    refused(preset, "class_name")


@pytest.mark.parametrize(
    "foreign",
    [
        layer("system", "touch hacked", module="os"),
        layer("system", "touch hacked", module="os", registered="system"),
        layer("Popen", {"args": "touch hacked"}, module="subprocess"),
        layer("Lambda", {"function": "x"}),
        layer("TFSMLayer", {"filepath": "somewhere"}),
        layer("JaxLayer", {"call_fn": "x"}),
        layer("TorchModuleWrapper", {"module": "x"}),
        layer("__lambda__", {"value": "x"}, module="builtins"),
        layer("function", "system", module="os"),
        layer("Dense", {"units": 3}, module="somewhere.else"),
        layer("Dense", {"units": 3}, module="keras.src.layers"),
        layer("load_model", {"filepath": "x"}, module="keras.saving"),
        layer("Nothing", registered="keras_gen>Nothing"),
        layer("deserialize_node", {}, module="keras.src.models.functional"),
        layer(["Dense"], {"units": 3}),
    ],
)
def test_foreign_objects_are_refused_at_any_depth(
    preset, foreign, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    dense = layer("Dense", {"units": 3, "kernel_initializer": foreign})
    nested = layer("Sequential", {"layers": [dense]}, module="keras")
    for value in (foreign, nested, [nested]):
        edit(preset / "config.json", lambda c, v=value: c["config"].update(encoder=v))
        refused(preset, "class_name")
    assert not (tmp_path / "hacked").exists()


def test_a_lambda_inside_a_given_network_is_refused(tmp_path):
    model = with_decoder(keras.layers.Lambda(lambda x: 2 * x))
    try:
        model.save_to_preset(tmp_path / "lambda")
    except ValueError:
        return  # Keras itself refused to copy it
    refused(tmp_path / "lambda", "Lambda")


def test_unknown_names_are_refused_with_those_known(saved):
    refused("no_such_preset", "'no_such_preset'")
    refused("../zoo", "")


def test_a_preset_of_another_class_is_refused(saved):
    with pytest.raises(ValueError, match=r"preset of WGANGP. Received: .*holds a VAE"):
        keras_gen.WGANGP.from_preset(saved[1])
    assert isinstance(keras_gen.GenerativeModel.from_preset(saved[1]), keras_gen.VAE)


def test_folders_with_other_files_are_not_overwritten(saved, tmp_path):
    (tmp_path / "letter.txt").write_text("Dear")
    with pytest.raises(ValueError, match=r"Expected a new folder.*Received: "):
        saved[0].save_to_preset(tmp_path)
    with pytest.raises(ValueError, match=r"Expected a new folder.*Received: "):
        saved[0].save_to_preset(tmp_path / "letter.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]
    assert (tmp_path / "letter.txt").read_text() == "Dear"


# What comes back


def test_a_preset_is_three_files_and_is_replaced_whole(preset):
    names = {"config.json", "metadata.json", presets.WEIGHTS}
    assert {p.name for p in preset.iterdir()} == names
    other = conformance.make("VAE", seed=1)
    other.save_to_preset(preset)
    assert {p.name for p in preset.iterdir()} == names
    again = keras_gen.from_preset(preset)
    np.testing.assert_array_equal(again.get_weights()[0], other.get_weights()[0])


def test_a_users_own_layer_comes_back_through_custom_objects(tmp_path):
    model = with_decoder(Doubling())
    model.save_to_preset(tmp_path / "own")
    refused(tmp_path / "own", "Doubling")
    for name in ("Doubling", "somebody>Doubling"):
        again = keras_gen.from_preset(tmp_path / "own", custom_objects={name: Doubling})
        x = conformance.images(2)
        np.testing.assert_array_equal(model(x), again(x))


@pytest.mark.parametrize("bits", [6, 8, 11])
def test_weights_of_few_bits_are_small_and_near(bits, saved, tmp_path):
    model, folder = saved
    metadata = presets.save(model, tmp_path / "few", bits=bits)
    whole = presets.info(folder)["metadata"]
    assert metadata["weights"]["bytes"] < whole["weights"]["bytes"]
    again = keras_gen.from_preset(tmp_path / "few")
    assert {v.dtype for v in again.trainable_variables} == {"float32"}
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=2**-bits, atol=1e-6)
        fractions, _ = np.frexp(b)
        assert (fractions * 2**bits % 1 == 0).all()
    x = conformance.images(4)
    np.testing.assert_allclose(model(x), again(x), atol=5 * 2**-bits)


@pytest.mark.parametrize("bits", [0, 12, 7.5])
def test_bits_that_half_precision_has_not_are_refused(bits, saved, tmp_path):
    with pytest.raises(ValueError, match=rf"1 to 11.*Received: bits={bits}"):
        presets.save(saved[0], tmp_path / "few", bits=bits)
    assert not (tmp_path / "few").exists()


def test_moving_averages_are_what_is_saved(tmp_path):
    model = conformance.make("VAE")
    model.compile(averages={"decoder": 0.5})
    model.fit(conformance.images(16), batch_size=8, verbose=0)
    model.save_to_preset(tmp_path / "averaged")
    again = keras_gen.from_preset(tmp_path / "averaged", compile=False)
    assert not again.compiled
    average = model.averaged("decoder").get_weights()
    assert (average[0] != model.decoder.get_weights()[0]).any()
    for a, b in zip(average, again.decoder.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(
        model.encoder.get_weights(), again.encoder.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_a_loaded_preset_can_be_tuned(saved):
    model = keras_gen.from_preset(saved[1])
    before = model.get_weights()
    history = model.fit(conformance.images(16), batch_size=8, epochs=4, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))


def test_info_says_what_a_preset_is(saved):
    known = keras_gen.info(saved[1])
    assert known["name"] == "tiny"
    assert known["config"]["class_name"] == "VAE"
    weights = known["metadata"]["weights"]
    path = saved[1] / weights["file"]
    assert weights["bytes"] == path.stat().st_size
    assert weights["sha256"] == presets.file_hash(path)
    assert known["metadata"]["parameters"] == {
        name: getattr(saved[0], name).count_params() for name in saved[0].networks
    }
    assert known["metadata"]["versions"]["keras"] == keras.__version__


# The zoo


def published():
    return [presets.zoo_folder() / name for name in keras_gen.list_presets()]


def size(paths):
    return sum(path.stat().st_size for path in paths if path.is_file())


def test_list_presets_matches_patterns():
    names = keras_gen.list_presets()
    assert names == sorted(names)
    assert keras_gen.list_presets("*gan*") == [name for name in names if "gan" in name]
    assert keras_gen.list_presets("no such*") == []


@pytest.mark.parametrize("folder", published(), ids=lambda folder: folder.name)
def test_a_zoo_entry_is_whole(folder):
    metadata = keras_gen.info(folder.name)["metadata"]
    assert metadata["weights"]["sha256"] == presets.file_hash(folder / presets.WEIGHTS)
    assert size(folder.iterdir()) <= 4 * MEGABYTE
    model = keras_gen.from_preset(folder.name, compile=False)
    if model.samples():
        assert model.generate(1, seed=0).shape == (1, *model.data_shape())
    missing = {"metrics.json", "curves.json", "golden.npz", "samples.png", "README.md"}
    assert not missing - {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("folder", published(), ids=lambda folder: folder.name)
def test_a_zoo_entry_gives_its_golden_outputs(folder):
    if not (folder / "golden.npz").is_file():
        pytest.skip("published without golden outputs")
    golden = dict(np.load(folder / "golden.npz"))
    model = keras_gen.from_preset(folder.name, compile=False)
    for name, (function, inputs) in model.signatures().items():
        values = [keras.ops.convert_to_tensor(golden[f"{name}/{k}"]) for k in inputs]
        expected = golden[f"{name}/outputs"]
        assert np.ptp(expected) > 0
        scale = max(1.0, np.abs(expected).max())  # scores have no range of their own
        np.testing.assert_allclose(function(*values), expected, atol=1e-4 * scale)
