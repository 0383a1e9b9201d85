"""Walks through a model's latents."""

import math

import numpy as np


def walkable(model):
    """Whether a model makes pictures of latents."""
    return (
        hasattr(model, "latent_dim")
        and hasattr(model, "decode")
        and model.code_shape() == (model.latent_dim,)
        and len(model.data_shape()) == 3
        and not model.takes_labels()
    )


def latent_walk(model, *, rows=4, columns=10, seed=0):
    """Pictures along arcs between standard normal latents.

    Row i goes from z[i, 0] to z[i, 1], where z is
    `numpy.random.default_rng(seed).standard_normal((rows, 2, latent_dim))`, by
    cos(a) z[i, 0] + sin(a) z[i, 1] with a from 0 to a right angle. The two are
    independent, so each latent between them is itself standard normal: the walk never
    leaves what the decoder was trained on, as a straight line would.

    Args:
        model: a model with `latent_dim` and `decode`, of pictures.
        rows: number of walks, at least 1.
        columns: pictures a walk, both ends included, at least 2.
        seed: int, not negative.

    Returns:
        float32 array (rows * columns, h, w, c) in [0, 1], walk by walk.

    Raises:
        ValueError: a model without latents, or too few rows or columns.
    """
    if not walkable(model):
        raise ValueError(
            "Expected a model of pictures with latent_dim and decode. "
            f"Received: {type(model).__name__}"
        )
    if rows < 1 or columns < 2:
        raise ValueError(
            "Expected at least 1 row and 2 columns. "
            f"Received: rows={rows}, columns={columns}"
        )
    rng = np.random.default_rng(seed)
    ends = rng.standard_normal((rows, 2, model.latent_dim))
    angles = np.linspace(0, math.pi / 2, columns)
    shares = np.stack([np.cos(angles), np.sin(angles)], axis=1)  # (columns, 2)
    latents = np.einsum("ce,rel->rcl", shares, ends)
    return model.decode(latents.reshape(rows * columns, -1).astype("float32"))
