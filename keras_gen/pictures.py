"""Pictures of pictures: grids of samples, as arrays and as PNG files."""

import math

import numpy as np
from PIL import Image


def grid(images, *, columns=None, margin=2):
    """Lay images out on a white sheet, row by row.

    Args:
        images: (n, h, w, c) with 1 or 3 channels, uint8 or float in [0, 1].
        columns: images a row; by default as square as it gets.
        margin: white pixels around each image.

    Returns:
        uint8 array (height, width, c).
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[3] not in (1, 3) or not len(images):
        raise ValueError(
            "Expected images (n, h, w, 1 or 3), at least one. "
            f"Received: shape {images.shape}"
        )
    if images.dtype != np.uint8:
        images = np.round(np.clip(images, 0, 1) * 255).astype("uint8")
    n, h, w, c = images.shape
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    tile_h, tile_w = h + margin, w + margin
    sheet = np.full((rows * tile_h + margin, columns * tile_w + margin, c), 255, "u1")
    for index, image in enumerate(images):
        top = index // columns * tile_h + margin
        left = index % columns * tile_w + margin
        sheet[top : top + h, left : left + w] = image
    return sheet


def save_png(path, image, *, scale=1):
    """Write a uint8 array (h, w, 1 or 3) as PNG, each pixel `scale` pixels wide."""
    _enlarged(image, scale).save(path, format="PNG", optimize=True)


def save_gif(path, images, *, seconds, scale=1):
    """Write uint8 arrays (h, w, 1 or 3) as a GIF that begins again for ever.

    Args:
        path: of the file.
        images: two or more, of one shape.
        seconds: that all of them are shown for.
        scale: as `save_png` takes it.
    """
    first, *others = (_enlarged(image, scale) for image in images)
    milliseconds = round(1000 * seconds / (1 + len(others)))
    first.save(
        path,
        format="GIF",
        save_all=True,
        append_images=others,
        duration=milliseconds,
        loop=0,
    )


def _enlarged(image, scale):
    enlarged = image.repeat(scale, axis=0).repeat(scale, axis=1)
    return Image.fromarray(enlarged[..., 0] if enlarged.shape[2] == 1 else enlarged)
