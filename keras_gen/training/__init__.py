"""A recipe's life: train, evaluate, publish, reproduce."""

from keras_gen.training.evaluate import evaluate
from keras_gen.training.publish import golden, publish, publish_figures
from keras_gen.training.recipes import Recipe, list_recipes, load_recipe
from keras_gen.training.reproduce import reproduce
from keras_gen.training.train import Diverged, train

__all__ = [
    "Diverged",
    "Recipe",
    "evaluate",
    "golden",
    "list_recipes",
    "load_recipe",
    "publish",
    "publish_figures",
    "reproduce",
    "train",
]
