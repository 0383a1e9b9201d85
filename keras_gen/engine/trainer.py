"""The half of a trainer that is the same on every backend."""

import keras
from keras import ops

from keras_gen.engine.optimizers import NetworkOptimizers, clone

# First fold of a model's seed, so that the purposes never share numbers.
TRAINING, VALIDATION, SAMPLING = range(3)


class BaseTrainer:
    """Networks, their optimizers, moving averages and trackers.

    A model names its `networks` (attributes that hold Keras models, in the order of
    the optimizer's variables) and the scalars it logs in `trackers`, and states its
    algorithm in `update(batch)`.
    """

    networks: tuple[str, ...] = ()
    trackers: tuple[str, ...] = ("loss",)

    def compile(
        self,
        optimizer=None,
        *,
        averages=None,
        seed=0,
        jit_compile="auto",
        run_eagerly=False,
        steps_per_execution=1,
    ):
        """Set up training.

        Args:
            optimizer: None for the paper's; an optimizer or its name, cloned for
                every network; or a dict from each network's name to its optimizer.
            averages: dict from a network's name to the decay in [0, 1) of the moving
                average of its weights, from which the verbs then sample. None for
                the model's default, `{}` for no averages.
            seed: int in [0, 2**31), start of all noise of training.
            jit_compile: True, False or "auto" (XLA where Keras would use it).
            run_eagerly: True to run steps uncompiled, for debugging.
            steps_per_execution: steps that one compiled call makes.

        Raises:
            ValueError: an unknown network's name, a decay out of range, or a network
                in mixed_float16, whose loss scaling cannot tell networks apart.
        """
        self._refuse_float16()
        if averages is None:
            averages = self.default_averages()
        self._check_names(averages, "averages")
        for decay in averages.values():
            if not 0 <= decay < 1:
                raise ValueError(f"Expected decays in [0, 1). Received: {averages}")
        self._compile_options = {
            "averages": dict(averages),
            "seed": check_seed(seed),
            "jit_compile": jit_compile,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
        }
        with self.variable_scope():
            optimizer = self._network_optimizers(optimizer)
            optimizer.build_networks(
                {n: getattr(self, n).trainable_variables for n in self.networks}
            )
            self._make_averages(averages)
            self._tracker_metrics = {
                name: keras.metrics.Mean(name=name) for name in self.trackers
            }
            # Reset with the others when an evaluation starts: its batches' number.
            self._batches_seen = keras.metrics.Sum(name="batches_seen")
        self._forget_programs()
        self._trained_by = {}  # tracker's name to the networks its loss trains
        super().compile(
            optimizer=optimizer,
            loss=None,
            jit_compile=jit_compile,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
        )

    def retrace(self):
        """Have programs traced anew where what they read in Python has changed.

        Between epochs of `fit` too: Keras looks its function up at every step.
        """
        self._forget_programs()
        if self.train_function is not None:
            self.make_train_function(force=True)

    def _forget_programs(self):
        self._programs = {}
        self._logged = {"train": set(), "test": set()}
        self.test_function = self.predict_function = None

    def default_optimizers(self):
        """The paper's optimizers: a dict from each network's name to a fresh one."""
        raise NotImplementedError

    def default_averages(self):
        """The paper's moving averages: a dict from a network's name to a decay."""
        return {}

    def update(self, batch):
        """One update of every network on one prepared batch: the paper's algorithm."""
        raise NotImplementedError

    def validate(self, batch):
        """Losses on held-out data: a dict from a tracker's name to (batch,) values."""
        raise NotImplementedError

    def active_variables(self, network):
        """The variables that `minimize` trains now, a list."""
        return getattr(self, network).trainable_variables

    def averaged(self, network):
        """The moving average of a network where there is one, else the network."""
        return getattr(self, "_averages", {}).get(network, getattr(self, network))

    def network(self, name, training):
        """A network itself in training; else its moving average where there is one."""
        return getattr(self, name) if training else self.averaged(name)

    def split(self, batch, n):
        """Cut a batch into `n` batches, rows k::n, the same on any replica count.

        Args:
            batch: tensor or nest of tensors (batch, ...), batch divisible by n.
            n: number of parts.

        Returns:
            A list of `n` nests of tensors (batch / n, ...).
        """
        rows = ops.shape(keras.tree.flatten(batch)[0])[0]
        if isinstance(rows, int) and rows % n:
            raise ValueError(
                f"Expected a batch size per replica that {n} divides. Received: {rows}"
            )
        return [
            keras.tree.map_structure(lambda x, k=k: x[k::n], batch) for k in range(n)
        ]

    def trained_by(self, tracker):
        """Names of the networks trained by the loss that a tracker logs, a tuple."""
        return self._trained_by.get(tracker, ())

    def track(self, name, values, phase="train"):
        """Add values to the running mean logged as `name`."""
        if name not in self._tracker_metrics:
            raise ValueError(
                f"Expected one of {type(self).__name__}.trackers, {self.trackers}. "
                f"Received: {name!r}"
            )
        self._logged[phase].add(name)
        self._tracker_metrics[name].update_state(ops.cast(values, "float32"))

    @property
    def metrics(self):
        """The running means behind the logs, and the count of batches evaluated."""
        if not hasattr(self, "_tracker_metrics"):
            return []
        return [*self._tracker_metrics.values(), self._batches_seen]

    def get_compile_config(self):
        """What `compile_from_config` needs, as plain values."""
        optimizer = keras.optimizers.serialize(self.optimizer)
        return {"optimizer": optimizer, **self._compile_options}

    def compile_from_config(self, config):
        """Compile as the saved model was, so that all optimizer state finds a place."""
        optimizer = keras.optimizers.deserialize(config["optimizer"])
        self.compile(optimizer, **{k: config[k] for k in config if k != "optimizer"})

    def _logs(self, phase):
        names = [n for n in self.trackers if n in self._logged[phase]]
        return {name: self._tracker_metrics[name].result() for name in names}

    def _get_metrics_result_or_logs(self, logs):
        # Keras asks at an epoch's end; only what this phase has tracked belongs there.
        return {name: self._tracker_metrics[name].result() for name in logs}

    def _evaluated(self, loss_fn, args):
        """Run a loss function: (mean loss, dict of per-example values to track)."""
        losses = loss_fn(*args)
        logs = losses if isinstance(losses, dict) else {loss_fn.__name__: losses}
        total = next(iter(logs.values()))
        return ops.mean(ops.cast(total, "float32")), logs

    def gradient_norm(self, loss_fn, network, *args):
        """||d mean loss / d weights||_2 of a network's active variables, a scalar.

        Args:
            loss_fn, network, *args: as `minimize` takes them; nothing is trained.
        """
        _, (gradients,), _ = self._gradients(loss_fn, (network,), args)
        squares = [
            ops.sum(ops.square(ops.cast(g, "float32")))
            for g in gradients
            if g is not None
        ]
        return ops.sqrt(sum(squares))

    def _apply(self, names, groups, gradients, logs):
        """Hand each network's gradients to its optimizer, then average and track."""
        for name, group, grads in zip(names, groups, gradients, strict=True):
            self.optimizer[name].apply(grads, group)
            self._update_average(name)
        self._trained_by.update(dict.fromkeys(logs, names))
        for name, value in logs.items():
            self.track(name, value)

    def _added_losses(self, networks):
        """Regularizers and other losses that the networks' layers add, a scalar."""
        return sum(sum(getattr(self, name).losses) for name in networks)

    def _network_optimizers(self, optimizer):
        if isinstance(optimizer, NetworkOptimizers):
            self._check_names(dict.fromkeys(optimizer), "optimizer", all_of_them=True)
            return optimizer
        if optimizer is None:
            optimizer = self.default_optimizers()
        if not isinstance(optimizer, dict):
            optimizer = dict.fromkeys(self.networks, optimizer)
        self._check_names(optimizer, "optimizer", all_of_them=True)
        return NetworkOptimizers({n: clone(optimizer[n]) for n in self.networks})

    def _check_names(self, names, argument, all_of_them=False):
        known = set(self.networks)
        if not set(names) <= known or (all_of_them and set(names) != known):
            raise ValueError(
                f"Expected `{argument}` to name {'' if all_of_them else 'some of '}the "
                f"networks {self.networks}. Received: {sorted(names)}"
            )

    def _make_averages(self, averages):
        kept = getattr(self, "_averages", {})
        self._averages = {}
        for name in averages:
            network = getattr(self, name)
            copy = kept.get(name)
            if copy is None:
                copy = _clone(network)
                copy.set_weights(network.get_weights())
            copy.trainable = False
            self._averages[name] = copy

    def _refuse_float16(self):
        for name in self.networks:
            for layer in getattr(self, name)._flatten_layers():
                if layer.compute_dtype == "float16":
                    raise ValueError(
                        "Expected float32 or mixed_bfloat16: float16 needs a loss "
                        "scale for every network's optimizer, which Keras does not "
                        f"give. Received: {layer.dtype_policy.name} in {name!r}"
                    )


def _clone(network):
    """A network like another one, with weights of its own."""
    if isinstance(network, (keras.Function, keras.Sequential)):
        return keras.models.clone_model(network)  # layers need no registration
    return type(network).from_config(network.get_config())


def check_seed(seed):
    """Return `seed` as an int, or raise ValueError unless it is in [0, 2**31)."""
    if isinstance(seed, bool) or int(seed) != seed or not 0 <= seed < 2**31:
        raise ValueError(f"Expected an int in [0, 2**31) as seed. Received: {seed!r}")
    return int(seed)
