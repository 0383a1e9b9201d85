"""Scalars and pictures for TensorBoard, on any backend."""

import io
import pathlib

import keras
import numpy as np
from PIL import Image
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from keras_gen import pictures


class TensorBoardLogs(keras.callbacks.Callback):
    """Write an epoch's logs as scalars, at the step reached.

    Args:
        folder: where the event files go.
    """

    def __init__(self, folder):
        super().__init__()
        self.folder = pathlib.Path(folder)

    def on_train_begin(self, logs=None):
        self._writer = EventFileWriter(str(self.folder))
        # The reader drops what a killed process logged from this event's step on: after
        # its last checkpoint, that is, whose own step is to stay.
        start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        self._add(1, session_log=start)

    def on_epoch_end(self, epoch, logs=None):
        self.scalars(logs or {})

    def on_train_end(self, logs=None):
        self._writer.close()

    def scalars(self, values):
        """Write a dict from tags to numbers, at the step reached."""
        values = [
            summary_pb2.Summary.Value(tag=name, simple_value=float(np.mean(value)))
            for name, value in sorted(values.items())
        ]
        self._add(summary=summary_pb2.Summary(value=values))
        self._writer.flush()

    def image(self, tag, picture):
        """Write a uint8 array (h, w, 1 or 3) under a tag, at the step reached."""
        buffer = io.BytesIO()
        shown = picture[..., 0] if picture.shape[2] == 1 else picture
        Image.fromarray(shown).save(buffer, format="PNG")
        image = summary_pb2.Summary.Image(
            height=picture.shape[0],
            width=picture.shape[1],
            colorspace=picture.shape[2],
            encoded_image_string=buffer.getvalue(),
        )
        value = summary_pb2.Summary.Value(tag=tag, image=image)
        self._add(summary=summary_pb2.Summary(value=[value]))
        self._writer.flush()

    def _add(self, ahead=0, **content):
        step = int(self.model.optimizer.iterations.numpy()) + ahead
        self._writer.add_event(event_pb2.Event(step=step, **content))


class SampleGrid(keras.callbacks.Callback):
    """Draw the model's `showcase` after epochs, as PNG files and TensorBoard images.

    Args:
        folder: where `epoch_0001.png` and so on go.
        logs: a `TensorBoardLogs` that shows them too.
        images: held-out images (n, h, w, c) for models that take some in.
        every: epochs between grids; the last epoch always has one.
    """

    def __init__(self, folder, logs, *, images=None, every=1):
        super().__init__()
        self.folder = pathlib.Path(folder)
        self.logs = logs
        self.images = images
        self.every = every

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every and epoch + 1 != self.params["epochs"]:
            return
        shown = self.model.showcase(self.images)
        sheet = pictures.grid(shown.images, columns=shown.columns)
        self.folder.mkdir(parents=True, exist_ok=True)
        pictures.save_png(self.folder / f"epoch_{epoch + 1:04}.png", sheet, scale=2)
        self.logs.image("samples", sheet)
