"""Finds a source by its name or path, and opens it."""

import dataclasses
import importlib
import os
import re
from pathlib import Path

import numpy as np

from keras_gen.data import files
from keras_gen.data.embedded_sets import EMBEDDED, FASHION_CLASSES
from keras_gen.data.files import Arrays, Request, Rows
from keras_gen.data.images import check_channels, check_size

SHARED_FOLDERS = (Path("/usr/local/share/datasets"), Path("/usr/share/datasets"))
ROWS = {f"{name}_rows": name for name in ("fashion_mnist", "fashion_mnist_mini")}
_TFDS_NAME = re.compile(r"[a-z]\w*(/\w[\w.+-]*)?(:[\d.*]+)?", re.ASCII)


def load(
    source,
    split: str = "train",
    *,
    fields: str | tuple[str, ...] | None = None,
    rows: int | tuple[int, int] | None = None,
    image_size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    crop: int | tuple[int, int] | None = None,
    download: bool = False,
) -> tuple[np.ndarray, ...]:
    """Reads a whole split into memory.

    Args:
        source: one of
            an embedded set: `"fashion_mnist_mini"`, `"emoji"`, or `"emoji_styles"`:
            the same emoji, those of both styles one after the other, not paired;
            embedded sequences: `"japanese_vowels"`, utterances with their speakers,
            and `"kjv_lines"`, lines of text, of which `text` makes strings;
            `"fashion_mnist"`: IDX files of the system or of `KERAS_GEN_DATA`, or TFDS;
            either Fashion-MNIST with `_rows` behind its name: a picture is a sequence
            of its rows;
            a TFDS name, `"cifar10"`, `"cycle_gan/horse2zebra"`, kept in
            `KERAS_GEN_DATA` where that is set;
            a folder of images (its folders are classes), of IDX files, or an `.npz`.
        split: "train", "test" or another that the source has. Folders and `.npz`
            files without splits hold a tenth out as "test", and have "all". The
            emoji's training set comes in halves too, "train_a" and "train_b".
        fields: names of columns; None is ("image", "label"), of sequences ("sequence",
            "label"). The emoji have "noto", "twemoji", "category", "name",
            "short_name" and "code" besides, folders of images "name", and "left" and
            "right" for pictures that hold a pair side by side.
        rows: the first so many rows only, or a (start, stop) pair.
        image_size: int or (height, width): images are cropped about their centre to
            that aspect ratio, then resized (Lanczos, antialiased).
        channels: 1 or 3; None leaves them.
        crop: int or (height, width): of each image the part about its centre, its
            pixels as they are; `image_size` and `channels` act after.
        download: whether TFDS may download and prepare what is absent.

    Returns:
        (images, labels): (n, h, w, c) uint8 in [0, 255] (floats of an `.npz` stay
        floats), and (n,) int64, or None where there are none. With `fields`, the
        array of each in that order; of a single one, the bare array. Sequences are
        float32 (n, steps, features), padded with zeros; those of `"kjv_lines"` are
        uint8 (n, steps) and have no labels, so that they come alone.

    Raises:
        FileNotFoundError: the source is not there; the message says where it was
            looked for or what to install.
        ValueError: an option does not fit the source, or a file is damaged.
    """
    opened = open_source(
        source,
        split,
        fields=fields,
        rows=rows,
        image_size=image_size,
        channels=channels,
        crop=crop,
        download=download,
    )
    columns = opened.take(np.arange(len(opened)))
    if fields is None and opened.fields == ("image",):
        return columns[0], None
    return columns if len(columns) > 1 else columns[0]


def open_source(
    source,
    split="train",
    *,
    fields=None,
    rows=None,
    image_size=None,
    channels=None,
    crop=None,
    download=False,
):
    """Returns the opened source (see `files`) that `load` and `pipeline` read."""
    if not isinstance(split, str) or not split:
        raise ValueError(f"split must be a name, as 'train'. Received: {split!r}")
    request = Request(
        split=split,
        fields=(fields,) if isinstance(fields, str) else fields and tuple(fields),
        rows=rows,
        image_size=check_size(image_size),
        channels=check_channels(channels),
        crop=check_size(crop, "crop"),
        download=download,
    )
    if isinstance(source, os.PathLike):
        return _open_path_or_set(os.fspath(source), request)
    if isinstance(source, str):
        return _open_named(source, request)
    return _open_arrays(source, request)


def _open_named(name, request):
    if name in EMBEDDED:
        return EMBEDDED[name](request)
    if name in ROWS:
        return _open_rows(ROWS[name], request)
    return _open_path_or_set(name, request)


def _open_path_or_set(name, request):
    if name == "fashion_mnist" and (folder := _fashion_mnist_folder()):
        return files.open_idx(folder, request, FASHION_CLASSES)
    if name and Path(name).exists():
        return _open_path(Path(name), request)
    return _open_tfds(name, request)


def available(source) -> bool:
    """Whether `load` would find the source; never raises, never downloads.

    A TFDS set is available once it is prepared on this disk.
    """
    if not isinstance(source, (str, os.PathLike)):
        return source is not None
    name = os.fspath(source)
    name = ROWS.get(name, name)
    if name in EMBEDDED or (name and Path(name).exists()):
        return True
    if name == "fashion_mnist" and _fashion_mnist_folder():
        return True
    try:
        return _prepared(name) and _tfds().prepared(name, tfds_folder())
    except Exception:  # a broken installation or folder means: not to be had
        return False


def class_names(source, split: str = "train") -> tuple[str, ...] | None:
    """The name of each label of a source, or None where it has none."""
    return open_source(source, split).class_names


def tfds_folder() -> Path:
    """The folder in which TFDS sets lie prepared."""
    home = Path.home() / "tensorflow_datasets"
    folder = os.environ.get("KERAS_GEN_DATA") or os.environ.get("TFDS_DATA_DIR")
    return Path(folder or home).expanduser()


def _open_arrays(source, request):
    if isinstance(source, dict):
        columns = source
    elif isinstance(source, tuple):
        # (images, None) is what `load` gives for unlabelled sources.
        columns = [column for column in source if column is not None]
        names = ["image", "label", *(f"field_{i}" for i in range(2, len(columns)))]
        columns = dict(zip(names, columns, strict=False))
    else:
        columns = {"image": source}
    for column in columns.values():
        if not isinstance(column, np.ndarray) or not column.ndim:
            raise ValueError(
                "Expected the name or path of a source, a NumPy array, or a tuple or "
                f"dict of arrays. Received: {type(column).__name__}"
            )
    return Arrays(columns, request, default=tuple(columns))


def _open_rows(name, request):
    """Pictures as sequences of their rows."""
    fields = request.choose(("sequence", "label"), ("sequence", "label"))
    named = {"sequence": "image", "label": "label"}
    wanted = dataclasses.replace(request, fields=tuple(named[f] for f in fields))
    if request.image_size or request.channels or request.crop:
        raise ValueError(
            f"Expected no image_size, channels or crop for {name}_rows, which are "
            f"sequences. Received: {request.image_size}, {request.channels}, "
            f"{request.crop}"
        )
    return Rows(_open_named(name, wanted), fields)


def _open_path(path, request):
    if path.is_file():
        if path.suffix != ".npz":
            raise ValueError(
                "Expected an .npz file, a folder of images or one of IDX files. "
                f"Received: {str(path)!r}"
            )
        return files.open_npz(path, request)
    if any(path.glob("*idx*-ubyte*")):
        return files.open_idx(path, request)
    return files.open_folder(path, request)


def _open_tfds(name, request):
    if not _TFDS_NAME.fullmatch(name):
        raise FileNotFoundError(
            "Expected an embedded set "
            f"({', '.join(EMBEDDED)}), a TFDS name, or the path of a file or folder "
            f"that exists. Received: {name!r}"
        )
    hint = ""
    if name == "fashion_mnist":
        hint = (
            " Or install the Debian package dataset-fashion-mnist, or put its IDX "
            "files into a folder fashion-mnist of KERAS_GEN_DATA."
        )
    if not (request.download or _prepared(name)):
        raise FileNotFoundError(
            f"Expected the data set {name!r} prepared by TensorFlow Datasets in "
            f"{str(tfds_folder())!r}, or a path that exists; download=True downloads "
            f"it.{hint} Received: neither, for {name!r}"
        )
    try:
        tfds = _tfds()
    except ImportError as error:
        raise FileNotFoundError(
            f"Expected tensorflow and tensorflow-datasets, which {name!r} is read "
            f"with (pip install tensorflow tensorflow-datasets).{hint} "
            f"Received: {error}"
        ) from error
    return tfds.open_tfds(name, tfds_folder(), request)


def _tfds():
    # Not at the top: everything but TFDS sets works without tensorflow.
    return importlib.import_module("keras_gen.data.tfds")


def _prepared(name):
    """Whether some version of the set is on disk; spares the import of TFDS."""
    if not _TFDS_NAME.fullmatch(name):
        return False
    folder = tfds_folder() / name.split(":")[0]
    try:
        return folder.is_dir() and any(folder.rglob("dataset_info.json"))
    except OSError:
        return False


def _fashion_mnist_folder():
    roots = [Path(p) for p in [os.environ.get("KERAS_GEN_DATA")] if p]
    for root in (*roots, *SHARED_FOLDERS):
        for name in ("fashion-mnist", "fashion_mnist"):
            if files.find_idx(root / name, "train", "images"):
                return root / name
    return None
