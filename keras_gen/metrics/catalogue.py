"""What each published figure is called, and which way it gets better."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Figure:
    """A figure as tables name it.

    Attributes:
        title: its name in words.
        better: "lower", "higher", or "" where neither is.
        meaning: one line for those who meet it first.
    """

    title: str
    better: str
    meaning: str


CATALOGUE = {
    "frechet_distance": Figure(
        "Frechet distance",
        "lower",
        "between Gaussians fitted to the features of samples and of real pictures",
    ),
    "kernel_distance": Figure(
        "kernel distance",
        "lower",
        "unbiased squared maximum mean discrepancy of the features; all pairs, which "
        "is the mean over all subsets of any size",
    ),
    "precision": Figure(
        "precision",
        "higher",
        "share of samples among the real pictures' 3-neighbourhoods",
    ),
    "recall": Figure(
        "recall",
        "higher",
        "share of real pictures among the samples' 3-neighbourhoods",
    ),
    "density": Figure(
        "density",
        "higher",
        "real pictures' 5-neighbourhoods around a sample, a fifth of their number",
    ),
    "coverage": Figure(
        "coverage",
        "higher",
        "share of real pictures whose 5-neighbourhood holds a sample",
    ),
    "classifier_score": Figure(
        "classifier score",
        "higher",
        "the inception score by the extractor's classes; interval from ten splits",
    ),
    "class_balance": Figure(
        "class balance",
        "higher",
        "the least ratio, smaller over larger, of a class's shares among samples and "
        "among real pictures, as the extractor sees them; 0 where a class is missing",
    ),
    "conditional_accuracy": Figure(
        "conditional accuracy",
        "higher",
        "share of samples that the extractor puts into the class asked for",
    ),
    "memorisation": Figure(
        "memorisation",
        "lower",
        "share of samples nearer (in pixels) to a training picture than 99 % of "
        "held-out pictures are; 0.01 is what real pictures give",
    ),
    "duplicates": Figure(
        "duplicates",
        "lower",
        "share of samples with another sample nearer (in pixels) than 99 % of as many "
        "real pictures have",
    ),
    "perceptual_path_length": Figure(
        "perceptual path length",
        "lower",
        "squared distance of features over squared step, along paths between styles, "
        "or between latents where there are none",
    ),
    "mse": Figure(
        "reconstruction error",
        "lower",
        "mean squared error of pixels in [0, 1], or of the values of a sequence",
    ),
    "psnr": Figure(
        "PSNR",
        "higher",
        "of reconstructions, decibels; mean over pictures, exact ones counting 100",
    ),
    "ssim": Figure("SSIM", "higher", "of reconstructions, 11x11 Gaussian window"),
    "symbol_accuracy": Figure(
        "symbol accuracy", "higher", "share of a sequence's symbols that come back"
    ),
    "noise_error": Figure(
        "noise error",
        "higher",
        "reconstruction error of pictures of uniform noise over that of held-out ones; "
        "the identity would give 1",
    ),
    "mean_activation": Figure(
        "mean activation", "", "of a sparse code's units, over held-out pictures"
    ),
    "zeros": Figure(
        "zeros", "higher", "share of a sparse code's units that are exactly 0"
    ),
    "codebook_perplexity": Figure(
        "codebook perplexity",
        "higher",
        "exp of the entropy of codes over held-out pictures: how many are in use",
    ),
    **{
        f"denoised_psnr_{word}": Figure(
            f"PSNR, {word} noise",
            "higher",
            f"of denoised pictures, decibels; noise of deviation {deviation}",
        )
        for word, deviation in (("weak", 0.1), ("medium", 0.25), ("strong", 0.5))
    },
    "inpainted_error": Figure(
        "error of missing pixels",
        "lower",
        "mean squared error of filled-in pixels in [0, 1]",
    ),
    "colorized_error": Figure(
        "error of colours",
        "lower",
        "mean squared error of coloured grey pictures in [0, 1]",
    ),
    "translated_l1": Figure(
        "absolute error",
        "lower",
        "mean absolute difference of translated and true pictures in [0, 1]",
    ),
    "translated_psnr": Figure(
        "PSNR of translations",
        "higher",
        "against the true pictures, decibels; mean over pictures, exact ones counting "
        "100",
    ),
    "translated_ssim": Figure(
        "SSIM of translations",
        "higher",
        "against the true pictures, 11x11 Gaussian window",
    ),
    "feature_distance": Figure(
        "feature distance",
        "lower",
        "between the extractor's features of a translated and of the true picture, "
        "Euclidean; mean over pictures",
    ),
    "perceptual_distance": Figure(
        "perceptual distance",
        "lower",
        "between the maps of the extractor's layers, unit vectors at each place (LPIPS "
        "with equal weights), of a translated and of the true picture; mean over "
        "pictures",
    ),
    "perceptual_gain": Figure(
        "gain in perceptual distance",
        "higher",
        "the perceptual distance to the true picture before translation, less that "
        "after; mean over pictures",
    ),
    "back_perceptual_gain": Figure(
        "gain in perceptual distance, way back",
        "higher",
        "the same of the second kind's pictures translated to the first",
    ),
    "back_feature_distance": Figure(
        "feature distance, way back",
        "lower",
        "the same of the second kind's pictures translated to the first",
    ),
    "jacobian_norm": Figure(
        "Jacobian norm",
        "lower",
        "squared Frobenius norm of the encoder's Jacobian at held-out pictures",
    ),
    "probe_accuracy": Figure(
        "probe accuracy",
        "higher",
        "of logistic regression on codes by 1,000 labels, or all where there are fewer",
    ),
    "elbo": Figure(
        "evidence lower bound", "higher", "nats a picture, mean of 500 draws each"
    ),
    "log_likelihood": Figure(
        "importance-weighted bound", "higher", "nats a picture, 500 draws each"
    ),
    "bits_per_dim": Figure(
        "bits per dimension",
        "lower",
        "of 8-bit pixels, by the importance-weighted bound",
    ),
    "flow_bits_per_dim": Figure(
        "bits per dimension, flow",
        "lower",
        "of 8-bit pixels dequantised uniformly, by the probability flow, 256 pictures",
    ),
    "bound_bits_per_dim": Figure(
        "bits per dimension, bound",
        "lower",
        "of 8-bit pixels, by the variational bound over all steps, 256 pictures",
    ),
    "accuracy": Figure(
        "accuracy", "higher", "share of held-out pictures put into their class"
    ),
}
