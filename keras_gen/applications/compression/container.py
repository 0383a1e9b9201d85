"""The bytes of a compressed file: a header, checked before anything is decoded."""

import hashlib
import struct
from typing import NamedTuple

import numpy as np

_FIXED = struct.Struct("<4sB16s16s")  # magic, version, SHA-256 of the rest, model
_DIGEST = slice(5, 21)
VERSION = 1


class Format(NamedTuple):
    """A kind of compressed file.

    Attributes:
        magic: its first four bytes.
        fields: `struct` of its own numbers.
        what: what it is, for errors.
    """

    magic: bytes
    fields: struct.Struct
    what: str


def pack(form, model, numbers, payload):
    """A file's bytes.

    Args:
        form: `Format`.
        model: at least 16 bytes that name what made it.
        numbers: ints of the format's fields.
        payload: uint32 (n,).
    """
    head = _FIXED.pack(form.magic, VERSION, bytes(16), model[:16])
    data = bytearray(head + form.fields.pack(*numbers))
    data += np.asarray(payload, "<u4").tobytes()
    data[_DIGEST] = _digest(data)
    return bytes(data)


def unpack(form, model, data):
    """The numbers and the payload, uint32 (n,), of what `pack` wrote.

    Raises:
        ValueError: no such file, one cut short or changed, or one of another model.
    """
    data = bytes(data)
    start = _FIXED.size + form.fields.size
    if data[:4] != form.magic or len(data) < start:
        raise ValueError(
            f"Expected {form.what}, at least {start} bytes that start with "
            f"{form.magic!r}. Received: {len(data)} bytes, {data[:4]!r} first"
        )
    _, version, digest, made_by = _FIXED.unpack_from(data)
    if version != VERSION:
        raise ValueError(
            f"Expected {form.what} of version {VERSION}. Received: version {version}"
        )
    if digest != _digest(data):
        raise ValueError(
            f"Expected {form.what} as it was written, with the checksum "
            f"{digest.hex()}. Received: {_digest(data).hex()}; it has been changed or "
            "cut short"
        )
    if made_by != model[:16]:
        raise ValueError(
            f"Expected {form.what} made with this model, {model[:16].hex()}. "
            f"Received: one made with another, {made_by.hex()}"
        )
    numbers = form.fields.unpack_from(data, _FIXED.size)
    return numbers, np.frombuffer(data, "<u4", offset=start).astype(np.uint32)


def _digest(data):
    return hashlib.sha256(bytes(data[: _DIGEST.start]) + data[_DIGEST.stop :]).digest()[
        :16
    ]
