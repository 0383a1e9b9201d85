"""Picture files to picture files, by models that translate."""

import inspect
import os
import pathlib
import tempfile

import keras
import numpy as np
from PIL import Image

from keras_gen.data.files import SUFFIXES
from keras_gen.data.images import decode, fit, transparency


def translate_files(model, source, target, *, verbose=False, **options):
    """What a model makes of picture files, under the same names.

    Camera orientation is applied. Transparent pixels are laid on white, translated, and
    are transparent again after, where the file's format can hold that. A file is
    written whole or not at all. Models that colour keep what was grey as light as it
    was: `colorize`.

    Args:
        model: one with `translate`, as `Pix2Pix`.
        source: a picture file, or a folder of some, folders within it too.
        target: a file, or where `source` is a folder another folder, made if absent,
            in which the files get the same places and names.
        verbose: whether to show progress on the terminal.
        **options: of `translate`.

    Returns:
        Paths of the files written, a list.

    Raises:
        FileNotFoundError: nothing to read, or no folder to write a file to.
        ValueError: a model without `translate`, an option that its verb has not, source
            and target the same, a file that is no picture, or a name whose ending is
            none of a picture's.
    """
    verb = getattr(model, "main_verb", None)
    known = inspect.signature(verb or (lambda: 0))
    if not known.parameters or not set(options) <= set(known.parameters):
        raise ValueError(
            f"Expected a model whose translate takes {sorted(options)}. "
            f"Received: {type(model).__name__}, whose verb has "
            f"{sorted(known.parameters)}"
        )
    pairs = _pairs(pathlib.Path(source), pathlib.Path(target))
    bar = keras.utils.Progbar(len(pairs)) if verbose else None
    for number, (before, after) in enumerate(pairs, start=1):
        after.parent.mkdir(parents=True, exist_ok=True)
        _translate_file(model, verb, before, after, options)
        if bar:
            bar.update(number)
    return [after for _, after in pairs]


def _pairs(source, target):
    """(from, to) of every file."""
    if not source.exists():
        raise FileNotFoundError(
            f"Expected a picture file or a folder of some. Received: {str(source)!r}"
        )
    if source.is_file():
        if target.is_dir():
            target = target / source.name
        if not target.parent.is_dir():
            raise FileNotFoundError(
                f"Expected a folder that exists. Received: {str(target.parent)!r}"
            )
        pairs = [(source, target)]
    else:
        names = sorted(
            path.relative_to(source)
            for path in source.rglob("*")
            if path.suffix.lower() in SUFFIXES and path.is_file()
        )
        pairs = [(source / name, target / name) for name in names]
        if not pairs or target.is_file():
            wanted = "a folder to write to" if pairs else "picture files"
            raise FileNotFoundError(
                f"Expected {wanted}. Received: {str(target if pairs else source)!r}"
            )
    for before, after in pairs:
        if before.resolve() == after.resolve():
            raise ValueError(
                f"Expected two different places. Received: {str(before)!r} for both"
            )
        if after.suffix.lower() not in SUFFIXES:
            raise ValueError(
                f"Expected a name ending in {', '.join(SUFFIXES)}. "
                f"Received: {str(after)!r}"
            )
    return pairs


def _translate_file(model, verb, before, after, options):
    endpoint = "translate_back" if options.get("reverse") else "serving_default"
    channels = model.signatures()[endpoint][1]["images"][0][-1]
    picture = fit(decode(before), channels=channels)
    made = verb(picture[None], **options)[0]
    image = _image(made)
    opacity = transparency(before)
    if opacity is not None:
        alpha = Image.fromarray(opacity)
        if alpha.size != image.size:
            alpha = alpha.resize(image.size, Image.Resampling.BICUBIC)
        image.putalpha(alpha)
    kind = Image.registered_extensions()[after.suffix.lower()]
    if image.mode in ("LA", "RGBA") and kind not in ("PNG", "WEBP", "GIF"):
        image = image.convert(image.mode.removesuffix("A"))
    # In the same folder, so that it can take the place of what was there at once.
    descriptor, unfinished = tempfile.mkstemp(prefix=".unfinished", dir=after.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            image.save(file, format=kind)
        os.chmod(unfinished, 0o644)
        os.replace(unfinished, after)
    except BaseException:
        os.unlink(unfinished)
        raise


def _image(picture):
    """A picture float (h, w, 1 or 3) in [0, 1] as Pillow's."""
    values = np.round(np.clip(picture, 0, 1) * 255).astype("uint8")
    return Image.fromarray(values[..., 0] if values.shape[-1] == 1 else values)
