"""Paths between vectors, and how fast pictures change along them."""

import numpy as np

from keras_gen.metrics import extractors, intervals


def perceptual_path_length(
    model, *, samples=1000, extractor=None, epsilon=1e-4, resamples=0, seed=0
) -> intervals.Estimate:
    """Mean of d(G(t), G(t + epsilon)) / epsilon^2 at uniform places t of paths.

    Karras et al. 2019 (arXiv:1812.04948), section 4.1. Paths are straight lines between
    styles (equation 3) where a model maps latents to these, else the arcs of `slerp`
    between latents (equation 2). d is the squared Euclidean distance of the
    extractor's features, in place of theirs of VGG-16: comparable at one extractor
    alone.

    Args:
        model: a model of pictures with `latent_dim` and `decode`, or `map` and
            `synthesize`, that takes no labels.
        samples: how many paths.
        extractor: as `metrics.features` takes it.
        epsilon: a step, as a share of the path.
        resamples: of the bootstrap interval.
        seed: of the latents, the places and the interval.

    Returns:
        An `Estimate`, at least 0.

    Raises:
        ValueError: a model without latents or with labels.
    """
    if model.takes_labels() or not hasattr(model, "latent_dim"):
        raise ValueError(
            "Expected a model of pictures from latents, without labels. "
            f"Received: {type(model).__name__}"
        )
    rng = np.random.default_rng(seed)
    ends = rng.standard_normal((2, samples, model.latent_dim))
    places = rng.uniform(size=(samples, 1)) + np.array([0, epsilon])
    styled = hasattr(model, "synthesize")
    first, last = (model.map(z) for z in ends) if styled else ends
    points = (lerp if styled else slerp)(first, last, places)
    show = model.synthesize if styled else model.decode
    before, after = (
        extractors.features(show(points[:, end]), extractor) for end in (0, 1)
    )
    distances = ((after - before) ** 2).sum(axis=1) / epsilon**2
    return intervals.mean(distances, resamples=resamples, seed=seed)


def lerp(first, second, shares):
    """Points on straight lines: (1 - t) first + t second.

    Args:
        first, second: float (n, ...).
        shares: t, (k,), or (n, k) for each row its own; 0 for `first`, 1 for
            `second`.

    Returns:
        float64 array (n, k, ...).
    """
    first, second = _pair(first, second)
    shares = np.atleast_2d(shares)
    shares = shares.reshape(*shares.shape, *(1 for _ in first.shape[1:]))
    return (1 - shares) * first[:, None] + shares * second[:, None]


def slerp(first, second, shares):
    """Points on great circles, at a constant angular speed.

    Shoemake 1985 (doi:10.1145/325334.325242), of the directions; lengths go from one
    to the other in proportion. Parallel vectors give `lerp`, its limit.

    Args:
        first, second: float (n, ...), each row flattened one vector.
        shares: t, (k,), or (n, k) for each row its own; 0 for `first`, 1 for
            `second`.

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
    shares = np.atleast_2d(np.asarray(shares, "float64"))
    weights = np.stack([1 - shares, shares])  # (2, n or 1, k)
    sine = np.sin(angles)
    arcs = np.sin(weights * angles) / np.where(sine > 1e-9, sine, 1.0)
    arcs = np.where(sine > 1e-9, arcs, weights)  # (2, n, k)
    path = np.einsum("enk,ned->nkd", arcs, directions)
    weights = np.broadcast_to(weights, arcs.shape)
    path *= np.einsum("enk,ned->nkd", weights, lengths)
    return path.reshape(len(first), -1, *first.shape[1:])


def _pair(first, second):
    first, second = np.asarray(first, "float64"), np.asarray(second, "float64")
    if first.shape != second.shape:
        raise ValueError(
            "Expected as many ends as starts, of one shape. "
            f"Received: shapes {first.shape} and {second.shape}"
        )
    return first, second
