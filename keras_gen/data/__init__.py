"""Data: sources of images, and pipelines of batches."""

from keras_gen.data.pipeline import Pipeline, pipeline
from keras_gen.data.sources import available, class_names, load

__all__ = ["Pipeline", "available", "class_names", "load", "pipeline"]
