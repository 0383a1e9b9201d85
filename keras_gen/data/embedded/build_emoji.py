"""Builds emoji.npz: the same emoji as Noto and as Twemoji draw them.

    npm pack emoji-datasource-google@16.0.0 emoji-datasource-twitter@16.0.0
    (unpack the first into google/, the second into twitter/)
    python build_emoji.py google/package twitter/package

Every emoji without a skin tone of its own that both sets draw, 64x64, composited on
white, each picture one lossless WebP file; all files of a style lie end to end.

A tenth, by group, is the test split. Pictures that are twins share a group, so that
no test picture has a twin in training:
1. The code points are normalised. Behind the first one, variation selector, joiner,
   skin tones, hair, the female and male signs and the arrow (facing right) are
   dropped. Man, woman, person are one code point, likewise boy, girl, child; older
   man, woman, person; prince, princess, person with crown; the dancers; the pregnant;
   Father, Mother and Mx Claus; the blond and the person; the skin tone swatches.
2. Unicode's subcategory "family" (families, couples, kisses) is one group.
3. Groups that hold the same picture in either style (the flags of France and of
   St. Martin) are one.
A group is named by its smallest normalised code sequence, and is a test group if the
first eight bytes of the SHA-256 of that name, as a fraction of 2**64, are below 0.1.
"""

import hashlib
import io
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

STYLES = {"noto": "google", "twemoji": "twitter"}
DROPPED = {"FE0F", "200D", "2640", "2642", "27A1"}
DROPPED |= {f"1F3F{c}" for c in "BCDEF"} | {f"1F9B{c}" for c in "0123"}
TWINS = (
    ("1F9D1", "1F468", "1F469", "1F471"),
    ("1F9D2", "1F466", "1F467"),
    ("1F9D3", "1F474", "1F475"),
    ("1FAC5", "1F934", "1F478"),
    ("1F483", "1F57A"),
    ("1FAC4", "1FAC3", "1F930"),
    ("1F385", "1F936", "1F9D1-1F384"),
    ("1F3FB", "1F3FC", "1F3FD", "1F3FE", "1F3FF"),
)
NORMAL = {code: codes[0] for codes in TWINS for code in codes}


def sequence_name(emoji: dict) -> str:
    """Rules 1 and 2: the normalised code sequence of an entry of emoji.json."""
    if emoji["subcategory"] == "family":
        return "family"
    first, *others = emoji["unified"].split("-")
    codes = [first, *(code for code in others if code not in DROPPED)]
    name = "-".join(NORMAL.get(code, code) for code in codes)
    return NORMAL.get(name, name)


def groups(names: list[str], pictures: dict[str, np.ndarray]) -> list[str]:
    """Rule 3: the name of each emoji's group, names of equal pictures merged."""
    parent = {name: name for name in names}

    def root(name):
        while parent[name] != name:
            name = parent[name]
        return name

    for style in pictures.values():
        seen = {}
        for name, picture in zip(names, style, strict=True):
            twin = root(seen.setdefault(picture.tobytes(), name))
            low, high = sorted((twin, root(name)))
            parent[high] = low
    return [root(name) for name in names]


def is_test(group: str) -> bool:
    """Whether a group belongs to the test split."""
    digest = hashlib.sha256(group.encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < 0.1


def read(path: Path) -> np.ndarray:
    """Returns the picture on white, (64, 64, 3) uint8."""
    image = Image.open(path).convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    array = np.asarray(Image.alpha_composite(white, image).convert("RGB"))
    if array.shape != (64, 64, 3):
        raise ValueError(f"Expected 64x64 pictures. Received: {array.shape}, {path}")
    return array


def encode(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns the files end to end, (bytes,) uint8, and (n + 1,) int64 offsets."""
    blobs = []
    for picture in pictures:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(
            buffer, "WEBP", lossless=True, quality=90, method=4
        )
        blobs.append(buffer.getvalue())
    offsets = np.cumsum([0, *map(len, blobs)]).astype(np.int64)
    return np.frombuffer(b"".join(blobs), np.uint8), offsets


def main(folders: dict[str, Path]) -> None:
    entries = json.loads((folders["noto"] / "emoji.json").read_text())
    entries = [e for e in entries if e["has_img_google"] and e["has_img_twitter"]]
    entries.sort(key=lambda e: e["sort_order"])
    pictures = {
        style: np.stack([read(folder / e["image"]) for e in entries])
        for style, folder in (
            (s, folders[s] / "img" / package / "64") for s, package in STYLES.items()
        )
    }
    group = groups([sequence_name(e) for e in entries], pictures)
    categories = sorted({e["category"] for e in entries})
    arrays = {
        "category": np.array([categories.index(e["category"]) for e in entries]),
        "category_names": np.array(categories),
        "name": np.array([e["name"] for e in entries]),
        "short_name": np.array([e["short_name"] for e in entries]),
        "code": np.array([e["unified"] for e in entries]),
        "group": np.array(group),
        "test": np.array([is_test(g) for g in group]),
    }
    for style, images in pictures.items():
        arrays[style], arrays[f"{style}_offsets"] = encode(images)
    target = Path(__file__).with_name("emoji.npz")
    np.savez_compressed(target, **arrays)
    print(f"{target}: {target.stat().st_size:,} bytes, {len(entries)} pairs, of which")
    print(f"{arrays['test'].sum()} test, in {len(set(group))} groups")


if __name__ == "__main__":
    main({style: Path(path) for style, path in zip(STYLES, sys.argv[1:], strict=True)})
