"""How a game between networks stands, for TensorBoard."""

import keras


class Diagnostics(keras.callbacks.Callback):
    """Write what an adversarial model's `diagnose` says, as scalars, after epochs.

    They stand under `diagnostics/`: accuracies and probabilities of the critic on real
    and generated examples, gradient norms by network, an estimate of the Wasserstein
    distance, and with clipped weights how many lie at the bound.

    Args:
        logs: a `TensorBoardLogs` that writes them.
        images: held-out examples, some 100; a multiple of what the critic packs.
        labels: ints (n,) for models that take them.
        every: epochs between measurements.

    Raises:
        ValueError: when training begins, a model that has no `diagnose`.
    """

    def __init__(self, logs, images, labels=None, *, every=1):
        super().__init__()
        self.logs = logs
        self.images = images
        self.labels = labels
        self.every = every

    def on_train_begin(self, logs=None):
        if not hasattr(self.model, "diagnose"):
            raise ValueError(
                "Expected a model of a generator and a critic. "
                f"Received: {type(self.model).__name__}"
            )

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every:
            return
        found = self.model.diagnose(self.images, self.labels)
        self.logs.scalars({f"diagnostics/{k}": v for k, v in found.items()})
