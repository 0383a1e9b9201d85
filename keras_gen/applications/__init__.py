"""What models are good for: small objects and functions over them."""

from keras_gen.applications.adaptation import adapt
from keras_gen.applications.anomaly import AnomalyDetector
from keras_gen.applications.augmentation import augment
from keras_gen.applications.clustering import Clusterer
from keras_gen.applications.compression import Compressor, LossyCompressor
from keras_gen.applications.features import Encoder
from keras_gen.applications.files import translate_files
from keras_gen.applications.latents import (
    arithmetic,
    interpolate,
    lerp,
    slerp,
    traverse,
)
from keras_gen.applications.priors import MixturePrior, sample_with_prior
from keras_gen.applications.restoring import (
    ClassicalDenoiser,
    LevelColours,
    fill_biharmonic,
)

__all__ = [
    "AnomalyDetector",
    "ClassicalDenoiser",
    "Clusterer",
    "Compressor",
    "Encoder",
    "LevelColours",
    "LossyCompressor",
    "MixturePrior",
    "adapt",
    "arithmetic",
    "augment",
    "fill_biharmonic",
    "interpolate",
    "lerp",
    "sample_with_prior",
    "slerp",
    "translate_files",
    "traverse",
]
