"""Data: sources of images and of sequences, and pipelines of batches."""

from keras_gen.data.pipeline import Pipeline, pipeline
from keras_gen.data.sources import available, class_names, load
from keras_gen.data.text import LETTERS, decode_text, encode_text, text_pictures
from keras_gen.data.unpaired import Unpaired

__all__ = [
    "LETTERS",
    "Pipeline",
    "Unpaired",
    "available",
    "class_names",
    "decode_text",
    "encode_text",
    "load",
    "pipeline",
    "text_pictures",
]
