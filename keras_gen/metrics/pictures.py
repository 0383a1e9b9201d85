"""Metrics of pictures in pairs: what a reconstruction has kept of its reference.

Every function takes two arrays (n, h, w, c) and returns one float64 value per pair,
(n,); the caller averages. Arithmetic is NumPy float64, a few pictures at a time, on
values in [0, 1], to which uint8 levels are brought by dividing by 255.
"""

import math

import numpy as np

# Values of a chunk of pictures, so that its filtered maps stay in a core's cache.
CHUNK = 16_000
# K1 and K2 of Wang et al. 2004, section III.C, squared, for a peak of 1.
C1 = 0.01**2
C2 = 0.03**2
# Wang et al. 2004, section III.C, and skimage's uniform window.
SIGMA = 1.5
SIZES = {"gaussian": 11, "uniform": 7}


def mean_squared_error(reference, pictures) -> np.ndarray:
    """Mean of (x - y)^2 over pixels and channels.

    Args:
        reference, pictures: (n, h, w, c) uint8, or floats in [0, 1].

    Returns:
        (n,) float64 in [0, 1].

    Raises:
        ValueError: on differing or empty shapes, other dtypes, NaN, values outside
            [0, 1].
    """
    return _per_example(_mean_squared_error, reference, pictures)


def mean_absolute_error(reference, pictures) -> np.ndarray:
    """Mean of |x - y| over pixels and channels.

    Args:
        reference, pictures: (n, h, w, c) uint8, or floats in [0, 1].

    Returns:
        (n,) float64 in [0, 1].

    Raises:
        ValueError: as `mean_squared_error`.
    """
    return _per_example(
        lambda x, y: np.abs(x - y).mean(axis=(1, 2, 3)), reference, pictures
    )


def psnr(reference, pictures) -> np.ndarray:
    """Peak signal-to-noise ratio, 10 log10(1 / MSE) for a peak of 1.

    The mean over many pairs is infinite where one pair is identical.

    Args:
        reference, pictures: (n, h, w, c) uint8, or floats in [0, 1].

    Returns:
        (n,) float64 decibels, at least 0; inf for identical pictures.

    Raises:
        ValueError: as `mean_squared_error`.
    """
    with np.errstate(divide="ignore"):
        return -10 * np.log10(mean_squared_error(reference, pictures))


def ssim(
    reference, pictures, *, window="gaussian", size=None, sigma=SIGMA
) -> np.ndarray:
    """Structural similarity, the mean over windows, then over channels.

    [(2 m_x m_y + C1) (2 s_xy + C2)] / [(m_x^2 + m_y^2 + C1) (s_x^2 + s_y^2 + C2)],
    C1 = 0.01^2, C2 = 0.03^2, with the moments of each window that lies wholly inside
    the picture (Wang, Bovik, Sheikh and Simoncelli 2004, "Image quality assessment:
    from error visibility to structural similarity", equations 13 to 17).

    Args:
        reference, pictures: (n, h, w, c) uint8, or floats in [0, 1].
        window: "gaussian", the paper's, with weighted moments; or "uniform", equal
            weights with sample (co)variances, as scikit-image has by default. The two
            give different figures: say which.
        size: side of the window in pixels, odd and at least 3; by default 11, the
            paper's, for "gaussian" and 7 for "uniform".
        sigma: standard deviation of the Gaussian in pixels; no part in "uniform".

    Returns:
        (n,) float64 in [-1, 1]; 1 for identical pictures.

    Raises:
        ValueError: as `mean_squared_error`; on another window, on pictures smaller
            than the window.
    """
    weights, correction = _window(window, size, sigma)
    _check_size(reference, len(weights), f"a window of {len(weights)}")

    def similarity(x, y):
        return _similarities(x, y, weights, correction)[0].mean(axis=1)

    return _per_example(similarity, reference, pictures)


def ms_ssim(
    reference, pictures, *, weights=(0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
) -> np.ndarray:
    """Multi-scale structural similarity: l_M^w_M prod_j (c_j s_j)^w_j over M scales.

    Wang, Simoncelli and Bovik 2003, "Multi-scale structural similarity for image
    quality assessment", equation 7 and, for the weights, section 3.2. At each scale
    the contrast-structure term is the mean over Gaussian windows (11 pixels, sigma
    1.5) wholly inside the picture; at the last, as in the authors' program, it is the
    mean of the product with the luminance. From scale to scale blocks of 2x2 pixels
    are averaged, the last row and column of an odd size counting twice. Negative
    terms, which have no real power, are clipped at 0. The channels' values are
    averaged.

    Args:
        reference, pictures: (n, h, w, c) uint8, or floats in [0, 1]; h and w above
            10 * 2^(M - 1): 161 pixels for five scales, 41 for three, 21 for two.
        weights: of the M scales, finest first, finite and not negative. They are used
            as given: fewer than the paper's five do not add up to 1, and their
            figures compare only with those of the same weights.

    Returns:
        (n,) float64 in [0, 1]; 1 for identical pictures.

    Raises:
        ValueError: as `mean_squared_error`; on pictures too small for the scales, on
            weights that are empty, negative or not finite.
    """
    powers = _powers(weights)
    window, _ = _window("gaussian", None, SIGMA)
    least = (len(window) - 1) * 2 ** (len(powers) - 1) + 1
    _check_size(reference, least, f"{len(powers)} scales")
    return _per_example(
        lambda x, y: _multi_scale(x, y, window, powers), reference, pictures
    )


def _multi_scale(x, y, window, powers):
    """MS-SSIM of pictures (n, h, w, c): (n,)."""
    product = 1.0
    for scale, power in enumerate(powers):
        if scale:
            x, y = _halve(x), _halve(y)
        whole, contrast_structure = _similarities(x, y, window, correction=1.0)
        last = scale == len(powers) - 1
        term = whole if last else contrast_structure
        product = product * np.maximum(term, 0.0) ** power
    return product.mean(axis=1)


def _similarities(x, y, window, correction):
    """SSIM and its contrast-structure factor, each a mean over windows: (n, c)."""
    maps = np.stack([x, y, x * x + y * y, x * y])  # (4, n, h, w, c)
    mean_x, mean_y, square, product = _filter(maps, window)
    means = mean_x * mean_y
    squares = mean_x * mean_x + mean_y * mean_y
    covariance = correction * (product - means)
    variances = correction * (square - squares)
    contrast_structure = (2 * covariance + C2) / (variances + C2)
    luminance = (2 * means + C1) / (squares + C1)
    whole = (luminance * contrast_structure).mean(axis=(1, 2))
    return whole, contrast_structure.mean(axis=(1, 2))


def _filter(maps, window):
    """Weighted means of the windows inside maps (..., h, w, c), rows then columns."""
    for axis in (-3, -2):
        count = maps.shape[axis] - len(window) + 1
        before = (slice(None),) * (maps.ndim + axis)
        total = 0.0
        for offset, weight in enumerate(window):
            total += weight * maps[(*before, slice(offset, offset + count))]
        maps = total
    return maps


def _halve(pictures):
    """Means of 2x2 blocks of (n, h, w, c): (n, ceil(h / 2), ceil(w / 2), c)."""
    n, h, w, c = pictures.shape
    padding = ((0, 0), (0, h % 2), (0, w % 2), (0, 0))
    even = np.pad(pictures, padding, mode="edge")
    blocks = even.reshape(n, (h + 1) // 2, 2, (w + 1) // 2, 2, c)
    return blocks.mean(axis=(2, 4))


def _window(window, size, sigma):
    """One-dimensional weights (size,) that add up to 1, and the covariance factor."""
    if window not in SIZES:
        raise ValueError(
            f"Expected window to be one of {sorted(SIZES)}. Received: {window!r}"
        )
    size = SIZES[window] if size is None else size
    if size < 3 or size % 2 != 1:
        raise ValueError(f"Expected size odd and at least 3. Received: size={size}")
    if window == "uniform":
        return np.full(size, 1 / size), size**2 / (size**2 - 1)
    if not 0 < sigma < math.inf:
        raise ValueError(f"Expected sigma above 0 and finite. Received: sigma={sigma}")
    offsets = np.arange(size) - size // 2
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    return weights / weights.sum(), 1.0


def _powers(weights):
    """`weights` of scales as (M,) float64, refused unless finite and not negative."""
    powers = np.asarray(weights, "float64")
    if powers.ndim != 1 or not powers.size or not _within(powers, 0, np.inf):
        raise ValueError(
            "Expected weights of one scale or more, finite and not negative. "
            f"Received: weights={weights}"
        )
    return powers


def _mean_squared_error(x, y):
    return np.square(x - y).mean(axis=(1, 2, 3))


def _per_example(metric, reference, pictures):
    """`metric` of pairs in [0, 1], a chunk at a time, as float64 (n,)."""
    size = math.prod(np.shape(reference)[1:])
    pairs = chunks(reference, pictures, max(1, CHUNK // max(1, size)))
    return np.concatenate([metric(*pair) for pair in pairs])


def chunks(reference, pictures, step):
    """Pairs of float64 arrays in [0, 1], `step` pictures at a time."""
    reference, pictures = np.asarray(reference), np.asarray(pictures)
    shape = reference.shape
    if len(shape) != 4 or 0 in shape or shape != pictures.shape:
        raise ValueError(
            "Expected reference and pictures of one shape (n, h, w, c), not empty. "
            f"Received: {shape} and {pictures.shape}"
        )
    for start in range(0, shape[0], step):
        yield tuple(_unit(x[start : start + step]) for x in (reference, pictures))


def _unit(pictures):
    """`pictures` as float64 in [0, 1], refused unless uint8 or floats in there."""
    if pictures.dtype == np.uint8:
        return pictures / 255.0
    if not np.issubdtype(pictures.dtype, np.floating):
        raise ValueError(
            f"Expected pictures of uint8 or floats. Received: dtype={pictures.dtype}"
        )
    values = pictures.astype("float64")
    if not _within(values, 0, 1):
        raise ValueError(
            "Expected floats in [0, 1]. Received: values from "
            f"{values.min()} to {values.max()}"
        )
    return values


def _within(values, low, high):
    """Whether all values are finite and in [low, high]; NaN is not."""
    return bool(np.all((values >= low) & (values <= high) & np.isfinite(values)))


def _check_size(pictures, least, reason):
    """Refuses pictures (n, h, w, c) with h or w below `least`."""
    shape = np.shape(pictures)
    if len(shape) == 4 and min(shape[1:3]) < least:
        raise ValueError(
            f"Expected pictures of at least {least}x{least} pixels for {reason}. "
            f"Received: {shape[1]}x{shape[2]}"
        )
