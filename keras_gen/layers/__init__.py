"""Layers that Keras lacks."""

from keras_gen.layers.adaptive import AdaptiveAugmentation
from keras_gen.layers.augment import RandomShift
from keras_gen.layers.corruption import (
    BlockMask,
    Downsampling,
    Edges,
    GaussianNoise,
    Greyscale,
    MaskingNoise,
    SaltAndPepper,
    luma,
    with_luma,
)
from keras_gen.layers.dropout import Dropout
from keras_gen.layers.equalized import (
    EqualizedConv2D,
    EqualizedDense,
    PixelNormalization,
)
from keras_gen.layers.feedback import FeedbackCell, RepeatSteps
from keras_gen.layers.history import HistoryBuffer
from keras_gen.layers.maxout import Maxout
from keras_gen.layers.minibatch import MinibatchDiscrimination, MinibatchStdDev
from keras_gen.layers.normalization import BatchNormalization, GroupNormalization
from keras_gen.layers.padding import ReflectionPadding2D
from keras_gen.layers.resampling import (
    Blur2D,
    SmoothDownsampling2D,
    SmoothUpsampling2D,
)
from keras_gen.layers.shuffle import DepthToSpace, SpaceToDepth
from keras_gen.layers.spectral import (
    SpectralConv2D,
    SpectralConv2DTranspose,
    SpectralDense,
)
from keras_gen.layers.style import (
    AdaptiveInstanceNormalization,
    ChannelBias,
    LearnedConstant,
    ModulatedConv2D,
    NoiseInput,
)
from keras_gen.layers.time_embedding import SinusoidalEmbedding
from keras_gen.layers.vector_quantizer import VectorQuantizer

__all__ = [
    "AdaptiveAugmentation",
    "AdaptiveInstanceNormalization",
    "BatchNormalization",
    "BlockMask",
    "Blur2D",
    "ChannelBias",
    "DepthToSpace",
    "Downsampling",
    "Dropout",
    "Edges",
    "EqualizedConv2D",
    "EqualizedDense",
    "FeedbackCell",
    "GaussianNoise",
    "Greyscale",
    "GroupNormalization",
    "HistoryBuffer",
    "LearnedConstant",
    "MaskingNoise",
    "Maxout",
    "MinibatchDiscrimination",
    "MinibatchStdDev",
    "ModulatedConv2D",
    "NoiseInput",
    "PixelNormalization",
    "RandomShift",
    "ReflectionPadding2D",
    "RepeatSteps",
    "SaltAndPepper",
    "SinusoidalEmbedding",
    "SmoothDownsampling2D",
    "SmoothUpsampling2D",
    "SpaceToDepth",
    "SpectralConv2D",
    "SpectralConv2DTranspose",
    "SpectralDense",
    "VectorQuantizer",
    "luma",
    "with_luma",
]
