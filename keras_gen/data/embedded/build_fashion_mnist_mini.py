"""Builds fashion_mnist_mini.npz from the full Fashion-MNIST.

    python build_fashion_mnist_mini.py FOLDER_OF_IDX_FILES

Takes 600 training and 100 test images of each class, drawn without replacement, each
from its own split, with a fixed seed; rows keep the full set's order. LZMA packs them a
seventh smaller than what numpy writes, which reads both.
"""

import sys
import zipfile
from pathlib import Path

import numpy as np

from keras_gen.data.files import find_idx, read_idx

SEED = 20170825
PER_CLASS = {"train": 600, "test": 100}


def choose(labels: np.ndarray, per_class: int) -> np.ndarray:
    """Returns (10 * per_class,) int64 rows, increasing."""
    rng = np.random.default_rng(SEED)
    rows = [
        rng.choice(np.flatnonzero(labels == label), per_class, replace=False)
        for label in range(10)
    ]
    return np.sort(np.concatenate(rows))


def main(folder: Path) -> None:
    arrays = {}
    for split, per_class in PER_CLASS.items():
        images = read_idx(find_idx(folder, split, "images"))
        labels = read_idx(find_idx(folder, split, "labels"))
        rows = choose(labels, per_class)
        arrays[f"{split}_images"] = images[rows]  # (n, 28, 28) uint8
        arrays[f"{split}_labels"] = labels[rows]  # (n,) uint8
    target = Path(__file__).with_name("fashion_mnist_mini.npz")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_LZMA) as packed:
        for name, array in arrays.items():
            with packed.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, array)
    print(f"{target}: {target.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
