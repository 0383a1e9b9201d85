"""Clusters of the Fashion-MNIST test pictures against their classes.

    python -m benchmarks.clustering

Ten clusters, matched with the ten classes in the best way; no label is used before.
"""

import statistics

from sklearn.cluster import KMeans
from sklearn.metrics import normalized_mutual_info_score

from keras_gen import data, metrics
from keras_gen.applications import Clusterer

PRESET = "vae_lossless_fashion_mnist"
SEEDS = 3
PUBLISHED = ".47 (k-means), .61 (autoencoder and k-means), .62 (DEC), .672 (N2D)"


def rows():
    """Rows (task, data, ours, the simple tool, the published figure)."""
    images, classes = data.load("fashion_mnist", "test")
    flat = images.reshape(len(images), -1) / 255
    plain = [KMeans(10, n_init=10, random_state=s).fit_predict(flat) for s in (0, 1, 2)]
    theirs = f"{_figures(classes, plain)} (k-means on pixels)"
    found = []
    for words, neighbors in (("k-means", 0), ("their manifold", 20)):
        ours = [
            Clusterer(PRESET, neighbors=neighbors, random_state=s).fit_predict(images)
            for s in range(SEEDS)
        ]
        task = f"clustering by codes, {words}, accuracy and NMI of {SEEDS} seeds"
        row = (task, "Fashion-MNIST", _figures(classes, ours), theirs, PUBLISHED)
        found.append(row)
    return found


def _figures(classes, clusterings):
    shares = [metrics.clustering_accuracy(classes, c) for c in clusterings]
    shared = [normalized_mutual_info_score(classes, c) for c in clusterings]
    return (
        f"{statistics.mean(shares):.3f} ({min(shares):.3f} to {max(shares):.3f}), "
        f"NMI {statistics.mean(shared):.3f}"
    )


if __name__ == "__main__":
    for row in rows():
        print("  ".join(row))
