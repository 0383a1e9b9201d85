"""Panels: the figures that a model's verbs allow, measured under one protocol.

A panel takes a `Bench` and returns rows: figure's name to row's name to `Estimate`.
The row "model" is the model's own, "floor" is real training pictures in place of
samples, and the others are the simple tools and rivals that `cards.ROWS` names.
"""

from keras_gen.models import ProgressiveGAN
from keras_gen.training.panels import sequences
from keras_gen.training.panels.autoencoders import (
    activations,
    codebook,
    contraction,
    foreign,
    probe,
    reconstructions,
)
from keras_gen.training.panels.bench import (
    DISTANCE_RESAMPLES,
    RESAMPLES,
    Bench,
    spread,
)
from keras_gen.training.panels.restoring import (
    colorizes,
    colouring,
    denoises,
    denoising,
    inpainting,
)
from keras_gen.training.panels.samples import (
    classification,
    conditions,
    copies,
    diffused_likelihoods,
    likelihoods,
    paths,
    samples,
)
from keras_gen.training.panels.translation import FIGURES as TRANSLATED
from keras_gen.training.panels.translation import translated, translates

__all__ = ["DISTANCE_RESAMPLES", "PANELS", "RESAMPLES", "Bench", "measure"]
__all__ += ["spread", "translates"]


def _images(model):
    return len(model.data_shape()) == 3


# Figures, which models have them, and what measures them.
PANELS = (
    (
        (
            "frechet_distance",
            "kernel_distance",
            "precision",
            "recall",
            "density",
            "coverage",
            "classifier_score",
            "class_balance",
        ),
        lambda model: model.samples(),
        samples,
    ),
    (
        ("conditional_accuracy",),
        lambda model: model.samples() and "labels" in model.condition_specs(),
        conditions,
    ),
    (
        ("memorisation", "duplicates"),
        lambda model: model.samples() and _images(model),
        copies,
    ),
    (
        ("perceptual_path_length",),
        lambda model: isinstance(model, ProgressiveGAN) or hasattr(model, "synthesize"),
        paths,
    ),
    (
        ("mse", "psnr", "ssim"),
        lambda model: hasattr(model, "reconstruct") and not hasattr(model, "symbols"),
        reconstructions,
    ),
    (TRANSLATED, translates, translated),
    (("mse",), sequences.is_vectors, sequences.vectors),
    (("symbol_accuracy",), sequences.is_symbols, sequences.symbols),
    (
        ("noise_error",),
        lambda model: (
            hasattr(model, "reconstruct")
            and _images(model)
            and not model.takes_labels()
        ),
        foreign,
    ),
    (
        ("mean_activation", "zeros"),
        lambda model: hasattr(model, "sparsity"),
        activations,
    ),
    (
        ("codebook_perplexity",),
        lambda model: model.code_dtype == "int32",
        codebook,
    ),
    (
        ("denoised_psnr_weak", "denoised_psnr_medium", "denoised_psnr_strong"),
        denoises,
        denoising,
    ),
    (("inpainted_error",), lambda model: hasattr(model, "draw_masks"), inpainting),
    (("colorized_error",), colorizes, colouring),
    (
        ("jacobian_norm",),
        lambda model: hasattr(model, "contraction_norms"),
        contraction,
    ),
    (
        ("elbo", "log_likelihood", "bits_per_dim"),
        lambda model: hasattr(model, "log_weights"),
        likelihoods,
    ),
    (
        ("flow_bits_per_dim", "bound_bits_per_dim"),
        lambda model: hasattr(model, "invert"),
        diffused_likelihoods,
    ),
    (
        ("probe_accuracy",),
        lambda model: (
            hasattr(model, "encode")
            and model.code_dtype == "float32"
            and not model.takes_labels()
        ),
        probe,
    ),
    (("accuracy",), lambda model: hasattr(model, "classify"), classification),
)


def measure(bench):
    """All wanted figures of a model: name to row's name to `Estimate`."""
    rows = {}
    for names, applies, panel in PANELS:
        if applies(bench.model) and bench.wants(*names):
            rows |= panel(bench)
    return rows
