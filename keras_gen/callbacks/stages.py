"""Training that goes through a model's stages."""

import itertools

import keras


class Stages(keras.callbacks.Callback):
    """Set a model's stage as each epoch begins, a function of the epoch alone.

    A run that goes on at any epoch therefore finds its stage.

    Args:
        epochs: how many epochs each stage lasts, in their order; the last one goes on
            for as long as `fit` does.

    Raises:
        ValueError: numbers of epochs below 1; when training begins, another number of
            them than the model has stages.
    """

    def __init__(self, epochs):
        super().__init__()
        epochs = list(epochs)
        if not epochs or not all(
            isinstance(count, int) and count >= 1 for count in epochs
        ):
            raise ValueError(
                f"Expected the epochs of each stage, ints above 0. Received: {epochs}"
            )
        self.epochs = epochs

    def stage(self, epoch):
        """The stage that an epoch belongs to, both counted from 0."""
        ends = list(itertools.accumulate(self.epochs))[:-1]
        return sum(epoch >= end for end in ends)

    def on_train_begin(self, logs=None):
        if len(self.epochs) != self.model.num_stages:
            raise ValueError(
                f"Expected the epochs of {self.model.num_stages} stages, which "
                f"{type(self.model).__name__} has. Received: {self.epochs}"
            )

    def on_epoch_begin(self, epoch, logs=None):
        self.model.enter_stage(self.stage(epoch))
