"""Schedules, targets and samplers of diffusion models."""

from keras_gen.diffusion.samplers import DDIM, Ancestral
from keras_gen.diffusion.schedules import CosineSchedule, LinearSchedule
from keras_gen.diffusion.targets import Epsilon, Velocity

__all__ = [
    "DDIM",
    "Ancestral",
    "CosineSchedule",
    "Epsilon",
    "LinearSchedule",
    "Velocity",
]
