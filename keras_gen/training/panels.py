"""Panels: the figures that a model's verbs allow, measured under one protocol.

A panel takes a `Bench` and returns rows: figure's name to row's name to `Estimate`.
The row "model" is the model's own, "floor" is real training pictures in place of
samples, and "gaussian_mixture" is the simple rival.
"""

import dataclasses
import functools
from typing import Any

import numpy as np

from keras_gen import data, metrics
from keras_gen.metrics import intervals

RESAMPLES = 200
DISTANCE_RESAMPLES = 50  # for a standard deviation, each as costly as the distance
NEAREST = 1000  # samples whose neighbours are looked for
LIKELIHOOD_ROWS, DRAWS = 1000, 500
EXACT = 100.0  # decibels that a picture without any error counts as
SSIM_WINDOW = 11  # sides that it needs


@dataclasses.dataclass(frozen=True)
class Bench:
    """What a panel measures with.

    Attributes:
        model: the model.
        table: the recipe's `data` table.
        options: the recipe's `evaluate` table, read.
        samples: how many samples, and at most how many real pictures.
        seed: of samples, of what is drawn from the training set, and of intervals.
        rivals: whether to measure the simple rival too.
        figures: names of the figures wanted, None for all.
    """

    model: Any
    table: dict
    options: dict
    samples: int
    seed: int
    rivals: bool = True
    figures: tuple | None = None

    def wants(self, *names):
        """Whether one of these figures is wanted."""
        return self.figures is None or bool(set(names) & set(self.figures))

    def load(self, split, fields="image"):
        """A split's column, or a tuple of them."""
        options = {k: self.table[k] for k in ("image_size", "channels")}
        return data.load(self.table["source"], split, fields=fields, **options)

    @functools.cached_property
    def train(self):
        """All training images."""
        return self.load(self.table["split"])

    @functools.cached_property
    def real(self):
        """Held-out images, as many as samples where there are so many."""
        images = self.load(self.table["validation_split"])
        return images[self.draw(images)]

    def draw(self, images, salt=0):
        """Rows of at most `samples` images, in order."""
        if len(images) <= self.samples:
            return np.arange(len(images))
        rng = np.random.default_rng([self.seed, salt])
        return np.sort(rng.choice(len(images), self.samples, replace=False))

    @functools.cached_property
    def extractor(self):
        name = self.options.get("extractor")
        return metrics.find_extractor(name or metrics.default_extractor(self.real))

    @functools.cached_property
    def fake(self):
        """The model's samples."""
        conditions = self.options.get("generate", {})
        return self.model.generate(
            self.samples, seed=self.seed, verbose=False, **conditions
        )

    @functools.cached_property
    def generators(self):
        """Row's name to pictures, in place of samples."""
        rows = {"model": self.fake, "floor": self.train[self.draw(self.train, 1)]}
        if self.rivals:
            mixture, _ = self.rival
            rows["gaussian_mixture"] = mixture.sample(self.samples, seed=self.seed)
        return rows

    @property
    def rival(self):
        """The Gaussian mixture of the training images, and its file's hash."""
        kept = ("image_size", "split", "channels")
        options = {k: self.table[k] for k in kept}
        return metrics.gaussian_mixture(self.table["source"], **options)

    @functools.cached_property
    def features(self):
        """Row's name to features float64; "real" are those of held-out pictures."""
        pictures = {"real": self.real, **self.generators}
        return {k: metrics.features(v, self.extractor) for k, v in pictures.items()}


def samples(bench):
    """Distances and neighbourhoods of samples against held-out pictures."""
    rows = {}
    common = {"resamples": RESAMPLES, "seed": bench.seed}
    fewer = {**common, "resamples": DISTANCE_RESAMPLES}
    real = bench.features["real"]
    for row, fake in bench.features.items():
        if row == "real":
            continue
        found = {}
        if bench.wants("frechet_distance"):
            found["frechet_distance"] = metrics.frechet_distance(real, fake, **fewer)
        if bench.wants("kernel_distance"):
            found["kernel_distance"] = metrics.kernel_distance(
                real, fake, subsets=None, **fewer
            )
        if bench.wants("precision", "recall"):
            pair = metrics.precision_recall(real, fake, **common)
            found |= dict(zip(("precision", "recall"), pair))
        if bench.wants("density", "coverage"):
            pair = metrics.density_coverage(real, fake, **common)
            found |= dict(zip(("density", "coverage"), pair))
        if bench.wants("classifier_score"):
            found["classifier_score"] = _classifier_score(bench, row)
        for name, estimate in found.items():
            rows.setdefault(name, {})[row] = estimate
    return rows


def _classifier_score(bench, row):
    probabilities = bench.extractor.classify(bench.generators[row])
    splits = min(10, len(probabilities))
    value, deviation = metrics.inception_score(
        probabilities, splits=splits, seed=bench.seed
    )
    half = 1.96 * deviation / splits**0.5
    return metrics.Estimate(value, value - half, value + half)


def copies(bench):
    """Whether samples repeat training pictures, or each other; by pixels."""

    def flat(images):
        scale = 255 if images.dtype == np.uint8 else 1
        return images.reshape(len(images), -1).astype("float32") / scale

    rows, fake = {}, flat(bench.fake[:NEAREST])
    train = flat(bench.train)
    common = {"resamples": RESAMPLES, "seed": bench.seed}
    if bench.wants("memorisation"):
        held_out = flat(bench.real[:NEAREST])
        found = metrics.memorisation(fake, train, held_out, **common)
        rows["memorisation"] = {"model": found}
    # The threshold comes from as many real pictures as there are samples.
    if bench.wants("duplicates") and len(fake) <= len(train):
        found = metrics.duplicates(fake, reference=train, **common)
        rows["duplicates"] = {"model": found}
    return rows


def reconstructions(bench):
    """Errors of reconstructed held-out pictures."""
    pictures = bench.model.reconstruct(bench.real)
    measures = {
        "mse": metrics.mean_squared_error,
        "psnr": _finite_psnr,
        "ssim": metrics.ssim,
    }
    if min(bench.real.shape[1:3]) < SSIM_WINDOW:
        del measures["ssim"]
    return {
        name: _mean(bench, measure(bench.real, pictures))
        for name, measure in measures.items()
        if bench.wants(name)
    }


def _finite_psnr(real, pictures):
    return np.minimum(metrics.psnr(real, pictures), EXACT)


def likelihoods(bench):
    """Bounds of the log-likelihood of held-out pictures."""
    images = bench.real[:LIKELIHOOD_ROWS]
    weights = bench.model.log_weights(images, samples=DRAWS, seed=bench.seed)
    nats = metrics.importance_weighted(weights)
    rows = {
        "elbo": _mean(bench, weights.mean(axis=1)),
        "log_likelihood": _mean(bench, nats),
    }
    if bench.model.likelihood.eight_bit:
        dimensions = images[0].size
        rows["bits_per_dim"] = _mean(bench, metrics.bits_per_dim(-nats, dimensions))
    return rows


def classification(bench):
    """How often held-out pictures are put into their class; all of them."""
    images, labels = bench.load(bench.table["validation_split"], ("image", "label"))
    hits = bench.model.classify(images).argmax(axis=1) == labels
    return {"accuracy": _mean(bench, hits)}


def _mean(bench, values):
    return {"model": intervals.mean(values, resamples=RESAMPLES, seed=bench.seed)}


# Figures, which models have them, and what measures them.
PANELS = (
    (
        (
            "frechet_distance",
            "kernel_distance",
            "precision",
            "recall",
            "density",
            "coverage",
            "classifier_score",
        ),
        lambda model: model.samples(),
        samples,
    ),
    (("memorisation", "duplicates"), lambda model: model.samples(), copies),
    (
        ("mse", "psnr", "ssim"),
        lambda model: hasattr(model, "reconstruct"),
        reconstructions,
    ),
    (
        ("elbo", "log_likelihood", "bits_per_dim"),
        lambda model: hasattr(model, "log_weights"),
        likelihoods,
    ),
    (("accuracy",), lambda model: hasattr(model, "classify"), classification),
)


def measure(bench):
    """All wanted figures of a model: name to row's name to `Estimate`."""
    rows = {}
    for names, applies, panel in PANELS:
        if applies(bench.model) and bench.wants(*names):
            rows |= panel(bench)
    return rows
