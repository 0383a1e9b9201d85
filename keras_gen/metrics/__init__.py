"""Measures of generative models, each with its formula and its source."""

from keras_gen.metrics.catalogue import CATALOGUE, Figure
from keras_gen.metrics.classification import (
    class_balance,
    class_coverage,
    clustering_accuracy,
    conditional_accuracy,
    inception_score,
)
from keras_gen.metrics.distances import (
    FeatureStatistics,
    frechet_distance,
    kernel_distance,
)
from keras_gen.metrics.extractors import (
    Extractor,
    default_extractor,
    features,
    find_extractor,
)
from keras_gen.metrics.intervals import Estimate, mean
from keras_gen.metrics.likelihood import bits_per_dim, importance_weighted
from keras_gen.metrics.manifold import density_coverage, precision_recall
from keras_gen.metrics.modes import GaussianModes, grid, mode_coverage, ring
from keras_gen.metrics.neighbours import duplicates, memorisation, nearest_neighbours
from keras_gen.metrics.path import perceptual_path_length
from keras_gen.metrics.perceptual import perceptual_distance
from keras_gen.metrics.pictures import (
    mean_absolute_error,
    mean_squared_error,
    ms_ssim,
    psnr,
    ssim,
)
from keras_gen.metrics.rivals import GaussianMixture, gaussian_mixture

__all__ = [
    "CATALOGUE",
    "Estimate",
    "Extractor",
    "FeatureStatistics",
    "Figure",
    "GaussianMixture",
    "GaussianModes",
    "bits_per_dim",
    "class_balance",
    "class_coverage",
    "clustering_accuracy",
    "conditional_accuracy",
    "default_extractor",
    "density_coverage",
    "duplicates",
    "features",
    "find_extractor",
    "frechet_distance",
    "gaussian_mixture",
    "grid",
    "importance_weighted",
    "inception_score",
    "kernel_distance",
    "mean",
    "mean_absolute_error",
    "mean_squared_error",
    "memorisation",
    "mode_coverage",
    "ms_ssim",
    "nearest_neighbours",
    "perceptual_distance",
    "perceptual_path_length",
    "precision_recall",
    "psnr",
    "ring",
    "ssim",
]
