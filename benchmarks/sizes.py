"""Two generators of one data set at different sizes, compared at the size of each.

    python -m benchmarks.sizes progressive_gan_fashion_mnist dcgan_fashion_mnist

Distances depend on sides, so figures of models of 32x32 and of 28x28 do not compare.
Samples of seed 0 of both are brought to one size by Lanczos's filter and held against
the held-out pictures of that size, and so are the other entry's own held-out pictures:
what resizing costs by itself. Frechet and kernel distance, by the judge of the zoo.
"""

import argparse

import numpy as np
from PIL import Image

import keras_gen
from keras_gen import metrics, training
from keras_gen.training import sides


def resized(images, side):
    """Square images (n, h, h, c), uint8 or in [0, 1]; as uint8 if of another side."""
    if images.shape[1] == side:
        return images
    if images.dtype != np.uint8:
        images = np.round(255 * images).astype("uint8")
    channels = images.shape[-1]
    pictures = [Image.fromarray(x[..., 0] if channels == 1 else x) for x in images]
    size, how = (side, side), Image.Resampling.LANCZOS
    found = np.stack([np.asarray(picture.resize(size, how)) for picture in pictures])
    return found.reshape(len(images), side, side, channels)


def rows(presets, count):
    """Side, whose pictures, Frechet and kernel distance, at the side of each preset."""
    held_out = {
        name: sides.load(training.load_recipe(name).tables["data"], "validation")[0]
        for name in presets
    }
    made = {
        name: keras_gen.from_preset(name).generate(count, seed=0, verbose=False)
        for name in presets
    }
    for name, real in held_out.items():
        side, (other,) = real.shape[1], set(presets) - {name}
        extractor = metrics.find_extractor(metrics.default_extractor(real))
        expected = metrics.features(real, extractor)
        shown = made | {f"held-out pictures of {other}": held_out[other]}
        for whose, images in shown.items():
            found = metrics.features(resized(images, side), extractor)
            yield (
                side,
                whose,
                metrics.frechet_distance(expected, found),
                metrics.kernel_distance(expected, found, subsets=None),
            )


def main(argv=None):
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=style)
    parser.add_argument("presets", nargs=2, help="entries of one data set")
    parser.add_argument("--samples", type=int, default=10_000)
    options = parser.parse_args(argv)
    print("| side | pictures | Frechet | kernel |\n| --- | --- | --- | --- |")
    for row in rows(options.presets, options.samples):
        print("| {} | {} | {:.2f} | {:.4f} |".format(*row))


if __name__ == "__main__":
    main()
