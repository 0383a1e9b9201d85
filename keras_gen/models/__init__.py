"""The models, one paper a file."""

from keras_gen.models.autoencoder import Autoencoder
from keras_gen.models.base import GenerativeModel
from keras_gen.models.beta_vae import BetaVAE
from keras_gen.models.classifier import Classifier
from keras_gen.models.conditional_adversarial import (
    ConditionalGAN,
    ConditionalWGANGP,
)
from keras_gen.models.conditional_vae import ConditionalVAE
from keras_gen.models.contractive_autoencoder import ContractiveAutoencoder
from keras_gen.models.convolutional_autoencoder import ConvolutionalAutoencoder
from keras_gen.models.cycle_gan import CycleGAN
from keras_gen.models.dcgan import DCGAN
from keras_gen.models.ddpm import DDPM
from keras_gen.models.denoising_autoencoder import DenoisingAutoencoder
from keras_gen.models.edm import EDM
from keras_gen.models.gan import GAN
from keras_gen.models.importance_weighted_autoencoder import IWAE
from keras_gen.models.inpainting_autoencoder import InpaintingAutoencoder
from keras_gen.models.pix2pix import Pix2Pix
from keras_gen.models.progressive_gan import ProgressiveGAN
from keras_gen.models.recurrent_autoencoder import GRUAutoencoder, LSTMAutoencoder
from keras_gen.models.score_model import ScoreModel
from keras_gen.models.sparse_autoencoder import SparseAutoencoder
from keras_gen.models.srgan import SRGAN, SRResNet
from keras_gen.models.stacked_autoencoder import StackedAutoencoder
from keras_gen.models.style_gan import StyleGAN, StyleGAN2
from keras_gen.models.vae import VAE
from keras_gen.models.vq_vae import VQVAE
from keras_gen.models.wgan import WGAN
from keras_gen.models.wgan_gp import WGANGP

__all__ = [
    "DCGAN",
    "DDPM",
    "EDM",
    "GAN",
    "IWAE",
    "SRGAN",
    "VAE",
    "VQVAE",
    "WGAN",
    "WGANGP",
    "Autoencoder",
    "BetaVAE",
    "Classifier",
    "ConditionalGAN",
    "ConditionalVAE",
    "ConditionalWGANGP",
    "ContractiveAutoencoder",
    "ConvolutionalAutoencoder",
    "CycleGAN",
    "DenoisingAutoencoder",
    "GRUAutoencoder",
    "GenerativeModel",
    "InpaintingAutoencoder",
    "LSTMAutoencoder",
    "Pix2Pix",
    "ProgressiveGAN",
    "SRResNet",
    "ScoreModel",
    "SparseAutoencoder",
    "StackedAutoencoder",
    "StyleGAN",
    "StyleGAN2",
]
