"""Callbacks for sample grids, logs, diagnostics, resuming, stages and divergence."""

from keras_gen.callbacks.checkpoint import Checkpoint, Diverged, StopOnNaN
from keras_gen.callbacks.diagnostics import Diagnostics
from keras_gen.callbacks.logs import SampleGrid, TensorBoardLogs
from keras_gen.callbacks.stages import Stages

__all__ = [
    "Checkpoint",
    "Diagnostics",
    "Diverged",
    "SampleGrid",
    "Stages",
    "StopOnNaN",
    "TensorBoardLogs",
]
