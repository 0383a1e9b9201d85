"""The pixels of a batch under a likelihood, and the order in which they are coded."""

import numpy as np

from keras_gen.applications.compression.tables import LogisticMixtures
from keras_gen.losses.autoregressive import NEIGHBOURS


class Pixels:
    """p(x|z) of a batch of images, 8-bit values under mixtures of logistics.

    Args:
        likelihood: one of 8-bit values, with `logistics`.
        parameters: float64 (n, h, w, channels), the decoder's outputs on its grid.
    """

    def __init__(self, likelihood, parameters):
        parts = [np.asarray(part) for part in likelihood.logistics(parameters)]
        self.logits, self.means, self.log_scales = parts  # (n, h, w, c, components)

    def push(self, stack, images):
        """Code uint8 (n, h, w, c) on a stack."""
        levels = images.ravel().astype(np.int64)
        stack.push(levels, self._mixtures(np.s_[:], self.means))

    def pop(self, stack):
        """Decode them."""
        levels = stack.pop(self._mixtures(np.s_[:], self.means))
        return levels.astype(np.uint8).reshape(self.means.shape[:-1])

    def _mixtures(self, place, means):
        """The mixtures at a place, a slice of images, rows and columns."""
        parts = (self.logits[place], means, self.log_scales[place])
        return LogisticMixtures(*(part.reshape(-1, part.shape[-1]) for part in parts))


class DependentPixels(Pixels):
    """Pixels whose means follow their neighbours: decoded one place after another.

    Args:
        likelihood: a `losses.AutoregressiveLogisticMixture`.
        parameters: as above.
    """

    def __init__(self, likelihood, parameters):
        super().__init__(likelihood, parameters)
        self.coefficients = np.asarray(likelihood.coefficients(parameters))

    def push(self, stack, images):
        padded = _padded(images)
        for place in reversed(list(self._places())):
            levels = images[:, *place].ravel().astype(np.int64)
            stack.push(levels, self._given(place, padded))

    def pop(self, stack):
        images = np.zeros(self.means.shape[:-1], np.uint8)
        padded = _padded(images)
        for place in self._places():
            levels = stack.pop(self._given(place, padded)).reshape(
                images[:, 0, 0].shape
            )
            images[:, *place] = levels
            padded[:, place[0] + 1, place[1] + 1] = levels
        return images

    def _places(self):
        """Row and column of every pixel, in the order of rows."""
        return np.ndindex(self.means.shape[1:3])

    def _given(self, place, padded):
        """The mixtures at a place, the levels around it given.

        Coefficients lie on the networks' grid and levels are whole: their sum is exact.
        """
        row, column = place
        shift = 0.0
        for k, (down, right) in enumerate(NEIGHBOURS):
            near = padded[:, row + 1 + down, column + 1 + right]  # (n, c)
            shift = shift + self.coefficients[:, row, column, :, k] * near
        means = self.means[:, row, column] + (shift / 127.5)[..., None]
        return self._mixtures(np.s_[:, row, column], means)


def _padded(images):
    """Levels as float64 with a black pixel around each image."""
    return np.pad(images.astype("float64"), ((0, 0), (1, 1), (1, 1), (0, 0)))
