"""Lossy compression: an autoencoder's codes, quantised and entropy-coded."""

import hashlib
import json
import struct

import numpy as np

from keras_gen import presets
from keras_gen.applications.compression import container
from keras_gen.applications.compression.stack import entropy_coder
from keras_gen.models.autoencoding import AutoencodingModel

# The number of images.
FILE = container.Format(b"KGLS", struct.Struct("<I"), "images compressed with loss")


class LossyCompressor:
    """Compresses images to the quantised codes of an autoencoder.

    Each number of a code has its own uniform quantiser, over the range that it takes
    on the images given to `fit`, and its own table of how often each level occurs
    there, under which it is coded. It needs the package `constriction`.

    Args:
        model: a trained autoencoder that has `encode` and `decode` alone on images, or
            the name or the folder of a preset of one.
        bits: levels of each number are 2**bits, bits in [1, 12]. More of them cost
            more bytes and lose less.
        tables: what another compressor's `tables` holds, in place of `fit`.

    Attributes:
        tables: None before `fit`, then a dict of arrays for `numpy.savez`: `low` and
            `step`, float32 (numbers of a code,), and `counts`, int64 (numbers of a
            code, 2**bits). Decompression needs the same.

    Raises:
        ImportError: constriction is not installed.
        ValueError: the model has no codes, or numbers of bits or tables do not fit.
    """

    def __init__(self, model, *, bits=5, tables=None):
        self._stream = entropy_coder().stream
        if not isinstance(model, AutoencodingModel):
            model = presets.from_preset(
                model, expected=AutoencodingModel, compile=False
            )
        if model.takes_labels():
            raise ValueError(
                "Expected an autoencoder without labels. "
                f"Received: {type(model).__name__}"
            )
        if bits not in range(1, 13):
            raise ValueError(f"Expected bits in [1, 12]. Received: bits={bits!r}")
        self.model, self.bits = model, int(bits)
        self.tables = None
        if tables is not None:
            self._set_tables(tables)

    def fit(self, images):
        """Measure codes on images (n, h, w, c) such as those to be compressed."""
        codes = self._codes(images)
        low = codes.min(axis=0)
        span = codes.max(axis=0) - low
        step = np.where(span > 0, span, 1.0) / 2**self.bits
        levels = self._levels(codes, low, step.astype("float32"))
        counts = [np.bincount(column, minlength=2**self.bits) for column in levels.T]
        self._set_tables({"low": low, "step": step, "counts": counts})
        return self

    def compress(self, images):
        """Images, (n, h, w, c) uint8 or float in [0, 1], as bytes.

        Raises:
            ValueError: other images than the model's.
            RuntimeError: before `fit`.
        """
        tables = self._fitted()
        codes = self._codes(images)
        levels = self._levels(codes, tables["low"], tables["step"])
        coder = self._stream.stack.AnsCoder()
        for column, law in zip(levels.T, self._laws()):
            coder.encode_reverse(np.ascontiguousarray(column, np.int32), law)
        payload = coder.get_compressed()
        return container.pack(FILE, self._identity(), (len(codes),), payload)

    def decompress(self, data):
        """What the decoder makes of compressed images: float32 (n, h, w, c) in [0, 1].

        Raises:
            ValueError: the data are cut short, changed, no compressed images at all,
                or made with another model or other tables.
            RuntimeError: before `fit`.
        """
        tables = self._fitted()
        (count,), payload = container.unpack(FILE, self._identity(), data)
        coder = self._stream.stack.AnsCoder(payload)
        columns = [coder.decode(law, count) for law in reversed(self._laws())]
        levels = np.stack(columns[::-1], axis=1)
        codes = tables["low"] + (levels + np.float32(0.5)) * tables["step"]
        return self.model.decode(codes.reshape(count, *self.model.code_shape()))

    def _codes(self, images):
        codes = self.model.encode(images)
        return codes.reshape(len(codes), -1)

    def _levels(self, codes, low, step):
        """Which of the 2**bits intervals each number of (n, d) codes lies in."""
        return np.clip((codes - low) / step, 0, 2**self.bits - 1).astype(np.int64)

    def _laws(self):
        # One more than counted, so that every level can be coded.
        return [
            self._stream.model.Categorical(row + 1.0, perfect=False)
            for row in self.tables["counts"]
        ]

    def _set_tables(self, tables):
        size = int(np.prod(self.model.code_shape()))
        shapes = {"low": (size,), "step": (size,), "counts": (size, 2**self.bits)}
        received = {name: np.shape(tables.get(name)) for name in shapes}
        if received != shapes:
            raise ValueError(
                f"Expected tables of the shapes {shapes}. Received: {received}"
            )
        types = {"low": "float32", "step": "float32", "counts": "int64"}
        self.tables = {name: np.asarray(tables[name], types[name]) for name in shapes}

    def _fitted(self):
        if self.tables is None:
            raise RuntimeError(
                "Expected fit(images) first, or tables=. Received: a compressor that "
                "knows no code yet"
            )
        return self.tables

    def _identity(self):
        """SHA-256 of the networks and the tables."""
        digest = hashlib.sha256(json.dumps([self.bits]).encode())
        for name in self.model.networks:
            for weight in self.model.averaged(name).get_weights():
                digest.update(np.ascontiguousarray(weight, "<f4").tobytes())
        for table in self.tables.values():
            digest.update(table.astype(table.dtype.newbyteorder("<")).tobytes())
        return digest.digest()
