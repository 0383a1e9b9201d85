"""What the autoencoders are good for, each use beside what people would use instead.

    python -m benchmarks.applications [--kept] [PART...]

One table: task, data, ours, the simple tool, the published figure. Both sides see the
same held-out data in this one run. The parts are figures (of the zoo's presets, as
`keras-gen evaluate` measures them, or as it did for their cards with --kept),
compression, detection, clustering and stacked. Published figures come from other
protocols.
"""

import argparse
import importlib
import sys

from keras_gen import cards, metrics, presets, training

HEAD = ("task", "data", "ours", "simple tool", "published")
# Preset, figure, the row beside it, the task, and what others have published.
FIGURES = (
    ("autoencoder_8_fashion_mnist", "mse", "pca", "reconstruction, 8 numbers", ""),
    ("autoencoder_16_fashion_mnist", "mse", "pca", "reconstruction, 16 numbers", ""),
    ("autoencoder_fashion_mnist", "mse", "pca", "reconstruction, 32 numbers", ""),
    ("convolutional_fashion_mnist", "mse", "rival", "the same by convolutions", ""),
    ("convolutional_fashion_mnist", "probe_accuracy", "pca", "1,000 labels", ""),
    ("sparse_kl_fashion_mnist", "mean_activation", "target", "sparse code", ""),
    ("contractive_fashion_mnist", "jacobian_norm", "twin", "contraction", ""),
    ("denoising_fashion_mnist", "denoised_psnr_weak", "tool", "denoising, 0.1", ""),
    ("denoising_fashion_mnist", "denoised_psnr_medium", "tool", "denoising, 0.25", ""),
    ("denoising_fashion_mnist", "denoised_psnr_strong", "tool", "denoising, 0.5", ""),
    ("inpainting_fashion_mnist", "inpainted_error", "tool", "inpainting", ""),
    ("colorizing_emoji", "colorized_error", "tool", "colouring", ""),
    ("lstm_japanese_vowels", "mse", "pca", "speech through 32 numbers", ""),
    ("lstm_japanese_vowels", "probe_accuracy", "pca", "who speaks", ""),
    ("gru_japanese_vowels", "mse", "pca", "the same by GRU", ""),
    ("gru_japanese_vowels", "probe_accuracy", "pca", "who speaks, by GRU", ""),
    ("lstm_fashion_mnist", "mse", "pca", "pictures row by row", ""),
    ("gru_kjv", "symbol_accuracy", "pca", "text through 32 numbers", ""),
    ("iwae_fashion_mnist", "log_likelihood", "rival", "bound of log p(x)", ""),
    (
        "conditional_vae_fashion_mnist",
        "conditional_accuracy",
        None,
        "garments of a class asked for",
        "88 % (VAE), 96 % (DDIM)",
    ),
)
MODULES = ("compression", "detection", "clustering", "stacked")


def figures(kept=False):
    """Rows of the published presets' own figures.

    Args:
        kept: take what their metrics.json holds instead of measuring again.
    """
    rows, found = [], {}
    for preset, name, beside, task, published in FIGURES:
        if preset not in presets.list_presets():
            continue
        if preset not in found:
            read = presets.info(preset)["metrics"] if kept else None
            found[preset] = read or training.evaluate(preset)
        measured = found[preset]
        figure = measured["figures"][name]
        title = metrics.CATALOGUE[name].title
        ours = f"{title} {cards.interval(figure['model'])}"
        tool = ""
        if beside is not None:
            words = measured["protocol"]["rows"][beside]
            tool = f"{cards.interval(figure[beside])} ({words})"
        rows.append((task, measured["protocol"]["source"], ours, tool, published))
    return rows


def table(rows):
    """Rows as a Markdown table."""
    lines = [HEAD, ["---"] * len(HEAD), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def main(arguments=None):
    """Measure the parts asked for, all by default, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parts = ("figures", *MODULES)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(parts))
    parser.add_argument("--kept", action="store_true", help="figures as published")
    options = parser.parse_args(arguments)
    wanted = options.parts or parts
    if unknown := set(wanted) - set(parts):
        parser.error(f"Expected some of {parts}. Received: {sorted(unknown)}")
    rows = []
    for part in wanted:
        print(f"measuring {part}", file=sys.stderr, flush=True)
        if part == "figures":
            rows += figures(options.kept)
        else:
            rows += importlib.import_module(f"benchmarks.{part}").rows()
    print(table(rows))


if __name__ == "__main__":
    main()
