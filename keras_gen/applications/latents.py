"""Arithmetic on codes: between two of them, along one dimension, by differences.

Every function takes a model with `decode`, and examples as a model with `encode` takes
them or codes as its `decode` does, told apart by their shape (examples where the two
shapes are the same). It returns what `decode` makes of the codes, float32, in rows of
equally many, as `pictures.grid(made, columns=steps)` lays them out.
"""

import math

import numpy as np


def interpolate(model, first, second, *, steps=10, spherical=False):
    """Pictures on the way from some to as many others.

    Args:
        model: a model with real codes.
        first, second: examples (n, ...) or codes (n, *code_shape), alike or not.
        steps: pictures a row, both ends included, at least 2.
        spherical: whether codes move as by `slerp`, which suits codes that are
            normal in many dimensions and so have about one length, else by `lerp`.

    Returns:
        float32 array (n * steps, ...), row by row.

    Raises:
        ValueError: ends that do not fit the model or one another, too few steps, or
            codes that no arc leads between.
    """
    if steps < 2:
        raise ValueError(f"Expected at least 2 steps. Received: {steps}")
    shares = np.linspace(0, 1, steps)
    path = (slerp if spherical else lerp)(
        _codes(model, first), _codes(model, second), shares
    )
    return _decoded(model, path)


def traverse(model, start, dimensions, *, span=(-3.0, 3.0), steps=9):
    """Pictures of a code of which one number at a time takes other values.

    As Higgins et al. 2017 (beta-VAE) show what a dimension stands for.

    Args:
        model: a model with real codes.
        start: one example (1, ...) or code (1, *code_shape).
        dimensions: int or ints, which numbers of the flattened code, one a row.
        span: least and greatest value that they take; those of a standard normal
            prior by default.
        steps: pictures a row, at least 2.

    Returns:
        float32 array (rows * steps, ...), row by row.

    Raises:
        ValueError: more than one start, no such dimension, a span that is none, or
            too few steps.
    """
    code = _codes(model, start)
    dimensions = np.atleast_1d(dimensions)
    size = math.prod(code.shape[1:])
    whole = dimensions.dtype.kind in "iu" and dimensions.ndim == 1
    if not whole or dimensions.min() < 0 or dimensions.max() >= size:
        raise ValueError(
            f"Expected dimensions as ints in [0, {size}). Received: {dimensions}"
        )
    if len(code) != 1 or steps < 2 or len(span) != 2 or not np.isfinite(span).all():
        raise ValueError(
            "Expected one start, at least 2 steps, and a span of two finite numbers. "
            f"Received: {len(code)} starts, steps={steps}, span={span}"
        )
    path = np.tile(code.reshape(1, 1, size), (len(dimensions), steps, 1))
    path[np.arange(len(dimensions)), :, dimensions] = np.linspace(*span, steps)
    return _decoded(model, path.reshape(len(dimensions), steps, *code.shape[1:]))


def arithmetic(model, start, plus, minus, *, scale=1.0):
    """Pictures moved by the difference of two sets: start + scale * (plus - minus).

    The sets count by the means of their codes: Radford, Metz and Chintala 2016
    (arXiv:1511.06434), section 6.3.2.

    Args:
        model: a model with real codes.
        start: examples (n, ...) or codes (n, *code_shape).
        plus, minus: examples or codes, any numbers of them.
        scale: how far to go.

    Returns:
        float32 array (n, ...).
    """
    means = [_codes(model, part).mean(axis=0) for part in (plus, minus)]
    codes = _codes(model, start) + scale * (means[0] - means[1])
    return model.decode(codes.astype("float32"))


def lerp(first, second, shares):
    """Points on straight lines: (1 - t) first + t second.

    Args:
        first, second: float (n, ...).
        shares: t, (k,), 0 for `first` and 1 for `second`.

    Returns:
        float64 array (n, k, ...).
    """
    first, second = _pair(first, second)
    shares = np.asarray(shares).reshape(-1, *(1 for _ in first.shape[1:]))
    return (1 - shares) * first[:, None] + shares * second[:, None]


def slerp(first, second, shares):
    """Points on great circles, at a constant angular speed.

    Shoemake 1985 (doi:10.1145/325334.325242), of the directions; lengths go from one
    to the other in proportion. Parallel vectors give `lerp`, its limit.

    Args:
        first, second: float (n, ...), each row flattened one vector.
        shares: t, (k,), 0 for `first` and 1 for `second`.

    Returns:
        float64 array (n, k, ...).

    Raises:
        ValueError: a vector of zeros, which has no direction, or two that are
            opposite, between which no arc is the shortest.
    """
    first, second = _pair(first, second)
    ends = np.stack([first, second], axis=1).reshape(len(first), 2, -1)
    lengths = np.linalg.norm(ends, axis=2, keepdims=True)
    if not lengths.all():
        raise ValueError(
            "Expected vectors with a direction for an arc. Received: one of zeros"
        )
    directions = ends / lengths
    apart = np.linalg.norm(directions[:, 0] - directions[:, 1], axis=1)
    together = np.linalg.norm(directions[:, 0] + directions[:, 1], axis=1)
    if together.min() < 1e-7:
        raise ValueError(
            "Expected vectors that are not opposite, for one arc to be the shortest. "
            "Received: opposite ones"
        )
    angles = 2 * np.arctan2(apart, together)[:, None]  # exact for small ones too
    shares = np.asarray(shares, "float64")
    weights = np.stack([1 - shares, shares])[:, None]  # (2, 1, k)
    sine = np.sin(angles)
    arcs = np.sin(weights * angles) / np.where(sine > 1e-9, sine, 1.0)
    arcs = np.where(sine > 1e-9, arcs, weights)  # (2, n, k)
    path = np.einsum("enk,ned->nkd", arcs, directions)
    path *= np.einsum("ek,ned->nkd", weights[:, 0], lengths)
    return path.reshape(len(first), -1, *first.shape[1:])


def _pair(first, second):
    first, second = np.asarray(first, "float64"), np.asarray(second, "float64")
    if first.shape != second.shape:
        raise ValueError(
            "Expected as many ends as starts, of one shape. "
            f"Received: shapes {first.shape} and {second.shape}"
        )
    return first, second


def _codes(model, given):
    """Real codes (n, *code_shape) float64 of examples or of codes."""
    if not hasattr(model, "decode") or model.code_dtype != "float32":
        raise ValueError(
            "Expected a model that decodes real codes. "
            f"Received: {type(model).__name__}"
        )
    given = np.asarray(given)
    if hasattr(model, "encode") and given.shape[1:] == model.data_shape():
        return model.encode(given).astype("float64")
    return model.check_codes(given).astype("float64")


def _decoded(model, path):
    """What codes (n, steps, *code_shape) decode to, (n * steps, ...)."""
    return model.decode(path.reshape(-1, *path.shape[2:]).astype("float32"))
