"""Anomalies among Fashion-MNIST: one class against the rest.

    python -m benchmarks.detection [CLASSES]

Beside PCA and, where pyod and torch are installed, pyod's autoencoder as it comes.
Each detector is fitted to the 6,000 training pictures of one class and scores all
10,000 test pictures; the figure is the area under the ROC curve, mean over the classes.
"""

import argparse
import importlib.util
import statistics
import sys

import numpy as np
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from keras_gen import data
from keras_gen.applications import AnomalyDetector

COMPONENTS = 32
PUBLISHED = ".82 (autoencoder), .93 (Deep SVDD), .94 (GEO)"


def rows(classes=range(10)):
    """One row (task, data, ours, the simple tool, the published figure)."""
    train, labels = data.load("fashion_mnist")
    test, truth = data.load("fashion_mnist", "test")
    ours, theirs, others = [], [], []
    for kind in classes:
        normal, is_normal = train[labels == kind], truth == kind
        detector = AnomalyDetector(random_state=0).fit(normal)
        ours.append(roc_auc_score(is_normal, detector.score_samples(test)))
        theirs.append(roc_auc_score(is_normal, -_pca_errors(normal, test)))
        if importlib.util.find_spec("pyod") and importlib.util.find_spec("torch"):
            others.append(roc_auc_score(~is_normal, _pyod_scores(normal, test)))
        print(f"class {kind}: {ours[-1]:.4f}, PCA {theirs[-1]:.4f}", file=sys.stderr)
    task = f"anomaly detection, mean AUROC of {len(ours)} classes"
    words = f"{statistics.mean(theirs):.4f} (PCA's reconstruction error)"
    if others:
        words += f", {statistics.mean(others):.4f} (pyod's autoencoder)"
    return [(task, "Fashion-MNIST", f"{statistics.mean(ours):.4f}", words, PUBLISHED)]


def _flat(*arrays):
    return [x.reshape(len(x), -1) / np.float32(255) for x in arrays]


def _pyod_scores(train, test):
    # Imported here because it needs torch, which is large.
    from pyod.models.auto_encoder import AutoEncoder

    train, test = _flat(train, test)
    return AutoEncoder(verbose=0, random_state=0).fit(train).decision_function(test)


def _pca_errors(train, test):
    train, test = _flat(train, test)
    axes = PCA(COMPONENTS, random_state=0).fit(train)
    back = axes.inverse_transform(axes.transform(test))
    return np.square(test - back).mean(axis=1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("classes", nargs="*", type=int, default=list(range(10)))
    for row in rows(parser.parse_args().classes):
        print("  ".join(row))
