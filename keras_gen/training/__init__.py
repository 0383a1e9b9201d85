"""A recipe's life: train, evaluate, publish."""

from keras_gen.training.recipes import Recipe, list_recipes, load_recipe
from keras_gen.training.train import train

__all__ = ["Recipe", "list_recipes", "load_recipe", "train"]
