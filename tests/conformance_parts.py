"""What the tables of conformance are made of."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
from conformance_data import IMAGE_SHAPE, bad_images, images

import keras_gen


@dataclasses.dataclass(frozen=True)
class Golden:
    """What the conformance tests need to know of a class.

    Args:
        make: builds a tiny model, uncompiled.
        given: builds the networks to hand to the class, and the keywords with them.
        call_inputs: inputs of `call` for three rows.
        classes: number of classes of a model that trains on labels, else 0.
        beside: function from a number of examples to what else than labels a model
            trains on beside them.
        output_shape: of a row of `call`.
        stages: epochs of each of its stages in a run of four.
        data: function from a number of examples and a seed to these.
        bad: function without arguments to a dict of data that must be refused.
        output_range: least and largest value of `call`.
        output_dtype: of `call`.
        moved: share of the weights that an update of each stage moves, at least.
    """

    make: Callable
    given: Callable
    call_inputs: Callable
    classes: int = 0
    beside: Callable | None = None
    output_shape: tuple = IMAGE_SHAPE
    stages: tuple = (4,)
    data: Callable = images
    bad: Callable = bad_images
    output_range: tuple = (0, 1)
    output_dtype: str = "float32"
    moved: float = 0.9


def classifier(**options):
    sizes = {"num_classes": 3, "num_features": 6, "filters": (4, 8), "dropout": 0.2}
    sizes |= {"shift": 1, "flip": True, "label_smoothing": 0.1}
    return keras_gen.Classifier(image_shape=IMAGE_SHAPE, **sizes | options)


def dense(inputs, outputs, name):
    """A network of one dense layer between shapes without their batch."""
    return keras.Sequential(
        [
            keras.Input(inputs),
            keras.layers.Flatten(),
            keras.layers.Dense(int(np.prod(outputs)), activation="tanh"),
            keras.layers.Reshape(outputs),
        ],
        name=name,
    )
