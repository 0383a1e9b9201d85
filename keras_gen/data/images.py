"""Cropping, resizing and decoding of single images, with Pillow."""

import dataclasses
import math
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image, ImageOps

# ITU-R BT.601, which is what Pillow's own conversion to "L" uses.
_LUMA = np.array([0.299, 0.587, 0.114])


def check_size(
    size: int | tuple[int, int] | None, name: str = "image_size"
) -> tuple[int, int] | None:
    """Returns `(height, width)` from an int, a pair, or None (left alone)."""
    if size is None:
        return None
    pair = (size, size) if isinstance(size, (int, np.integer)) else tuple(size)
    whole = all(isinstance(s, (int, np.integer)) and s > 0 for s in pair)
    if len(pair) != 2 or not whole:
        raise ValueError(
            f"{name} must be a positive int or a (height, width) pair. "
            f"Received: {size!r}"
        )
    return int(pair[0]), int(pair[1])


def check_channels(channels: int | None) -> int | None:
    """Returns `channels` if it is 1, 3 or None (left alone)."""
    if channels not in (None, 1, 3):
        raise ValueError(f"channels must be 1, 3 or None. Received: {channels!r}")
    return channels


def fit(
    image: np.ndarray,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
) -> np.ndarray:
    """Centre-crops to the aspect ratio, resizes, and sets the channels.

    Resizing is Pillow's LANCZOS, whose window widens with the reduction, so it is
    antialiased; unlike BOX it also interpolates when it enlarges.

    Args:
        image: (h, w, c) uint8 in [0, 255], or float.
        size: `(height, width)` wanted, or None.
        channels: 1 (BT.601 luma), 3 (the grey one repeated), or None.

    Returns:
        (height, width, channels) of the dtype of `image`; uint8 stays in [0, 255].
    """
    if channels == 1 and image.shape[-1] == 3:
        image = _cast(image @ _LUMA[:, None], image.dtype)
    if size is not None and image.shape[:2] != size:
        image = _resize(image, size)
    if channels == 3 and image.shape[-1] == 1:
        image = np.repeat(image, 3, axis=-1)
    if channels is not None and image.shape[-1] != channels:
        raise ValueError(
            f"Expected images of 1 or 3 channels to make {channels} of. "
            f"Received: an image of shape {image.shape}"
        )
    return image


def cut(image: np.ndarray, size: tuple[int, int], place=(0.5, 0.5)) -> np.ndarray:
    """A part (height, width, c) of an image, its pixels as they are.

    Args:
        place: (down, across), each in [0, 1): 0 is the upper or left end, 0.5 the
            middle, of where the part can lie.

    Raises:
        ValueError: the image is smaller.
    """
    slack = image.shape[0] - size[0], image.shape[1] - size[1]
    if min(slack) < 0:
        raise ValueError(
            f"Expected images of at least {size} to cut that out of. "
            f"Received: an image of shape {image.shape}"
        )
    top, left = (int(p * (s + 1)) for p, s in zip(place, slack, strict=True))
    return image[top : top + size[0], left : left + size[1]]


@dataclasses.dataclass(frozen=True)
class Fit:
    """What makes images of a source those that are asked for.

    Args:
        size, channels: as `fit` takes them.
        crop: (height, width) to `cut` first, or None.
    """

    size: tuple[int, int] | None = None
    channels: int | None = None
    crop: tuple[int, int] | None = None

    def __call__(self, image, place=None):
        """An image (h, w, c), cut at a place, by default about its centre."""
        if self.crop is not None:
            image = cut(image, self.crop, (0.5, 0.5) if place is None else place)
        return fit(image, self.size, self.channels)

    def batch(self, images, places=None):
        """Images (n, h, w, c); as they are if nothing changes."""
        same_size = self.size is None or images.shape[1:3] == self.size
        same_channels = self.channels in (None, images.shape[-1])
        if self.crop is None and same_size and same_channels:
            return images
        return np.stack(list(map(self, images, places_of(places, len(images)))))


def places_of(places, count):
    """A place for each of `count` images, None for those about the centre."""
    return [None] * count if places is None else places


def parallel(function, items) -> list:
    """`[function(item) for item in items]`, in threads: Pillow frees the GIL."""
    workers = min(8, os.cpu_count() or 1, len(items))
    if workers < 2:
        return [function(item) for item in items]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, items))


def decode(path) -> np.ndarray:
    """Reads a picture file as a (height, width, c) uint8 array in [0, 255].

    Camera orientation is applied, transparent pixels are laid on white, 16-bit grey
    is scaled to 8. Grey files give 1 channel, others 3.
    """
    try:
        with Image.open(path) as file:
            image = _flatten(ImageOps.exif_transpose(file))
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(
            f"Expected a readable image file. Received: {str(path)!r} ({error})"
        ) from error
    array = np.asarray(image)
    return array[..., None] if array.ndim == 2 else array


def transparency(path):
    """A picture file's opacity as (height, width) uint8, or None where all of it is."""
    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file)
        if not image.has_transparency_data:
            return None
        return np.asarray(image.convert("RGBA"))[..., 3]


def _flatten(image):
    """A Pillow image in mode "L" or "RGB", without transparency."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) // 257).astype("uint8"))
    grey = image.mode in ("1", "L", "LA")
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("L" if grey else "RGB")


def _resize(image, size):
    height, width = image.shape[:2]
    # The largest centred box of the wanted aspect ratio; fractions of a pixel are
    # kept, since rounding them would shift the picture.
    scale = min(height / size[0], width / size[1])
    crop_h, crop_w = size[0] * scale, size[1] * scale
    top, left = (height - crop_h) / 2, (width - crop_w) / 2
    # Pillow's window would reach past the box for pixels that are cropped away.
    y, x = math.floor(top), math.floor(left)
    image = image[y : height - y, x : width - x]
    top, left = top - y, left - x
    box = (left, top, left + crop_w, top + crop_h)
    mode = np.uint8 if image.dtype == np.uint8 else np.float32
    planes = [
        Image.fromarray(np.ascontiguousarray(image[..., c], mode)).resize(
            size[::-1], Image.Resampling.LANCZOS, box=box
        )
        for c in range(image.shape[-1])
    ]
    resized = np.stack([np.asarray(p) for p in planes], axis=-1)
    if mode is np.float32:  # Lanczos overshoots, which Pillow clips for uint8 alone
        resized = np.clip(resized, min(image.min(), 0), max(image.max(), 1))
    return _cast(resized, image.dtype)


def _cast(values, dtype):
    if np.issubdtype(dtype, np.integer):
        limits = np.iinfo(dtype)
        values = np.clip(np.rint(values), limits.min, limits.max)
    return values.astype(dtype)
