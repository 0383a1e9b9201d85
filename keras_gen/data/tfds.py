"""Data sets prepared by TensorFlow Datasets, read without loss of order.

Pictures are decoded outside the graph, so that batches that nobody asks for (before a
resumed step, of another shard) are read but never decoded.
"""

from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from keras_gen.data.files import Arrays, Request
from keras_gen.data.images import parallel, places_of

# Decoded bytes up to which a set without random access is held in memory.
MEMORY_LIMIT = 2 * 2**30
# Encoded bytes that the shuffle buffer of a larger set may hold.
SHUFFLE_BYTES = 2**28
_CHUNK = 1024


def prepared(name: str, folder: Path) -> bool:
    """Whether the set's own (or default) configuration lies prepared in `folder`."""
    return tfds.builder(name, data_dir=str(folder)).is_prepared()


def open_tfds(name: str, folder: Path, request: Request):
    """Opens a set: by random access, in memory, or as a stream, the first that fits.

    Returns:
        An opened source, as `keras_gen.data.files` describes them; one with `stream`
        in place of random access if the set is large and its files allow none.

    Raises:
        FileNotFoundError: it is not prepared, and `request.download` is False.
        ValueError: unknown name, split, field or rows.
    """
    builder = _builder(name, folder, request.download)
    reader = _Reader(builder, name, request)
    formats = tfds.core.FileFormat.with_random_access()
    if builder.info.file_format in formats:
        return _RandomAccess(reader)
    stream = _Stream(reader)
    row_bytes = sum(column.nbytes for column in stream.head())
    # Parts are cut out anew every epoch, of pictures of any size.
    if request.crop or row_bytes * reader.size > MEMORY_LIMIT:
        return stream
    return _in_memory(stream, reader)


def _builder(name, folder, download):
    try:
        builder = tfds.builder(name, data_dir=str(folder))
    except (tfds.core.DatasetNotFoundError, ValueError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(
            f"Expected the name of a TFDS set. Received: {name!r} ({reason})"
        ) from error
    if not builder.is_prepared():
        if not download:
            raise FileNotFoundError(
                f"Expected {name!r} prepared in {str(folder)!r}; download=True "
                f"downloads it. Received: no files in {str(builder.data_path)!r}"
            )
        builder.download_and_prepare()
    return builder


class _Reader:
    """What is read of a set, and how an example becomes a row of arrays."""

    def __init__(self, builder, name, request):
        self.builder = builder
        self.request = request
        self.split, self.size = _split(builder.info, name, request)
        features = builder.info.features
        if not isinstance(features, tfds.features.FeaturesDict):
            raise ValueError(
                f"Expected a set with named features. Received: {name!r} of {features}"
            )
        self.fields = request.choose(features)
        self.features = {field: features[field] for field in self.fields}
        for field, feature in self.features.items():
            if not isinstance(feature.get_tensor_info(), tfds.features.TensorInfo):
                raise ValueError(
                    f"Expected fields that hold one array each. Received: {field!r} "
                    f"of {name!r}, which is {feature}"
                )
        names = getattr(self.features.get("label"), "names", None)
        self.class_names = tuple(names) if names else None

    def skip(self, fields):
        """Decoders that leave the pictures among some fields encoded."""
        features = self.builder.info.features
        pictures = (f for f in fields if isinstance(features[f], tfds.features.Image))
        return {field: tfds.decode.SkipDecoding() for field in pictures}

    def stack(self, examples, places=None):
        """A tuple of arrays of examples whose pictures are still encoded."""

        def row(item):
            example, place = item
            return [self._value(field, example[field], place) for field in self.fields]

        items = list(zip(examples, places_of(places, len(examples)), strict=True))
        columns = zip(*parallel(row, items), strict=True)
        return tuple(map(self._column, self.fields, columns))

    def _value(self, field, value, place):
        feature = self.features[field]
        if isinstance(feature, tfds.features.Image):
            value = feature.decode_example_np(value)
        if isinstance(value, bytes):
            return value.decode()
        value = np.asarray(value)
        if value.ndim == 3:
            return self.request.fit(value, place)
        if field == "label" and value.dtype.kind in "iu":
            return value.astype(np.int64)
        return value

    def _column(self, field, values):
        shapes = {np.shape(value) for value in values}
        if len(shapes) > 1:
            raise ValueError(
                f"Expected one shape for all of field {field!r}; image_size= gives "
                f"images one. Received: {sorted(shapes)}"
            )
        return np.stack(values)


class _RandomAccess:
    """A set in array_record or parquet files: rows are read where they lie."""

    def __init__(self, reader):
        self._reader = reader
        self.fields, self.class_names = reader.fields, reader.class_names
        self._rows = reader.builder.as_data_source(
            reader.split, decoders=reader.skip(reader.builder.info.features)
        )

    def __len__(self):
        return self._reader.size

    def take(self, rows, places=None):
        examples = self._rows.__getitems__([int(row) for row in rows])
        return self._reader.stack(examples, places)

    def head(self):
        return self.take(np.arange(1))


class _Stream:
    """A set read in sequence; shuffled by order of files and through a buffer."""

    def __init__(self, reader):
        self._reader = reader
        self.fields, self.class_names = reader.fields, reader.class_names

    def __len__(self):
        return self._reader.size

    def take(self, rows):
        """The given rows, which must be consecutive."""
        return next(self.stream(None, [(int(rows[0]), int(rows[-1]) + 1)]))

    def head(self):
        return self.take(np.arange(1))

    def stream(self, key, spans, places=None):
        """Yields rows [low, high) of the order that `key` gives, for each span.

        Args:
            key: (seed, epoch), or None for the order of the files.
            spans: pairs (low, high), ascending and disjoint.
            places: (rows of the set, 2), where to cut the pictures of that order.
        """
        reader = self._reader
        if not spans:
            return
        dataset = self._dataset(key).skip(spans[0][0])
        examples = dataset.as_numpy_iterator()
        place = spans[0][0]
        for low, high in spans:
            for _ in range(low - place):
                next(examples)
            batch = [next(examples) for _ in range(high - low)]
            place = high
            yield reader.stack(batch, None if places is None else places[low:high])

    def _dataset(self, key):
        reader = self._reader
        options = tf.data.Options()
        options.deterministic = True
        config = tfds.ReadConfig(options=options, try_autocache=False)
        if key is None:
            # One file after another: the order in which the set was written.
            config.interleave_cycle_length = 1
        else:
            state = np.random.SeedSequence(key).generate_state(1, np.uint64)
            config.shuffle_seed = int(state[0] >> 1)
            config.shuffle_reshuffle_each_iteration = False
        decoders = tfds.decode.PartialDecoding(
            dict.fromkeys(reader.fields, True), reader.skip(reader.fields)
        )
        dataset = reader.builder.as_dataset(
            split=reader.split,
            shuffle_files=key is not None,
            decoders=decoders,
            read_config=config,
        )
        if key is None:
            return dataset
        return dataset.shuffle(
            self._buffer(), seed=config.shuffle_seed, reshuffle_each_iteration=False
        )

    def _buffer(self):
        reader = self._reader
        splits = reader.builder.info.splits.values()
        total = sum(split.num_bytes for split in splits)
        count = sum(split.num_examples for split in splits)
        fitting = int(SHUFFLE_BYTES * count / max(total, 1))
        return max(1, min(reader.size, fitting))


def _in_memory(stream, reader):
    size = reader.size
    spans = [(low, min(low + _CHUNK, size)) for low in range(0, size, _CHUNK)]
    columns = list(zip(*stream.stream(None, spans), strict=True))
    columns = dict(zip(reader.fields, map(np.concatenate, columns), strict=True))
    # Rows and images are as asked for already.
    request = Request(fields=reader.fields)
    return Arrays(columns, request, class_names=reader.class_names)


def _split(info, name, request):
    """The split to read, rows applied in TFDS's own words, and its size."""
    split = request.split
    try:
        size = info.splits[split].num_examples
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"Expected a split of {name!r}: {', '.join(info.splits)}. "
            f"Received: {split!r}"
        ) from error
    if not size:
        raise ValueError(f"Expected at least one example. Received: {name!r}, {split}")
    if request.rows is None:
        return split, size
    if split not in info.splits:
        raise ValueError(
            f"rows= goes with a whole split. Received: rows={request.rows!r} with "
            f"split={split!r}"
        )
    start, stop = request.span(size)
    return f"{split}[{start}:{stop}]", stop - start
