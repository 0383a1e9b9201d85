"""Measurements of keras_gen against what it is held to."""
