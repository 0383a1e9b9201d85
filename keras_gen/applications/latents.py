"""Arithmetic on codes: between two of them, along one dimension, by differences.

Every function takes a model with `decode`, and examples as a model with `encode` takes
them or codes as its `decode` does, told apart by their shape (examples where the two
shapes are the same). It returns what `decode` makes of the codes, float32, in rows of
equally many, as `pictures.grid(made, columns=steps)` lays them out.
"""

import math

import numpy as np

from keras_gen.metrics.path import lerp, slerp


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
