"""What figures are measured with: a model, its data, its rivals, and what they make."""

import copy
import dataclasses
import functools
import tempfile
from typing import Any

import numpy as np

from keras_gen import metrics, presets
from keras_gen.applications.priors import MixturePrior
from keras_gen.metrics import intervals
from keras_gen.training import sides
from keras_gen.training.recipes import Recipe
from keras_gen.training.train import train

RESAMPLES = 200
DISTANCE_RESAMPLES = 50  # for a standard deviation, each as costly as the distance


def spread(labels, classes, n):
    """Labels (n,), each of so many classes as often as among given labels.

    Each next one is that which lags behind most.
    """
    shares = np.bincount(labels, minlength=classes) / len(labels)
    counts, drawn = np.zeros(classes), np.empty(n, "int64")
    for i in range(n):
        drawn[i] = np.argmax(np.round(shares * (i + 1) - counts, 9))
        counts[drawn[i]] += 1
    return drawn


@dataclasses.dataclass(frozen=True)
class Bench:
    """What a panel measures with.

    Attributes:
        model: the model.
        table: the recipe's `data` table.
        options: the recipe's `evaluate` table, read.
        samples: how many samples, and at most how many real examples.
        seed: of samples, of what is drawn from the training set, and of intervals.
        rivals: whether to measure the simple rivals too.
        figures: names of the figures wanted, None for all.
        recipe: the `Recipe`, which a twin is trained by; None without one.
        words: row's name to what it is, filled in by the panels that have the row.
    """

    model: Any
    table: dict
    options: dict
    samples: int
    seed: int
    rivals: bool = True
    figures: tuple | None = None
    recipe: Recipe | None = None
    words: dict = dataclasses.field(default_factory=dict)

    def wants(self, *names):
        """Whether one of these figures is wanted."""
        return self.figures is None or bool(set(names) & set(self.figures))

    @functools.cached_property
    def training_set(self):
        """All training examples, and their labels, targets or None."""
        return sides.load(self.table, "train")

    @property
    def train(self):
        """All training examples."""
        return self.training_set[0]

    @functools.cached_property
    def held_out(self):
        """Held-out examples, as many as samples where there are so many, and labels."""
        examples, labels = sides.load(self.table, "validation")
        rows = self.draw(examples)
        return examples[rows], None if labels is None else labels[rows]

    @property
    def real(self):
        """Held-out examples, as many as samples where there are so many."""
        return self.held_out[0]

    def draw(self, images, salt=0):
        """Rows of at most `samples` examples, in order."""
        if len(images) <= self.samples:
            return np.arange(len(images))
        rng = np.random.default_rng([self.seed, salt])
        return np.sort(rng.choice(len(images), self.samples, replace=False))

    @functools.cached_property
    def extractor(self):
        name = self.options.get("extractor")
        return metrics.find_extractor(name or metrics.default_extractor(self.real))

    @functools.cached_property
    def models(self):
        """Row's name to model: this one, and what its recipe holds it against.

        "rival" is a preset of the same data, "twin" the same recipe trained again with
        what `[evaluate.twin]` changes of the model's config.
        """
        models = {"model": self.model}
        if self.rivals and "rival" in self.options:
            models["rival"] = presets.from_preset(self.options["rival"])
            self.words["rival"] = f"`{self.options['rival']}`"
        if self.rivals and "twin" in self.options:
            models["twin"] = self._trained(self.options["twin"])
            changes = ", ".join(f"{k}={v}" for k, v in self.options["twin"].items())
            self.words["twin"] = f"the same recipe with {changes}"
        return models

    def models_with(self, verb):
        """Those of `models` that have a verb."""
        return {row: m for row, m in self.models.items() if hasattr(m, verb)}

    def _trained(self, changes):
        tables = copy.deepcopy(self.recipe.tables)
        tables["model"].setdefault("config", {}).update(changes)
        recipe = Recipe(self.recipe.name, tables)
        with tempfile.TemporaryDirectory() as runs:
            result = train(recipe, runs=runs, verbose=0, export=False)
            return presets.from_preset(f"{result['run']}/preset")

    def given(self, rows, labels):
        """What a verb is handed: examples, and labels where the model takes them."""
        return (rows, labels) if self.model.takes_labels() else (rows,)

    @functools.cached_property
    def ways(self):
        """Row's name to the options of `generate` by which the model draws samples."""
        asked = self.options.get("generate", {})
        ways = {"model": asked}
        for row, key in (("truncated", "truncation"), ("guided", "guidance")):
            if key in self.options:
                ways[row] = {**asked, key: self.options[key]}
                self.words[row] = f"the same model with `{key}={self.options[key]}`"
        return ways

    @functools.cached_property
    def labels(self):
        """The labels that samples are drawn with, each as often as in training."""
        return spread(self.training_set[1], self.model.num_classes, self.samples)

    def drawn(self, **options):
        """The model's samples, a verb's options beside the protocol's."""
        common = {"seed": self.seed, "verbose": False}
        if self.model.takes_labels():
            common["labels"] = self.labels
        return self.model.generate(self.samples, **common, **options)

    @functools.cached_property
    def fake(self):
        """The model's samples."""
        return self.drawn(**self.ways["model"])

    @functools.cached_property
    def generators(self):
        """Row's name to pictures, in place of samples."""
        rows = {"model": self.fake, "floor": self.train[self.draw(self.train, 1)]}
        others = {k: v for k, v in self.ways.items() if k != "model"}
        rows |= {row: self.drawn(**options) for row, options in others.items()}
        if self.rivals:
            mixture, _ = self.mixture
            rows["gaussian_mixture"] = mixture.sample(self.samples, seed=self.seed)
        if (
            self.rivals
            and hasattr(self.model, "encode")
            and not self.model.takes_labels()
        ):
            rows["mixture_prior"] = self._by_mixture_prior()
        return rows

    def _by_mixture_prior(self):
        self.words["mixture_prior"] = (
            "the same decoder on codes of a mixture of 10 Gaussians, fitted to the "
            "codes of training pictures afterwards"
        )
        codes = self.model.encode(*self.given(*self.training_set))
        prior = MixturePrior(seed=self.seed).fit(codes)
        return self.model.decode(prior.sample(self.samples, seed=self.seed))

    @property
    def mixture(self):
        """The Gaussian mixture of the training images, and its file's hash."""
        kept = ("image_size", "split", "channels")
        options = {k: self.table[k] for k in kept}
        return metrics.gaussian_mixture(self.table["source"], **options)

    @functools.cached_property
    def features(self):
        """Row's name to features float64; "real" are those of held-out pictures."""
        pictures = {"real": self.real, **self.generators}
        return {k: metrics.features(v, self.extractor) for k, v in pictures.items()}

    @functools.cached_property
    def classified(self):
        """Row's name to probabilities (n, classes); "real" are held-out pictures'."""
        pictures = {"real": self.real, **self.generators}
        return {k: self.extractor.classify(v) for k, v in pictures.items()}

    def mean(self, values):
        """The mean of per-example values with its interval, an `Estimate`."""
        return intervals.mean(values, resamples=RESAMPLES, seed=self.seed)


def to_unit(examples):
    """Pictures as float32 in [0, 1]; what is float already as float32."""
    scale = 255 if examples.dtype == np.uint8 else 1
    return examples.astype("float32") / scale


def flat(examples):
    """`to_unit`, each example a vector: float32 (n, values)."""
    return to_unit(examples).reshape(len(examples), -1)
