"""Data for the conformance tests, the same on every backend, and what is refused."""

import numpy as np

IMAGE_SHAPE = (8, 8, 1)


def images(n, seed=0):
    """Uint8 images (n, 8, 8, 1): a bright square on a dark ground, noise on both."""
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 100, (n, *IMAGE_SHAPE))
    values[:, 2:6, 3:7] += 120
    return values.astype("uint8")


def bad_images():
    """Data that models of images refuse, by what is wrong with them."""
    x = images(8)
    floats = x.astype("float32") / 255
    return {
        "rank": x[0],
        "channels": np.repeat(x, 3, axis=-1),
        "size": x[:, :7],
        "above 1": floats * 2,
        "below 0": floats - 0.5,
        "raw range as float": x.astype("float32"),
        "nan": np.where(floats > 0.7, np.nan, floats),
        "infinity": np.where(floats > 0.7, np.inf, floats),
        "empty": x[:0],
        "int32": x.astype("int32"),
        "bool": x > 100,
        "None": None,
    }


def sequences(n, seed=0):
    """Float sequences (n, 6, 3) of 2 to 6 steps, zeros behind their ends."""
    x = noise(n, 6, 3, seed=seed)
    lengths = np.random.default_rng(seed).integers(2, 7, n)
    return x * (np.arange(6) < lengths[:, None])[..., None]


def symbols(n, seed=0):
    """Int32 sequences (n, 6) of 2 to 6 symbols in [1, 4), zeros behind their ends."""
    x = np.random.default_rng(seed).integers(1, 4, (n, 6), dtype="int32")
    return x * (sequences(n, seed)[..., 0] != 0)


def bad_sequences():
    """What models of real sequences refuse."""
    x = sequences(8)
    gap = x.copy()
    gap[:, 0] = 0
    middle = np.concatenate([x, x], axis=1)
    return {
        "rank": x[0],
        "features": x[..., :2],
        "nan": np.where(x > 0.7, np.nan, x),
        "infinity": np.where(x > 0.7, np.inf, x),
        "padding first": gap,
        "padding in the middle": middle,
        "padding alone": np.zeros_like(x),
        "empty": x[:0],
        "no steps": x[:, :0],
        "int32": x.astype("int32"),
        "None": None,
    }


def bad_symbols():
    """What models of symbols refuse."""
    x = symbols(8)
    return {
        "rank": x[0],
        "another rank": x[..., None],
        "no such symbol": x + (x == 3),
        "below 0": x - 1,
        "padding in the middle": np.concatenate([x, x], axis=1),
        "padding alone": np.zeros_like(x),
        "empty": x[:0],
        "float": x.astype("float32"),
        "bool": x > 1,
        "None": None,
    }


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")
