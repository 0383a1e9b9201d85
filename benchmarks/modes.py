"""Which modes a GAN finds, by itself, with each stabiliser alone, and with the best.

    python -m benchmarks.modes --quick     one seed and fewer updates
    python -m benchmarks.modes             docs/modes.md's table, and its picture
    python -m benchmarks.modes --stacked   three garments a picture, 1,000 modes

VEEGAN's protocol (Srivastava et al. 2017, arXiv:1705.07761) with PacGAN's definitions
(Lin et al. 2018, arXiv:1712.04086, section 4.1): a ring of 8 and a grid of 25 Gaussians
in the plane, 2,500 samples, of high quality within three standard deviations of a
centre; and pictures of three random garments as channels, 26,000 samples, each channel
told by `classifier_fashion_mnist`. Every row trains by as many updates, on the same
networks but for what it names.
"""

import keras

import keras_gen
from keras_gen import metrics

TARGETS = {
    "ring of 8": metrics.GaussianModes.ring(),
    "grid of 25": metrics.GaussianModes.grid(),
}
SAMPLES, POINTS, BATCH = 2500, 100_000, 256
UPDATES, QUICK_UPDATES = 15_000, 1_500
SEEDS, QUICK_SEEDS = (0, 1, 2), (0,)
NETWORKS = {"latent_dim": 2, "filters": (), "hidden": (128, 128)}
STACKED_SAMPLES, STACKED_UPDATES = 26_000, 8_000
STACKED = {"image_shape": (28, 28, 3), "filters": (32, 64, 128), "kernel_size": 4}
ADAM = {"learning_rate": 1e-3, "beta_1": 0.5}


def gan(cls=keras_gen.GAN, *, averages=None, decay=False, critic=None, **options):
    """A row's model of points, from the number of its updates.

    Args:
        averages: decay of the generator's moving average, None for none.
        decay: whether the rates fall to zero.
        critic: the critic's rate, over the generator's.
        **options: keywords of the model, an `instance_noise` as the share of all
            updates after which it has fallen to 0 from 1.
    """

    def make(updates):
        keywords = {**NETWORKS, "image_shape": (2,), **options}
        if cls is keras_gen.GAN:
            keywords |= {"pieces": 2, "dropout": 0.0}
        if "instance_noise" in keywords:
            steps = int(updates * keywords["instance_noise"])
            schedule = keras.optimizers.schedules.PolynomialDecay(1.0, steps, 0.0)
            keywords["instance_noise"] = schedule
        model = cls(**keywords)
        rates = {"critic": critic or 1.0, "generator": 1.0}
        model.compile(
            {n: adam(rate, updates if decay else None) for n, rate in rates.items()},
            averages={} if averages is None else {"generator": averages},
        )
        return model

    return make


def adam(factor, updates):
    """Adam at a multiple of the common rate, falling to zero over so many updates."""
    rate = factor * ADAM["learning_rate"]
    if updates:
        rate = keras.optimizers.schedules.PolynomialDecay(rate, updates, rate / 100)
    return keras.optimizers.Adam(rate, ADAM["beta_1"])
