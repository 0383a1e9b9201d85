"""Priors fitted to the codes of a trained autoencoder: ex-post density estimation,
Ghosh et al. 2020 (arXiv:1903.12436), section 4.
"""

import numpy as np

from keras_gen.engine.trainer import check_seed

BLOCK = 1024  # rows drawn at once: part of what a seed means


class MixturePrior:
    """A mixture of Gaussians with full covariances over vectors.

    Args:
        components: of the mixture; the paper's 10.
        seed: int in [0, 2**31) of the fit's start.

    Attributes:
        weights: (components,) float64, which sum to 1.
        means: (components, latent_dim) float64.
        factors: (components, latent_dim, latent_dim) float64, lower triangular square
            roots of the covariances.
    """

    def __init__(self, components=10, seed=0):
        self.components = components
        self.seed = check_seed(seed)

    def fit(self, codes):
        """Fit to codes by scikit-learn's expectation maximisation.

        Args:
            codes: (n, latent_dim) real, at least as many as components.

        Returns:
            The prior itself.

        Raises:
            ValueError: codes of another rank, with NaN or infinity, or too few.
        """
        # Imported here because only this fit needs it.
        from sklearn.mixture import GaussianMixture

        codes = np.asarray(codes, "float64")
        if codes.ndim != 2 or len(codes) < self.components:
            raise ValueError(
                f"Expected codes of shape (n, latent_dim), n from {self.components} "
                f"on. Received: shape {codes.shape}"
            )
        if not np.isfinite(codes).all():
            raise ValueError("Expected finite codes. Received: NaN or infinity")
        found = GaussianMixture(self.components, random_state=self.seed).fit(codes)
        self.weights = found.weights_ / found.weights_.sum()
        self.means = found.means_
        self.factors = np.linalg.cholesky(found.covariances_)
        return self

    def sample(self, n, *, seed=0):
        """Codes float32 (n, latent_dim); code i is a function of (seed, i) alone.

        Args:
            n: number of codes.
            seed: int in [0, 2**31).

        Raises:
            RuntimeError: the prior is not fitted.
        """
        if not hasattr(self, "means"):
            raise RuntimeError("Expected a fitted prior: call fit. Received: none")
        seed, size = check_seed(seed), self.means.shape[1]
        bounds, parts = np.cumsum(self.weights)[:-1], []
        for block in range(-(-n // BLOCK)):
            rng = np.random.default_rng([seed, block])
            which = np.searchsorted(bounds, rng.random(BLOCK), side="right")
            noise = rng.standard_normal((BLOCK, size))
            spread = np.empty_like(noise)
            for component in np.unique(which):
                rows = which == component
                spread[rows] = noise[rows] @ self.factors[component].T
            parts.append(self.means[which] + spread)
        return np.concatenate(parts)[:n].astype("float32")


def sample_with_prior(model, prior, n, *, seed=0):
    """Samples of any autoencoder whose codes are vectors.

    Args:
        model: a model with `decode`, such as `keras_gen.Autoencoder` or `VAE`.
        prior: an object with `sample(n, seed=)`, such as a `MixturePrior` fitted to
            `model.encode(images)`.
        n: number of samples.
        seed: int in [0, 2**31).

    Returns:
        float32 array (n, h, w, c); images in [0, 1].
    """
    return model.decode(prior.sample(n, seed=seed))
