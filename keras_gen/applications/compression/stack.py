"""A stack of coded numbers: asymmetric numeral systems (Duda 2013, arXiv:1311.2540)."""

import hashlib

import numpy as np

from keras_gen.applications.compression.tables import BASE


def entropy_coder():
    """The module of `constriction`, which codes.

    Raises:
        ImportError: it is not installed.
    """
    try:
        import constriction
    except ImportError as error:
        raise ImportError(
            "Compression needs the entropy coder of the package constriction: "
            "pip install constriction"
        ) from error
    return constriction


class Stack:
    """Numbers pushed and popped, each under its own distribution.

    What is pushed last is popped first; popping under a distribution what was not
    pushed draws from it, and pushing it back restores the words to the bit.

    Args:
        words: uint32 (n,) that it holds, the last one not 0.
    """

    def __init__(self, words):
        stream = entropy_coder().stream
        self._coder = stream.stack.AnsCoder(np.array(words, np.uint32))
        self._tables = stream.model.Categorical(perfect=False)
        self._uniform = stream.model.Uniform

    def push(self, numbers, distribution):
        """Code int64 (count,) under a `tables.Distribution`."""
        for digit in range(distribution.digits - 1, -1, -1):
            rest = numbers // BASE ** (distribution.digits - 1 - digit)
            frequencies = distribution.frequencies(rest // BASE, digit)
            symbols = (rest % BASE).astype(np.int32)
            self._coder.encode_reverse(symbols, self._tables, frequencies)

    def pop(self, distribution):
        """Decode the numbers (count,), int64."""
        numbers = np.zeros(distribution.count, np.int64)
        for digit in range(distribution.digits):
            frequencies = distribution.frequencies(numbers, digit)
            numbers = numbers * BASE + self._coder.decode(self._tables, frequencies)
        return numbers

    def push_uniform(self, numbers, size):
        """Code int64 (n,) in [0, size), all alike."""
        self._coder.encode_reverse(numbers.astype(np.int32), self._uniform(size))

    def pop_uniform(self, count, size):
        """Decode `count` numbers in [0, size), int64."""
        return self._coder.decode(self._uniform(size), count).astype(np.int64)

    def words(self):
        """All that it holds, uint32 (n,)."""
        return self._coder.get_compressed()


def first_words(count):
    """Random words for a stack to start with, uint32, always the same."""
    stream = hashlib.shake_128(b"keras_gen").digest(4 * count)
    words = np.frombuffer(stream, "<u4").astype(np.uint32)
    words[-1] |= 1  # zeros at the end would be lost
    return words
