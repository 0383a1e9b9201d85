"""Pictures of any size through networks that want sides of their own."""

import numpy as np


def padded(images, stride):
    """Pictures (n, h, w, c) mirrored down and right until `stride` divides the sides.

    Returns:
        The padded pictures, and the height and width of the given ones.
    """
    height, width = images.shape[1:3]
    sides = [(0, 0), (0, -height % stride), (0, -width % stride), (0, 0)]
    return np.pad(images, sides, mode="symmetric"), (height, width)


def starts(side, tile, overlap):
    """Where tiles of a side begin that cover it: even steps, `overlap` at least."""
    if side <= tile:
        return [0]
    count = -(-(side - overlap) // (tile - overlap))
    return [round(k * (side - tile) / (count - 1)) for k in range(count)]


def ramp(tile, overlap):
    """A tile's weights along a side (tile,): rising over the overlap, then falling."""
    places = np.minimum(np.arange(tile), np.arange(tile)[::-1]) + 1
    return np.minimum(places / (overlap + 1), 1.0).astype("float32")


def tiled(function, images, *, tile, overlap, scale=1):
    """Pictures cut into tiles, each made another one, and joined by weighted means.

    Args:
        function: from tiles (n, tile, tile, c) to (n, scale * tile, scale * tile, k).
        images: (n, h, w, c), sides from `tile` on.
        tile: side of a tile.
        overlap: pixels that neighbours share at least, below `tile`.
        scale: by which the function makes sides grow.

    Returns:
        float32 array (n, scale * h, scale * w, k).
    """
    n, height, width, _ = images.shape
    weights = ramp(scale * tile, scale * overlap)
    weights = (weights[:, None] * weights[None])[..., None]
    made, total = 0.0, np.zeros((scale * height, scale * width, 1), "float32")
    for top in starts(height, tile, overlap):
        for left in starts(width, tile, overlap):
            part = function(images[:, top : top + tile, left : left + tile])
            if np.isscalar(made):
                shape = (n, scale * height, scale * width, part.shape[-1])
                made = np.zeros(shape, "float32")
            rows = slice(scale * top, scale * (top + tile))
            columns = slice(scale * left, scale * (left + tile))
            made[:, rows, columns] += weights * part
            total[rows, columns] += weights
    return made / total
