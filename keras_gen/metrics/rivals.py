"""The simple generator that every model of the zoo must beat.

`python -m keras_gen.metrics fashion_mnist` fits it anew and writes the file that ships
with the package, since the fit takes many minutes.
"""

import dataclasses
import functools
import hashlib
import importlib.resources
import io
import pathlib

import numpy as np

from keras_gen import data as data_lib

COMPONENTS, DIMENSIONS = 100, 50
FITTED = {"fashion_mnist": "fashion_mnist.npz"}


@dataclasses.dataclass(frozen=True)
class GaussianMixture:
    """A mixture of Gaussians over the principal components of pictures.

    Attributes:
        mean: (pixels,) of the pictures.
        axes: (dimensions, pixels), the principal axes, orthonormal.
        weights: (components,) of the mixture, which sum to 1.
        means: (components, dimensions).
        factors: (components, dimensions, dimensions), lower triangular square roots of
            the covariances.
        shape: (height, width, channels) of a picture.
    """

    mean: np.ndarray
    axes: np.ndarray
    weights: np.ndarray
    means: np.ndarray
    factors: np.ndarray
    shape: tuple[int, int, int]

    @classmethod
    def fit(cls, images, *, components=COMPONENTS, dimensions=DIMENSIONS, seed=0):
        """Fit by scikit-learn's PCA and expectation maximisation, full covariances.

        Args:
            images: (n, h, w, c), uint8 or float in [0, 1].
            components, dimensions: upper limits; fewer where the images are few.
            seed: of the start.

        Raises:
            ImportError: scikit-learn is not installed.
        """
        # Imported here because only this fit needs it.
        from sklearn.decomposition import PCA
        from sklearn.mixture import GaussianMixture as Mixture

        images = np.asarray(images)
        scale = 255 if images.dtype == np.uint8 else 1
        flat = images.reshape(len(images), -1).astype("float32") / scale
        solver = "covariance_eigh" if flat.shape[1] < len(flat) else "full"
        limit = min(dimensions, *flat.shape)
        axes = PCA(limit, svd_solver=solver, random_state=seed).fit(flat)
        codes = axes.transform(flat).astype("float64")
        found = Mixture(min(components, len(flat)), random_state=seed).fit(codes)
        return cls(
            mean=axes.mean_.astype("float32"),
            axes=axes.components_.astype("float32"),
            weights=found.weights_,
            means=found.means_,
            factors=np.linalg.cholesky(found.covariances_),
            shape=images.shape[1:],
        )

    def sample(self, n, *, seed=0):
        """Pictures float32 (n, h, w, c), clipped to [0, 1]; picture i is a function of
        the seed and of n.
        """
        rng = np.random.default_rng(seed)
        weights = self.weights / self.weights.sum()
        which = rng.choice(len(weights), size=n, p=weights)
        noise = rng.standard_normal((n, self.means.shape[1]))
        codes = self.means[which]
        for component in np.unique(which):
            rows = which == component
            codes[rows] += noise[rows] @ self.factors[component].T
        flat = self.mean + codes.astype("float32") @ self.axes
        return np.clip(flat, 0, 1).reshape(n, *self.shape)

    def save(self, path):
        """Write an `.npz` file, float32, the factors' lower triangles alone."""
        arrays = dataclasses.asdict(self)
        lower = np.tril_indices(self.means.shape[1])
        arrays["factors"] = self.factors[:, *lower]
        arrays = {k: np.asarray(v) for k, v in arrays.items()}
        np.savez_compressed(
            path,
            **{k: v.astype("f4") if v.dtype == "f8" else v for k, v in arrays.items()},
        )

    @classmethod
    def load(cls, path):
        """Read what `save` wrote, a path or an open file."""
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
        count, size = arrays["means"].shape
        factors = np.zeros((count, size, size))
        factors[:, *np.tril_indices(size)] = arrays["factors"]
        arrays["shape"] = tuple(int(side) for side in arrays["shape"])
        return cls(**arrays | {"factors": factors})


def gaussian_mixture(source, image_size=None, *, split="train", channels=None):
    """The mixture of a source's training pictures, fitted once a process.

    It is fitted to every picture there is: of a set so small that a component has but
    a few pictures, it all but repeats them.

    Args:
        source, image_size, split, channels: as `keras_gen.data.load` takes them; the
            mixture of "fashion_mnist" as it is is read from the package.

    Returns:
        (a `GaussianMixture`, the SHA-256 of the file it was read from or None).
    """
    options = {"image_size": image_size, "split": split, "channels": channels}
    if not isinstance(source, str):  # arrays, which cannot be told apart by a name
        return _fitted(source, **options)
    return _once(source, **options)


@functools.cache
def _once(source, image_size, split, channels):
    as_it_is = image_size in (None, 28, (28, 28)) and channels in (None, 1)
    if source in FITTED and split == "train" and as_it_is:
        raw = fitted_file(source).read_bytes()
        read = GaussianMixture.load(io.BytesIO(raw))
        return read, hashlib.sha256(raw).hexdigest()
    return _fitted(source, image_size, split, channels)


def _fitted(source, image_size, split, channels):
    size = {"image_size": image_size, "channels": channels}
    images = data_lib.load(source, split, fields="image", **size)
    return GaussianMixture.fit(images), None


def fitted_file(source):
    """Where the package keeps the mixture of a source, a path."""
    folder = importlib.resources.files("keras_gen.metrics") / "fitted"
    return pathlib.Path(str(folder / FITTED[source]))
