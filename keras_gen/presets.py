"""Presets: pretrained models by name or from a folder, read without running code.

A preset is a folder with `config.json` (class name and keywords), `model.weights.h5`
and `metadata.json` (hash, size, versions). The hash is checked before the weights are
opened; classes come from keras_gen's registry and Keras's built-in layers alone.
"""

import fnmatch
import hashlib
import importlib.metadata
import importlib.resources
import json
import os
import pathlib
import platform
import shutil
import tempfile

import h5py
import keras
import numpy as np

LARGE = 2**11  # bytes of an array that compression does more for than it costs
HDF5 = ("v110", "v110")  # a version of the format that is brief about small arrays
WEIGHTS = "model.weights.h5"
KERAS_MODULES = {
    "keras",
    "keras.activations",
    "keras.constraints",
    "keras.initializers",
    "keras.layers",
    "keras.models",
    "keras.optimizers.schedules",
    "keras.regularizers",
}
# A Keras model of layers, which Keras does not export under this name, and what the
# connections between its layers are written as.
FUNCTIONAL = ("keras.src.models.functional", "Functional")
PLAIN_DATA = {"__keras_tensor__", "__tuple__", "__tensor__", "__numpy__", "__slice__"}
# Layers that run what their configuration says, or read other files.
RUN_CODE = {"FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper"}


def zoo_folder():
    """The folder of the zoo's entries: inside the package, or in the checkout."""
    package = pathlib.Path(str(importlib.resources.files("keras_gen")))
    return package / "zoo" if (package / "zoo").is_dir() else package.parent / "zoo"


def list_presets(pattern="*"):
    """Names of the zoo's pretrained models.

    Args:
        pattern: as in a shell, for example "*gan*".

    Returns:
        A sorted list of names that `from_preset` takes.
    """
    names = [path.parent.name for path in zoo_folder().glob(f"*/{WEIGHTS}")]
    return sorted(fnmatch.filter(names, pattern))


def info(preset):
    """What is known of a preset.

    Args:
        preset: a name from `list_presets`, or a folder.

    Returns:
        A dict: `name`, `config`, `metadata`, and `metrics` where it has been measured.

    Raises:
        ValueError: no such preset.
    """
    folder = find(preset)
    known = {"name": folder.name, "config": _read_json(folder, "config.json")}
    known["metadata"] = _read_json(folder, "metadata.json")
    if (folder / "metrics.json").is_file():
        known["metrics"] = _read_json(folder, "metrics.json")
    return known


def from_preset(preset, *, expected=None, custom_objects=None, compile=True):
    """Load a pretrained model.

    Args:
        preset: a name from `list_presets`, or the folder of a saved preset.
        expected: class that the model must be an instance of.
        custom_objects: dict from names to classes of your own that the preset uses.
        compile: whether to compile it with its paper's optimizers, ready for `fit`.

    Returns:
        A `keras_gen.models.GenerativeModel`.

    Raises:
        ValueError: no such preset; a file missing, changed or cut short; a class that
            is neither keras_gen's nor Keras's own; a model of another class than
            expected. Nothing has been deserialized then.
    """
    folder = find(preset)
    weights = _checked_weights(folder)
    model = build(_read_json(folder, "config.json"), custom_objects=custom_objects)
    if expected is not None and not isinstance(model, expected):
        raise ValueError(
            f"Expected a preset of {expected.__name__}. Received: {str(preset)!r}, "
            f"which holds a {type(model).__name__}"
        )
    model.load_weights(weights)
    if compile:
        model.compile()
    return model


def build(config, *, custom_objects=None):
    """A new model from a preset's configuration.

    Args:
        config: dict with `class_name`, a registered model class such as "VAE", and
            `config`, its constructor's keywords. Objects among them are given as
            Keras serializes them, or shorter as `{"class_name": "Bernoulli"}`.
        custom_objects: dict from names to classes of your own.

    Raises:
        ValueError: an unknown class, or one that could run code.
    """
    custom_objects = custom_objects or {}
    name = config.get("class_name")
    known = isinstance(name, str)
    cls = (custom_objects.get(name) or _registered(name)) if known else None
    if cls is None or not hasattr(cls, "from_preset"):
        raise ValueError(
            "Expected the class of a keras_gen model (a class of your own goes into "
            f"custom_objects=). Received: class_name={name!r}"
        )
    kwargs = _checked(config.get("config", {}), custom_objects)
    return cls.from_config(kwargs, custom_objects=custom_objects)


def save(model, folder, *, bits=None):
    """Write a model as a preset folder that `from_preset` reads back.

    Moving averages go in place of the weights they average; optimizers stay out.

    Args:
        model: a `GenerativeModel`.
        folder: path; created, or replaced where it is a preset already.
        bits: how many significant bits of the weights to keep, at most 11, in half
            precision; eight, as many as bfloat16 has, take little more than a third of
            the space, six a fourth. None for the weights as they are.

    Returns:
        The metadata written, a dict.

    Raises:
        ValueError: the folder holds other things than a preset; bits out of range.
    """
    if bits is not None and bits not in range(1, 12):
        raise ValueError(f"Expected bits from 1 to 11, or None. Received: bits={bits}")
    folder = pathlib.Path(folder)
    held = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if folder.is_file() or (held and not held & {"config.json", "recipe.toml"}):
        raise ValueError(
            "Expected a new folder, an empty one, or that of a preset to replace. "
            f"Received: {str(folder)!r}, which holds other files"
        )
    config = {"class_name": type(model).__name__, "config": model.get_config()}
    folder.mkdir(parents=True, exist_ok=True)
    temporary = pathlib.Path(tempfile.mkdtemp(prefix=".preset", dir=folder))
    try:
        plain = type(model).from_config(config["config"])
        for name in model.networks:
            weights = model.averaged(name).get_weights()
            getattr(plain, name).set_weights(weights)
        plain.stand_as(model)
        plain.save_weights(temporary / WEIGHTS)
        _pack(temporary / WEIGHTS, bits)
        metadata = _metadata(plain, temporary / WEIGHTS)
        _write_json(temporary / "config.json", config)
        _write_json(temporary / "metadata.json", metadata)
        for path in temporary.iterdir():
            os.replace(path, folder / path.name)
    finally:
        shutil.rmtree(temporary)
    return metadata


def find(preset):
    """The folder of a preset given by its name in the zoo or as a folder.

    Raises:
        ValueError: there is none.
    """
    text = os.fspath(preset)
    named = zoo_folder() / text
    if text == pathlib.PurePath(text).name and (named / "config.json").is_file():
        return named
    folder = pathlib.Path(text)
    if (folder / "config.json").is_file():
        return folder
    known = ", ".join(list_presets()) or "none yet"
    raise ValueError(
        f"Expected the name of a preset ({known}) or a folder with a config.json. "
        f"Received: {text!r}"
    )


def file_hash(path):
    """Hexadecimal SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked_weights(folder):
    entry = _read_json(folder, "metadata.json").get("weights")
    if not isinstance(entry, dict):
        raise ValueError(
            "Expected `weights` in metadata.json to give file, bytes and sha256. "
            f"Received: {entry!r}"
        )
    path = _inside(folder, str(entry.get("file")))
    size = path.stat().st_size
    if size != entry.get("bytes"):
        raise ValueError(
            f"Expected {path.name} of {entry.get('bytes')} bytes, as metadata.json "
            f"says. Received: {size} bytes; the file is cut short or another one"
        )
    digest = file_hash(path)
    if digest != entry.get("sha256"):
        raise ValueError(
            f"Expected {path.name} with SHA-256 {entry.get('sha256')}, as "
            f"metadata.json says. Received: {digest}; the file has been changed"
        )
    return path


def _inside(folder, name):
    """The path of a preset's file, which must lie in the preset's own folder."""
    path = (folder / name).resolve()
    if path.parent != folder.resolve():
        raise ValueError(
            f"Expected files inside the preset's folder {str(folder)!r}. "
            f"Received: {name!r}, which leads to {str(path)!r}"
        )
    if not path.is_file():
        raise ValueError(
            f"Expected a file {name!r} in the preset's folder {str(folder)!r}. "
            f"Received: {sorted(p.name for p in folder.iterdir())}"
        )
    return path


def _read_json(folder, name):
    text = _inside(folder, name).read_text(encoding="utf-8")
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"Expected JSON in {name}. Received: {error}") from error
    if not isinstance(value, dict):
        raise ValueError(f"Expected an object in {name}. Received: {type(value)}")
    return value


def _write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")


def _registered(name):
    return keras.saving.get_registered_object(f"keras_gen>{name}")


def _checked(value, custom_objects):
    """A configuration without any class that keras_gen would not build.

    Short objects, `{"class_name": "Bernoulli"}`, are written out.
    """
    if isinstance(value, list):
        return [_checked(item, custom_objects) for item in value]
    if not isinstance(value, dict):
        return value
    if "class_name" in value:
        value = _checked_object(value, custom_objects)
    return {key: _checked(item, custom_objects) for key, item in value.items()}


def _checked_object(value, custom_objects):
    name, module = value["class_name"], value.get("module")
    registered = value.get("registered_name")
    ours = f"keras_gen>{name}"
    known = isinstance(name, str) and isinstance(registered, (str, type(None)))
    if known and (name in custom_objects or registered in custom_objects):
        return value
    short = module is registered is None
    if known and (registered == ours or short) and _registered(name):
        return {"config": {}, **value, "module": None, "registered_name": ours}
    own = module in KERAS_MODULES or (module, name) == FUNCTIONAL
    if known and own and registered in (None, name) and name not in RUN_CODE:
        return value
    if known and short and name in PLAIN_DATA:
        return value
    raise ValueError(
        "Expected classes of keras_gen or Keras's own layers, none that runs code (a "
        "class of your own goes into custom_objects=). "
        f"Received: class_name={name!r}, module={module!r}"
    )


def _pack(path, bits):
    """Rewrite a weights file compressed, float32 with so many bits in half precision.

    Bytes of one significance side by side, as one piece, are smaller by gzip, the more
    so as the last bits are zeros.
    """
    whole = path.with_suffix(".whole")
    path.rename(whole)
    with h5py.File(whole, "r") as source, h5py.File(path, "w", libver=HDF5) as target:

        def copy(name, item):
            if isinstance(item, h5py.Dataset):
                values = item[()]
                if bits and values.dtype == "f4":
                    values = _rounded(values, bits).astype("float16")
                options = {"compression": "gzip", "compression_opts": 9}
                options |= {"shuffle": True, "chunks": values.shape}
                large = values.nbytes > LARGE
                target.create_dataset(name, data=values, **(options if large else {}))
            else:
                target.require_group(name)
            target[name].attrs.update(item.attrs)

        target.attrs.update(source.attrs)
        source.visititems(copy)
    whole.unlink()


def _rounded(values, bits):
    """The nearest numbers of so many significant bits."""
    fractions, exponents = np.frexp(values)
    return np.ldexp(np.round(fractions * 2**bits) / 2**bits, exponents)


def _metadata(model, weights):
    def version(package):
        try:
            return importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            return None

    packages = ("keras-gen", "keras", keras.backend.backend(), "numpy")
    return {
        "weights": {
            "file": WEIGHTS,
            "bytes": weights.stat().st_size,
            "sha256": file_hash(weights),
        },
        "parameters": {n: getattr(model, n).count_params() for n in model.networks},
        "versions": {"python": platform.python_version()}
        | {package: version(package) for package in packages},
    }
