"""A recipe's life: train, evaluate, publish."""

from keras_gen.training.evaluate import evaluate
from keras_gen.training.publish import golden, publish
from keras_gen.training.recipes import Recipe, list_recipes, load_recipe
from keras_gen.training.train import Diverged, train

__all__ = [
    "Diverged",
    "Recipe",
    "evaluate",
    "golden",
    "list_recipes",
    "load_recipe",
    "publish",
    "train",
]
