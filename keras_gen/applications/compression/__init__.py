"""Compression of images with autoencoders, without loss and with it."""

from keras_gen.applications.compression.lossless import Compressor
from keras_gen.applications.compression.lossy import LossyCompressor

__all__ = ["Compressor", "LossyCompressor"]
