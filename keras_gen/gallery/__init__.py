"""The gallery: one static HTML page of the zoo's entries, nothing beside it."""

from keras_gen.gallery.walks import latent_walk, save_walk
from keras_gen.gallery.writing import write

__all__ = ["latent_walk", "save_walk", "write"]
