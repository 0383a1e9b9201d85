"""A classifier of pictures, the judge of the zoo's generators."""

import keras
import numpy as np
from keras import layers, ops

from keras_gen import networks
from keras_gen.models import base, checks


@keras.saving.register_keras_serializable("keras_gen")
class Classifier(base.GenerativeModel):
    """Features of pictures and the probabilities of their classes.

    Not a generative model: the zoo measures those with its features (see
    `keras_gen.metrics`). A residual network (He et al. 2016, arXiv:1512.03385)
    without normalisation, trained on the cross entropy of the labels. Logs `loss`,
    the cross entropy in nats, and `accuracy`.

    Args:
        image_shape: (height, width, channels).
        num_classes: labels are ints in [0, num_classes).
        num_features: length of the feature vector.
        filters, blocks, shuffle, pool, shift, flip, dropout: see
            `networks.residual_features`.
        label_smoothing: share in [0, 1) of each label that training spreads over all
            classes (Szegedy et al. 2016, arXiv:1512.00567, section 7).
        backbone: any Keras model from images (batch, h, w, c) in [-1, 1] to features
            (batch, num_features).
        head: any Keras model from features to logits (batch, num_classes).

    Raises:
        ValueError: a given network's shapes do not fit.
    """

    networks = ("backbone", "head")
    trackers = ("loss", "accuracy")
    loss_meaning = "the cross entropy of the labels, nats an image"

    def __init__(
        self,
        *,
        image_shape=(28, 28, 1),
        num_classes=10,
        num_features=128,
        filters=(24, 48, 96),
        blocks=1,
        shuffle=1,
        pool=None,
        shift=0,
        flip=False,
        dropout=0.0,
        label_smoothing=0.0,
        backbone=None,
        head=None,
        name="classifier",
    ):
        super().__init__(name=name)
        self.num_classes = num_classes
        self.num_features = num_features
        self.label_smoothing = label_smoothing
        self.ready(
            backbone=backbone
            or networks.residual_features(
                image_shape,
                num_features,
                filters=filters,
                blocks=blocks,
                shuffle=shuffle,
                pool=pool,
                shift=shift,
                flip=flip,
                dropout=dropout,
            ),
            head=head or _head(num_features, num_classes),
        )
        base.check_network(self.backbone, image_shape, (num_features,), "backbone")
        base.check_network(self.head, (num_features,), (num_classes,), "head")

    def default_optimizers(self):
        """Adam at 1e-3."""
        return {name: keras.optimizers.Adam(1e-3) for name in self.networks}

    def check_labels(self, labels, rows):
        return checks.labels(labels, rows, self.num_classes)

    def prepare(self, data):
        """(images in [-1, 1], int32 labels (batch,))."""
        images, labels = base.labelled(data)
        return base.to_signed(images), ops.cast(labels, "int32")

    def update(self, batch):
        self.minimize(self.cross_entropy, self.networks, *batch)

    def validate(self, batch):
        return self.cross_entropy(*batch, training=False)

    def cross_entropy(self, images, labels, training=True):
        """-log p(label|image) in nats and whether the label is the likeliest."""
        features = self.network("backbone", training)(images, training=training)
        logits = self.network("head", training)(features, training=training)
        smoothing = self.label_smoothing if training else 0.0
        targets = ops.one_hot(labels, self.num_classes) * (1 - smoothing)
        targets += smoothing / self.num_classes
        hits = ops.equal(ops.argmax(logits, axis=-1), ops.cast(labels, "int32"))
        return {
            "loss": -ops.sum(targets * ops.log_softmax(logits), axis=-1),
            "accuracy": ops.cast(hits, "float32"),
        }

    def call(self, images):
        """Probabilities (batch, num_classes) of images, uint8 or float in [0, 1]."""
        return ops.softmax(self.averaged("head")(self._features(images)))

    def classify(self, images):
        """Probabilities of the classes.

        Args:
            images: (n, h, w, c), uint8 in [0, 255] or float in [0, 1].

        Returns:
            float32 array (n, num_classes); rows sum to 1.
        """
        return self.apply_in_batches(self.call, self.check_inputs(images))

    def features(self, images):
        """Feature vectors, float32 array (n, num_features); `images` as above."""
        return self.apply_in_batches(self._features, self.check_inputs(images))

    def showcase(self, images, labels=None):
        """Held-out images, those put into class 0 first, then class 1 and so on."""
        order = np.argsort(self.classify(images).argmax(axis=1), kind="stable")
        caption = "held-out pictures in the order of the predicted classes"
        return base.Showcase(images[order], caption)

    def signatures(self):
        image = ((None, *self.data_shape()), "float32")
        return {
            "serving_default": (self.call, {"images": image}),
            "features": (self._features, {"images": image}),
        }

    def _features(self, images):
        return self.averaged("backbone")(base.to_signed(images), training=False)


def _head(features, classes):
    inputs = keras.Input((features,))
    outputs = layers.Dense(classes, dtype="float32")(inputs)
    return keras.Model(inputs, outputs, name="head")
