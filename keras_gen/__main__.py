"""`python -m keras_gen` is `keras-gen`."""

import sys

from keras_gen.cli import main

if __name__ == "__main__":
    sys.exit(main())
