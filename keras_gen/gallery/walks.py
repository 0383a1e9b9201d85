"""Walks through a model's latents."""

import math

import numpy as np

from keras_gen import pictures


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
    _check(model)
    if rows < 1 or columns < 2:
        raise ValueError(
            "Expected at least 1 row and 2 columns. "
            f"Received: rows={rows}, columns={columns}"
        )
    latents = _arcs(model, rows, np.linspace(0, math.pi / 2, columns), seed)
    return model.decode(latents.reshape(rows * columns, -1))


def save_walk(model, path, *, count=16, frames=60, seconds=4.0, scale=2, seed=0):
    """Write a GIF of pictures whose latents walk around circles, without an end.

    Args:
        model: a model with `latent_dim` and `decode`, of pictures.
        path: of the file.
        count: pictures in each frame, at least 1.
        frames: steps around the circle, at least 2.
        seconds: of a round.
        scale: pixels as which each pixel is shown.
        seed: of the circles, as `latent_walk` draws its ends.

    Raises:
        ValueError: a model without latents, or too few pictures or frames.
    """
    _check(model)
    if count < 1 or frames < 2:
        raise ValueError(
            "Expected at least 1 picture and 2 frames. "
            f"Received: count={count}, frames={frames}"
        )
    angles = np.arange(frames) * (2 * math.pi / frames)
    latents = _arcs(model, count, angles, seed).transpose(1, 0, 2)
    shown = model.decode(latents.reshape(frames * count, -1))
    shown = shown.reshape(frames, count, *shown.shape[1:])
    pictures.save_gif(path, map(pictures.grid, shown), seconds=seconds, scale=scale)


def _check(model):
    if not walkable(model):
        raise ValueError(
            "Expected a model of pictures with latent_dim and decode. "
            f"Received: {type(model).__name__}"
        )


def _arcs(model, rows, angles, seed):
    """Latents float32 (rows, angles, latent_dim) about the origin."""
    rng = np.random.default_rng(seed)
    ends = rng.standard_normal((rows, 2, model.latent_dim))
    shares = np.stack([np.cos(angles), np.sin(angles)], axis=1)  # (angles, 2)
    return np.einsum("ce,rel->rcl", shares, ends).astype("float32")
