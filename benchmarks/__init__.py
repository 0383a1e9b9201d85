"""Measurements of keras_gen against what it is held to."""

import keras_gen  # noqa: F401  before TensorFlow, to which it names the faster kernels
