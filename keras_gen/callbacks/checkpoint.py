"""Checkpoints that a killed run continues from, and a stop where losses break."""

import math
import os
import pathlib

import keras
import numpy as np


class Diverged(RuntimeError):
    """A loss or a weight has become NaN or infinite."""


class StopOnNaN(keras.callbacks.Callback):
    """Raise `Diverged`, naming network and step, once a loss is NaN or infinite."""

    def on_train_batch_end(self, batch, logs=None):
        logs = logs or {}
        for name in (name for name in self.model.trackers if name in logs):
            value = logs[name]
            if not math.isfinite(np.mean(keras.ops.convert_to_numpy(value))):
                step = int(keras.ops.convert_to_numpy(self._iterations()))
                networks = " and ".join(self.model.trained_by(name)) or "unknown"
                raise Diverged(
                    f"{name} is {float(np.mean(value))} at step {step} "
                    f"(network: {networks})"
                )

    def _iterations(self):
        state = getattr(self.model, "_jax_state", None)
        # Between JAX steps the count lives in the trainer's state, first of its kind.
        if state and not self.model._jax_state_synced:
            return state["optimizer_variables"][0]
        return self.model.optimizer.iterations.value


class Checkpoint(keras.callbacks.Callback):
    """Write all state after every epoch, in one file that is replaced atomically.

    The file holds every network, its moving average, and every optimizer with its
    iteration counts; noise and data order are functions of those. `resume` reads it.

    Args:
        path: file ending in ".weights.h5". Where several workers train together each
            needs one of its own, for saving is a collective operation.
    """

    def __init__(self, path):
        super().__init__()
        self.path = pathlib.Path(path)

    def resume(self, model, steps_per_epoch):
        """Load the checkpoint into a compiled model where there is one.

        Returns:
            The epoch to go on with, 0 without a checkpoint.
        """
        if not self.path.is_file():
            return 0
        model.load_weights(self.path)
        return int(model.optimizer.iterations.numpy()) // steps_per_epoch

    def on_epoch_end(self, epoch, logs=None):
        for variable in self.model.weights:
            if not np.isfinite(variable.numpy()).all():
                raise Diverged(f"{variable.path} is not finite after epoch {epoch + 1}")
        unfinished = self.path.with_name(f"unfinished-{self.path.name}")
        self.model.save_weights(unfinished)
        with open(unfinished, "rb") as file:
            os.fsync(file.fileno())
        os.replace(unfinished, self.path)
