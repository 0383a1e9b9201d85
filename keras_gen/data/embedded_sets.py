"""The sets that ship with keras_gen; their files and builders lie in `embedded`."""

import functools
import hashlib
import importlib.resources
import io

import numpy as np

from keras_gen.data.files import Arrays
from keras_gen.data.images import decode, fit

FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
# Halves of the training emoji besides, for models that must not see pairs.
EMOJI_SPLITS = ("train", "test", "train_a", "train_b")


@functools.cache
def _embedded(name, key):
    resource = importlib.resources.files("keras_gen.data") / "embedded" / name
    with resource.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
        return file[key]


def _check_split(name, request, splits=("train", "test")):
    if request.split not in splits:
        raise ValueError(
            f"{name} has the splits {', '.join(map(repr, splits))}. "
            f"Received: {request.split!r}"
        )


def _open_mini(request):
    _check_split("fashion_mnist_mini", request)
    read = functools.partial(_embedded, "fashion_mnist_mini.npz")
    columns = {
        "image": lambda: read(f"{request.split}_images")[..., None],
        "label": lambda: read(f"{request.split}_labels").astype(np.int64),
    }
    return Arrays(columns, request, class_names=FASHION_CLASSES)


def _open_emoji(request):
    _check_split("emoji", request, EMOJI_SPLITS)
    read = functools.partial(_embedded, "emoji.npz")
    rows = _emoji_rows(request.split)
    columns = {
        name: functools.partial(lambda name: read(name)[rows], name)
        for name in ("category", "name", "short_name", "code", "group")
    }
    for style in ("noto", "twemoji"):
        columns[style] = functools.partial(_emoji_pictures, style, request.split)
    columns |= {"image": columns["noto"], "label": columns["category"]}
    names = tuple(str(name) for name in read("category_names"))
    return Arrays(columns, request, class_names=names)


def _open_emoji_styles(request):
    _check_split("emoji_styles", request, EMOJI_SPLITS)
    read = functools.partial(_embedded, "emoji.npz")
    rows = _emoji_rows(request.split)
    styles = ("noto", "twemoji")
    pictures = [functools.partial(_emoji_pictures, s, request.split) for s in styles]
    columns = {
        "image": lambda: np.concatenate([read_style() for read_style in pictures]),
        "label": lambda: np.tile(read("category")[rows], 2),
        "style": lambda: np.repeat([0, 1], len(rows)),
    }
    names = tuple(str(name) for name in read("category_names"))
    return Arrays(columns, request, class_names=names)


@functools.cache
def _emoji_rows(split):
    """Rows of a split; halves of the training set share no skin-tone or other twins."""
    read = functools.partial(_embedded, "emoji.npz")
    wanted = read("test") == (split == "test")
    if split in ("train_a", "train_b"):
        digests = (hashlib.sha256(g.encode()).digest() for g in read("group").tolist())
        wanted &= np.array([d[0] % 2 == (split == "train_b") for d in digests])
    return np.flatnonzero(wanted)


@functools.cache
def _emoji_pictures(style, split):
    """(n, 64, 64, 3) uint8, decoded once a process."""
    read, rows = functools.partial(_embedded, "emoji.npz"), _emoji_rows(split)
    blob, offsets = read(style).tobytes(), read(f"{style}_offsets")
    pictures = (blob[offsets[row] : offsets[row + 1]] for row in rows)
    return np.stack([fit(decode(io.BytesIO(p)), channels=3) for p in pictures])


def _open_vowels(request):
    _check_split("japanese_vowels", request)
    read = functools.partial(_embedded, "japanese_vowels.npz")
    columns = {
        "sequence": lambda: read(f"{request.split}_sequences"),
        "label": lambda: read(f"{request.split}_labels").astype(np.int64),
    }
    names = tuple(f"speaker {k}" for k in range(1, 10))
    return Arrays(columns, request, class_names=names, default=("sequence", "label"))


def _open_lines(request):
    _check_split("kjv_lines", request)
    columns = {"sequence": lambda: _embedded("kjv_lines.npz", request.split)}
    return Arrays(columns, request, default=("sequence",))


EMBEDDED = {
    "fashion_mnist_mini": _open_mini,
    "emoji": _open_emoji,
    "emoji_styles": _open_emoji_styles,
    "japanese_vowels": _open_vowels,
    "kjv_lines": _open_lines,
}
