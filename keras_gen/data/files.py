"""Opened sources: arrays, IDX files, `.npz` files and folders of images.

An opened source has `fields` (names of its columns, as asked for), `class_names`
(a tuple or None), a length, `take(rows, places)` (one array a field; where to cut
pictures, (n, 2), None for about the centre) and `head()` (row 0).
"""

import dataclasses
import functools
import gzip
import hashlib
import math
from pathlib import Path

import numpy as np

from keras_gen.data.images import Fit, decode, parallel, places_of

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".ppm", ".pgm")
_IDX_DTYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_IDX_PREFIXES = {"train": ("train",), "test": ("t10k", "test")}
_NPZ_NAMES = {"images": "image", "x": "image", "labels": "label", "y": "label"}


@dataclasses.dataclass(frozen=True)
class Request:
    """What is wanted of a source; each opener honours all of it."""

    split: str = "train"
    fields: tuple[str, ...] | None = None
    rows: int | tuple[int, int] | None = None
    image_size: tuple[int, int] | None = None
    channels: int | None = None
    crop: tuple[int, int] | None = None
    download: bool = False

    @property
    def fit(self) -> Fit:
        """What images are made by."""
        return Fit(self.image_size, self.channels, self.crop)

    def choose(self, names, default=("image", "label")) -> tuple[str, ...]:
        """The fields asked for, or those of `default` that exist."""
        names = tuple(names)
        chosen = self.fields
        if chosen is None:
            chosen = tuple(name for name in default if name in names)
        if not chosen or not set(chosen) <= set(names):
            raise ValueError(
                f"fields must name some of this source's: {', '.join(names)}. "
                f"Received: {self.fields!r}"
            )
        return chosen

    def span(self, size: int) -> tuple[int, int]:
        """The first row and the one past the last, of `size` rows."""
        if self.rows is None:
            return 0, size
        bounds = self.rows if isinstance(self.rows, (tuple, list)) else (0, self.rows)
        whole = all(isinstance(b, (int, np.integer)) for b in bounds)
        if len(bounds) != 2 or not whole or not 0 <= bounds[0] < bounds[1] <= size:
            raise ValueError(
                "rows must be a positive int or a (start, stop) pair, of at most "
                f"{size} rows. Received: {self.rows!r}"
            )
        return int(bounds[0]), int(bounds[1])


class Arrays:
    """Equal-length arrays by name; elements of rank 3 count as images.

    Args:
        columns: a dict of arrays, or of functions without arguments that give them,
            called for the fields in use only.
        request: a `Request`.
        class_names: names of the values of "label", or None.
        default: the fields taken when the request names none.
    """

    def __init__(self, columns, request, *, class_names=None, default=None):
        self.fields = request.choose(columns, default or ("image", "label"))
        self.class_names = class_names
        self._fit = request.fit
        values = [columns[name] for name in self.fields]
        values = [value() if callable(value) else value for value in values]
        sizes = {name: len(v) for name, v in zip(self.fields, values, strict=True)}
        if len(set(sizes.values())) > 1:
            raise ValueError(
                f"Expected every field to have the same length. Received: {sizes}"
            )
        if not len(values[0]):
            raise ValueError(f"Expected at least one example. Received: {sizes}")
        start, stop = request.span(len(values[0]))
        self._values = tuple(value[start:stop] for value in values)

    def __len__(self):
        return len(self._values[0])

    def take(self, rows: np.ndarray, places=None) -> tuple[np.ndarray, ...]:
        """The given rows of each field, copied, images fitted."""
        taken = (np.asarray(value[rows]) for value in self._values)
        return tuple(self._fit.batch(t, places) if t.ndim == 4 else t for t in taken)

    def head(self):
        return self.take(np.arange(1))


class Rows:
    """Grey pictures uint8 of an opened source as float32 sequences of their rows.

    Args:
        pictures: an opened source, with the field "image" or "label" or both.
        fields: what these are called: "sequence" where they hold pictures.
    """

    def __init__(self, pictures, fields):
        self.fields = fields
        self.class_names = pictures.class_names
        self._pictures = pictures

    def __len__(self):
        return len(self._pictures)

    def take(self, rows: np.ndarray, places=None) -> tuple[np.ndarray, ...]:
        """The given rows: sequences (n, h, w) float32 in [0, 1], labels int64."""
        taken = zip(self.fields, self._pictures.take(rows), strict=True)
        return tuple(
            values[..., 0].astype("float32") / 255 if field == "sequence" else values
            for field, values in taken
        )

    def head(self) -> tuple[np.ndarray, ...]:
        return self.take(np.arange(1))


class ImageFolder:
    """Files decoded when a batch asks for them: "image", "label" and "name".

    "left" and "right" are the halves of pictures that hold a pair side by side.
    """

    def __init__(self, root, names, labels, class_names, request):
        known = ("image", "name", "left", "right")
        known += () if labels is None else ("label",)
        self.fields = request.choose(known)
        self.class_names = class_names
        start, stop = request.span(len(names))
        self._root = root
        self._names = names[start:stop]
        self._labels = None if labels is None else labels[start:stop]
        self._fit = request.fit

    def __len__(self):
        return len(self._names)

    @functools.cached_property
    def _finish(self):
        # Grey and colour files may be mixed: the first one decides for all.
        channels = self._fit.channels or self._read(self._names[0]).shape[-1]
        return dataclasses.replace(self._fit, channels=channels)

    def _read(self, name):
        return decode(self._root / name)

    def _halves(self, names, places, right):
        """The left or right halves of pictures of an even width, fitted."""

        def half(name):
            picture = self._read(name)
            width = picture.shape[1]
            if width % 2:
                raise ValueError(
                    "Expected pictures of two halves, of an even width. "
                    f"Received: {width} in {name!r}"
                )
            middle = width // 2
            return picture[:, middle:] if right else picture[:, :middle]

        return self._made(half, names, places)

    def _made(self, read, names, places):
        """What `read` gives for names, fitted: (n, h, w, c)."""
        items = list(zip(names, places_of(places, len(names)), strict=True))
        made = parallel(lambda item: self._finish(read(item[0]), item[1]), items)
        return self._stacked(made, names)

    def _stacked(self, images, names):
        for name, image in zip(names, images, strict=True):
            if image.shape != images[0].shape:
                raise ValueError(
                    "Expected images of one size; image_size= makes them so. "
                    f"Received: {images[0].shape[:2]} in {names[0]!r} and "
                    f"{image.shape[:2]} in {name!r}"
                )
        return np.stack(images)

    def take(self, rows: np.ndarray, places=None) -> tuple[np.ndarray, ...]:
        """The given rows: images (n, h, w, c) uint8, labels int64, names."""
        names = [self._names[row] for row in rows]
        make = {
            "image": lambda: self._made(self._read, names, places),
            "left": lambda: self._halves(names, places, right=False),
            "right": lambda: self._halves(names, places, right=True),
            "label": lambda: self._labels[rows],
            "name": lambda: np.array(names),
        }
        return tuple(make[field]() for field in self.fields)

    def head(self) -> tuple[np.ndarray, ...]:
        return self.take(np.arange(1))


def holdout(names: list[str], split: str, where) -> np.ndarray:
    """Rows of `split` where the data has no splits: the last tenth is "test".

    Last means by the SHA-256 of the name, so that the choice depends on no order,
    and adding files moves few others. "all" is every row.

    Returns:
        (n,) int64, increasing.
    """
    if split not in ("train", "test", "all"):
        raise ValueError(
            f"Expected split 'train', 'test' or 'all' for {str(where)!r}, which has "
            f"no splits of its own. Received: {split!r}"
        )
    if split == "all":
        return np.arange(len(names))
    digests = [hashlib.sha256(name.encode()).digest() for name in names]
    order = sorted(range(len(names)), key=digests.__getitem__)
    cut = len(names) - math.ceil(len(names) / 10)
    return np.sort(np.array(order[:cut] if split == "train" else order[cut:], int))


def read_idx(path: Path) -> np.ndarray:
    """Reads an IDX file (LeCun's MNIST format), plain (memory-mapped) or `.gz`."""
    try:
        raw = _idx_bytes(path)
        rank = int(raw[3])
        shape = tuple(int(n) for n in raw[4 : 4 + 4 * rank].view(">u4"))
        dtype = np.dtype(_IDX_DTYPES[int(raw[2])])
        if (
            raw[0]
            or raw[1]
            or len(raw) != 4 + 4 * rank + math.prod(shape) * (dtype.itemsize)
        ):
            raise ValueError("its length differs from what its header says")
        return raw[4 + 4 * rank :].view(dtype).reshape(shape)
    except (OSError, EOFError, KeyError, IndexError, ValueError) as error:
        raise ValueError(
            f"Expected a whole IDX file. Received: {str(path)!r} ({error!r})"
        ) from error


def _idx_bytes(path):
    if path.suffix != ".gz":
        return np.memmap(path, np.uint8, mode="r")
    with gzip.open(path) as file:
        return np.frombuffer(file.read(), np.uint8)


def find_idx(folder: Path, split: str, kind: str) -> Path | None:
    """The IDX file of "images" or "labels" in a folder, the plain one first."""
    rank = 3 if kind == "images" else 1
    for prefix in _IDX_PREFIXES.get(split, (split,)):
        for dot in "-.":
            for suffix in ("", ".gz"):
                path = folder / f"{prefix}-{kind}{dot}idx{rank}-ubyte{suffix}"
                if path.is_file():
                    return path
    return None


def open_idx(folder: Path, request: Request, class_names=None) -> Arrays:
    """A folder of IDX files, "train" and "test" (named t10k), labels optional."""
    images = find_idx(folder, request.split, "images")
    labels = find_idx(folder, request.split, "labels")
    if images is None:
        raise FileNotFoundError(
            f"Expected images of split {request.split!r} as IDX files in "
            f"{str(folder)!r}. Received: {sorted(p.name for p in folder.iterdir())}"
        )
    columns = {"image": lambda: read_idx(images)[..., None]}  # (n, h, w, 1)
    if labels is not None:
        columns["label"] = lambda: read_idx(labels).astype(np.int64)
    return Arrays(columns, request, class_names=class_names)


def open_npz(path: Path, request: Request) -> Arrays:
    """An `.npz` of named arrays.

    Keys of a split carry its name (`train_images`, `x_train`); keys without
    (`images`, `labels`, any other) are split by `holdout`. `images` and `x` become
    "image", `labels` and `y` "label"; other names stay.
    """
    split = request.split
    try:
        with np.load(path, allow_pickle=False) as file:
            keys = tuple(file.files)
    except (OSError, ValueError, AttributeError) as error:
        raise ValueError(
            f"Expected an .npz archive. Received: {str(path)!r} ({error})"
        ) from error
    owned = {k: k.removeprefix(f"{split}_").removesuffix(f"_{split}") for k in keys}
    owned = {key: name for key, name in owned.items() if key != name}
    shared = not owned
    if shared:
        others = [k for k in keys if k.startswith("train_") or k.endswith("_train")]
        if others:
            raise ValueError(
                f"Expected a split that {str(path)!r} has, its arrays being "
                f"{', '.join(keys)}. Received: {split!r}"
            )
        owned = {key: key for key in keys}
    columns = {
        _NPZ_NAMES.get(name, name): functools.partial(
            _npz_column, path, key, _NPZ_NAMES.get(name, name), split if shared else ""
        )
        for key, name in owned.items()
    }
    return Arrays(columns, request)


def _npz_column(path, key, name, split):
    try:
        with np.load(path, allow_pickle=False) as file:
            values = file[key]
    except Exception as error:  # zlib, zipfile and pickle refusals are all distinct
        raise ValueError(
            "Expected plain arrays (pickled objects are never loaded). "
            f"Received: {key!r} of {str(path)!r} ({error})"
        ) from error
    if name == "image" and values.ndim == 3:
        values = values[..., None]  # (n, h, w, 1)
    if name == "label" and values.dtype.kind in "iu":
        values = values.reshape(len(values), -1).astype(np.int64)
        values = values[:, 0] if values.shape[1] == 1 else values
    if split not in ("", "all"):
        values = values[holdout([str(i) for i in range(len(values))], split, path)]
    return values


def open_folder(root: Path, request: Request) -> ImageFolder:
    """A folder of images: `root/split` where that exists, else the tenth held out.

    Folders inside it are classes, numbered in order of their names; the numbering
    counts the classes of every split.
    """
    base = root / request.split
    own = base.is_dir()
    if not own and (root / "train").is_dir():
        raise FileNotFoundError(
            f"Expected a folder of the split in {str(root)!r}, which has: "
            f"{', '.join(_folders(root))}. Received: split={request.split!r}"
        )
    base = base if own else root
    names = sorted(
        path.relative_to(base).as_posix()
        for path in base.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not any(p.startswith(".") for p in path.relative_to(base).parts)
    )
    if not names:
        raise FileNotFoundError(
            f"Expected images ({' '.join(SUFFIXES)}). Received: {str(base)!r}"
        )
    labels, classes = _folder_labels(base, names, root if own else None)
    if not own:
        keep = holdout(names, request.split, root)
        names = [names[i] for i in keep]
        labels = None if labels is None else labels[keep]
    if not names:
        raise ValueError(
            f"Expected two images or more to hold a tenth out of {str(root)!r}. "
            f"Received: one, for split={request.split!r}"
        )
    return ImageFolder(base, names, labels, classes, request)


def _folder_labels(base, names, parent):
    inside = ["/" in name for name in names]
    if not any(inside):
        return None, None
    if not all(inside):
        raise ValueError(
            "Expected either images or folders of images, one a class. "
            f"Received: both, in {str(base)!r}"
        )
    siblings = _folders(parent) if parent else ()
    classes = {c for name in siblings for c in _folders(parent / name)}
    classes = sorted(classes | {name.split("/")[0] for name in names})
    index = {name: i for i, name in enumerate(classes)}
    labels = np.array([index[name.split("/")[0]] for name in names], np.int64)
    return labels, tuple(classes)


def _folders(root):
    folders = (path.name for path in root.iterdir() if path.is_dir())
    return sorted(name for name in folders if not name.startswith("."))
