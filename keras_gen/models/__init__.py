"""The models, one paper a file."""

from keras_gen.models.base import GenerativeModel
from keras_gen.models.classifier import Classifier
from keras_gen.models.ddpm import DDPM
from keras_gen.models.vae import VAE
from keras_gen.models.wgan_gp import WGANGP

__all__ = ["DDPM", "VAE", "WGANGP", "Classifier", "GenerativeModel"]
