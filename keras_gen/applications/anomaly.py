"""Anomaly detection by an autoencoder: RaPP, Kim et al., ICLR 2020, "Novelty detection
with reconstruction along projection pathway" (openreview HkgeGeBYDB).
"""

import math
import pathlib

import keras
import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.covariance import empirical_covariance, shrunk_covariance
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler
from sklearn.random_projection import SparseRandomProjection
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from keras_gen import losses, models, presets

# Rows that the networks see at once, always: another number of rows would change the
# last bits of float32 scores. A multiple of the rows of a model's own batches.
ROWS = 512
# Longest pathway whose covariance is estimated as it is.
DIMENSIONS = 1024
# Standardised values beyond this are as anomalous as can be; float32 squares it.
LIMIT = 1e6
# Rows to fit to: one each for the scales and the threshold, and two to differ.
LEAST = 4


class AnomalyDetector(OutlierMixin, BaseEstimator):
    """Tells rows or pictures that are unlike those it was fitted to.

    An autoencoder f, g reproduces x as x' = g(f(x)). How well it does is seen in what
    the encoder's layers make of both (RaPP, section 3.2): with h_i the activations of
    its i-th layer, d(x) = (h_i(x') - h_i(x)) over all i, whitened by the covariance of
    d over the rows fitted to, shrunk towards a multiple of the identity. Where RaPP
    measures the whitened d from its mean, here it is measured from its nearest among
    the rows fitted to (Ramaswamy, Rastogi and Shim 2000, doi:10.1145/342009.335437),
    and so is x itself:

        score(x) = -max(D_k(d(x)) / t_d, D_k(x) / t_x)

    where D_k is the distance to the k-th nearest and t the mean of D_k over normal rows
    that were held back: about -1 for a normal row, and -2 for one twice as far from
    all others, in its looks or in how it is reproduced. Pathways longer than 1024 are
    first projected to that length by a sparse random matrix.

    The threshold is the score that a share `false_alarm_rate` of further rows held
    back falls below, by the rank that bounds the chance of a false alarm (split
    conformal prediction: Vovk et al. 2005; Laxhammar and Falkman 2010).

    It is a scikit-learn estimator. Without a model it takes real rows (n, features) of
    any range, which it standardises, or pictures (n, h, w, c), uint8 in [0, 255] or
    float in [0, 1], and trains a dense `keras_gen.Autoencoder` on them; that is what
    `hidden` to `learning_rate` are for. With a model it takes what that model takes,
    and does not train it.

    Args:
        preset: name or folder of a pretrained autoencoder, or the model itself; None
            to train one.
        hidden: units of the encoder's hidden layers, rectified linear.
        latent_dim: length of the code; by default half the features, 32 at most.
        updates: steps of training.
        batch_size: rows a step, fewer where there are fewer.
        learning_rate: of Adam at the start; it falls to 0 along a cosine.
        neighbors: k, at least 1. With 1 a row fitted to scores 0, being its own
            nearest.
        shrinkage: weight in [0, 1] of the identity in the covariance.
        false_alarm_rate: share in (0, 1) of normal rows that `predict` may call
            anomalies.
        held_back: share in (0, 1) of the rows that are not trained on: half of them
            give t_d and t_x, half the threshold.
        random_state: an int, a `numpy.random.RandomState` or None: start of the
            division of the rows, the weights, the batches and the projection.

    Attributes:
        model_: the autoencoder.
        offset_: the threshold of `score_samples`, a float.
        n_features_in_: features of the rows, where it was fitted to rows.
    """

    def __init__(
        self,
        preset=None,
        *,
        hidden=(512, 256, 128),
        latent_dim=None,
        updates=3000,
        batch_size=64,
        learning_rate=1e-3,
        neighbors=2,
        shrinkage=0.03,
        false_alarm_rate=0.05,
        held_back=0.1,
        random_state=None,
    ):
        self.preset = preset
        self.hidden = hidden
        self.latent_dim = latent_dim
        self.updates = updates
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.neighbors = neighbors
        self.shrinkage = shrinkage
        self.false_alarm_rate = false_alarm_rate
        self.held_back = held_back
        self.random_state = random_state

    def fit(self, X, y=None):  # noqa: N803
        """Fit to normal rows or pictures; `y` is ignored.

        Raises:
            ValueError: data of another shape or range, fewer than two rows, or an
                option out of range; nothing has been trained then.
        """
        self._check_options()
        model = None if self.preset is None else find_autoencoder(self.preset)
        rows = self._rows(X, model)
        rng = check_random_state(self.random_state)
        scales, threshold, kept = self._divided(rows, rng)
        self.scaler_ = None
        if model is None and rows.ndim == 2:
            self.scaler_ = StandardScaler().fit(kept)
        self.model_ = model or self._trained(self._scaled(kept), rng)
        self._pathway = pathway(self.model_)
        self.projection_ = projection(self._pathway.output_shape[1], rng)
        inputs, differences = self._views(kept)
        self.whitening_ = Whitening.fit(differences, self.shrinkage)
        views = (inputs, self.whitening_(differences))
        count = min(self.neighbors, len(kept))
        self.neighbors_ = [NearestNeighbors(n_neighbors=count).fit(v) for v in views]
        typical = self._distances(scales).mean(axis=0)
        self.typical_ = np.where(typical > 0, typical, 1.0)
        self.offset_ = conformal_threshold(
            self._scores(threshold), self.false_alarm_rate
        )
        return self

    def score_samples(self, X):  # noqa: N803
        """Scores of rows or pictures as `fit` takes them, the higher the more normal.

        Returns:
            float64 array (n,), at most 0.
        """
        check_is_fitted(self)
        return self._scores(self._rows(X, self.model_, fitted=True))

    def decision_function(self, X):  # noqa: N803
        """`score_samples` less the threshold, (n,): below 0 are anomalies."""
        return self.score_samples(X) - self.offset_

    def predict(self, X):  # noqa: N803
        """-1 for anomalies and 1 for normal rows, an int array (n,)."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def __getstate__(self):
        state = dict(super().__getstate__())
        state.pop("_pathway", None)  # made anew from the model, of which it is a part
        return state

    def _check_options(self):
        for name in ("false_alarm_rate", "held_back"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(
                    f"Expected {name} in (0, 1). Received: {getattr(self, name)!r}"
                )
        for name in ("updates", "batch_size", "neighbors"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"Expected {name} of at least 1. Received: {getattr(self, name)!r}"
                )

    def _rows(self, X, model, fitted=False):  # noqa: N803
        """Rows as they come, float64 (n, features), or pictures, checked."""
        if model is None:
            pictures = len(getattr(X, "shape", ())) == 4
        else:
            pictures = len(model.data_shape()) == 3
        if pictures:
            images = np.asarray(X)
            shape = images.shape[1:] if model is None else model.data_shape()
            models.checks.examples(images, shape)
            if not fitted and len(images) < LEAST:
                raise ValueError(
                    f"Expected at least {LEAST} pictures. Received: {len(images)}"
                )
            return images
        return validate_data(
            self,
            X,
            reset=not fitted,
            dtype="float64",
            ensure_min_samples=1 if fitted else LEAST,
        )

    def _divided(self, rows, rng):
        """Rows for the scales, for the threshold, and all others."""
        order = rng.permutation(len(rows))
        count = min(max(round(self.held_back * len(rows)), 2), len(rows) - 2)
        return (
            rows[order[: count // 2]],
            rows[order[count // 2 : count]],
            rows[order[count:]],
        )

    def _scaled(self, rows):
        """What the model takes of rows: float32, pictures in [0, 1]."""
        if self.scaler_ is not None:
            rows = np.clip(self.scaler_.transform(rows), -LIMIT, LIMIT)
        scale = 255 if rows.dtype == np.uint8 else 1
        return rows.astype("float32") / np.float32(scale)

    def _trained(self, rows, rng):
        """An autoencoder of scaled rows."""
        shape = rows.shape[1:]
        model = models.Autoencoder(
            image_shape=shape,
            latent_dim=self.latent_dim or min(32, math.ceil(math.prod(shape) / 2)),
            hidden=tuple(self.hidden),
            likelihood=losses.SquaredError(bounded=len(shape) == 3),
        )
        for name in model.networks:
            initialize(getattr(model, name), rng)
        schedule = keras.optimizers.schedules.CosineDecay(
            self.learning_rate, self.updates
        )
        model.compile(keras.optimizers.Adam(schedule), seed=int(rng.randint(2**31)))
        batch = min(self.batch_size, len(rows))
        model.fit(rows, batch_size=batch, steps_per_epoch=self.updates, verbose=0)
        return model

    def _views(self, rows):
        """x and d of rows, float32: (n, features) and (n, length of the pathway)."""
        if not hasattr(self, "_pathway"):
            self._pathway = pathway(self.model_)
        parts = []
        for start in range(0, len(rows), ROWS):
            part = self._scaled(rows[start : start + ROWS])
            padding = [(0, ROWS - len(part))] + [(0, 0)] * (part.ndim - 1)
            whole = np.pad(part, padding, mode="edge")
            rebuilt = self.model_.reconstruct(whole)
            difference = self._activations(rebuilt) - self._activations(whole)
            parts.append((part.reshape(len(part), -1), difference[: len(part)]))
        return [np.concatenate(view) for view in zip(*parts)]

    def _activations(self, inputs):
        activations = np.asarray(self._pathway.predict_on_batch(inputs))
        if self.projection_ is None:
            return activations
        return self.projection_.transform(activations)

    def _distances(self, rows):
        """Distances to the k-th nearest row fitted to, float64 (n, 2): x and d."""
        inputs, differences = self._views(rows)
        views = (inputs, self.whitening_(differences))
        found = [n.kneighbors(v)[0][:, -1] for n, v in zip(self.neighbors_, views)]
        return np.stack(found, axis=1)

    def _scores(self, rows):
        return -(self._distances(rows) / self.typical_).max(axis=1)


class Whitening:
    """A linear map to unit covariance, shrunk: (1 - s) C + s tr(C) / p I in C's place
    (Ledoit and Wolf 2004, doi:10.1016/S0047-259X(03)00096-4).

    Args:
        matrix: float64 (p, p).
    """

    def __init__(self, matrix):
        self.matrix = matrix

    @classmethod
    def fit(cls, rows, shrinkage):
        """The map of rows (n, p); directions without any variance go to 0."""
        covariance = empirical_covariance(rows.astype("float64"))
        shrunk = shrunk_covariance(covariance, shrinkage=shrinkage)
        values, vectors = np.linalg.eigh(shrunk)
        kept = values > 1e-12 * max(values[-1], 1e-300)
        scales = np.where(kept, values, np.inf) ** -0.5
        return cls(vectors * scales)

    def __call__(self, rows):
        """Rows float64 (n, p), not centred: distances between them do not need it."""
        return rows.astype("float64") @ self.matrix


def projection(length, rng):
    """A random projection to `DIMENSIONS` (Li, Hastie and Church 2006), or None."""
    if length <= DIMENSIONS:
        return None
    made = SparseRandomProjection(DIMENSIONS, random_state=rng.randint(2**31))
    return made.fit(np.zeros((1, length), "float32"))


def conformal_threshold(scores, rate) -> float:
    """The score below which at most a share `rate` of further normal rows falls.

    Of n scores of exchangeable rows, one more falls below the k-th smallest with a
    chance of at most k / (n + 1), so k is the largest with k / (n + 1) <= rate. Where
    n is too small for any, it is 1, the smallest score, and the chance 1 / (n + 1).

    Args:
        scores: (n,), the higher the more normal.
        rate: in (0, 1).
    """
    # The product may come out a hair below a whole number, as 0.07 * 100 does not.
    rank = max(math.floor(rate * (len(scores) + 1) + 1e-9), 1)
    return float(np.sort(scores)[min(rank, len(scores)) - 1])


def find_autoencoder(preset):
    """The model of a preset's name or folder, or the model given, if it will do."""
    by_name = isinstance(preset, (str, pathlib.Path))
    model = presets.from_preset(preset) if by_name else preset
    if not all(hasattr(model, verb) for verb in ("encode", "reconstruct", "encoder")):
        raise ValueError(
            "Expected a preset's name or a model with an encoder and the verbs "
            f"`encode` and `reconstruct`. Received: {preset!r}"
        )
    return model


def pathway(model):
    """The activations of a model's encoder, its code last.

    They are what each layer with weights receives from those before it, so that it does
    not matter how activations are written; the encoder's input is not among them.

    Returns:
        A `keras.Model` from the encoder's input to (batch, length) float32.
    """
    encoder = model.averaged("encoder")
    if len(encoder.inputs) != 1:
        raise ValueError(
            f"Expected an encoder of one input. Received: {len(encoder.inputs)} inputs"
        )
    weighted = [layer for layer in encoder.layers if layer.weights]
    tensors = [*(layer.input for layer in weighted[1:]), encoder.output]
    flat = [
        t if len(t.shape) == 2 else keras.layers.Flatten()(t)
        for t in keras.tree.flatten(tensors)
    ]
    outputs = keras.layers.Concatenate()(flat) if len(flat) > 1 else flat[0]
    return keras.Model(encoder.inputs, outputs, name="pathway")


def initialize(network, rng):
    """Draw a network's initial kernels anew, as a function of a RandomState."""
    for layer in network.layers:
        if hasattr(layer, "kernel_initializer"):
            initializer = layer.kernel_initializer
            config = initializer.get_config() | {"seed": int(rng.randint(2**31))}
            drawn = type(initializer).from_config(config)
            layer.kernel.assign(drawn(layer.kernel.shape))
