"""Two sources side by side, no row of one belonging to a row of the other."""

import contextlib
from collections.abc import Iterator

from keras_gen.data.pipeline import Pipeline


class Unpaired:
    """Batches (first, second) of two pipelines, each in an order of its own.

    An epoch is one of the longer pipeline; the shorter one goes on with its next epoch
    as often as it takes, so that the pairs differ from epoch to epoch.

    Args:
        first, second: `Pipeline`s of one batch size, each of a single field.

    Raises:
        ValueError: the batch sizes differ, or a batch holds several fields.
    """

    def __init__(self, first: Pipeline, second: Pipeline):
        sizes = first.global_batch_size, second.global_batch_size
        if sizes[0] != sizes[1]:
            raise ValueError(f"Expected one batch size. Received: {sizes}")
        fields = first.fields, second.fields
        if any(len(names) != 1 for names in fields):
            raise ValueError(
                "Expected pipelines of a single field each, as fields='image'. "
                f"Received: {fields}"
            )
        self._parts = first, second
        self.fields = (*first.fields, *second.fields)
        self.class_names = None
        self.batch_size = first.batch_size
        self.global_batch_size = first.global_batch_size
        self.num_examples = max(part.num_examples for part in self._parts)

    def __len__(self) -> int:
        """Steps in an epoch: those of the longer pipeline."""
        return max(len(part) for part in self._parts)

    @property
    def element_spec(self):
        """(shape without the batch axis, dtype name) of both arrays of a batch."""
        return tuple(part.element_spec[0] for part in self._parts)

    def batches(self, epoch: int, start: int = 0) -> Iterator:
        """The batches of one epoch, from step `start`; see `Pipeline.batches`."""
        step = epoch * len(self) + start
        with contextlib.ExitStack() as stack:
            streams = [
                stack.enter_context(contextlib.closing(part.endless(step)))
                for part in self._parts
            ]
            for _ in range(start, len(self)):
                yield tuple(next(stream) for stream in streams)

    def endless(self, step: int) -> Iterator:
        """Batches from a step of all epochs on, epoch after epoch."""
        epoch, start = divmod(step, len(self))
        while True:
            yield from self.batches(epoch, start=start)
            epoch, start = epoch + 1, 0

    def first_batch(self):
        """The first batch of epoch 0, made without a thread."""
        return tuple(part.first_batch() for part in self._parts)

    def shard(self, index: int, count: int) -> "Unpaired":
        """The `index`-th of `count` contiguous blocks of rows of each batch."""
        return Unpaired(*(part.shard(index, count) for part in self._parts))
