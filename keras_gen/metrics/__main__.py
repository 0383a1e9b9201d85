"""`python -m keras_gen.metrics SOURCE`: fit the simple rival that ships anew."""

import argparse

from keras_gen import data
from keras_gen.metrics import rivals


def main(arguments=None):
    """Fit the mixture of a source and write the package's file of it."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("source", choices=sorted(rivals.FITTED))
    source = parser.parse_args(arguments).source
    images = data.load(source, "train", fields="image")
    path = rivals.fitted_file(source)
    path.parent.mkdir(exist_ok=True)
    rivals.GaussianMixture.fit(images).save(path)
    print(path)


if __name__ == "__main__":
    main()
