"""What models of examples with a label have in common."""

import numpy as np
from keras import ops

from keras_gen.engine import random
from keras_gen.models import base, checks


class Labelled:
    """The half of a conditional model that takes labels in.

    Labels are ints in [0, num_classes), a keyword of the constructor; networks see them
    one-hot. With `num_classes=0`, where a class allows that, it is a model without.
    """

    @property
    def num_classes(self):
        return self._config["num_classes"]

    def takes_labels(self):
        return self.num_classes > 0

    def check_labels(self, labels, rows):
        """Labels int64 (rows,), from an array of them or one for all."""
        if not self.takes_labels():
            return super().check_labels(labels, rows)
        labels = labels if labels is None else np.asarray(labels)
        if labels is not None and not labels.ndim:
            labels = np.full(rows, labels)
        return checks.labels(labels, rows, self.num_classes)

    def one_hot(self, labels):
        """Labels (batch,) as float32 (batch, num_classes)."""
        return ops.one_hot(labels, self.num_classes)

    def check_conditions(self, n, labels=None):
        """`labels`: ints (n,) or one for all, or None to draw them uniformly."""
        if not self.takes_labels():
            self.refuse(labels=labels)
            return {}, {}
        labels = np.full(n, -1) if labels is None else self.check_labels(labels, n)
        return {"labels": labels.astype("int32")}, {}

    def refuse(self, **conditions):
        """Raise ValueError where a model without labels is given what needs them."""
        for name, value in conditions.items():
            if value is not None:
                raise ValueError(
                    f"Expected no {name}, as this model has num_classes=0. "
                    f"Received: {name}={value!r}"
                )

    def condition_specs(self):
        """A label for each sample; -1 for one drawn uniformly."""
        if not self.takes_labels():
            return {}
        return {"labels": ((None,), "int32")}

    def drawn(self, labels):
        """Int32 labels (n,), those below 0 drawn uniformly."""
        draws = ops.floor(random.uniform((ops.shape(labels)[0],)) * self.num_classes)
        return ops.where(labels < 0, ops.cast(draws, "int32"), labels)

    def showcase(self, images, labels=None):
        """64 samples in the order of the classes."""
        if not self.takes_labels():
            return super().showcase(images, labels)
        labels = np.arange(64) * self.num_classes // 64
        samples = self.generate(64, seed=0, labels=labels, verbose=False)
        caption = "64 samples in the order of their classes, seed 0"
        return base.Showcase(samples, caption)
