"""Corruptions that an autoencoder learns to undo: Vincent et al. 2010, section 3.3;
of blocks: Pathak et al. 2016 (arXiv:1604.07379).

Each takes float pictures (batch, h, w, c) in [0, 1] and returns some. The noise is the
training step's or the verb's own. They corrupt whenever they are called, training or
not; a network that holds one corrupts its input always.
"""

import keras
from keras import ops

from keras_gen.engine import random

LUMA = (0.299, 0.587, 0.114)  # of red, green and blue: ITU-R BT.601


def luma(images):
    """BT.601 luma (batch, h, w, 1) of pictures (batch, h, w, 3), of their range."""
    weights = ops.cast(ops.reshape(LUMA, (1, 1, 1, 3)), images.dtype)
    return ops.sum(images * weights, axis=-1, keepdims=True)


def with_luma(images, grey):
    """Pictures of the same hues whose luma is another one.

    The chroma, colours less their luma, is added to the wanted luma, scaled down by
    one factor a pixel where a channel would leave [0, 1].

    Args:
        images: (batch, h, w, 3) in [0, 1].
        grey: the luma wanted, (batch, h, w, 1) in [0, 1].

    Returns:
        (batch, h, w, 3) in [0, 1].
    """
    chroma = images - luma(images)
    room = ops.where(chroma > 0, 1 - grey, grey)
    size = ops.maximum(ops.abs(chroma), keras.config.epsilon())
    share = ops.minimum(ops.min(room / size, axis=-1, keepdims=True), 1.0)
    return ops.clip(grey + share * chroma, 0.0, 1.0)


class Corruption(keras.layers.Layer):
    """The thin base: a subclass writes `corrupt`. In float32, whatever the policy."""

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32"} | kwargs)

    def call(self, inputs):
        # A functional network is laid out once without any noise to draw from.
        return inputs if isinstance(inputs, keras.KerasTensor) else self.corrupt(inputs)

    def corrupt(self, inputs):
        """Corrupted inputs, of their shape and dtype."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape):
        return input_shape


def _ends(value):
    """A number or a pair (low, high) as (low, high)."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value, value)


def _per_picture(value, inputs):
    """A number itself, a pair as numbers uniform between its ends, one a picture."""
    low, high = _ends(value)
    if low == high:
        return low
    shape = (ops.shape(inputs)[0], *(1 for _ in inputs.shape[1:]))
    return ops.cast(low + (high - low) * random.uniform(shape), inputs.dtype)


@keras.saving.register_keras_serializable("keras_gen")
class GaussianNoise(Corruption):
    """Add N(0, deviation^2) to every value; the sum is not clipped.

    Args:
        deviation: of the noise, at least 0, on the scale of [0, 1]; or a pair (low,
            high) between which each picture's own is drawn, for a network that is not
            told how noisy pictures are.
    """

    def __init__(self, deviation, **kwargs):
        super().__init__(**kwargs)
        ends = _ends(deviation)
        if len(ends) != 2 or not 0 <= ends[0] <= ends[1] < float("inf"):
            raise ValueError(
                "Expected a deviation from 0 on, or a pair of them, the lower first. "
                f"Received: {deviation}"
            )
        self.deviation = deviation
        self.built = True

    def corrupt(self, inputs):
        deviation = _per_picture(self.deviation, inputs)
        return inputs + deviation * ops.cast(
            random.normal(ops.shape(inputs)), inputs.dtype
        )

    def get_config(self):
        return {**super().get_config(), "deviation": self.deviation}


class _Share(Corruption):
    """A corruption of a share of the values."""

    def __init__(self, share, **kwargs):
        super().__init__(**kwargs)
        ends = _ends(share)
        if len(ends) != 2 or not 0 <= ends[0] <= ends[1] <= 1:
            raise ValueError(
                "Expected a share in [0, 1], or a pair of them, the lower first. "
                f"Received: {share}"
            )
        self.share = share
        self.built = True

    def get_config(self):
        return {**super().get_config(), "share": self.share}


@keras.saving.register_keras_serializable("keras_gen")
class MaskingNoise(_Share):
    """Set a share of the values to 0, each on its own.

    Args:
        share: expected share of values masked, in [0, 1]; or a pair (low, high)
            between which each picture's own is drawn.
    """

    def corrupt(self, inputs):
        share = _per_picture(self.share, inputs)
        kept = random.uniform(ops.shape(inputs)) >= share
        return inputs * ops.cast(kept, inputs.dtype)


@keras.saving.register_keras_serializable("keras_gen")
class SaltAndPepper(_Share):
    """Set a share of the values to 0 or to 1, by a fair coin each.

    Args:
        share: expected share of values replaced, in [0, 1]; or a pair (low, high)
            between which each picture's own is drawn.
    """

    def corrupt(self, inputs):
        share = _per_picture(self.share, inputs)
        draw = random.uniform(ops.shape(inputs))
        extreme = ops.cast(draw < share / 2, inputs.dtype)
        return ops.where(draw < share, extreme, inputs)


@keras.saving.register_keras_serializable("keras_gen")
class BlockMask(Corruption):
    """Set one rectangle of each picture to 0, of any height, width and place.

    Args:
        smallest, largest: least and greatest side in pixels; height and width are
            drawn on their own, each size alike, then the place.
    """

    def __init__(self, smallest, largest, **kwargs):
        super().__init__(**kwargs)
        whole = all(isinstance(side, int) for side in (smallest, largest))
        if not whole or not 1 <= smallest <= largest:
            raise ValueError(
                "Expected two sides in whole pixels from 1 on, the smallest first. "
                f"Received: {smallest}, {largest}"
            )
        self.smallest = smallest
        self.largest = largest
        self.built = True

    def corrupt(self, inputs):
        return inputs * (1 - self.missing(inputs))

    def missing(self, inputs):
        """Draw where pixels are erased: (batch, h, w, 1) of 1, and 0 elsewhere."""
        height, width = inputs.shape[1:3]
        if self.largest > min(height, width):
            raise ValueError(
                f"Expected pictures that hold blocks of {self.largest} pixels. "
                f"Received: shape {tuple(inputs.shape)}"
            )
        rows = self._stretch(inputs, height)[:, :, None, None]
        columns = self._stretch(inputs, width)[:, None, :, None]
        return ops.cast(ops.logical_and(rows, columns), inputs.dtype)

    def _stretch(self, inputs, side):
        """Draw stretches of a line of `side` pixels: (batch, side) bool."""
        draw = random.uniform((ops.shape(inputs)[0], 2))
        sizes = self.largest - self.smallest + 1
        length = self.smallest + ops.floor(draw[:, :1] * sizes)
        start = ops.floor(draw[:, 1:] * (side - length + 1))
        places = ops.arange(side, dtype="float32")[None]
        return ops.logical_and(places >= start, places < start + length)

    def get_config(self):
        sides = {"smallest": self.smallest, "largest": self.largest}
        return {**super().get_config(), **sides}


@keras.saving.register_keras_serializable("keras_gen")
class Greyscale(Corruption):
    """Colour pictures' luma in place of red, green and blue; colouring undoes it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.built = True

    def corrupt(self, inputs):
        if inputs.shape[-1] != 3:
            raise ValueError(
                "Expected pictures of 3 channels, red, green and blue. "
                f"Received: shape {tuple(inputs.shape)}"
            )
        return ops.repeat(luma(inputs), 3, axis=-1)


@keras.saving.register_keras_serializable("keras_gen")
class Edges(Corruption):
    """How steep the luma is at every pixel, in all channels: Sobel's operator.

    The length of its gradient over the greatest that there is in [0, 1], times `gain`,
    clipped to 1; edges of the picture repeat.

    Args:
        gain: above 0.
    """

    def __init__(self, gain=2.0, **kwargs):
        super().__init__(**kwargs)
        self.gain = gain
        self.built = True

    def corrupt(self, inputs):
        grey = luma(inputs) if inputs.shape[-1] == 3 else inputs
        # Once more at the edges, by "symmetric", where "edge" lacks a gradient.
        x = ops.pad(grey, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="symmetric")
        down = x[:, :-2] + 2 * x[:, 1:-1] + x[:, 2:]  # smoothed along columns
        across = x[:, :, :-2] + 2 * x[:, :, 1:-1] + x[:, :, 2:]
        squares = ops.square(down[:, :, 2:] - down[:, :, :-2])
        squares = squares + ops.square(across[:, 2:] - across[:, :-2])
        # A diagonal edge from 0 to 1 has the greatest: (3, 3), of length 18^(1/2).
        length = ops.sqrt(squares / 18)
        edges = ops.clip(self.gain * length, 0.0, 1.0)
        return ops.repeat(edges, inputs.shape[-1], axis=-1)

    def get_config(self):
        return {**super().get_config(), "gain": self.gain}


@keras.saving.register_keras_serializable("keras_gen")
class Downsampling(Corruption):
    """Smaller pictures by bicubic interpolation with its kernel stretched, clipped.

    The degradation of super-resolution's benchmarks. Its sides are those of the
    picture, divided.

    Args:
        factor: by which sides shrink; it must divide them.
    """

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        self.built = True

    def corrupt(self, inputs):
        sides = self.compute_output_shape(inputs.shape)[1:3]
        resized = ops.image.resize(
            inputs, sides, interpolation="bicubic", antialias=True
        )
        return ops.clip(resized, 0.0, 1.0)

    def compute_output_shape(self, input_shape):
        batch, *sides, channels = input_shape
        if any(side % self.factor for side in sides):
            raise ValueError(
                f"Expected sides that {self.factor} divides. "
                f"Received: shape {tuple(input_shape)}"
            )
        return (batch, *(side // self.factor for side in sides), channels)

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}
