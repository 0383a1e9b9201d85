"""Checks of what comes in, before anything is trained or computed."""

import numpy as np


def examples(array, shape):
    """Raise ValueError unless `array` holds images or vectors, by the shape's rank."""
    (vectors if len(shape) == 1 else images)(array, shape)


def vectors(array, shape):
    """Raise ValueError unless `array` holds real vectors (batch, *shape), finite."""
    expected = f"real vectors of shape (batch, {shape[0]})"
    if array.ndim != 2 or array.shape[1] != shape[0] or not len(array):
        raise ValueError(
            f"Expected {expected}, at least one. Received: shape {array.shape}"
        )
    if array.dtype.kind != "f":
        raise ValueError(f"Expected {expected}, float. Received: {array.dtype}")
    if not np.isfinite(array).all():
        raise ValueError(f"Expected {expected}, finite. Received: NaN or infinity")


def images(array, shape):
    """Raise ValueError unless `array` holds images of `shape`, in range.

    Args:
        array: NumPy array, to be uint8 in [0, 255] or float in [0, 1], of shape
            (batch, *shape).
        shape: tuple (height, width, channels); None matches any size.
    """
    expected = f"images of shape (batch, {', '.join(map(str, shape))})"
    if array.ndim != len(shape) + 1 or any(
        want not in (None, got) for want, got in zip(shape, array.shape[1:])
    ):
        raise ValueError(f"Expected {expected}. Received: shape {array.shape}")
    if not len(array):
        raise ValueError(f"Expected {expected}, at least one. Received: none at all")
    _value_range(array)


def _value_range(array):
    if array.dtype == np.uint8:
        return
    if array.dtype.kind != "f" and array.dtype.name != "bfloat16":
        raise ValueError(
            "Expected images as uint8 in [0, 255] or as float in [0, 1]. "
            f"Received: dtype {array.dtype}"
        )
    low, high = float(array.min()), float(array.max())
    if np.isnan(low) or np.isnan(high):
        raise ValueError("Expected images without NaN. Received: NaN among the values")
    if low < 0 or high > 1:
        raise ValueError(
            "Expected float images in [0, 1] (or uint8 in [0, 255]). "
            f"Received: values from {low:g} to {high:g}"
        )


def sequences(array, features, symbols, mask_value):
    """Raise ValueError unless `array` holds sequences, padded at most at their ends.

    Args:
        array: NumPy array, to be finite float (batch, steps, features), or int (batch,
            steps) in [0, symbols) where these are not None.
        features: of a step.
        symbols: how many there are, None for real vectors.
        mask_value: what every feature of a step of padding is, None for no padding.
    """
    expected = f"sequences of real vectors, float (batch, steps, {features})"
    shape, kinds = (features,), "f"
    if symbols:
        expected = f"sequences of symbols, int in [0, {symbols}), (batch, steps)"
        shape, kinds = (), "iu"
    if array.ndim != 2 + len(shape) or array.shape[2:] != shape or not array.size:
        raise ValueError(
            f"Expected {expected}, at least one. Received: shape {array.shape}"
        )
    if array.dtype.kind not in kinds:
        raise ValueError(f"Expected {expected}. Received: dtype {array.dtype}")
    if symbols and (array.min() < 0 or array.max() >= symbols):
        raise ValueError(
            f"Expected {expected}. Received: from {array.min()} to {array.max()}"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"Expected {expected}, finite. Received: NaN or infinity")
    if mask_value is not None:
        _padding(array.reshape(*array.shape[:2], -1), mask_value)


def _padding(array, mask_value):
    real = (array != mask_value).any(axis=-1)  # (batch, steps)
    if not real[:, 0].all():
        raise ValueError(
            "Expected sequences of one step or more before their padding (all values "
            f"{mask_value}; mask_value=None for none). Received: padding first"
        )
    if (real[:, 1:] & ~real[:, :-1]).any():
        raise ValueError(
            f"Expected padding (all values {mask_value}; mask_value=None for none) "
            "after a sequence's last step. Received: padding in the middle"
        )


def labels(values, rows, classes):
    """Return labels as int64 (rows,), or raise ValueError unless in [0, classes)."""
    expected = f"labels as ints in [0, {classes}), shape ({rows},)"
    if values is None:
        raise ValueError(f"Expected {expected}, beside the images. Received: None")
    values = np.asarray(values)
    if values.dtype.kind not in "iu" or values.shape != (rows,):
        raise ValueError(
            f"Expected {expected}. Received: {values.dtype}, shape {values.shape}"
        )
    if values.min() < 0 or values.max() >= classes:
        raise ValueError(
            f"Expected {expected}. Received: from {values.min()} to {values.max()}"
        )
    return values.astype("int64")


def without_batch(shape):
    """A Keras model's shape, or list of shapes, without the batch axes."""
    if shape and not isinstance(shape[0], (int, type(None))):
        return tuple(without_batch(part) for part in shape)
    return tuple(shape[1:])


def as_tuples(shape):
    """A shape, or sequence of shapes, as tuples all the way down."""
    return tuple(as_tuples(x) if isinstance(x, (list, tuple)) else x for x in shape)


def mask(array, shape):
    """Return a mask as (n, h, w, 1) of 0 and 1 if it is one for `shape`, else raise."""
    array = np.asarray(array)
    fits = array.shape in (shape, (*shape, 1))
    if not fits or not np.isin(array, (0, 1)).all():
        raise ValueError(
            f"Expected a mask of shape {shape} or {(*shape, 1)}, bool or of 0 and 1. "
            f"Received: {array.dtype}, shape {array.shape}"
        )
    return array.reshape(*shape, 1).astype("float32")
