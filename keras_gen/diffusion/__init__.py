"""Schedules, targets and samplers of diffusion models."""

from keras_gen.diffusion import bound, denoisers, flow
from keras_gen.diffusion.langevin import AnnealedLangevin, PredictorCorrector
from keras_gen.diffusion.samplers import (
    DDIM,
    Ancestral,
    DPMSolver,
    Heun,
    KarrasLevels,
    Sampler,
)
from keras_gen.diffusion.schedules import (
    CosineSchedule,
    LinearSchedule,
    LogNormalSchedule,
    VarianceExploding,
    VariancePreserving,
)
from keras_gen.diffusion.targets import (
    Epsilon,
    Preconditioned,
    ScaledScore,
    Velocity,
)

SAMPLERS = (DDIM, Ancestral, AnnealedLangevin, DPMSolver, Heun, PredictorCorrector)

__all__ = [
    "DDIM",
    "SAMPLERS",
    "Ancestral",
    "AnnealedLangevin",
    "CosineSchedule",
    "DPMSolver",
    "Epsilon",
    "Heun",
    "KarrasLevels",
    "LinearSchedule",
    "LogNormalSchedule",
    "Preconditioned",
    "PredictorCorrector",
    "Sampler",
    "ScaledScore",
    "VarianceExploding",
    "VariancePreserving",
    "Velocity",
    "bound",
    "denoisers",
    "flow",
]
