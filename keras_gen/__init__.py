"""keras-gen: the generative model zoo for Keras 3."""

__version__ = "0.1.0"

from keras_gen import applications, data, diffusion, layers, losses, metrics, networks
from keras_gen.models import (
    DDPM,
    IWAE,
    VAE,
    VQVAE,
    WGANGP,
    Autoencoder,
    BetaVAE,
    Classifier,
    ConditionalVAE,
    ContractiveAutoencoder,
    ConvolutionalAutoencoder,
    DenoisingAutoencoder,
    GenerativeModel,
    GRUAutoencoder,
    InpaintingAutoencoder,
    LSTMAutoencoder,
    SparseAutoencoder,
    StackedAutoencoder,
)
from keras_gen.presets import from_preset, info, list_presets

__all__ = [
    "DDPM",
    "IWAE",
    "VAE",
    "VQVAE",
    "WGANGP",
    "Autoencoder",
    "BetaVAE",
    "Classifier",
    "ConditionalVAE",
    "ContractiveAutoencoder",
    "ConvolutionalAutoencoder",
    "DenoisingAutoencoder",
    "GRUAutoencoder",
    "GenerativeModel",
    "InpaintingAutoencoder",
    "LSTMAutoencoder",
    "SparseAutoencoder",
    "StackedAutoencoder",
    "applications",
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
