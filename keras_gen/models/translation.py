"""What models from pictures to pictures share: pairs to learn from, any size in use."""

import itertools

import numpy as np
from keras import ops

from keras_gen import layers
from keras_gen.models import base, checks, tiling

PIXELS = 128 * 64 * 64  # of the pictures that are translated at once


class TranslationModel(base.GenerativeModel):
    """A generator from pictures to pictures, of any size that its stride divides.

    It learns from pairs (inputs, targets), or from targets alone of which a layer
    makes the inputs. Inside, pictures are scaled to [-1, 1].

    A subclass names the network that translates in `translator`, its default stride
    in `default_stride`, and by how much it makes sides grow in `scale`.

    Args:
        image_shape: (height, width, channels) of the pictures trained on: of the
            inputs, or of the targets where there is a corruption.
        outputs: channels of the targets of pairs; None for those of the inputs.
        corruption: a layer of `keras_gen.layers`, such as `Greyscale`, `Edges` or
            `Downsampling`, that makes inputs of targets; None for pairs.
        augmentation: a layer that changes pictures in training, such as
            `layers.RandomShift(4)`; inputs and targets alike. Or None.
        stride: what the sides that a given generator takes must be multiples of; None
            for 1, and for the default generator's own.
    """

    translator = "generator"
    scale = 1

    def __init__(
        self,
        *,
        image_shape=(256, 256, 3),
        outputs=None,
        corruption=None,
        augmentation=None,
        stride=None,
        name=None,
    ):
        super().__init__(name=name)
        self.corruption = corruption
        # Of pairs it sees the channels of both.
        sides = self.data_shape()[:2]
        self.augmentation = base.built(augmentation, (*sides, None))
        if corruption is not None and outputs is not None:
            raise ValueError(
                "Expected no outputs beside a corruption, whose targets are the "
                f"pictures themselves. Received: outputs={outputs}"
            )
        given = self._config.get(self.translator) is not None
        self.stride = stride or (1 if given else self.default_stride())

    def default_stride(self):
        """What sides must be multiples of for the default generator."""
        return 1

    # Data

    def target_shape(self):
        """(height, width, channels) of the targets that `fit` takes."""
        *sides, channels = self.data_shape()
        return (*sides, self._config["outputs"] or channels)

    def input_channels(self):
        """Channels of the pictures that the generator takes."""
        return self.seen_shape()[-1]

    def seen_shape(self):
        """(height, width, channels) of the inputs trained on."""
        if self.corruption is None:
            return self.data_shape()
        return tuple(self.corruption.compute_output_shape((1, *self.data_shape()))[1:])

    def check_labels(self, labels, rows):
        """Targets as they are once they fit, None beside a corruption; else raise."""
        if self.corruption is not None:
            return None
        if labels is None:
            raise ValueError(
                "Expected pairs, the targets as y or second in each batch; or a model "
                "with a corruption. Received: inputs alone"
            )
        labels = np.asarray(labels)
        checks.images(labels, self.target_shape())
        if len(labels) != rows:
            raise ValueError(
                f"Expected as many targets as inputs, {rows}. Received: {len(labels)}"
            )
        return labels

    def _check_batch(self, batch):
        parts = batch if isinstance(batch, (tuple, list)) else (batch, None)
        arrays = [x if x is None else ops.convert_to_numpy(x) for x in parts[:2]]
        self.check_inputs(arrays[0])
        self.check_labels(arrays[1], len(arrays[0]))

    def prepare(self, data):
        """A tuple of pictures in [0, 1]: inputs and targets, or targets alone."""
        if self.corruption is not None:
            return (base.to_unit(base.first(data)),)
        return tuple(base.to_unit(images) for images in base.labelled(data))

    def pairs(self, batch, training=True):
        """(inputs, targets) of a prepared batch, on the scale of [-1, 1]."""
        if training and self.augmentation is not None:
            batch = self._augmented(batch)
        if self.corruption is not None:
            (targets,) = batch
            batch = (ops.clip(self.corruption(targets), 0.0, 1.0), targets)
        return tuple(2 * images - 1 for images in batch)

    def _augmented(self, batch):
        """A batch changed, side by side, so that both of a pair change alike."""
        changed = self.augmentation(ops.concatenate(batch, axis=-1), training=True)
        first = batch[0].shape[-1]
        return (changed[..., :first], changed[..., first:])[: len(batch)]

    def corrupt(self, images):
        """Inputs of targets, as training makes them.

        Args:
            images: (n, h, w, c), uint8 in [0, 255] or float in [0, 1].

        Returns:
            float32 array (n, h', w', c') in [0, 1].

        Raises:
            ValueError: a model of pairs.
        """
        if self.corruption is None:
            raise ValueError(
                "Expected a model with a corruption. Received: one of pairs"
            )
        images = np.asarray(images)
        checks.images(images, (None, None, self.data_shape()[-1]))
        self.corruption.compute_output_shape(images.shape)  # raises if it cannot
        return self.run_compiled(self._corrupt, images, sides=images.shape[1:3])

    def _corrupt(self, images, sides):
        # A program for each pair of sides: Keras resizes pictures of known ones alone.
        images = ops.reshape(images, (-1, *sides, images.shape[-1]))
        return ops.clip(self.corruption(base.to_unit(images)), 0.0, 1.0)

    # Verbs

    def call(self, images):
        """Pictures (batch, scale * h, scale * w, c) in [0, 1] of others."""
        return self.made_of(images, self.translator)

    def made_of(self, images, network, training=False):
        """Pictures in [0, 1] that a network makes of others, uint8 or float."""
        network = self.averaged(network)
        return base.from_signed(network(base.to_signed(images), training=training))

    def translate(self, images, *, tile=None, overlap=None):
        """What the generator makes of pictures.

        Sides that the model's `stride` does not divide are padded by their mirror
        image and what was made of that is cropped.

        Args:
            images: (n, h, w, c) of any height and width, uint8 in [0, 255] or float in
                [0, 1].
            tile: side of the squares that larger pictures are cut into, to fit in
                memory, a multiple of `stride`; None for whole pictures. Networks that
                normalise a picture by its own moments see those of a square then, and
                the squares' tones may differ.
            overlap: pixels that neighbouring squares share at least; there, what was
                made of them is blended. None for 16, or a quarter of a smaller tile.

        Returns:
            float32 array (n, scale * h, scale * w, outputs) in [0, 1].

        Raises:
            ValueError: pictures of other channels, or a tile or overlap that does not
                fit.
        """
        return self.translated(images, tile, overlap, self.call)

    def translated(self, images, tile, overlap, method, channels=None, seed=None):
        """`translate` by a method of pictures, and of int32 (2,) where it draws noise.

        The latter are the seed and the number of the call; `channels` are those of the
        pictures, by default the generator's.
        """
        images = np.asarray(images)
        checks.images(images, (None, None, channels or self.input_channels()))
        numbers = itertools.count()

        def run(part):
            noise = [] if seed is None else [np.int32([seed, next(numbers)])]
            return self.run_compiled(method, part, *noise)

        if tile is None:
            return self._whole(images, run)
        overlap = min(16, tile // 4) if overlap is None else overlap
        if tile < 1 or tile % self.stride or not 0 <= overlap < tile:
            raise ValueError(
                f"Expected a tile that is a multiple of {self.stride}, the model's "
                "stride, and an overlap from 0 on below it. "
                f"Received: tile={tile}, overlap={overlap}"
            )
        height, width = images.shape[1:3]
        extra = [(0, max(tile - side, 0)) for side in (height, width)]
        images = np.pad(images, [(0, 0), *extra, (0, 0)], mode="symmetric")
        made = tiling.tiled(
            lambda part: self._whole(part, run),
            images,
            tile=tile,
            overlap=overlap,
            scale=self.scale,
        )
        return made[:, : self.scale * height, : self.scale * width]

    def _whole(self, images, run):
        """Whole pictures made by a function, as many at a time as memory bears."""
        images, (height, width) = tiling.padded(images, self.stride)
        rows = max(1, PIXELS // (images.shape[1] * images.shape[2]))
        parts = [run(images[k : k + rows]) for k in range(0, len(images), rows)]
        return np.concatenate(parts)[:, : self.scale * height, : self.scale * width]

    @property
    def main_verb(self):
        """`colorize` of a model trained with `layers.Greyscale`, else `translate`."""
        colours = isinstance(self.corruption, layers.Greyscale)
        return self.colorize if colours else self.translate

    def colorize(self, images, *, tile=None, overlap=None):
        """Colour pictures of grey ones, whose lightness they keep.

        `translate`'s colours, their luma set to the given one (BT.601). For models
        trained with `layers.Greyscale`.

        Args:
            images: (n, h, w, 1), or (n, h, w, 3), of which only the luma is used;
                uint8 in [0, 255] or float in [0, 1].
            tile, overlap: as `translate` takes them.

        Returns:
            float32 array (n, h, w, 3) in [0, 1].

        Raises:
            ValueError: a model that makes other pictures, or other pictures.
        """
        if not isinstance(self.corruption, layers.Greyscale):
            raise ValueError(
                "Expected a model trained with layers.Greyscale. "
                f"Received: corruption={self.corruption!r}"
            )
        images = np.asarray(images)
        if images.shape[-1:] == (1,):
            images = np.repeat(images, 3, axis=-1)
        checks.images(images, (None, None, 3))
        made = self.translate(self.corrupt(images), tile=tile, overlap=overlap)
        return np.asarray(layers.with_luma(made, layers.luma(base.to_unit(images))))

    def showcase(self, images, labels=None):
        """Rows of held-out pictures, what was made of them, and the truth."""
        return contact_sheet(*self._examples(images[:8], labels), self.main_verb)

    def _examples(self, images, labels):
        """(inputs, truth) of held-out pictures as a pipeline gives them."""
        if self.corruption is not None:
            return self.corrupt(images), images
        return images, None if labels is None else labels[: len(images)]

    def signatures(self):
        shape = (None, None, None, self.input_channels())
        return {"serving_default": (self.call, {"images": (shape, "float32")})}


def check_channels(network, channels, outputs, name):
    """Raise ValueError unless a network maps pictures to pictures of such channels.

    Args:
        channels: of the pictures taken.
        outputs: of those returned, None for scores of any shape.
    """
    taken, made = network.input_shape, network.output_shape
    fits = len(taken) == 4 and taken[-1] == channels
    if not fits or (outputs is not None and made[-1] != outputs):
        wanted = "scores" if outputs is None else f"pictures of {outputs}"
        raise ValueError(
            f"Expected {name} to take pictures of {channels} channels and to return "
            f"{wanted}. Received: {taken} to {made}"
        )


def contact_sheet(inputs, truth, verb):
    """A `Showcase`: in columns of a row each, inputs, what was made of them, truth."""
    made = verb(inputs)
    rows = [
        _as_colour(x, made.shape[1]) for x in (inputs, made, truth) if x is not None
    ]
    words = "what was made of them" + ("" if truth is None else ", and the true ones")
    caption = f"held-out pictures, {words}, one below the other"
    return base.Showcase(np.concatenate(rows), caption, len(inputs))


def _as_colour(images, side):
    """Pictures float32 (n, side, w, 3) in [0, 1], enlarged by repeating pixels."""
    images = np.asarray(images)
    if images.dtype == np.uint8:
        images = images.astype("float32") / 255
    factor = side // images.shape[1]
    images = images.repeat(factor, axis=1).repeat(factor, axis=2)
    return images if images.shape[-1] == 3 else images[..., :1].repeat(3, axis=-1)


def mean_absolute_error(targets, made):
    """Mean absolute difference of pictures on the scale of [0, 1]: (batch,)."""
    difference = ops.abs(targets - made) / 2  # they lie in [-1, 1]
    return ops.mean(ops.reshape(difference, (ops.shape(difference)[0], -1)), axis=1)


__all__ = ["TranslationModel", "check_channels", "contact_sheet", "mean_absolute_error"]
