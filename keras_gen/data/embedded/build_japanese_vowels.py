"""Builds japanese_vowels.npz: utterances of the vowels /ae/ as cepstra over time.

    pip download --no-deps aeon==1.6.0    (unpack the wheel, a zip archive)
    python build_japanese_vowels.py aeon/datasets/data/JapaneseVowels

The set of Kudo, Toyama and Shimbo 1999 in the UCI archive (doi:10.24432/C5NS47): nine
speakers, 12 linear-prediction cepstra of 7 to 29 frames an utterance. Its own training
and test split is kept, 270 and 370 utterances, and its order. Sequences are float32,
steps first, zeros after their ends; labels count the speakers from 0.
"""

import sys
from pathlib import Path

import numpy as np

STEPS, CEPSTRA = 29, 12


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Returns (n, 29, 12) float32 and (n,) uint8 of a `.ts` file.

    A line is an utterance: its cepstra, each over time, then its speaker, with colons
    between.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = lines[lines.index("@data") + 1 :]
    sequences = np.zeros((len(rows), STEPS, CEPSTRA), "float32")
    labels = np.zeros(len(rows), "uint8")
    for i, row in enumerate(rows):
        *cepstra, speaker = row.split(":")
        values = np.array([series.split(",") for series in cepstra], "float32").T
        sequences[i, : len(values)] = values
        labels[i] = int(speaker) - 1
    return sequences, labels


def main(folder: Path) -> None:
    arrays = {}
    for split in ("train", "test"):
        sequences, labels = read(folder / f"JapaneseVowels_{split.upper()}.ts")
        arrays |= {f"{split}_sequences": sequences, f"{split}_labels": labels}
    target = Path(__file__).with_name("japanese_vowels.npz")
    np.savez_compressed(target, **arrays)
    shapes = {name: array.shape for name, array in arrays.items()}
    print(f"{target}: {target.stat().st_size:,} bytes, {shapes}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
