"""What the gallery shows of an entry, read from its folder."""

import base64
import dataclasses
import io
import json
import pathlib
import tomllib

from PIL import Image

from keras_gen import pictures, presets
from keras_gen.gallery import walks

MARGIN = 2  # of samples.png, between pictures
THUMBNAILS = 4


@dataclasses.dataclass(frozen=True)
class Picture:
    """A PNG file inside the page.

    Attributes:
        uri: the file as a data URI.
        width, height: in pixels.
    """

    uri: str
    width: int
    height: int


@dataclasses.dataclass(frozen=True)
class Entry:
    """An entry of the zoo; what it lacks is empty or None.

    Attributes:
        name: of its folder.
        config, metadata, metrics, recipe: the tables of its files.
        curves: scalar's name to {"steps": [...], "values": [...]}.
        samples: its samples.png.
        thumbnail: the first few of these.
        walk: a walk through its latents.
    """

    name: str
    config: dict
    metadata: dict
    metrics: dict
    recipe: dict
    curves: dict
    samples: Picture | None
    thumbnail: Picture | None
    walk: Picture | None

    @property
    def class_name(self):
        """The name of its model's class."""
        return str(self.config.get("class_name"))

    @property
    def caption(self):
        """What its samples.png shows."""
        return str(self.metadata.get("showcase", "samples"))


def read(folder, *, walk=True):
    """The entry of a preset's folder.

    Args:
        folder: path.
        walk: whether to load the model for a walk through its latents.

    Returns:
        An `Entry`.

    Raises:
        ValueError: a damaged file.
    """
    folder = pathlib.Path(folder)
    known = presets.info(folder)
    samples = folder / "samples.png"
    shown = samples.is_file()
    shape = known["config"].get("config", {}).get("image_shape")
    return Entry(
        name=folder.resolve().name,
        config=known["config"],
        metadata=known["metadata"],
        metrics=known.get("metrics", {}),
        recipe=_read(folder / "recipe.toml", tomllib.loads),
        curves=_read(folder / "curves.json", json.loads),
        samples=_picture(samples.read_bytes()) if shown else None,
        thumbnail=_thumbnail(samples, shape) if shown and shape else None,
        walk=_walk(folder) if walk else None,
    )


def _read(path, parse):
    if not path.is_file():
        return {}
    try:
        value = parse(path.read_text(encoding="utf-8"))
    except ValueError as error:  # of both formats
        raise ValueError(
            f"Expected {path.suffix[1:].upper()} in {path}. Received: {error}"
        ) from error
    if not isinstance(value, dict):
        raise ValueError(f"Expected tables in {path}. Received: {type(value)}")
    return value


def _walk(folder):
    model = presets.from_preset(folder, compile=False)
    if not walks.walkable(model):
        return None
    rows, columns = 4, 10
    images = walks.latent_walk(model, rows=rows, columns=columns)
    return _encoded(pictures.grid(images, columns=columns))


def _thumbnail(path, shape):
    """The first of the samples, or None where the picture is not laid out as usual."""
    height, width = shape[:2]
    with Image.open(path) as sheet:
        regular = (sheet.width - MARGIN) % (width + MARGIN) == 0
        if not regular or (sheet.height - MARGIN) % (height + MARGIN):
            return None
        right = MARGIN + THUMBNAILS * (width + MARGIN)
        first = sheet.crop((0, 0, min(right, sheet.width), height + 2 * MARGIN))
    file = io.BytesIO()
    first.save(file, format="PNG", optimize=True)
    return _picture(file.getvalue())


def _encoded(image):
    """A uint8 array (h, w, 1 or 3) as a `Picture`."""
    file = io.BytesIO()
    pictures.save_png(file, image)
    return _picture(file.getvalue())


def _picture(content):
    with Image.open(io.BytesIO(content)) as image:
        width, height = image.size
    text = base64.b64encode(content).decode("ascii")
    return Picture(f"data:image/png;base64,{text}", width, height)
