"""How fast pictures change along a path between latents."""

import numpy as np

from keras_gen.metrics import extractors, intervals


def perceptual_path_length(
    model, *, samples=1000, extractor=None, epsilon=1e-4, resamples=0, seed=0
) -> intervals.Estimate:
    """Mean of d(G(t), G(t + epsilon)) / epsilon^2 at uniform places t of paths.

    Karras et al. 2019 (arXiv:1812.04948), section 4.1. Paths are straight lines between
    styles (equation 3) where a model maps latents to these, else arcs between the
    directions of latents (equation 2). d is the squared Euclidean distance of the
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
    places = rng.uniform(size=(samples, 1))
    styled = hasattr(model, "synthesize")
    first, last = (model.map(z) for z in ends) if styled else ends
    between = _on_line if styled else _on_arc
    show = model.synthesize if styled else model.decode
    before, after = (
        extractors.features(show(between(first, last, t)), extractor)
        for t in (places, places + epsilon)
    )
    distances = ((after - before) ** 2).sum(axis=1) / epsilon**2
    return intervals.mean(distances, resamples=resamples, seed=seed)


def _on_line(first, last, place):
    return first + place * (last - first)


def _on_arc(first, last, place):
    """Shoemake's spherical interpolation of directions, of sqrt(d) length."""
    first, last = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (first, last))
    angle = np.arccos(np.clip((first * last).sum(axis=1, keepdims=True), -1, 1))
    mixed = np.sin((1 - place) * angle) * first + np.sin(place * angle) * last
    return mixed / np.sin(angle) * first.shape[1] ** 0.5
