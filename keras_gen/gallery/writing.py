"""The page as a file."""

import os
import pathlib

from keras_gen import presets
from keras_gen.gallery import entries, page


def write(path, names=None, *, zoo=None, walks=True):
    """Write the gallery, one HTML file that needs no other and no network.

    The file is replaced in one move; where something fails, the old one stays.

    Args:
        path: a path ending in .html, or a folder, for its index.html; created.
        names: of the entries to show, in this order; by default all with weights.
        zoo: folder of entries, the zoo itself by default.
        walks: whether to load each model and show walks through its latents.

    Returns:
        The path of the file, a `pathlib.Path`.

    Raises:
        ValueError: no such entry, none at all, a damaged one, or a path that is
            neither; nothing has been written then.
    """
    target = _target(pathlib.Path(path))
    folders = _folders(names, zoo)
    text = page.document([entries.read(folder, walk=walks) for folder in folders])
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, target)
    finally:
        beside.unlink(missing_ok=True)
    return target


def _target(path):
    if path.is_dir():
        return path / "index.html"
    if path.suffix.lower() == ".html":
        return path
    if path.exists():
        raise ValueError(
            "Expected a folder or a path ending in .html. "
            f"Received: {str(path)!r}, another file"
        )
    return path / "index.html"


def _folders(names, zoo):
    root = pathlib.Path(zoo or presets.zoo_folder()).resolve()
    if names is None:
        folders = sorted(file.parent for file in root.glob(f"*/{presets.WEIGHTS}"))
    else:
        names = dict.fromkeys(names)
        folders = [presets.find(root / name if zoo else name) for name in names]
    if not folders:
        where = repr(str(zoo)) if zoo else "the zoo"
        raise ValueError(f"Expected entries with weights. Received: none of {where}")
    return folders
