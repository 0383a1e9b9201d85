"""Layers that Keras lacks."""

from keras_gen.layers.augment import RandomShift
from keras_gen.layers.corruption import (
    BlockMask,
    GaussianNoise,
    Greyscale,
    MaskingNoise,
    SaltAndPepper,
    luma,
    with_luma,
)
from keras_gen.layers.dropout import Dropout
from keras_gen.layers.feedback import FeedbackCell, RepeatSteps
from keras_gen.layers.shuffle import DepthToSpace, SpaceToDepth
from keras_gen.layers.time_embedding import SinusoidalEmbedding
from keras_gen.layers.vector_quantizer import VectorQuantizer

__all__ = [
    "BlockMask",
    "DepthToSpace",
    "Dropout",
    "FeedbackCell",
    "GaussianNoise",
    "Greyscale",
    "MaskingNoise",
    "RandomShift",
    "RepeatSteps",
    "SaltAndPepper",
    "SinusoidalEmbedding",
    "SpaceToDepth",
    "VectorQuantizer",
    "luma",
    "with_luma",
]
