"""What styles move: the shares of colours and of edges that swapping some moves.

    python -m benchmarks.mixing stylegan2_emoji

Pairs of pictures of a model of styles: some of the first one's styles are taken from
the second. How far the mean colour goes, and how far edges (of luma) change, in shares
of what swapping all styles moves: Karras et al. 2019 (arXiv:1812.04948), section 3.1,
say of coarse styles that they bring layout, and of fine ones, colours.
"""

import argparse

import numpy as np

import keras_gen
from keras_gen import layers
from keras_gen.models.styled import THIRDS

SEEDS = (range(16), range(16, 24))


def shares(model, seeds=SEEDS):
    """A dict from "coarse", "middle" and "fine" to shares (of colour, of edges)."""
    edges = layers.Edges()

    def mixed(styles):
        return model.mix(*seeds, styles).reshape(-1, *model.data_shape())

    own = mixed([])
    lines = np.asarray(edges(own))

    def moved(pictures):
        colours = np.linalg.norm((pictures - own).mean(axis=(1, 2)), axis=1)
        changes = np.abs(np.asarray(edges(pictures)) - lines)
        return np.array([colours.mean(), changes.mean()])

    whole = moved(mixed(range(model.num_styles)))
    return {third: moved(mixed(third)) / whole for third in THIRDS}


def main(argv=None):
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=style)
    parser.add_argument("preset", help="a model of styles, with weights")
    model = keras_gen.from_preset(parser.parse_args(argv).preset)
    print("| styles swapped | mean colour | edges |\n| --- | --- | --- |")
    for third, (colour, edge) in shares(model).items():
        print(f"| {third} | {colour:.2f} | {edge:.2f} |")


if __name__ == "__main__":
    main()
