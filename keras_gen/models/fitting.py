"""How data of any kind reach a model: checked, cut into batches, in order."""

import keras
import numpy as np

from keras_gen import data as data_lib
from keras_gen.models import checks


class Fitting:
    """The half of a model that takes data in: `fit` and `evaluate`."""

    def data_shape(self):
        """Shape of one example without the batch: what `fit` checks against."""
        return tuple(self._config["image_shape"])

    def check_inputs(self, data):
        """Return examples as they are once they fit the model, else raise ValueError.

        Args:
            data: images (n, h, w, c), uint8 in [0, 255] or float in [0, 1], or real
                vectors (n, features), by the rank of `data_shape`.
        """
        data = np.asarray(data)
        checks.examples(data, self.data_shape())
        return data

    def _check_batch(self, batch):
        batch = batch[0] if isinstance(batch, (tuple, list)) else batch
        self.check_inputs(keras.ops.convert_to_numpy(batch))

    def takes_labels(self):
        """Whether the model's verbs take labels beside examples."""
        return False

    def check_labels(self, labels, rows):
        """Labels (rows,) or None as they are once they fit the model, else raise."""
        return None if labels is None else np.asarray(labels)

    def batch_multiple(self):
        """What a replica's batch size must be a multiple of."""
        return 1

    def fit(
        self,
        x=None,
        y=None,
        *,
        batch_size=None,
        epochs=1,
        verbose="auto",
        callbacks=None,
        validation_data=None,
        shuffle=True,
        initial_epoch=0,
        steps_per_epoch=None,
        **options,
    ):
        """Train; see `keras.Model.fit`.

        Args:
            x: images, uint8 in [0, 255] or float in [0, 1], as an array (n, h, w, c);
                or a pipeline of `keras_gen.data`; or a dataset of batches of images or
                of (images, labels), which is taken as it is after a look at its
                first batch.
            y: labels (n,) for models that take them.
            batch_size: examples a step over all replicas; for arrays, by default, 64
                times what it must be a multiple of.
            validation_data: images, a pipeline or a dataset of held-out examples, or
                a tuple (images, labels).
            steps_per_epoch: steps between validations; arrays and pipelines go on
                where the last epoch left them. None for one pass over the data.

        Returns:
            A `keras.callbacks.History`.

        Raises:
            ValueError: data of another rank, shape, dtype or range than the model's,
                with NaN in it, or none at all, or a batch size that does not divide;
                nothing has been trained then.
        """
        clock = _EpochClock(initial_epoch)
        seed = self._compile_options["seed"] if self.compiled else 0
        source = self._source(x, y, batch_size, shuffle, seed)
        self._check_batch_size(getattr(source, "global_batch_size", None))
        held_out = validation_data
        if held_out is not None:
            xy = held_out if isinstance(held_out, tuple) else (held_out, None)
            size = batch_size or getattr(source, "global_batch_size", None)
            held_out = _Feed(self._source(*xy, size, False, seed))
        feed = _Feed(source, clock, steps_per_epoch)
        return super().fit(
            self._dataset(feed),
            epochs=epochs,
            verbose=verbose,
            callbacks=[clock, *(callbacks or [])],
            validation_data=held_out and self._dataset(held_out),
            initial_epoch=initial_epoch,
            steps_per_epoch=steps_per_epoch,
            shuffle=False,  # the pipeline has done it, as a function of the epoch
            **options,
        )

    def evaluate(self, x=None, y=None, *, batch_size=None, **options):
        """Mean validation losses over held-out data; see `fit` and `keras.Model`."""
        if not options.get("_use_cached_eval_dataset"):
            feed = _Feed(self._source(x, y, batch_size, False, 0))
            x = self._dataset(feed)
        return super().evaluate(x, **options)

    def _source(self, x, y, batch_size, shuffle, seed):
        if hasattr(x, "batches"):
            self._check_batch(x.first_batch())
            return x
        if isinstance(x, (np.ndarray, list)) or hasattr(x, "__array__"):
            x = self.check_inputs(x)
            y = self.check_labels(y, len(x))
            arrays = (x,) if y is None else (x, y)
            return data_lib.pipeline(
                arrays,
                batch_size=batch_size or self._default_batch_size(len(x)),
                shuffle=shuffle,
                seed=seed,
            )
        if x is None:
            raise ValueError(
                "Expected images as an array, a pipeline or a dataset. Received: None"
            )
        self._check_batch(next(iter(x)))
        return x

    def _default_batch_size(self, examples):
        multiple = self.batch_multiple() * self.replicas()
        return max(min(64 * multiple, examples // multiple * multiple), 1)

    def _check_batch_size(self, size):
        multiple = self.batch_multiple() * self.replicas()
        if size is not None and size % multiple:
            raise ValueError(
                f"Expected a batch size that {multiple} divides (a replica's batch "
                f"must be a multiple of {self.batch_multiple()}, and there are "
                f"{self.replicas()} replicas). Received: {size}"
            )

    def _dataset(self, feed):
        """What Keras is handed, for as long as the feed is held."""
        if not hasattr(feed.source, "batches"):
            return feed.source
        return self.as_dataset(feed)


class _Feed:
    """The passes over a source that `fit` makes, or that `evaluate` does.

    Attributes:
        source: a pipeline of `keras_gen.data`, or what Keras takes as it is.
    """

    def __init__(self, source, clock=None, steps=None):
        self.source = source
        self._clock = clock
        self._steps = steps

    @property
    def length(self):
        """Batches of a pass, None for endless ones."""
        return len(self.source) if self._steps is None else None

    def batches(self, part):
        """The iterator of one pass over the pipeline or over a worker's part of it."""
        epoch = self._clock.epoch if self._clock else 0
        if self._steps is None:
            return part.batches(epoch)
        return part.endless(epoch * self._steps)


class _EpochClock(keras.callbacks.Callback):
    """Tells pipelines which epoch is about to start."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
