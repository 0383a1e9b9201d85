"""The only randomness of keras_gen: a pure function of where a number is needed.

Every draw is a function of (key, draw index, loop step, row of the global batch), by
fold-in into the backend's stateless generator. Nothing is stored: replicas of one
training step draw the noise of the whole global batch and keep their own rows, a
resumed run draws what the interrupted one would have drawn, and picture i of
`generate` depends on the seed and on i alone.
"""

import contextlib
import threading

_local = threading.local()  # mirrored replicas are traced in threads of their own


class Stream:
    """Numbers for the rows `offset : offset + rows` of a block of rows.

    Args:
        primitives: backend module with `fold_in`, `normal`, `uniform`.
        key: backend key that every draw of this stream is folded from.
        block: function from the number of rows asked for (int or int32 scalar) to
            `(rows in the block, offset)`. Draws are made for the whole block.
    """

    def __init__(self, primitives, key, block):
        self.primitives = primitives
        self.key = key
        self.block = block
        self.index = 0

    def draw(self, kind, shape, step=None):
        """Draw float32 numbers of `shape`, "normal" or "uniform" over [0, 1)."""
        key = self.primitives.fold_in(self.key, self.index)
        self.index += 1
        if step is not None:
            key = self.primitives.fold_in(key, step)
        rows = shape[0]
        total, offset = self.block(rows)
        values = getattr(self.primitives, kind)(key, (total, *shape[1:]))
        if offset is None:
            return values
        return values[offset : offset + rows]


@contextlib.contextmanager
def use(stream):
    """Make `stream` the source of all draws inside the `with` block.

    A stream opened with `override=True` in an outer block wins: tests replace the
    noise of a whole training step by recorded numbers that way.
    """
    outer = getattr(_local, "stream", None)
    if not getattr(outer, "override", False):
        _local.stream = stream
    try:
        yield _local.stream
    finally:
        _local.stream = outer


def _current():
    stream = getattr(_local, "stream", None)
    if stream is None:
        raise RuntimeError(
            "Expected random numbers to be drawn inside a training step or a verb of "
            "a keras_gen model, or under `random.use(stream)`. "
            "Received: a draw outside of any stream."
        )
    return stream


def active():
    """Whether a stream is open, so that a draw would succeed."""
    return getattr(_local, "stream", None) is not None


def normal(shape, step=None):
    """Standard normal numbers.

    Args:
        shape: tuple; the first entry counts rows of the batch.
        step: int32 scalar, the loop step where the draw is inside a compiled loop.

    Returns:
        float32 tensor of `shape`.
    """
    return _current().draw("normal", shape, step)


def uniform(shape, step=None):
    """Numbers uniform over [0, 1), float32, of `shape`; see `normal`."""
    return _current().draw("uniform", shape, step)
