"""The models, one paper a file."""

from keras_gen.models.autoencoder import Autoencoder
from keras_gen.models.base import GenerativeModel
from keras_gen.models.classifier import Classifier
from keras_gen.models.contractive_autoencoder import ContractiveAutoencoder
from keras_gen.models.convolutional_autoencoder import ConvolutionalAutoencoder
from keras_gen.models.ddpm import DDPM
from keras_gen.models.denoising_autoencoder import DenoisingAutoencoder
from keras_gen.models.sparse_autoencoder import SparseAutoencoder
from keras_gen.models.vae import VAE
from keras_gen.models.wgan_gp import WGANGP

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
]
