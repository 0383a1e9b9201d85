"""Training on JAX, with the names and the meaning of the TensorFlow half."""

import contextlib
import functools
import sys

import jax
import keras
import numpy as np

from keras_gen.engine import random
from keras_gen.engine.trainer import TRAINING, VALIDATION, BaseTrainer

fold_in = jax.random.fold_in


def key(seed, *folds):
    """A random key from an int or scalar and ints to fold in."""
    return functools.reduce(fold_in, folds, jax.random.key(seed))


def normal(value, shape):
    """Standard normal float32 numbers, a function of key and shape."""
    return jax.random.normal(value, shape)


def uniform(value, shape):
    """Uniform float32 numbers over [0, 1), a function of key and shape."""
    return jax.random.uniform(value, shape)


def gather(values):
    """All rows of the global batch: JAX sees them anyhow."""
    return values


def own_rows(values, rows):
    """Rows of the global batch: all of them."""
    return values


class Trainer(BaseTrainer):
    """The half of a model that depends on JAX."""

    def train_step(self, state, data):
        """One call of `update`, as a function from state to state."""
        groups = (
            self.trainable_variables,
            self.non_trainable_variables,
            self.optimizer.variables,
            self.metrics_variables,
        )

        def step():
            with random.use(self._stream(TRAINING, self.optimizer.iterations.value)):
                self.update(self.prepare(data))
            self.optimizer.iterations.assign_add(1)
            return self._logs("train")

        return _stateless(step, groups, state)

    def test_step(self, state, data):
        """Track the losses of `validate`, as a function from state to state."""
        groups = (
            self.trainable_variables,
            self.non_trainable_variables,
            self.metrics_variables,
        )

        def step():
            batch = keras.ops.cast(self._batches_seen.total, "int32")
            with random.use(self._stream(VALIDATION, batch)):
                for name, values in self.validate(self.prepare(data)).items():
                    self.track(name, values, "test")
            self._batches_seen.update_state(1.0)
            return self._logs("test")

        return _stateless(step, groups, state)

    def minimize(self, loss_fn, networks, *args):
        """Train networks for one step; see the TensorFlow half."""
        names = (networks,) if isinstance(networks, str) else networks
        groups, gradients, logs = self._gradients(loss_fn, names, args)
        self._apply(names, groups, gradients, logs)

    def _gradients(self, loss_fn, names, args):
        """Each network's active variables, the loss's gradients, and what to log."""
        groups = [self.active_variables(name) for name in names]
        trained = [v for group in groups for v in group]
        changing = self.non_trainable_variables
        known = [*self.trainable_variables, *changing]
        if self.compiled:  # losses may read the number of updates
            known.append(self.optimizer.iterations)
        mapping = [(v, v.value) for v in known]

        def compute(values):
            inner = [*mapping, *zip(trained, keras.tree.flatten(values), strict=True)]
            with keras.StatelessScope(inner, collect_losses=True) as scope:
                loss, logs = self._evaluated(loss_fn, args)
                loss += self._added_losses(names)
            changed = [scope.get_current_value(v) for v in changing]
            return loss, (logs, changed)

        gradient = jax.value_and_grad(compute, has_aux=True)
        values = [[v.value for v in group] for group in groups]
        (_, (logs, changed)), gradients = gradient(values)
        for variable, value in zip(changing, changed, strict=True):
            variable.assign(value)
        return groups, gradients, logs

    def input_gradient(self, function, inputs):
        """Gradient of the sum of `function(inputs)`; see the TensorFlow half."""
        fixed = [*self.trainable_variables, *self.non_trainable_variables]
        mapping = [(v, v.value) for v in fixed]

        def total(values):
            with keras.StatelessScope(mapping):
                return keras.ops.sum(keras.ops.cast(function(values), "float32"))

        return keras.ops.cast(jax.grad(total)(inputs), "float32")

    def replicas(self):
        """How many replicas share each batch: one, JAX splits programs by itself."""
        return 1

    def variable_scope(self):
        """Where this model's variables must be created: anywhere."""
        return contextlib.nullcontext()

    def run_compiled(self, method, *args, **static):
        """Call a method as one compiled program; see the TensorFlow half."""
        name = (method.__name__, tuple(sorted(static.items(), key=lambda kv: kv[0])))
        variables = [*self.trainable_variables, *self.non_trainable_variables]

        def program(values, args):
            with keras.StatelessScope(list(zip(variables, values, strict=True))):
                return method(*args, **static)

        if name not in self._programs:
            self._programs[name] = jax.jit(program)
        outputs = self._programs[name]([v.value for v in variables], args)
        return keras.tree.map_structure(np.asarray, outputs)

    def retrace(self):
        """Have programs traced anew; see `BaseTrainer`."""
        # JAX finds a traced function again by equality, and a model's bound methods
        # are equal.
        self.train_step = functools.partial(type(self).train_step, self)
        self.test_step = functools.partial(type(self).test_step, self)
        super().retrace()

    def as_dataset(self, feed):
        """A dataset of a pipeline's batches; see the TensorFlow half."""
        return _Batches(feed)

    def _stream(self, purpose, *folds):
        seed = self._compile_options["seed"]
        return random.Stream(
            sys.modules[__name__], key(seed, purpose, *folds), lambda rows: (rows, None)
        )

    def _update_average(self, network):
        if network not in self._averages:
            return
        decay = self._compile_options["averages"][network]
        source = getattr(self, network).weights
        for average, variable in zip(
            self._averages[network].weights, source, strict=True
        ):
            floating = keras.backend.is_float_dtype(average.dtype)
            mixed = decay * average.value + (1 - decay) * variable.value
            average.assign(mixed if floating else variable.value)


def make_strategy(name):
    """A scope to create, train and use models in, for a strategy's name.

    Args:
        name: "one", "mirrored" (data parallel over all devices), or "auto": mirrored
            where there are several accelerators, else one.

    Raises:
        ValueError: "multiworker", which needs the TensorFlow backend.
    """
    if name == "multiworker":
        raise ValueError(
            "Expected 'auto', 'one' or 'mirrored' on the JAX backend. "
            "Received: 'multiworker'"
        )
    several = len(jax.devices()) > 1 and jax.default_backend() != "cpu"
    if name == "one" or (name == "auto" and not several):
        return contextlib.nullcontext()
    return keras.distribution.DataParallel().scope()


def is_chief():
    """Whether this process writes files."""
    return jax.process_index() == 0


def make_deterministic(seed):
    """Seed the initializers; JAX's own programs are deterministic on a CPU."""
    keras.utils.set_random_seed(seed)


class _Batches(keras.utils.PyDataset):
    """A pipeline's batches in their order; Keras asks for 0, 1, 2... in each pass."""

    def __init__(self, feed):
        super().__init__(workers=0)
        self._feed = feed

    @property
    def num_batches(self):
        return self._feed.length

    def __getitem__(self, index):
        if index == 0:
            self._iterator = self._feed.batches(self._feed.source)
        batch = next(self._iterator)
        return batch if isinstance(batch, tuple) else (batch,)


def _stateless(step, groups, state):
    """Run `step` with variables replaced by values; return (logs, new values)."""
    mapping = [
        pair
        for variables, values in zip(groups, state, strict=True)
        for pair in zip(variables, values, strict=True)
    ]
    with keras.StatelessScope(mapping) as scope:
        logs = step()
    new = tuple([scope.get_current_value(v) for v in group] for group in groups)
    return logs, new
