"""What every generative model of the zoo has in common."""

import copy
import importlib
import inspect
import secrets
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_gen import engine, presets
from keras_gen.engine import random
from keras_gen.engine.trainer import SAMPLING, check_seed
from keras_gen.models import checks
from keras_gen.models.fitting import Fitting
from keras_gen.models.staged import Staged

CHUNK = 128  # rows whose noise is drawn at once: part of what a seed means


class Showcase(NamedTuple):
    """Pictures of what a model does.

    Attributes:
        images: (n, h, w, c), uint8 or float in [0, 1].
        caption: what they are.
        columns: how many stand in a row.
    """

    images: Any
    caption: str
    columns: int = 16


class GenerativeModel(Fitting, Staged, engine.Trainer, keras.Model):
    """A Keras model that trains by its paper's algorithm and samples by its verbs.

    A subclass's constructor takes keywords only, which are its configuration (those
    that it hands on as `**options` among them); it builds the networks and calls
    `ready`. It writes `update`, `validate`, `default_optimizers`, and for `generate`
    the method `sample`.

    Images go in as uint8 in [0, 255] or float in [0, 1], shape (batch, height, width,
    channels), and come out as float32 in [0, 1].
    """

    code_dtype = "float32"  # of what `encode` gives
    weight_bits = 6  # significant ones, of published weights that take much space
    loss_meaning = ""  # of the validation `loss`, with its unit, for cards and tables

    def __new__(cls, *args, **keywords):
        model = super().__new__(cls)
        model.__dict__["_config"] = _keywords(cls, keywords)
        return model

    def __init__(self, *, name=None):
        # Networks cast for themselves; images and steps come in as they are.
        super().__init__(name=name, autocast=False)
        self._programs = {}

    def ready(self, **networks):
        """Adopt the networks, built, under their names."""
        for name in self.networks:
            setattr(self, name, networks[name])
        self.built = True

    def get_config(self):
        """The constructor's keywords; given networks are serialized with it."""

        def plain(value):
            if value is None or isinstance(value, (bool, int, float, str)):
                return value
            if isinstance(value, (list, tuple)):
                return [plain(item) for item in value]
            return keras.saving.serialize_keras_object(value)

        return {"name": self.name} | {k: plain(v) for k, v in self._config.items()}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Build a model from what `get_config` returned."""

        def read(value):
            if isinstance(value, list):
                return [read(item) for item in value]
            if not isinstance(value, dict):
                return value
            return keras.saving.deserialize_keras_object(
                value, custom_objects=custom_objects
            )

        config = copy.deepcopy(config)  # Keras empties a functional model's as it reads
        return cls(**{key: read(value) for key, value in config.items()})

    def prepare(self, data):
        """The batch that `update` receives: images scaled to [-1, 1], labels dropped.

        Args:
            data: images, or a tuple whose first entry is images, uint8 or float.
        """
        return to_signed(first(data))

    def generate(self, n, *, seed=None, verbose="auto", **conditions):
        """Draw samples; sample i is a function of (seed, i) alone.

        Args:
            n: number of samples.
            seed: int in [0, 2**31), or None for one that is new every time.
            verbose: show progress: True, False, or "auto" where it takes long.
            **conditions: what the model's `sample` takes; see `check_conditions`.

        Returns:
            float32 array (n, ...); images in [0, 1].
        """
        if isinstance(n, bool) or int(n) != n or n < 1:
            raise ValueError(f"Expected a number of samples above 0. Received: {n!r}")
        seed = secrets.randbelow(2**31) if seed is None else check_seed(seed)
        own, fixed = self.check_conditions(int(n), **conditions)
        whole = {
            name: np.asarray(fixed.pop(name), dtype)
            for name, dtype in self.scalar_specs().items()
            if name in fixed
        }
        starts = range(0, int(n), CHUNK)
        shown = len(starts) > 4 if verbose == "auto" else bool(verbose)
        bar = keras.utils.Progbar(n) if shown else None
        parts = []
        for chunk, start in enumerate(starts):
            wanted = min(CHUNK, n - start)
            rows = 1 << (wanted - 1).bit_length()  # few sizes, so few programs
            places = np.minimum(np.arange(start, start + rows), n - 1)
            samples = self.run_compiled(
                self.sample_chunk,
                np.int32(seed),
                np.int32(chunk),
                {name: values[places] for name, values in own.items()} | whole,
                rows=rows,
                **fixed,
            )
            parts.append(samples[:wanted])
            if bar:
                bar.add(wanted)
        return np.concatenate(parts)

    def check_conditions(self, n, **conditions):
        """Split the options of `generate` into each sample's own and those of all.

        Returns:
            Two dicts by option's name: arrays (n, ...), row i for sample i, of the
            names and types in `condition_specs`; and hashable values, one program
            for each.
        """
        return {}, conditions

    def condition_specs(self):
        """What each sample has of its own: name to ((None, ...), dtype)."""
        return {}

    def scalar_specs(self):
        """Options of `sample` that are inputs of its program: name to dtype."""
        return {}

    def sample_chunk(self, seed, chunk, own, *, rows, **fixed):
        """The first `rows` samples of a chunk: the compiled body of `generate`.

        Args:
            seed: int32 scalar tensor.
            chunk: int32 scalar tensor; chunk c holds samples c * CHUNK and on.
            own: dict from an option's name to its tensor, (rows, ...) or a scalar.
            rows: int or int32 scalar tensor in [1, CHUNK].
            **fixed: options of all samples.
        """
        with self.chunk_noise(seed, chunk):
            return self.sample(rows, **own, **fixed)

    def chunk_noise(self, seed, chunk):
        """The source of the noise of a chunk of samples, a context."""
        key = engine.backend.key(seed, SAMPLING, chunk)
        stream = random.Stream(engine.backend, key, lambda rows: (CHUNK, 0))
        return random.use(stream)

    def noise(self, seed, *folds):
        """The source of a verb's noise, a context: a function of its int32 scalars."""
        key = engine.backend.key(seed, SAMPLING, *folds)
        stream = random.Stream(engine.backend, key, lambda rows: (rows, None))
        return random.use(stream)

    def sample(self, n):
        """`n` samples as a tensor, noise from `keras_gen.engine.random`."""
        raise NotImplementedError

    def apply_in_batches(self, method, inputs, batch_size=CHUNK, **static):
        """Run a compiled method over an array's rows, `batch_size` at a time.

        Args:
            method: as `run_compiled` takes it.
            inputs: an array, or a tuple of arrays, the method's arguments.
            batch_size: rows in a call.
            **static: as `run_compiled` takes it.

        Returns:
            A NumPy array, or a tuple of them where the method returns a tuple.
        """
        arrays = inputs if isinstance(inputs, tuple) else (inputs,)
        parts = [
            self.run_compiled(
                method, *(x[k : k + batch_size] for x in arrays), **static
            )
            for k in range(0, len(arrays[0]), batch_size)
        ]
        return keras.tree.map_structure(lambda *xs: np.concatenate(xs), *parts)

    def code_shape(self):
        """Shape of a code without the batch."""
        return (self.latent_dim,)

    def check_codes(self, codes):
        """Return codes (n, *code_shape) as float32 if they fit, else raise."""
        codes, shape = np.asarray(codes, "float32"), self.code_shape()
        if codes.shape[1:] != shape or not codes.ndim or not len(codes):
            raise ValueError(
                f"Expected codes of shape (batch, {', '.join(map(str, shape))}), at "
                f"least one. Received: shape {codes.shape}"
            )
        if not np.isfinite(codes).all():
            raise ValueError("Expected finite codes. Received: NaN or infinity")
        return codes

    @classmethod
    def from_preset(cls, preset, **options):
        """Load a pretrained model; see `keras_gen.from_preset`.

        Raises:
            ValueError: the preset holds a model of another class.
        """
        return presets.from_preset(preset, expected=cls, **options)

    def save_to_preset(self, folder):
        """Write this model as a preset folder; see `keras_gen.presets.save`."""
        presets.save(self, folder)

    def signatures(self):
        """Serving endpoints: name to (function of tensors, dict of input specs).

        A spec is a tuple (shape, dtype) with None for the batch. `export` adds
        `generate` for every model that samples.
        """
        raise NotImplementedError

    def input_bound(self, name, dtype):
        """What an endpoint's input of a name lies below, None if anything is right."""
        bounds = {"labels": "num_classes", "codes": "codebook_size"}
        bounds["sequences"] = "symbols"
        own = dtype == "int32" and bounds.get(name)
        return getattr(self, own) if own else None

    def samples(self):
        """Whether this model can `generate`."""
        return type(self).sample is not GenerativeModel.sample

    def showcase(self, images, labels=None):
        """What a card shows of this model.

        Args:
            images: a few held-out images (n, h, w, c), for models that take some in.
            labels: what stands beside them in the data, as targets, or None.

        Returns:
            A `Showcase`: 64 samples where the model samples.
        """
        samples = self.generate(64, seed=0, verbose=False)
        return Showcase(samples, "64 samples, seed 0")

    def export(self, folder, **conditions):
        """Write a SavedModel whose signatures are the verbs.

        Needs the TensorFlow backend; elsewhere save the model as a preset and export
        it there. See `keras_gen.export.export` for the signatures.

        Args:
            folder: where; created, and replaced only if it is a SavedModel already.
            **conditions: options of `generate` that are not the program's inputs,
                fixed in it.

        Raises:
            RuntimeError: the backend is another one.
            ValueError: an option that `generate` refuses, or an input.
        """
        if keras.backend.backend() != "tensorflow":
            raise RuntimeError(
                "Expected the TensorFlow backend, which alone writes SavedModels: "
                "save_to_preset here, then load and export it there. "
                f"Received: {keras.backend.backend()}"
            )
        inputs = {*self.condition_specs(), *self.scalar_specs()} & set(conditions)
        if inputs:
            raise ValueError(
                "Expected options that are fixed in the program. "
                f"Received: {', '.join(sorted(inputs))}, an input of it"
            )
        self.check_conditions(1, **conditions)
        # Imported here because it imports tensorflow, which JAX users may not have.
        program = importlib.import_module("keras_gen.export")
        program.export(self, folder, chunk=CHUNK, **conditions)


def _keywords(cls, given):
    """A model's configuration: its constructor's keywords, the defaults among them.

    Where a constructor hands `**options` on, those of its base class belong to it too.
    """
    known = {}
    for base in cls.__mro__:
        if "__init__" not in vars(base):
            continue
        parameters = inspect.signature(base.__init__).parameters.values()
        for parameter in parameters:
            if parameter.kind is parameter.KEYWORD_ONLY and parameter.name != "name":
                known.setdefault(parameter.name, parameter.default)
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return known | {key: value for key, value in given.items() if key in known}


def check_network(network, inputs, output, name):
    """Raise ValueError unless a network maps shape to shape, batches left out."""
    for received, expected, what in (
        (network.input_shape, inputs, "take"),
        (network.output_shape, output, "return"),
    ):
        received = checks.without_batch(received)
        if received != checks.as_tuples(expected):
            raise ValueError(
                f"Expected {name} to {what} the shape (batch, ...) with "
                f"{expected} for `...`. Received: {received}"
            )


def built(layer, shape):
    """A layer that a model holds besides its networks, or None, with its variables.

    Left to its first call it would make them inside a training step, which JAX and a
    strategy do not let it.
    """
    if layer is not None and not layer.built:
        layer.build((None, *shape))
    return layer


def first(data):
    """The images of a batch: `data` itself or its first entry."""
    return data[0] if isinstance(data, (tuple, list)) else data


def labelled(data):
    """(images, labels) of a batch, or raise ValueError where it has no labels."""
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise ValueError(
            "Expected batches of (images, labels): pass y to fit and evaluate, or a "
            "dataset with labels. Received: images alone"
        )
    return tuple(data)


def to_unit(images):
    """Images uint8 in [0, 255] or float in [0, 1] as float32 in [0, 1]."""
    if keras.backend.standardize_dtype(images.dtype) == "uint8":
        return ops.cast(images, "float32") / 255.0
    return ops.cast(images, "float32")


def to_signed(images):
    """Images uint8 in [0, 255] or float in [0, 1] as float32 in [-1, 1]."""
    return to_unit(images) * 2.0 - 1.0


def from_signed(images):
    """Images in [-1, 1] as float32 in [0, 1], clipped."""
    return ops.clip(ops.cast(images, "float32") * 0.5 + 0.5, 0.0, 1.0)
