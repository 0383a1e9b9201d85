"""Callbacks for sample grids, logs, resuming and divergence."""

from keras_gen.callbacks.checkpoint import Checkpoint, Diverged, StopOnNaN
from keras_gen.callbacks.logs import SampleGrid, TensorBoardLogs

__all__ = ["Checkpoint", "Diverged", "SampleGrid", "StopOnNaN", "TensorBoardLogs"]
