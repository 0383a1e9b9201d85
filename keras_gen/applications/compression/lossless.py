"""Lossless compression by bits-back coding: Townsend, Bird and Barber 2019, BB-ANS
(arXiv:1901.04866).
"""

import hashlib
import json
import struct

import numpy as np

from keras_gen import presets
from keras_gen.applications.compression import container
from keras_gen.applications.compression.networks import ExactNetwork
from keras_gen.applications.compression.pixels import DependentPixels, Pixels
from keras_gen.applications.compression.stack import (
    Stack,
    entropy_coder,
    first_words,
)
from keras_gen.applications.compression.tables import (
    BASE,
    GaussianBins,
    normal_bins,
)
from keras_gen.models.vae import VAE

BATCH = 64  # images that the networks compute at once
DIGITS = 3  # of a code's number: 4,096 bins a dimension
# Height, width, channels, images, words left out, SHA-256 of the pixels.
FILE = container.Format(
    b"KGLL", struct.Struct("<HHHII16s"), "images compressed without loss"
)


class Compressor:
    """Compresses 8-bit images without loss with a variational autoencoder.

    An image costs minus its evidence lower bound: its code z is drawn from q(z|x) with
    bits that the stack already holds, the pixels are coded under p(x|z), then z under
    the prior. Decompression gives those bits back. All images of a call share one
    stack; the first ones draw their codes with bits that both sides know.

    The file depends neither on threads nor on the machine: see `ExactNetwork` and the
    module `tables`. It needs the package `constriction`, and on JAX 64-bit numbers.

    Args:
        model: a trained `VAE` without conditions whose likelihood is one of 8-bit
            values (`losses.DiscretizedLogistic`, `DiscretizedLogisticMixture` or
            `AutoregressiveLogisticMixture`), or the name or the folder of a preset of
            one.

    Raises:
        ImportError: constriction is not installed.
        RuntimeError: the backend has no float64.
        ValueError: the model cannot code, or there is no such preset.
    """

    def __init__(self, model):
        entropy_coder()
        if not isinstance(model, VAE):
            model = presets.from_preset(model, expected=VAE, compile=False)
        if not hasattr(model.likelihood, "logistics") or model.takes_labels():
            raise ValueError(
                "Expected a VAE without labels whose likelihood is one of 8-bit "
                "values, such as DiscretizedLogisticMixture. Received: "
                f"{type(model).__name__}, {type(model.likelihood).__name__}"
            )
        self.image_shape = model.data_shape()
        self.latent_dim = model.latent_dim
        self._check_images = model.check_inputs
        self._likelihood = model.likelihood
        self._encoder = ExactNetwork(model.averaged("encoder"), BATCH)
        self._decoder = ExactNetwork(model.averaged("decoder"), BATCH)
        likelihood = [type(self._likelihood).__name__, self._likelihood.get_config()]
        parts = json.dumps([likelihood, self.image_shape, BATCH, DIGITS]).encode()
        parts += self._encoder.digest + self._decoder.digest
        self._identity = hashlib.sha256(parts).digest()

    def compress(self, images):
        """Images as bytes.

        Args:
            images: uint8 (n, h, w, c).

        Returns:
            Bytes that `decompress` takes, of some 67 more than the bound says.

        Raises:
            ValueError: other images than the model's, or no 8-bit ones.
        """
        images = self._check_images(images)
        if images.dtype != np.uint8:
            raise ValueError(
                "Expected images as uint8, which alone can be coded without loss. "
                f"Received: {images.dtype}"
            )
        words = first_words(self._seed_size())
        stack = Stack(words)
        for start, stop in batches(len(images)):
            self._push(stack, images[start:stop])
        coded = stack.words()
        shared = np.cumprod(coded[: len(words)] == words[: len(coded)]).sum()
        numbers = (*self.image_shape, len(images), int(shared), _checksum(images))
        return container.pack(FILE, self._identity, numbers, coded[shared:])

    def decompress(self, data):
        """The images of what `compress` returned, uint8 (n, h, w, c), every bit.

        Raises:
            ValueError: the data are cut short, changed, no compressed images at all,
                or made with another model.
        """
        numbers, coded = container.unpack(FILE, self._identity, data)
        *shape, count, shared, checksum = numbers
        words = first_words(self._seed_size())
        stack = Stack(np.concatenate([words[:shared], coded]))
        images = np.empty((count, *shape), np.uint8)
        for start, stop in reversed(batches(count)):
            images[start:stop] = self._pop(stack, stop - start)
        restored = np.array_equal(stack.words(), words)
        if not restored or _checksum(images) != checksum:
            raise ValueError(
                f"Expected pixels with the checksum {checksum.hex()}. Received: "
                f"{_checksum(images).hex()}; this machine's networks give other "
                "numbers than those of the machine that compressed"
            )
        return images

    def _push(self, stack, images):
        posterior = self._posterior(images)
        codes = stack.pop(posterior)
        self._pixels(codes, len(images)).push(stack, images)
        stack.push_uniform(codes, BASE**DIGITS)

    def _pop(self, stack, count):
        codes = stack.pop_uniform(count * self.latent_dim, BASE**DIGITS)
        images = self._pixels(codes, count).pop(stack)
        stack.push(codes, self._posterior(images))
        return images

    def _posterior(self, images):
        """q(z|x) over the bins of images uint8 (n, h, w, c), n at most BATCH."""
        mean, log_variance = np.split(self._encoder(images / 255.0), 2, axis=-1)
        return GaussianBins(mean.ravel(), log_variance.ravel(), DIGITS)

    def _pixels(self, codes, count):
        """p(x|z) of `count` images, z given by the numbers of its bins."""
        _, medians = normal_bins(DIGITS)
        parameters = self._decoder(medians[codes].reshape(count, self.latent_dim))
        dependent = hasattr(self._likelihood, "coefficients")
        pixels = DependentPixels if dependent else Pixels
        return pixels(self._likelihood, parameters)

    def _seed_size(self):
        """Words enough for the codes of the first batches; unread ones cost nothing."""
        return 2 * BATCH * self.latent_dim * DIGITS


def batches(count):
    """(start, stop) of batches that grow: the first image alone pays for its code."""
    result, start, size = [], 0, 1
    while start < count:
        result.append((start, min(start + size, count)))
        start, size = start + size, min(8 * size, BATCH)
    return result


def _checksum(images):
    return hashlib.sha256(images.tobytes()).digest()[:16]
