"""Which modes a GAN finds, by itself, with each stabiliser alone, and with the best.

    python -m benchmarks.modes --quick     one seed and fewer updates
    python -m benchmarks.modes             all of it, and a picture, docs/modes.png
    python -m benchmarks.modes --stacked   three garments a picture, 1,000 modes

VEEGAN's protocol (Srivastava et al. 2017, arXiv:1705.07761) with PacGAN's definitions
(Lin et al. 2018, arXiv:1712.04086, section 4.1): a ring of 8 and a grid of 25 Gaussians
in the plane, 2,500 samples, of high quality within three standard deviations of a
centre; and pictures of three random garments as channels, 26,000 samples, each channel
told by `classifier_fashion_mnist`. Every row trains by as many updates, the last two by
eight times as many, on the same networks but for what it names.
"""

import argparse
import concurrent.futures
import itertools
import multiprocessing
import pathlib
import statistics

import keras
import numpy as np
from PIL import Image, ImageDraw

import keras_gen
from keras_gen import data, layers, losses, metrics

TARGETS = {
    "ring of 8": metrics.GaussianModes.ring(),
    "grid of 25": metrics.GaussianModes.grid(),
}
SAMPLES, POINTS, BATCH, STEPS_AT_ONCE = 2500, 100_000, 256, 10
UPDATES, QUICK_UPDATES = 2_500, 1_000
HIDDEN = (128, 128, 128)  # one layer more than VEEGAN's
SEEDS, QUICK_SEEDS = (0, 1, 2), (0,)
PICTURE = pathlib.Path(__file__).parent.parent / "docs" / "modes.png"
STACKED_SAMPLES, STACKED_UPDATES, STACKED_BATCH = 26_000, 8_000, 64


def annealed(start, updates):
    """A number that falls to zero in so many updates."""
    return keras.optimizers.schedules.PolynomialDecay(start, updates, 0.0)


# A row's name to the keywords of its model, by the number of updates.
PLAIN = "GAN, non-saturating"
STABILISERS = {
    PLAIN: lambda updates: {},
    "label smoothing": lambda updates: {"loss": losses.NonSaturating(0.1)},
    "least squares": lambda updates: {"loss": losses.LeastSquares()},
    "hinge": lambda updates: {"loss": losses.Hinge()},
    "relativistic pairing": lambda updates: {"loss": losses.RelativisticPairing()},
    "minibatch discrimination": lambda updates: {
        "tail": [layers.MinibatchDiscrimination(16, 4)]
    },
    "minibatch deviation": lambda updates: {"tail": [layers.MinibatchStdDev(8)]},
    "spectral normalisation": lambda updates: {"spectral": True},
    "instance noise": lambda updates: {"instance_noise": annealed(1.0, updates // 2)},
    "gradient penalty": lambda updates: {"penalties": [losses.GradientPenalty(0.1)]},
    "one-sided penalty": lambda updates: {
        "penalties": [losses.GradientPenalty(0.1, one_sided=True)]
    },
    "R1": lambda updates: {"penalties": [losses.R1(0.01)]},
    "feature matching": lambda updates: {"matched_layer": -2},
    "two time scales": lambda updates: {"rates": {"critic": 4.0}},
    "packs of 2": lambda updates: {"packing": 2},
    "packs of 4": lambda updates: {"packing": 4},
}
BEST = "best combination"
# Rows that train longer: their name to the row's that they repeat.
LONGER = {f"{name}, 8 times the updates": name for name in (PLAIN, BEST)}


def best(updates):
    """Pairwise loss on packs of 2 with R1, rates falling to zero, an average."""
    return {
        "loss": losses.RelativisticPairing(),
        "packing": 2,
        "penalties": [losses.R1(0.05)],
        "decay": updates,
        "average": 1 - 10 / updates,
    }


def gan(keywords):
    """A GAN of points, of dense networks."""
    return keras_gen.GAN(
        image_shape=(2,),
        latent_dim=2,
        hidden=HIDDEN,
        pieces=2,
        dropout=0.0,
        **keywords,
    )


def wasserstein(cls, **options):
    """A Wasserstein model of points, with as many updates of its generator."""
    sizes = {"latent_dim": 2, "filters": (), "hidden": HIDDEN}
    return lambda keywords: cls(image_shape=(2,), **sizes, **options, **keywords)


ROWS = {
    **{name: (gan, keywords) for name, keywords in STABILISERS.items()},
    BEST: (gan, best),
    "WGAN": (wasserstein(keras_gen.WGAN, clip=0.1), lambda updates: {}),
    "WGAN-GP": (wasserstein(keras_gen.WGANGP, penalty_weight=0.1), lambda updates: {}),
}
ROWS |= {longer: ROWS[name] for longer, name in LONGER.items()}


def compiled(make, keywords, seed):
    """A model and its optimizers: Adam(1e-3, beta_1 = 0.5) but for what a row asks.

    Args:
        make: function from the model's keywords to the model.
        keywords: these, and `rates` (the optimizers' by network, over the common one),
            `decay` (the updates in which rates fall to zero), `average` (the decay of
            the generator's moving average).
    """
    keywords = dict(keywords)
    rates, decay = keywords.pop("rates", {}), keywords.pop("decay", None)
    average = keywords.pop("average", None)
    keras.utils.set_random_seed(seed)
    model = make(keywords)
    optimizers = {}
    for network in model.networks:
        rate = 1e-3 * rates.get(network, 1.0)
        rate = annealed(rate, decay) if decay else rate
        optimizers[network] = keras.optimizers.Adam(rate, beta_1=0.5)
    averages = {"generator": average} if average else {}
    # XLA makes such small steps three times faster, even on a CPU.
    options = {"jit_compile": True, "steps_per_execution": STEPS_AT_ONCE}
    model.compile(optimizers, averages=averages, seed=seed, **options)
    return model


def points(name, target, updates, seed):
    """Train a row's model on points: (samples (2500, 2), their `ModeCoverage`)."""
    make, keywords = ROWS[name]
    updates *= 8 if name in LONGER else 1
    model = compiled(make, keywords(updates), seed)
    model.fit(
        target.sample(POINTS, seed),
        batch_size=BATCH * model.critic_updates,
        steps_per_epoch=updates,
        verbose=0,
    )
    samples = model.generate(SAMPLES, seed=seed, verbose=False)
    return samples, metrics.mode_coverage(samples, target)


def toy(seeds, updates, names=tuple(ROWS), workers=1):
    """Rows of all models and targets: name, target, and what `points` says by seed.

    Args:
        workers: processes that train models side by side.
    """
    rows = list(itertools.product(names, TARGETS))
    jobs = [(n, TARGETS[word], updates, seed) for n, word in rows for seed in seeds]
    spawn = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, spawn) as pool:
        found = pool.map(points, *zip(*jobs, strict=True))
        for name, word in rows:
            yield name, word, list(itertools.islice(found, len(seeds)))


def cells(name, word, coverages):
    """A row of the table: means over seeds, and the extremes of several."""

    def spread(values, form):
        middle = form.format(statistics.mean(values))
        if len(values) == 1:
            return middle
        low, high = (form.format(f(values)) for f in (min, max))
        return f"{middle} ({low} to {high})"

    forms = {"modes": "{:.3g}", "high_quality": "{:.1%}", "reverse_kl": "{:.3f}"}
    numbers = (spread([getattr(c, k) for c in coverages], f) for k, f in forms.items())
    return f"| {word} | {name} | {' | '.join(numbers)} |"


HEAD = """\
| target | model | modes | high quality | reverse KL, nats |
| --- | --- | --- | --- | --- |"""


def picture(found, side=96):
    """A sheet of samples: a row a model, a column a target, the first seed's.

    Args:
        found: dict from a model's name to its samples, one array a target.
        side: of a square, pixels.
    """
    label, ranges = 230, [1.5, 5.0]
    sheet = Image.new("L", (label + side * len(ranges), side * len(found)), 255)
    draw = ImageDraw.Draw(sheet)
    for row, (name, sets) in enumerate(found.items()):
        draw.text((4, row * side + side // 2 - 6), name, fill=0)
        for column, (samples, reach) in enumerate(zip(sets, ranges, strict=True)):
            places = (samples / reach + 1) / 2 * side
            for x, y in places[((places >= 0) & (places < side)).all(axis=1)]:
                sheet.putpixel((label + column * side + int(x), row * side + int(y)), 0)
    return sheet


# Three garments a picture


def stacked_model(name, updates, seed=0):
    """A plain DCGAN of stacked pictures, or one with what cures it."""
    options = {}
    if name == BEST:
        options = {
            "loss": losses.RelativisticPairing(),
            "penalties": [losses.R1(1.0), losses.R2(1.0)],
            "critic_norm": False,
        }
    keras.utils.set_random_seed(seed)
    model = keras_gen.DCGAN(
        image_shape=(28, 28, 3), filters=(32, 64, 128), kernel_size=4, **options
    )
    rate = annealed(3e-4, updates) if name == BEST else 2e-4
    beta_1, beta_2 = (0.0, 0.99) if name == BEST else (0.5, 0.999)
    model.compile(
        keras.optimizers.Adam(rate, beta_1, beta_2),
        averages={"generator": 0.999},
        seed=seed,
    )
    return model


def stacked(name, updates, seed=0):
    """Which of the 1,000 triples a trained model draws: a `ClassCoverage`."""
    images, _ = data.load("fashion_mnist", "train")
    rows = np.random.default_rng(seed).integers(len(images), size=(len(images), 3))
    model = stacked_model(name, updates, seed)
    model.fit(
        np.concatenate([images[r] for r in rows.T], axis=-1),
        batch_size=STACKED_BATCH,
        steps_per_epoch=updates,
        verbose=0,
    )
    samples = model.generate(STACKED_SAMPLES, seed=seed, verbose=False)
    judge = metrics.find_extractor("classifier_fashion_mnist")
    digits = [judge.classify(samples[..., k : k + 1]).argmax(axis=1) for k in range(3)]
    labels = np.array([100, 10, 1]) @ np.stack(digits)
    return metrics.class_coverage(labels, 1000)


def main(argv=None):
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=style)
    parser.add_argument("--quick", action="store_true", help="one seed, few updates")
    parser.add_argument("--stacked", action="store_true", help="1,000 modes instead")
    parser.add_argument("--workers", type=int, default=2, help="processes (2)")
    parser.add_argument("names", nargs="*", metavar="MODEL", help="some rows only")
    options = parser.parse_args(argv)
    unknown = set(options.names) - set(ROWS)
    if unknown:
        parser.error(f"Expected some of {list(ROWS)}. Received: {sorted(unknown)}")
    if options.stacked:
        print("| model | modes of 1,000 | reverse KL, nats |\n| --- | --- | --- |")
        for name in options.names or (PLAIN, BEST):
            found = stacked(name, STACKED_UPDATES)
            print(f"| {name} | {found.modes} | {found.reverse_kl:.3f} |", flush=True)
        return
    quick = (QUICK_SEEDS, QUICK_UPDATES) if options.quick else (SEEDS, UPDATES)
    print(HEAD)
    shown = {}
    for name, word, found in toy(*quick, options.names or ROWS, options.workers):
        print(cells(name, word, [coverage for _, coverage in found]), flush=True)
        shown.setdefault(name, []).append(found[0][0])
    if not options.quick and not options.names:
        picture(shown).save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
