"""What models are good for: small objects and functions over them."""

from keras_gen.applications.compression import Compressor, LossyCompressor
from keras_gen.applications.latents import (
    arithmetic,
    interpolate,
    lerp,
    slerp,
    traverse,
)
from keras_gen.applications.restoring import (
    ClassicalDenoiser,
    LevelColours,
    fill_biharmonic,
)

__all__ = [
    "ClassicalDenoiser",
    "Compressor",
    "LevelColours",
    "LossyCompressor",
    "arithmetic",
    "fill_biharmonic",
    "interpolate",
    "lerp",
    "slerp",
    "traverse",
]
