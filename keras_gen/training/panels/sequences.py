"""Figures of recurrent autoencoders: sequences decoded freely from their codes."""

import numpy as np
from sklearn.decomposition import PCA


def is_symbols(model):
    """Whether a model's sequences are of symbols."""
    return bool(getattr(model, "symbols", None))


def is_vectors(model):
    """Whether a model's sequences are of real vectors."""
    return hasattr(model, "symbols") and not model.symbols


def vectors(bench):
    """Mean squared error of the real steps, PCA of padded sequences beside."""
    real = bench.real
    steps = (real != bench.model.mask_value).any(axis=-1)
    made = {"model": bench.model.reconstruct(real)}
    if bench.rivals:
        made["pca"] = _by_pca(bench, bench.train, real)
    counts = steps.sum(axis=1) * real.shape[-1]
    return {
        "mse": {
            row: bench.mean(
                np.where(steps[..., None], np.square(real - x), 0).sum((1, 2)) / counts
            )
            for row, x in made.items()
        }
    }


def symbols(bench):
    """Share of the real symbols that come back at their place.

    PCA is of one-hot sequences; the largest value is its symbol.
    """
    real, size = bench.real, bench.model.symbols
    made = {"model": bench.model.reconstruct(real)}
    if bench.rivals:
        scores = _by_pca(bench, _one_hot(bench.train, size), _one_hot(real, size))
        made["pca"] = scores[..., 1:].argmax(axis=-1) + 1
    steps = real != bench.model.mask_value
    return {
        "symbol_accuracy": {
            row: bench.mean(((x == real) & steps).sum(axis=1) / steps.sum(axis=1))
            for row, x in made.items()
        }
    }


def _one_hot(sequences, size):
    """(n, steps, size) float32, zeros where there is padding."""
    return np.eye(size, dtype="float32")[sequences] * (sequences > 0)[..., None]


def _by_pca(bench, train, real):
    size = bench.model.latent_dim
    axes = PCA(size, random_state=bench.seed).fit(train.reshape(len(train), -1))
    back = axes.inverse_transform(axes.transform(real.reshape(len(real), -1)))
    bench.words["pca"] = f"principal components of padded sequences, {size} of them"
    return back.reshape(real.shape)
