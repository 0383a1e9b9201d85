"""Metrics over a classifier's probabilities or labels of generated examples.

Arithmetic is NumPy float64. Which classifier gave the probabilities decides what a
figure compares with: over the Inception network they are the published scores, over a
classifier of the data's own domain their twins there.
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import linear_sum_assignment

from keras_gen.metrics import intervals

# How far from 1 a row of probabilities may add up.
TOLERANCE = 1e-4


class ClassCoverage(NamedTuple):
    """Which classes generated examples fall into.

    Attributes:
        modes: how many classes have an example, int in [1, classes].
        reverse_kl: KL(generated || reference) of the classes' shares, float, nats.
    """

    modes: int
    reverse_kl: float


def inception_score(probabilities, *, splits=10, seed=0) -> tuple[float, float]:
    """exp(E_x KL(p(y|x) || p(y))), with p(y) the mean of p(y|x) over a split.

    Salimans et al. 2016 (arXiv:1606.03498), section 4. Over the Inception network it
    is the inception score, there over 10 splits of 50,000 examples; over a classifier
    of the data's own domain its twin, the classifier score. It grows with the number
    of examples in a split. Rows are shuffled first, for an ordered set (class after
    class) would have splits that lack classes.

    Args:
        probabilities: (n, classes) in [0, 1], rows adding up to 1.
        splits: into how many parts, as even as can be, the rows are dealt; in [1, n].
        seed: of the shuffling, an int.

    Returns:
        A pair of floats: mean and standard deviation (of a population) over the
        splits' scores, each in [1, classes].

    Raises:
        ValueError: on NaN, on rows that are no distributions, on splits out of range.
    """
    probabilities = _probabilities(probabilities)
    count = len(probabilities)
    if not 1 <= splits <= count:
        raise ValueError(
            f"Expected splits in [1, {count}], one row each or more. "
            f"Received: splits={splits}"
        )
    rows = np.random.default_rng(seed).permutation(count)
    scores = []
    for part in np.array_split(rows, splits):
        chosen = probabilities[part]
        divergences = categorical_kl(chosen, chosen.mean(axis=0))
        scores.append(np.exp(divergences.mean()))
    return float(np.mean(scores)), float(np.std(scores))


def conditional_accuracy(probabilities, labels) -> np.ndarray:
    """Whether a classifier sees in each example the class that was asked for.

    The accuracy of generated examples under a classifier trained on real ones; its
    mean is the GAN-test of Shmelkov et al. 2018 (arXiv:1807.09499). Of
    equally probable classes the first counts.

    Args:
        probabilities: (n, classes) in [0, 1], rows adding up to 1.
        labels: (n,) integers in [0, classes), the classes asked for.

    Returns:
        (n,) float64, 1 where the most probable class is the label and 0 elsewhere.

    Raises:
        ValueError: on NaN, on rows that are no distributions, on labels of another
            length, dtype or range.
    """
    probabilities = _probabilities(probabilities)
    labels = _labels(labels, probabilities.shape[1])
    if len(labels) != len(probabilities):
        raise ValueError(
            "Expected as many labels as rows of probabilities. "
            f"Received: {len(labels)} and {len(probabilities)}"
        )
    return (probabilities.argmax(axis=1) == labels).astype("float64")


def class_coverage(
    labels_or_probabilities, classes, *, reference=None
) -> ClassCoverage:
    """How many classes are generated at all, and how evenly.

    The protocol of stacked MNIST on any labelled set: modes are the classes with at
    least one example, and the divergence is the reverse one, from the generated
    classes' shares to the data's (Metz et al. 2017, arXiv:1611.02163, section 3.3;
    Srivastava et al. 2017, arXiv:1705.07761). Both depend on n: stacked MNIST has
    1,000 classes, of which VEEGAN and PacGAN draw 26,000 examples.

    Args:
        labels_or_probabilities: (n,) integers in [0, classes); or (n, classes) in
            [0, 1], rows adding up to 1, whose largest entry is the label.
        classes: how many there are, an int of at least 1.
        reference: (classes,) counts or shares of the data's classes, finite and not
            negative; by default all are equal.

    Returns:
        A `ClassCoverage` (modes, reverse_kl); against equal shares the divergence is
        at most ln(classes), and inf if the reference lacks a generated class.

    Raises:
        ValueError: on NaN, on labels, probabilities or a reference of another shape
            or range.
    """
    labels = np.asarray(labels_or_probabilities)
    if labels.ndim == 2:
        probabilities = _probabilities(labels)
        if probabilities.shape[1] != classes:
            raise ValueError(
                f"Expected probabilities of {classes} classes. "
                f"Received: {probabilities.shape[1]}"
            )
        labels = probabilities.argmax(axis=1)
    counts = np.bincount(_labels(labels, classes), minlength=classes)
    shares = _shares(np.ones(classes) if reference is None else reference, classes)
    divergence = categorical_kl(counts / counts.sum(), shares)
    return ClassCoverage(int(np.count_nonzero(counts)), float(divergence))


def class_balance(fake, real, classes, *, resamples=0, seed=0) -> intervals.Estimate:
    """How evenly samples fall into the classes that real pictures have.

    The least over all classes of min(p / q, q / p), p and q the class's shares among
    samples and real pictures: 1 where all shares agree, 0 where a class is missing,
    1/3 where one is three times too rare or too frequent.

    Args:
        fake, real: (n,) and (m,) integers in [0, classes), the classes predicted.
        classes: their number. Classes that neither has do not count.
        resamples, seed: of the bootstrap of both, as in `intervals.mean`.

    Returns:
        An `Estimate` in [0, 1].

    Raises:
        ValueError: on labels out of range or none at all.
    """
    counts = [np.bincount(_labels(x, classes), minlength=classes) for x in (fake, real)]
    value = _least_ratio(*(c / c.sum() for c in counts))
    resamples = intervals.check_resamples(resamples)
    if not resamples:
        return intervals.Estimate(value)
    rng = np.random.default_rng(seed)
    drawn = [rng.multinomial(c.sum(), c / c.sum(), resamples) / c.sum() for c in counts]
    replicates = [_least_ratio(p, q) for p, q in zip(*drawn, strict=True)]
    return intervals.around(value, np.array(replicates))


def _least_ratio(p, q):
    seen = (p > 0) | (q > 0)
    p, q = p[seen], q[seen]
    return float((np.minimum(p, q) / np.maximum(p, q)).min())


def clustering_accuracy(labels, clusters) -> float:
    """Share of examples in their class's cluster, clusters matched one to one.

    The matching is the one that makes the share largest (Kuhn's Hungarian method; Xie
    et al. 2016, arXiv:1511.06335, equation 10).

    Args:
        labels, clusters: (n,) integers from 0 on, n at least 1.

    Returns:
        The share, a float in [0, 1].

    Raises:
        ValueError: on arrays of other dtypes, ranks or lengths.
    """
    labels, clusters = np.asarray(labels), np.asarray(clusters)
    whole = all(x.dtype.kind in "iu" and x.ndim == 1 for x in (labels, clusters))
    if not whole or len(labels) != len(clusters) or not len(labels):
        raise ValueError(
            "Expected labels and clusters as integers (n,), as many of each. "
            f"Received: {labels.dtype} {labels.shape}, {clusters.dtype} "
            f"{clusters.shape}"
        )
    if min(labels.min(), clusters.min()) < 0:
        raise ValueError("Expected labels and clusters from 0 on. Received: less")
    counts = np.zeros((labels.max() + 1, clusters.max() + 1), "int64")
    np.add.at(counts, (labels, clusters), 1)
    return float(counts[linear_sum_assignment(-counts)].sum() / len(labels))


def categorical_kl(p, q) -> np.ndarray:
    """KL(p || q) = sum p log(p / q) of categorical distributions, with 0 log 0 = 0.

    Args:
        p, q: (..., classes) in [0, 1], the last axis adding up to 1; they broadcast.

    Returns:
        (...) float64 nats; inf where q lacks a class that p has.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p > 0, p * np.log(p / q), 0.0).sum(axis=-1)


def _probabilities(values):
    """`values` as (n, classes) float64, refused unless rows are distributions."""
    values = np.asarray(values, "float64")
    if values.ndim != 2 or not values.size:
        raise ValueError(
            "Expected probabilities of shape (n, classes), not empty. "
            f"Received: {values.shape}"
        )
    if not np.all((values >= 0) & (values <= 1 + TOLERANCE)):
        raise ValueError(
            "Expected probabilities in [0, 1]. Received: values from "
            f"{values.min()} to {values.max()}"
        )
    sums = values.sum(axis=1, keepdims=True)
    if np.abs(sums - 1).max() > TOLERANCE:
        raise ValueError(
            "Expected rows of probabilities that add up to 1. Received: sums from "
            f"{sums.min()} to {sums.max()}"
        )
    return values / sums


def _labels(labels, classes):
    """`labels` as (n,) integers, refused unless in [0, classes) and n > 0."""
    labels = np.asarray(labels)
    if labels.ndim != 1 or not len(labels):
        raise ValueError(
            f"Expected labels of shape (n,), n at least 1. Received: {labels.shape}"
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(f"Expected integer labels. Received: dtype={labels.dtype}")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"Expected labels in [0, {classes}). Received: labels from "
            f"{labels.min()} to {labels.max()}"
        )
    return labels


def _shares(reference, classes):
    """A reference histogram as (classes,) float64 shares that add up to 1."""
    reference = np.asarray(reference, "float64")
    if reference.shape != (classes,):
        raise ValueError(
            f"Expected a reference of shape ({classes},). Received: {reference.shape}"
        )
    if not (np.isfinite(reference).all() and reference.min() >= 0 and reference.any()):
        raise ValueError(
            "Expected a reference that is finite, not negative and not all 0. "
            f"Received: {reference}"
        )
    return reference / reference.sum()
