"""keras-gen: the generative model zoo for Keras 3."""

__version__ = "0.1.0"

from keras_gen import data, diffusion, layers, losses, metrics, networks
from keras_gen.models import (
    DDPM,
    VAE,
    WGANGP,
    Autoencoder,
    Classifier,
    ContractiveAutoencoder,
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    GenerativeModel,
    SparseAutoencoder,
)
from keras_gen.presets import from_preset, info, list_presets

__all__ = [
    "DDPM",
    "VAE",
    "WGANGP",
    "Autoencoder",
    "Classifier",
    "ContractiveAutoencoder",
    "ConvolutionalAutoencoder",
    "DenoisingAutoencoder",
    "GenerativeModel",
    "SparseAutoencoder",
    "data",
    "diffusion",
    "from_preset",
    "info",
    "layers",
    "list_presets",
    "losses",
    "metrics",
    "networks",
]
