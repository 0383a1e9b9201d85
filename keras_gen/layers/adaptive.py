"""Augmentation that adapts to how much a critic overfits: Karras et al. 2020.

"Training Generative Adversarial Networks with Limited Data" (arXiv:2006.06676).
"""

import functools
import math

import keras
import numpy as np
from keras import ops

from keras_gen.engine import backend, random


@keras.saving.register_keras_serializable("keras_gen")
class AdaptiveAugmentation(keras.layers.Layer):
    """In training, change each picture in many ways, each with probability p.

    Appendix B's pixel blitting (mirroring, quarter turns, whole shifts), geometry
    (scales, rotations, fractional shifts) and colours (brightness, contrast, inverted
    luma, hue, saturation), of its deviations. Pictures, (batch, h, w, c) in [-1, 1],
    are sampled bilinearly and reflected at their edges; the authors filter them
    besides. Only pictures of three channels have a hue.

    p rises by as much as makes it 1 after `pictures` pictures while the critic is surer
    of real ones than `target` says, and falls otherwise (section 3.1, r_t).

    Args:
        target: mean sign of the critic's scores of real pictures that is aimed at.
        pictures: shown while p goes from 0 to 1.
        start: p at the start; `pictures=math.inf` keeps it.
        pixels, geometry, colours: whether to change these.

    Attributes:
        probability: p now, a variable.

    Raises:
        ValueError: numbers out of range.
    """

    def __init__(
        self,
        *,
        target=0.6,
        pictures=500_000,
        start=0.0,
        pixels=True,
        geometry=True,
        colours=True,
        **kwargs,
    ):
        super().__init__(**{"dtype": "float32"} | kwargs)
        if not 0 <= start <= 1 or not pictures > 0:
            raise ValueError(
                "Expected a start in [0, 1] and pictures above 0. "
                f"Received: start={start}, pictures={pictures}"
            )
        self.target = target
        self.pictures = pictures
        self.start = start
        self.pixels = pixels
        self.geometry = geometry
        self.colours = colours

    def build(self, input_shape=None):
        # Not before: the variables belong to the strategy whose scope is open then.
        self.probability, self.sureness = (
            self.add_weight(
                shape=(),
                initializer=keras.initializers.Constant(value),
                trainable=False,
                # Replicas hold the same, so that one of them speaks for all.
                aggregation="only_first_replica",
                name=name,
            )
            for name, value in (("probability", self.start), ("sureness", self.target))
        )

    def observe(self, scores):
        """Adapt p to a batch of scores of real pictures, 0 where they look neither."""
        signs = ops.sign(backend.gather(ops.stop_gradient(scores)))
        # r_t is over four batches there.
        sureness = 0.75 * self.sureness + 0.25 * ops.mean(signs)
        step = ops.cast(ops.shape(signs)[0], "float32") / self.pictures
        moved = self.probability + step * ops.sign(sureness - self.target)
        self.sureness.assign(sureness)
        self.probability.assign(ops.clip(moved, 0.0, 1.0))

    def call(self, inputs, training=False):
        # A functional network is laid out once without any noise to draw from.
        if not training or isinstance(inputs, keras.KerasTensor):
            return inputs
        x = inputs
        if self.pixels or self.geometry:
            x = sampled(x, self._places(ops.shape(x)[0], x.shape[1:3]))
        return self._coloured(x) if self.colours else x

    def _chosen(self, values, neutral, share=None):
        """Values (n, ...) with probability p for each picture, else neutral ones."""
        share = self.probability if share is None else share
        draws = random.uniform((ops.shape(values)[0],) + (1,) * (len(values.shape) - 1))
        return ops.where(draws < share, values, neutral)

    def _places(self, n, sides):
        """Maps (n, 3, 3) from places in the result to places in the picture."""
        sides = np.array(sides[::-1], "float32")  # along x first
        maps = []
        if self.pixels:
            flip = ops.where(random.uniform((n,)) < 0.5, -1.0, 1.0)
            maps.append(_scaling(self._chosen(flip, 1.0), ops.ones((n,))))
            turns = ops.floor(4 * random.uniform((n,))) * (math.pi / 2)
            maps.append(_rotation(self._chosen(turns, 0.0)))
            shifts = self._chosen(2 * random.uniform((n, 2)) - 1, 0.0)
            maps.append(_translation(ops.round(0.125 * sides * shifts)))
        if self.geometry:
            scale = self._chosen(2 ** (0.2 * random.normal((n,))), 1.0)
            maps.append(_scaling(scale, scale))
            # That at least one of two rotations happens has probability p.
            share = 1 - ops.sqrt(1 - self.probability)
            maps.append(self._turned(n, share))
            stretch = self._chosen(2 ** (0.2 * random.normal((n,))), 1.0)
            maps.append(_scaling(stretch, 1 / stretch))
            maps.append(self._turned(n, share))
            shifts = self._chosen(random.normal((n, 2)), 0.0)
            maps.append(_translation(0.125 * sides * shifts))
        return functools.reduce(ops.matmul, maps)

    def _turned(self, n, share):
        angles = math.pi * (2 * random.uniform((n,)) - 1)
        return _rotation(self._chosen(angles, 0.0, share))

    def _coloured(self, x):
        n = ops.shape(x)[0]

        def own(values, neutral):
            return self._chosen(values, neutral)[:, None, None, None]

        x = x + own(0.2 * random.normal((n,)), 0.0)
        x = x * own(2 ** (0.5 * random.normal((n,))), 1.0)
        flips = ops.where(random.uniform((n,)) < 0.5, 1.0, 0.0)
        # Luma lies along (1, 1, 1); its inverse is Householder's reflection.
        x = x - 2 * own(flips, 0.0) * ops.mean(x, axis=-1, keepdims=True)
        if x.shape[-1] != 3:
            return x
        angles = math.pi * (2 * random.uniform((n,)) - 1)
        x = ops.einsum("nij,nhwj->nhwi", _hue(self._chosen(angles, 0.0)), x)
        luma = ops.mean(x, axis=-1, keepdims=True)
        return luma + (x - luma) * own(2 ** random.normal((n,)), 1.0)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        own = {"target": self.target, "pictures": self.pictures, "start": self.start}
        own |= {"pixels": self.pixels, "geometry": self.geometry}
        return super().get_config() | own | {"colours": self.colours}


def sampled(pictures, maps):
    """Pictures at other places, bilinearly, reflected at their edges.

    Args:
        pictures: float (n, h, w, c).
        maps: (n, 3, 3) from places in the result to places in the picture: (x, y, 1)
            in pixels from its centre.

    Returns:
        Of the shape of `pictures`.
    """
    _, height, width, channels = pictures.shape
    n = ops.shape(pictures)[0]
    middle = [(side - 1) / 2 for side in (width, height)]
    y, x = np.mgrid[:height, :width].reshape(2, -1).astype("float32")
    places = np.stack([x - middle[0], y - middle[1], np.ones_like(x)])
    found = ops.matmul(maps, ops.convert_to_tensor(places))  # (n, 3, h w)
    x, y = found[:, 0] + middle[0], found[:, 1] + middle[1]
    left, top = ops.floor(x), ops.floor(y)
    right_share, low_share = (x - left)[..., None], (y - top)[..., None]
    left, top = ops.cast(left, "int32"), ops.cast(top, "int32")
    pixels = ops.reshape(pictures, (-1, channels))
    first = ops.arange(n)[:, None] * (height * width)

    def line(down):
        row = first + width * _reflected(top + down, height)
        ends = [
            ops.take(pixels, row + _reflected(left + k, width), axis=0) for k in (0, 1)
        ]
        return ends[0] + right_share * (ends[1] - ends[0])

    upper, lower = line(0), line(1)
    mixed = upper + low_share * (lower - upper)
    return ops.reshape(mixed, (-1, height, width, channels))


def _reflected(places, side):
    """Ints as those in [0, side) that mirrors at both edges show."""
    places = places % (2 * side)
    return ops.where(places < side, places, 2 * side - 1 - places)


def _affine(*rows):
    """Maps (n, 3, 3) of two rows of three numbers (n,) or constants."""
    like = sum(x for row in rows for x in row)
    rows = (*rows, (0.0, 0.0, 1.0))
    full = [[x + ops.zeros_like(like) for x in row] for row in rows]
    return ops.stack([ops.stack(row, axis=-1) for row in full], axis=-2)


def _scaling(x, y):
    return _affine((x, 0.0, 0.0), (0.0, y, 0.0))


def _translation(shifts):
    return _affine((1.0, 0.0, shifts[:, 0]), (0.0, 1.0, shifts[:, 1]))


def _rotation(angles):
    cosine, sine = ops.cos(angles), ops.sin(angles)
    return _affine((cosine, -sine, 0.0), (sine, cosine, 0.0))


def _hue(angles):
    """Rotations (n, 3, 3) of colours about (1, 1, 1): Rodrigues' formula."""
    axis = np.full((3,), 3**-0.5, "float32")
    along = np.outer(axis, axis)
    cross = np.cross(np.eye(3, dtype="float32"), axis).T
    cosine, sine = (f(angles)[:, None, None] for f in (ops.cos, ops.sin))
    return cosine * np.eye(3, dtype="float32") + sine * cross + (1 - cosine) * along
