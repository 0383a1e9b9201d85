"""Builders of encoders, decoders, critics and U-Nets: Keras functional models."""

from keras_gen.networks.convolutional import conv_decoder, conv_encoder, followed_by
from keras_gen.networks.dense import dense_network
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
from keras_gen.networks.unet import unet

__all__ = [
    "adding_pixels",
    "carrying_pixels",
    "coarse_shape",
    "conv_decoder",
    "conv_encoder",
    "dense_network",
    "followed_by",
    "recurrent_decoder",
    "recurrent_encoder",
    "residual_features",
    "spatial_decoder",
    "spatial_encoder",
    "spectrally_normalized",
    "unet",
]
