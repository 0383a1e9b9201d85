"""What truncation buys and costs: samples nearer to the mean, and fewer kinds of them.

    python -m benchmarks.truncation conditional_gan_fashion_mnist --samples 10000

Held-out pictures against samples of one seed at each truncation, by the judge of the
zoo: for a model of styles Karras et al. 2019 (arXiv:1812.04948), figure 8; for others
Brock et al. 2019 (arXiv:1809.11096), section 3.1.
"""

import argparse

import keras_gen
from keras_gen import metrics, training
from keras_gen.training import sides

TRUNCATIONS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def rows(preset, count):
    """Truncation, kernel and Frechet distance, precision, recall, coverage."""
    table = training.load_recipe(preset).tables["data"]
    pictures, _ = sides.load(table, "validation")
    extractor = metrics.find_extractor(metrics.default_extractor(pictures))
    real = metrics.features(pictures, extractor)[:count]
    model = keras_gen.from_preset(preset)
    for truncation in TRUNCATIONS:
        made = model.generate(count, seed=0, truncation=truncation, verbose=False)
        fake = metrics.features(made, extractor)
        yield (
            truncation,
            metrics.kernel_distance(real, fake, subsets=None),
            metrics.frechet_distance(real, fake),
            *metrics.precision_recall(real, fake),
            metrics.density_coverage(real, fake)[1],
        )


def main(argv=None):
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=style)
    parser.add_argument("preset", help="an adversarial model with weights")
    parser.add_argument("--samples", type=int, default=2500)
    options = parser.parse_args(argv)
    print("| truncation | kernel | Frechet | precision | recall | coverage |")
    print(f"|{' --- |' * 6}")
    for row in rows(options.preset, options.samples):
        print("| {} | {:.4f} | {:.2f} | {:.3f} | {:.3f} | {:.3f} |".format(*row))


if __name__ == "__main__":
    main()
