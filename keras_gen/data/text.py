"""Text as sequences of symbols and back, and as pictures."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

LETTERS = " abcdefghijklmnopqrstuvwxyz,'"  # the alphabet of kjv_lines
PADDING = "_"  # what stands for a 0 before a line's end


def encode_text(
    lines: Sequence[str], *, alphabet: str = LETTERS, steps: int | None = None
) -> np.ndarray:
    """Lines of text as symbols: a character's place in the alphabet, from 1.

    Args:
        lines: of characters of the alphabet, each of `steps` at most, none empty.
        alphabet: up to 255 characters.
        steps: length of the sequences, by default that of the longest line.

    Returns:
        uint8 array (n, steps), 0 behind a line's end.

    Raises:
        ValueError: no lines, an empty or too long one, or a character that the alphabet
            lacks.
    """
    longest = max(map(len, lines), default=0)
    steps = longest if steps is None else steps
    if not longest or longest > steps or not all(lines):
        raise ValueError(
            f"Expected lines of 1 to {steps} characters, at least one. Received: "
            f"{len(lines)} lines, the longest of {longest}"
        )
    unknown = set("".join(lines)) - set(alphabet)
    if unknown:
        raise ValueError(
            f"Expected characters of {alphabet!r}. Received: {sorted(unknown)}"
        )
    codes = np.zeros((len(lines), steps), "uint8")
    for row, line in zip(codes, lines, strict=True):
        row[: len(line)] = [alphabet.index(character) + 1 for character in line]
    return codes


def decode_text(codes: np.ndarray, *, alphabet: str = LETTERS) -> list[str]:
    """The lines that symbols (n, steps) int stand for; see `encode_text`.

    A 0 that is not behind a line's end becomes an underscore.
    """
    characters = np.array([PADDING, *alphabet])
    lines = ("".join(row) for row in characters[np.asarray(codes)])
    ends = (int(np.flatnonzero(row).max(initial=-1)) + 1 for row in np.asarray(codes))
    return [line[:end] for line, end in zip(lines, ends, strict=True)]


def text_pictures(lines: Sequence[str], *, steps: int) -> np.ndarray:
    """Lines drawn black on white, one a picture with room for `steps` characters.

    Returns:
        uint8 array (n, 16, 7 * steps, 1), in Pillow's own font.
    """
    pictures = []
    for line in lines:
        picture = Image.new("L", (7 * steps, 16), 255)
        ImageDraw.Draw(picture).text((2, 2), line, 0, ImageFont.load_default())
        pictures.append(np.asarray(picture))
    return np.stack(pictures)[..., None]
