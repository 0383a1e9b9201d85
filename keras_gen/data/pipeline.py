"""Shuffled, batched, prefetched and resumable batches of NumPy arrays."""

import contextlib
import logging
import queue
import threading
from collections.abc import Callable, Iterator

import numpy as np

from keras_gen.data.sources import open_source

logger = logging.getLogger("keras_gen")


class Pipeline:
    """Batches whose order is a pure function of `(seed, epoch)`.

    Made by `pipeline`. A batch is a tuple of arrays in the order of `fields`, or a
    bare array if there is one field.

    Attributes:
        fields: names of the arrays in a batch, before `transform`.
        class_names: names of the labels, or None.
        batch_size: rows in a batch of this pipeline (of this shard).
        global_batch_size: rows in a batch of all shards together.
        num_examples: rows of the source, the same for every shard.
    """

    def __init__(
        self,
        source,
        *,
        batch_size: int,
        seed: int = 0,
        shuffle: bool = True,
        drop_remainder: bool = True,
        transform: Callable | None = None,
        index: int = 0,
        count: int = 1,
    ):
        self._source = source
        self._options = {
            "seed": _natural("seed", seed, 0),
            "shuffle": bool(shuffle),
            "drop_remainder": bool(drop_remainder),
            "transform": transform,
        }
        self.global_batch_size = _natural("batch_size", batch_size, 1)
        self.num_examples = len(source)
        self.fields = source.fields
        self.class_names = source.class_names
        self._index, self._count = index, count
        self._check()
        self.batch_size = self.global_batch_size // count
        self._spec = None

    def _check(self):
        ragged = self.num_examples % self.global_batch_size
        drop = self._options["drop_remainder"]
        if drop and ragged == self.num_examples:
            raise ValueError(
                "Expected at least one whole batch of "
                f"{self.global_batch_size} examples. Received: {ragged} examples"
            )
        last = 0 if drop else ragged
        if self.global_batch_size % self._count or last % self._count:
            raise ValueError(
                f"Every batch must divide into {self._count} shards. Received: "
                f"batch_size={self.global_batch_size}, last batch of "
                f"{last or self.global_batch_size} (drop_remainder={drop})"
            )

    def __len__(self) -> int:
        """Steps in an epoch."""
        size = self.global_batch_size
        extra = 0 if self._options["drop_remainder"] else size - 1
        return (self.num_examples + extra) // size

    @property
    def element_spec(self) -> tuple[tuple[tuple[int, ...], str], ...]:
        """(shape without the batch axis, dtype name) of each array in a batch."""
        if self._spec is None:
            row = self._finish(self._source.head())
            arrays = row if isinstance(row, tuple) else (row,)
            self._spec = tuple((a.shape[1:], _dtype_name(a.dtype)) for a in arrays)
        return self._spec

    def batches(self, epoch: int, start: int = 0) -> Iterator:
        """The batches of one epoch, from step `start`, prefetched by a thread.

        The batches before `start` are not computed. The thread ends with the
        iterator: when it is exhausted, closed, or no longer referred to.
        """
        epoch = _natural("epoch", epoch, 0)
        if _natural("start", start, 0) > len(self):
            raise ValueError(
                f"start must be at most {len(self)}, the steps of an epoch. "
                f"Received: {start}"
            )
        return _prefetch(self._produce(epoch, int(start)))

    def endless(self, step: int) -> Iterator:
        """Batches from a step of all epochs on, epoch after epoch."""
        epoch, start = divmod(step, len(self))
        while True:
            yield from self.batches(epoch, start=start)
            epoch, start = epoch + 1, 0

    def first_batch(self):
        """The first batch of epoch 0, made without a thread."""
        with contextlib.closing(self._produce(0, 0)) as batches:
            return next(batches)

    def shard(self, index: int, count: int) -> "Pipeline":
        """The `index`-th of `count` contiguous blocks of rows of each batch."""
        if _natural("count", count, 1) <= _natural("index", index, 0):
            raise ValueError(f"index must be below count={count}. Received: {index}")
        if self._count > 1:
            raise ValueError(
                "Expected a pipeline that is not a shard already. Received: shard "
                f"{self._index} of {self._count}"
            )
        return Pipeline(
            self._source,
            batch_size=self.global_batch_size,
            index=int(index),
            count=int(count),
            **self._options,
        )

    def _rows(self, step):
        """The places [low, high) of a step's rows in the epoch's order."""
        first = step * self.global_batch_size
        size = min(self.global_batch_size, self.num_examples - first) // self._count
        return first + self._index * size, first + (self._index + 1) * size

    def _produce(self, epoch, start):
        spans = [self._rows(step) for step in range(start, len(self))]
        key = [self._options["seed"], epoch] if self._options["shuffle"] else None
        order, places = self._order(key)
        if hasattr(self._source, "stream"):
            batches = self._source.stream(key, spans, places)
        else:
            batches = self._take(order, places, spans)
        with contextlib.closing(batches):
            for batch in batches:
                yield self._finish(batch)

    def _order(self, key):
        """An epoch's order of rows, and where to cut their pictures, in that order."""
        if key is None:
            return np.arange(self.num_examples), None
        rng = np.random.Generator(np.random.Philox(key=np.array(key, np.uint64)))
        return rng.permutation(self.num_examples), rng.random((self.num_examples, 2))

    def _take(self, order, places, spans):
        for low, high in spans:
            where = None if places is None else places[low:high]
            yield self._source.take(order[low:high], where)

    def _finish(self, columns):
        batch = columns if len(columns) > 1 else columns[0]
        transform = self._options["transform"]
        return batch if transform is None else transform(batch)


def pipeline(
    source,
    split: str = "train",
    *,
    batch_size: int,
    seed: int = 0,
    shuffle: bool = True,
    fields: str | tuple[str, ...] | None = None,
    drop_remainder: bool | None = None,
    image_size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    crop: int | tuple[int, int] | None = None,
    transform: Callable | None = None,
    download: bool = False,
    rows: int | tuple[int, int] | None = None,
) -> Pipeline:
    """Makes a `Pipeline` of a source.

    Args:
        source: as `load` takes it, or a NumPy array, or a tuple or dict of arrays,
            which are taken whole, `split` notwithstanding.
        split: as `load` takes it.
        batch_size: rows in a batch, over all shards.
        seed: below 2**64; order is a function of it and of the epoch.
        shuffle: whether each epoch is a new permutation; else rows come in order.
        fields: names of columns; None is ("image", "label"), or "image" alone where
            there are no labels, or all of a dict or tuple of arrays.
        drop_remainder: whether the last batch is left out if it is not whole; None
            does so when `shuffle` is True.
        image_size: int or (height, width), see `load`; applied batch by batch.
        channels: 1, 3 or None, see `load`; applied batch by batch.
        crop: int or (height, width): a part of each image, its pixels as they are, cut
            out at a place that changes from epoch to epoch, the same for all images of
            an example, and about the centre without `shuffle`.
        transform: a function of a batch, that gives the batch to use. It is to treat
            rows alone and alike, and be pure: what is random belongs into a model.
        download: whether TFDS may download and prepare what is absent.
        rows: the first so many rows only, or a (start, stop) pair.

    Raises:
        FileNotFoundError: the source is not there.
        ValueError: an option does not fit, the source is empty, or there is not one
            whole batch.
    """
    opened = open_source(
        source,
        split,
        fields=fields,
        rows=rows,
        image_size=image_size,
        channels=channels,
        crop=crop,
        download=download,
    )
    made = Pipeline(
        opened,
        batch_size=batch_size,
        seed=seed,
        shuffle=shuffle,
        drop_remainder=shuffle if drop_remainder is None else drop_remainder,
        transform=transform,
    )
    _say_what_is_dropped(made)
    return made


def _say_what_is_dropped(made):
    dropped = made.num_examples - len(made) * made.batch_size
    if dropped > 0:
        logger.warning(
            "Each epoch leaves out its last %d of %d examples (batch_size=%d).",
            dropped,
            made.num_examples,
            made.batch_size,
        )


class _Failure:
    """An error on its way from the thread to the consumer."""

    def __init__(self, error):
        self.error = error


_END = object()


def _prefetch(items, depth=2):
    """Yields `items`, computed up to `depth` ahead by a daemon thread."""
    ready = queue.Queue(depth)
    stop = threading.Event()
    thread = threading.Thread(
        target=_work, args=(items, ready, stop), name="keras_gen-prefetch", daemon=True
    )
    thread.start()
    try:
        while (item := ready.get()) is not _END:
            if isinstance(item, _Failure):
                raise item.error
            yield item
    finally:
        stop.set()
        # The garbage collector may close an abandoned iterator in any thread.
        if thread is not threading.current_thread():
            thread.join()


def _work(items, ready, stop):
    def put(item):
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                return ready.put(item, timeout=0.05)

    try:
        for item in items:
            put(item)
            if stop.is_set():
                break
        put(_END)
    except BaseException as error:
        put(_Failure(error))
    finally:
        items.close()


def _natural(name, value, least):
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or not least <= value < 2**64:
        raise ValueError(f"{name} must be an int from {least}. Received: {value!r}")
    return int(value)


def _dtype_name(dtype):
    return "str" if dtype.kind == "U" else dtype.name
