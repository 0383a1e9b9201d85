"""Builders of encoders, decoders, critics and U-Nets: Keras functional models."""

from keras_gen.networks.convolutional import conv_decoder, conv_encoder, followed_by
from keras_gen.networks.dense import dense_network
from keras_gen.networks.growing import GrowingCritic, GrowingGenerator
from keras_gen.networks.recurrent import recurrent_decoder, recurrent_encoder
from keras_gen.networks.residual import residual_features
from keras_gen.networks.spatial import (
    adding_pixels,
    carrying_pixels,
    coarse_shape,
    spatial_decoder,
    spatial_encoder,
)
from keras_gen.networks.spectral import spectrally_normalized
from keras_gen.networks.style import (
    GrowingStyleGenerator,
    SkipStyleGenerator,
    mapping_network,
    residual_critic,
)
from keras_gen.networks.translation import (
    PATCHES,
    patch_critic,
    picture_critic,
    residual_generator,
    skip_generator,
    super_resolver,
)
from keras_gen.networks.unet import unet

__all__ = [
    "PATCHES",
    "GrowingCritic",
    "GrowingGenerator",
    "GrowingStyleGenerator",
    "SkipStyleGenerator",
    "adding_pixels",
    "carrying_pixels",
    "coarse_shape",
    "conv_decoder",
    "conv_encoder",
    "dense_network",
    "followed_by",
    "mapping_network",
    "patch_critic",
    "picture_critic",
    "recurrent_decoder",
    "recurrent_encoder",
    "residual_critic",
    "residual_features",
    "residual_generator",
    "skip_generator",
    "spatial_decoder",
    "spatial_encoder",
    "spectrally_normalized",
    "super_resolver",
    "unet",
]
