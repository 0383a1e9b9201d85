"""Likelihoods in which a pixel depends on those before it."""

import keras
from keras import ops

from keras_gen.losses import densities
from keras_gen.losses.likelihoods import DiscretizedLogisticMixture
from keras_gen.losses.reductions import sum_per_example

# From where, in rows and columns, a pixel's neighbours are taken: all of them come
# before it in the order of rows.
NEIGHBOURS = ((0, -1), (-1, 0), (-1, -1), (-1, 1))


@keras.saving.register_keras_serializable("keras_gen")
class AutoregressiveLogisticMixture(DiscretizedLogisticMixture):
    """A mixture of logistics whose means follow the pixels before.

    Each component's mean is m_i + sum_j a_j (x_j + 1) over the pixel's neighbours x_j
    to the left, above, above left and above right, on the scale of [-1, 1] and black
    beyond the picture's edge; the decoder gives the coefficients a_j of every pixel
    and channel. That is the linear dependence of Salimans et al. 2017
    (arXiv:1701.05517, equation 3), there of one channel on another, put between
    pixels. The code tells what the picture shows and the neighbours tell the shade, as
    in PixelVAE (Gulrajani et al. 2017, arXiv:1611.05013), whose masked convolutions
    this does without. Pixels can only be drawn one after another.

    Args:
        **options: as `DiscretizedLogisticMixture` takes them.
    """

    def channels(self, image_channels):
        """How many channels the decoder must output."""
        return super().channels(image_channels) + len(NEIGHBOURS) * image_channels

    def logistics(self, parameters):
        """The mixtures of pixels among black ones; as of the base class."""
        return super().logistics(self._split(parameters)[0])

    def coefficients(self, parameters):
        """What the means take from neighbours: (..., c, 4), in NEIGHBOURS' order."""
        own = self._split(parameters)[1]
        return ops.reshape(own, (*ops.shape(own)[:-1], -1, len(NEIGHBOURS)))

    def log_likelihood(self, images, parameters):
        """Log-probability of images (batch, h, w, c) in [0, 1], read as 8-bit levels.

        Returns:
            (batch,) nats.
        """
        logits, means, log_scales = self.logistics(parameters)
        levels = ops.round(images * 255.0)
        shifts = self.coefficients(parameters) * _neighbours(levels / 127.5)
        means = means + ops.sum(shifts, axis=-1, keepdims=True)
        each = densities.discretized_logistic_log_probability(
            levels[..., None], means, log_scales
        )
        weighted = ops.log_softmax(logits, axis=-1) + each
        return sum_per_example(ops.logsumexp(weighted, axis=-1))

    def mean(self, parameters):
        """Images (batch, h, w, c) in [0, 1]: pixels' means, given their neighbours'."""
        logits, means, log_scales = self.logistics(parameters)
        parts = [logits, means, log_scales, self.coefficients(parameters)]
        rows = [ops.moveaxis(part, 1, 0) for part in parts]  # (h, batch, w, c, ...)
        first = ops.zeros_like(rows[1][0, ..., 0])  # (batch, w, c)
        _, images = ops.scan(self._mean_row, first, tuple(rows))
        return ops.moveaxis(images, 0, 1)

    def _mean_row(self, above, row):
        """A row's means (batch, w, c) in [0, 1], those of the row above given."""
        logits, means, log_scales, coefficients = row
        around = _neighbours(2.0 * above[:, None], rows=0)[:, 0]  # (batch, w, c, 4)
        means = means + ops.sum(coefficients * around, axis=-1, keepdims=True)
        parts = (logits, means, log_scales, coefficients[..., 0])
        columns = tuple(ops.moveaxis(part, 1, 0) for part in parts)

        def step(left, column):
            logits, means, log_scales, coefficient = column
            shifted = means + 2.0 * (coefficient * left)[..., None]
            pixel = self.expected(logits, shifted, log_scales)
            return pixel, pixel

        _, pixels = ops.scan(step, ops.zeros_like(above[:, 0]), columns)
        pixels = ops.moveaxis(pixels, 0, 1)
        return pixels, pixels

    def _split(self, parameters):
        """The mixtures' own parameters, and the coefficients."""
        share = 3 * self.components
        place = parameters.shape[-1] * share // (share + len(NEIGHBOURS))
        return parameters[..., :place], parameters[..., place:]


def _neighbours(images, rows=1):
    """The neighbours of every pixel of images (batch, h, w, c): (batch, h, w, c, 4).

    Args:
        rows: 1; or 0 where the images are the rows above those asked about, whose
            neighbour to the left, not known there, counts as 0.
    """
    _, h, w, _ = images.shape
    padded = ops.pad(images, ((0, 0), (1, 0), (1, 1), (0, 0)))
    parts = []
    for down, right in NEIGHBOURS:
        top, left = 1 + (down if rows else 0), 1 + right
        part = padded[:, top : top + h, left : left + w]
        parts.append(part if rows or down else ops.zeros_like(part))
    return ops.stack(parts, axis=-1)
