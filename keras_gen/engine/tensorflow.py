"""Training on TensorFlow, on one replica or many."""

import contextlib
import functools
import json
import os
import sys
import weakref

import keras
import tensorflow as tf

from keras_gen.engine import random
from keras_gen.engine.trainer import TRAINING, VALIDATION, BaseTrainer


def key(seed, *folds):
    """A random key, int64 (2,), from an int or scalar tensor and ints to fold in."""
    value = tf.stack([tf.cast(seed, tf.int64), tf.constant(0, tf.int64)])
    return functools.reduce(fold_in, folds, value)


def fold_in(value, number):
    """A new key from a key and an integer scalar."""
    number = tf.cast(number, tf.int64)
    return tf.random.experimental.stateless_fold_in(value, number, alg="philox")


def normal(value, shape):
    """Standard normal float32 numbers, a function of key and shape."""
    return tf.random.stateless_normal(shape, value, alg="philox")


def uniform(value, shape):
    """Uniform float32 numbers over [0, 1), a function of key and shape."""
    return tf.random.stateless_uniform(shape, value, alg="philox")


def gather(values):
    """All replicas' rows of a tensor (batch, ...), in the global batch's order."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    gathered = context.all_gather(values, axis=0)
    return tf.ensure_shape(gathered, (None, *values.shape[1:]))  # which it forgets


def own_rows(values, rows):
    """This replica's `rows` rows of what `gather` returned."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return values
    start = context.replica_id_in_sync_group * rows
    return values[start : start + rows]


class Trainer(BaseTrainer):
    """The half of a model that depends on TensorFlow."""

    def train_step(self, data):
        """One call of `update` on this replica's rows of the global batch."""
        stream = self._stream(TRAINING, self.optimizer.iterations.value)
        with random.use(stream):
            self.update(self.prepare(data))
        self.optimizer.iterations.assign_add(1)
        return self._replica_logs("train")

    def test_step(self, data):
        """Track the losses of `validate` on this replica's rows."""
        with random.use(self._stream(VALIDATION, self._batches_seen.total.value)):
            for name, values in self.validate(self.prepare(data)).items():
                self.track(name, values, "test")
        self._batches_seen.update_state(1.0)
        return self._replica_logs("test")

    def minimize(self, loss_fn, networks, *args):
        """Train networks for one step; the only place where weights change.

        Args:
            loss_fn: function of `args` that returns per-example losses (batch,), or
                a dict of such whose first entry is the loss; all are tracked.
            networks: name of the network whose active variables are trained, or a
                tuple of names where one loss trains several.
            *args: handed to `loss_fn`.
        """
        names = (networks,) if isinstance(networks, str) else networks
        groups, gradients, logs = self._gradients(loss_fn, names, args)
        self._apply(names, groups, gradients, logs)

    def _gradients(self, loss_fn, names, args):
        """Each network's active variables, the loss's gradients, and what to log."""
        groups = [self.active_variables(name) for name in names]
        values = [[v.value for v in group] for group in groups]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values)
            loss, logs = self._evaluated(loss_fn, args)
            loss += self._added_losses(names)
            # Keras sums gradients over replicas.
            loss /= tf.distribute.get_strategy().num_replicas_in_sync
        return groups, tape.gradient(loss, values), logs

    def input_gradient(self, function, inputs):
        """Gradient of the sum of `function(inputs)`, itself differentiable.

        Args:
            function: maps a float tensor (batch, ...) to per-example values.
            inputs: float tensor (batch, ...).

        Returns:
            float32 tensor of the shape of `inputs`.
        """
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(inputs)
            total = tf.reduce_sum(tf.cast(function(inputs), tf.float32))
        return tf.cast(tape.gradient(total, inputs), tf.float32)

    def replicas(self):
        """How many replicas share each batch."""
        return self.distribute_strategy.num_replicas_in_sync

    def variable_scope(self):
        """Where this model's variables must be created, as a context manager."""
        strategy = self._distribute_strategy
        return contextlib.nullcontext() if strategy is None else strategy.scope()

    def run_compiled(self, method, *args, **static):
        """Call a method as one compiled program.

        Args:
            method: bound method of this model, made of `keras.ops`.
            *args: nests of arrays, traced.
            **static: hashable values, one program for each.

        Returns:
            The method's nest of tensors, as NumPy arrays.
        """
        name = (method.__name__, tuple(sorted(static.items(), key=lambda kv: kv[0])))
        if name not in self._programs:
            self._programs[name] = tf.function(
                functools.partial(method, **static),
                reduce_retracing=True,
                autograph=False,
            )
        args = keras.tree.map_structure(tf.convert_to_tensor, args)
        outputs = self._programs[name](*args)
        return keras.tree.map_structure(lambda x: x.numpy(), outputs)

    def as_dataset(self, feed):
        """A dataset of a pipeline's batches.

        Args:
            feed: has `source`, a `keras_gen.data.Pipeline`; `batches`, a function from
                it, or this worker's part of it, to the iterator of one pass; `length`,
                batches in a pass, None where it never ends. It must be held as long as
                the dataset: TensorFlow never lets go of a generator, which therefore
                holds it weakly, and with it the data and the model.
        """
        strategy = self.distribute_strategy
        workers, rank = _workers(strategy)
        held, pipeline = weakref.ref(feed), feed.source
        whole = len(pipeline) * pipeline.global_batch_size <= pipeline.num_examples
        rows = _part(pipeline, workers, rank).batch_size if whole else None
        spec = [
            tf.TensorSpec((rows, *shape), dtype)
            for shape, dtype in pipeline.element_spec
        ]

        def batches():
            return held().batches(_part(held().source, workers, rank))

        dataset = tf.data.Dataset.from_generator(
            batches, output_signature=spec[0] if len(spec) == 1 else tuple(spec)
        )
        size = tf.data.INFINITE_CARDINALITY if feed.length is None else feed.length
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(size))
        options = tf.data.Options()
        options.experimental_distribute.auto_shard_policy = (
            tf.data.experimental.AutoShardPolicy.OFF
        )
        dataset = dataset.with_options(options).prefetch(2)
        if workers > 1:  # each worker's pipeline has cut its own rows already
            return strategy.distribute_datasets_from_function(lambda _: dataset)
        return dataset

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # All is built already. Keras would average a first batch over the workers to
        # learn its shape, and no collective operation averages uint8.
        pass

    def _stream(self, purpose, *folds):
        context = tf.distribute.get_replica_context()
        replicas = context.num_replicas_in_sync
        replica = context.replica_id_in_sync_group

        def block(rows):
            return (rows, None) if replicas == 1 else (rows * replicas, replica * rows)

        seed = self._compile_options["seed"]
        return random.Stream(sys.modules[__name__], key(seed, purpose, *folds), block)

    def _replica_logs(self, phase):
        logs = self._logs(phase)
        if _workers(self.distribute_strategy)[0] > 1:
            # Keras averages logs over workers along axis 0, which scalars lack
            # (keras issue 20585).
            logs = {name: tf.reshape(value, (1,)) for name, value in logs.items()}
        return logs

    def _update_average(self, network):
        if network not in self._averages:
            return
        decay = self._compile_options["averages"][network]
        source = [v.value for v in getattr(self, network).weights]
        target = [v.value for v in self._averages[network].weights]

        def assign(strategy, target, source):
            for average, value in zip(target, source, strict=True):
                strategy.extended.update(
                    average,
                    lambda a, v: (
                        a.assign(decay * a + (1 - decay) * tf.cast(v, a.dtype))
                        if a.dtype.is_floating
                        else a.assign(v)
                    ),
                    args=(value,),
                    group=False,
                )

        tf.__internal__.distribute.interim.maybe_merge_call(
            assign, tf.distribute.get_strategy(), target, source
        )


def make_strategy(name):
    """A scope to create, train and use models in, for a strategy's name.

    Args:
        name: "one", "mirrored" (all GPUs of this machine, or its logical devices),
            "multiworker" (the workers that TF_CONFIG names), or "auto": multiworker
            where TF_CONFIG names several workers, mirrored where there are several
            GPUs, else one.
    """
    if name == "auto":
        cluster = json.loads(os.environ.get("TF_CONFIG", "{}")).get("cluster", {})
        several = len(tf.config.list_physical_devices("GPU")) > 1
        name = "mirrored" if several else "one"
        name = "multiworker" if len(cluster.get("worker", [])) > 1 else name
    return contextlib.nullcontext() if name == "one" else _strategy(name).scope()


@functools.cache  # workers number their collective operations once a process
def _strategy(name):
    if name == "multiworker":
        return tf.distribute.MultiWorkerMirroredStrategy()
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    devices = [device.name for device in tf.config.list_logical_devices(kind)]
    return tf.distribute.MirroredStrategy(devices)


def is_chief():
    """Whether this process writes files: the only one, or TF_CONFIG's worker 0.

    Asked for outside a strategy's scope too, where TensorFlow knows of one worker only.
    """
    config = json.loads(os.environ.get("TF_CONFIG", "{}"))
    return int(config.get("task", {}).get("index", 0)) == 0


def make_deterministic(seed):
    """Seed the initializers and choose kernels that give the same bits each time."""
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


def _workers(strategy):
    """How many processes train together, and which of them this is."""
    cluster = getattr(strategy, "cluster_resolver", None)
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return 1, 0
    workers = len(cluster.cluster_spec().as_dict().get("worker", [None]))
    return workers, cluster.task_id or 0


def _part(pipeline, workers, rank):
    """What a worker takes of a pipeline."""
    return pipeline.shard(rank, workers) if workers > 1 else pipeline
