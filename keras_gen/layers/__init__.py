"""Layers that Keras lacks."""

from keras_gen.layers.augment import RandomShift
from keras_gen.layers.corruption import GaussianNoise, MaskingNoise, SaltAndPepper
from keras_gen.layers.dropout import Dropout
from keras_gen.layers.shuffle import DepthToSpace, SpaceToDepth
from keras_gen.layers.time_embedding import SinusoidalEmbedding

__all__ = [
    "DepthToSpace",
    "Dropout",
    "GaussianNoise",
    "MaskingNoise",
    "RandomShift",
    "SaltAndPepper",
    "SinusoidalEmbedding",
    "SpaceToDepth",
]
