"""One optimizer per network behind the single slot that Keras's trainers know."""

import keras


@keras.saving.register_keras_serializable("keras_gen")
class NetworkOptimizers(keras.optimizers.Optimizer):
    """Named optimizers, one a network, that save, load and train as one.

    Keras's trainers, its saving and its JAX state see `model.optimizer` alone, so
    this object's `variables` are its own iteration count, which counts calls of
    `update()`, followed by those of the inner optimizers in the order of `optimizers`.
    Learning-rate schedules follow that count too: a critic that is trained five times
    in each update decays no faster than its generator.

    Args:
        optimizers: dict from a network's name to a `keras.optimizers.Optimizer`.

    Raises:
        ValueError: an inner optimizer averages weights or accumulates gradients by
            itself; both overwrite the wrong variables when there are several.
    """

    def __init__(self, optimizers, name="network_optimizers"):
        super().__init__(learning_rate=0.0, name=name)
        for network, optimizer in optimizers.items():
            if optimizer.use_ema or optimizer.gradient_accumulation_steps:
                raise ValueError(
                    "Expected optimizers without use_ema and without "
                    "gradient_accumulation_steps; pass `averages=` to compile for "
                    f"moving averages. Received: {optimizer.get_config()} for the "
                    f"network {network!r}"
                )
            schedule = optimizer._learning_rate
            if isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule):
                optimizer._learning_rate = _PerUpdate(schedule, self._iterations)
        self._networks = dict(optimizers)

    def __getitem__(self, network):
        return self._networks[network]

    def __iter__(self):
        return iter(self._networks)

    def build_networks(self, variables):
        """Build each optimizer on its network's variables.

        Args:
            variables: dict from a network's name to its list of variables. Must be
                called under the strategy's scope, before the first step.
        """
        for network, optimizer in self._networks.items():
            optimizer.build(variables[network])
        self.built = True

    def restart(self):
        """Have each optimizer forget what it has seen, as one just built.

        Learning rates stay, and so does this object's own count. Must be called under
        the strategy's scope.
        """
        for optimizer in self._networks.values():
            config = {**optimizer.get_config(), "learning_rate": 0.0}
            fresh = type(optimizer).from_config(config)
            fresh.build(optimizer._trainable_variables)
            for own, new in zip(_state(optimizer), _state(fresh), strict=True):
                own.assign(new)

    def build(self, variables):
        """Do nothing: `build_networks` has built each optimizer on its own part."""

    @property
    def variables(self):
        """The iteration count, then the inner optimizers' variables in order."""
        inner = [o.variables for o in self._networks.values()]
        return [self._iterations, *(v for variables in inner for v in variables)]

    def load_own_variables(self, store):
        """Load by position, as `save_own_variables` wrote them."""
        if len(store.keys()) != len(self.variables):
            raise ValueError(
                f"Expected {len(self.variables)} optimizer variables, for the networks "
                f"{list(self)}. Received: {len(store.keys())}"
            )
        for i, variable in enumerate(self.variables):
            variable.assign(store[str(i)])

    def finalize_variable_values(self, var_list):
        """Do nothing at the end of `fit`: averages live beside their networks."""

    def get_config(self):
        optimizers = {}
        for name, optimizer in self._networks.items():
            optimizers[name] = keras.optimizers.serialize(optimizer)
            if isinstance(optimizer._learning_rate, _PerUpdate):
                schedule = keras.optimizers.schedules.serialize(
                    optimizer._learning_rate.schedule
                )
                optimizers[name]["config"]["learning_rate"] = schedule
        return {"optimizers": optimizers, "name": self.name}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        def read(value):
            return keras.optimizers.deserialize(value, custom_objects=custom_objects)

        optimizers = {name: read(o) for name, o in config["optimizers"].items()}
        return cls(optimizers, name=config["name"])


class _PerUpdate(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule read at the number of updates, whatever step it is asked for."""

    def __init__(self, schedule, updates):
        self.schedule = schedule
        self.updates = updates

    def __call__(self, step):
        return self.schedule(self.updates)

    def get_config(self):
        return self.schedule.get_config()


def _state(optimizer):
    """An optimizer's variables but for the learning rate."""
    return [v for v in optimizer.variables if v is not optimizer._learning_rate]


def clone(optimizer):
    """A fresh optimizer of the same configuration, with no state.

    Args:
        optimizer: a `keras.optimizers.Optimizer`, or a name such as "adam".
    """
    optimizer = keras.optimizers.get(optimizer)
    return type(optimizer).from_config(optimizer.get_config())
