"""The engine's training throughput over that of training loops written by hand.

    python -m benchmarks.engine

For the networks of the published VAE, WGAN-GP and DDPM at modest batches, trained on
`fashion_mnist_mini`, it measures `model.fit` and a hand-written `tf.function` loop of
the same algorithm in pairs, the order within a pair alternating, and prints the median
of the ratios of their throughput with its 95 % interval. Both sides run the same number
of steps, one compiled call a step, after tracing; what is timed is an epoch, the start
of its data and the fetching of its logs included. The interval is that of order
statistics: the chance that the median lies within the k-th smallest and the k-th
largest ratio is a binomial sum, whatever the ratios' distribution (for ten pairs k is
2, and the chance 97.9 %). The exit status is 1 unless each interval reaches 0.97.
"""

import argparse
import dataclasses
import gc
import math
import statistics
import sys
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

import keras_gen
from keras_gen import diffusion, networks

TARGET = 0.97
SHAPE = (28, 28, 1)


class Loop:
    """A training loop without the engine: `step` is one update on one batch.

    Args:
        batch_size: rows of uint8 images (n, h, w, c) in a batch.
        compiled: False to run steps eagerly.
        jit_compile: whether XLA compiles the step.
    """

    metrics: tuple[str, ...] = ("loss",)
    # Stateful generators: they have no key to compute. Tests put constants here.
    normal = staticmethod(tf.random.normal)
    uniform = staticmethod(tf.random.uniform)

    def __init__(self, *, batch_size, compiled=True, jit_compile=False):
        self.batch_size = batch_size
        self.means = {name: keras.metrics.Mean(name) for name in self.metrics}
        self.step = self.update
        if compiled:
            self.step = tf.function(self.update, jit_compile=jit_compile)
        self.build()

    def build(self):
        """Make the networks and their optimizers."""
        raise NotImplementedError

    def update(self, images):
        """One update of every network on images (batch, h, w, c), uint8."""
        raise NotImplementedError

    def epoch(self, images, steps):
        """Train for some steps on shuffled images; return the epoch's mean losses."""
        for mean in self.means.values():
            mean.reset_state()
        rng = np.random.default_rng()
        rows = rng.permutation(0)
        for _ in range(steps):
            if len(rows) < self.batch_size:
                rows = rng.permutation(len(images))
            batch, rows = rows[: self.batch_size], rows[self.batch_size :]
            self.step(tf.constant(images[batch]))
        return {name: float(mean.result()) for name, mean in self.means.items()}

    def track(self, **values):
        for name, value in values.items():
            self.means[name].update_state(value)


class VAELoop(Loop):
    """Kingma and Welling 2014 (arXiv:1312.6114)."""

    metrics = ("loss", "reconstruction", "kl")

    def build(self):
        sizes = {"hidden": 256}
        self.encoder = networks.conv_encoder(SHAPE, 32, filters=(32, 64), **sizes)
        self.decoder = networks.conv_decoder(16, SHAPE, filters=(64, 32), **sizes)
        self.variables = self.encoder.trainable_variables
        self.variables += self.decoder.trainable_variables
        self.optimizer = keras.optimizers.Adam(1e-3)
        self.optimizer.build(self.variables)

    def update(self, images):
        x = tf.cast(images, tf.float32) / 255.0
        with tf.GradientTape() as tape:
            mean, log_variance = tf.split(self.encoder(x, training=True), 2, axis=-1)
            noise = self.normal(tf.shape(mean))
            codes = mean + tf.exp(0.5 * log_variance) * noise
            logits = self.decoder(codes, training=True)
            reconstruction = tf.reduce_sum(
                tf.nn.softplus(logits) - x * logits, (1, 2, 3)
            )
            kl = tf.exp(log_variance) - 1.0 - log_variance + tf.square(mean)
            kl = 0.5 * tf.reduce_sum(kl, axis=1)
            loss = tf.reduce_mean(reconstruction + kl)
        gradients = tape.gradient(loss, self.variables)
        self.optimizer.apply(gradients, self.variables)
        self.track(loss=loss, reconstruction=reconstruction, kl=kl)


class WGANGPLoop(Loop):
    """Gulrajani et al. 2017 (arXiv:1704.00028), algorithm 1."""

    metrics = ("critic_loss", "divergence", "gradient_penalty", "generator_loss")
    critic_updates = 5

    def build(self):
        common = {"kernel_size": 5, "initializer": "he_uniform"}
        self.critic = networks.conv_encoder(
            SHAPE, 1, filters=(32, 64, 128), activation="leaky_relu", **common
        )
        self.generator, self.average = (
            networks.conv_decoder(
                128, SHAPE, filters=(128, 64, 32), output_activation="tanh", **common
            )
            for _ in range(2)
        )
        self.average.set_weights(self.generator.get_weights())
        self.optimizers = {}
        for network in (self.critic, self.generator):
            self.optimizers[network] = keras.optimizers.Adam(1e-4, 0.0, 0.9)
            self.optimizers[network].build(network.trainable_variables)

    def update(self, images):
        images = tf.cast(images, tf.float32) / 127.5 - 1.0
        for k in range(self.critic_updates):
            self.update_critic(images[k :: self.critic_updates])
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(self.critic(self.fakes(), training=True))
        self.apply(tape, loss, self.generator)
        move_average(self.average, self.generator, 0.999)
        self.track(generator_loss=loss)

    def update_critic(self, real):
        fake = self.fakes()
        with tf.GradientTape() as tape:
            fakes, reals = (
                self.critic(fake, training=True),
                self.critic(real, training=True),
            )
            distance = tf.reduce_mean(reals) - tf.reduce_mean(fakes)
            penalty = self.penalty(real, fake)
            loss = 10.0 * penalty - distance
        self.apply(tape, loss, self.critic)
        self.track(critic_loss=loss, divergence=distance, gradient_penalty=penalty)

    def penalty(self, real, fake):
        share = self.uniform((len(real), 1, 1, 1))
        between = share * real + (1.0 - share) * fake
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(between)
            scores = self.critic(between, training=True)
        squares = tf.square(tape.gradient(scores, between))
        norm = tf.sqrt(tf.reduce_sum(squares, axis=(1, 2, 3)) + 1e-12)
        return tf.reduce_mean(tf.square(norm - 1.0))

    def fakes(self):
        latents = self.normal((self.batch_size // self.critic_updates, 128))
        return self.generator(latents, training=True)

    def apply(self, tape, loss, network):
        variables = network.trainable_variables
        self.optimizers[network].apply(tape.gradient(loss, variables), variables)


class DDPMLoop(Loop):
    """Ho et al. 2020 (arXiv:2006.11239), algorithm 1, for the velocity."""

    def build(self):
        self.denoiser, self.average = (
            networks.unet(SHAPE, filters=(32, 64)) for _ in range(2)
        )
        self.average.set_weights(self.denoiser.get_weights())
        self.variables = self.denoiser.trainable_variables
        self.optimizer = keras.optimizers.Adam(1e-3, global_clipnorm=1.0)
        self.optimizer.build(self.variables)
        signal = diffusion.CosineSchedule().signal()
        self.signal = tf.constant(signal**0.5, tf.float32)
        self.noise = tf.constant((1 - signal) ** 0.5, tf.float32)

    def update(self, images):
        images = tf.cast(images, tf.float32) / 127.5 - 1.0
        t = tf.cast(self.uniform((len(images),)) * len(self.signal), tf.int32)
        a = tf.gather(self.signal, t)[:, None, None, None]
        s = tf.gather(self.noise, t)[:, None, None, None]
        noise = self.normal(images.shape)
        with tf.GradientTape() as tape:
            output = self.denoiser([a * images + s * noise, t], training=True)
            loss = tf.reduce_mean(tf.square(a * noise - s * images - output))
        gradients = tape.gradient(loss, self.variables)
        self.optimizer.apply(gradients, self.variables)
        move_average(self.average, self.denoiser, 0.998)
        self.track(loss=loss)


def move_average(average, network, decay):
    """Move the weights of `average` towards those of `network`."""
    for a, v in zip(average.weights, network.weights):
        a.value.assign_sub((1 - decay) * (a.value - v.value))


def make_vae():
    return keras_gen.VAE(), {"optimizer": keras.optimizers.Adam(1e-3)}


def make_wgan_gp():
    optimizer = keras.optimizers.Adam(1e-4, 0.0, 0.9)
    averages = {"generator": 0.999}
    return keras_gen.WGANGP(), {"optimizer": optimizer, "averages": averages}


def make_ddpm():
    model = keras_gen.DDPM(
        filters=(32, 64),
        schedule=diffusion.CosineSchedule(),
        target=diffusion.Velocity(),
    )
    optimizer = keras.optimizers.Adam(1e-3, global_clipnorm=1.0)
    return model, {"optimizer": optimizer, "averages": {"denoiser": 0.998}}


@dataclasses.dataclass(frozen=True)
class Case:
    """What is compared: an engine's model with its `compile` options, and a loop."""

    make: Callable
    loop: type
    batch_size: int


CASES = {
    "vae": Case(make_vae, VAELoop, 100),
    "wgan_gp": Case(make_wgan_gp, WGANGPLoop, 100),
    "ddpm": Case(make_ddpm, DDPMLoop, 32),
}


class EpochTimer(keras.callbacks.Callback):
    """Seconds of the last epoch, without what `fit` does once before and after."""

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        for value in logs.values():
            float(value)
        self.seconds = time.perf_counter() - self.start


def make_sides(case, images):
    """Two functions from a number of steps to seconds: the engine's, the loop's."""
    model, options = case.make()
    model.compile(**options)
    loop = case.loop(batch_size=case.batch_size, jit_compile=model.jit_compile)
    timer = EpochTimer()

    def engine(steps):
        model.fit(
            images,
            batch_size=case.batch_size,
            steps_per_epoch=steps,
            callbacks=[timer],
            verbose=0,
        )
        return timer.seconds

    def by_hand(steps):
        start = time.perf_counter()
        loop.epoch(images, steps)
        return time.perf_counter() - start

    return engine, by_hand


def measure(case, images, pairs, seconds):
    """Images a second of the engine and of the loop: two lists, `pairs` long."""
    sides = make_sides(case, images)
    for side in sides:
        side(3)  # traces
    steps = math.ceil(seconds * 10 / min(side(10) for side in sides))
    rates = ([], [])
    for pair in range(pairs):
        for which in (0, 1) if pair % 2 == 0 else (1, 0):
            gc.collect()
            spent = sides[which](steps)
            rates[which].append(steps * case.batch_size / spent)
    return rates


def median_interval(values, confidence=0.95):
    """The median, and an interval that covers the true one by order statistics.

    Args:
        values: independent measurements.
        confidence: the least coverage asked for.

    Returns:
        (median, low, high, coverage): the narrowest interval between the k-th smallest
        and the k-th largest value with the coverage, or the whole range where there
        are too few values for it.
    """
    ordered, n = sorted(values), len(values)
    tail, k = 0.5**n, 1  # chance that fewer than k values lie below the median
    while k < n // 2 and 1 - 2 * (tail + math.comb(n, k) * 0.5**n) >= confidence:
        tail, k = tail + math.comb(n, k) * 0.5**n, k + 1
    return statistics.median(ordered), ordered[k - 1], ordered[n - k], 1 - 2 * tail


def main(arguments=None):
    """Measure, print the table, and return the exit status."""
    options = parse(arguments)
    if options.threads:
        tf.config.threading.set_intra_op_parallelism_threads(options.threads)
        tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    images, _ = keras_gen.data.load("fashion_mnist_mini", "train")
    print(f"{'model':8} {'engine':>10} {'by hand':>10}   images/s, medians")
    failed = False
    for name in options.models:
        rates = measure(CASES[name], images, options.pairs, options.seconds)
        ratios = [ours / theirs for ours, theirs in zip(*rates)]
        median, low, high, coverage = median_interval(ratios)
        reached = high >= TARGET
        failed |= not reached
        print(
            f"{name:8} {statistics.median(rates[0]):10.0f} "
            f"{statistics.median(rates[1]):10.0f}   ratio {median:.3f}, "
            f"{coverage:.1%} interval [{low:.3f}, {high:.3f}]: "
            f"{'reaches' if reached else 'does not reach'} {TARGET}",
            flush=True,
        )
    return int(failed)


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.engine", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--pairs", type=int, default=10, help="measurements a model")
    parser.add_argument(
        "--seconds", type=float, default=2.0, help="least length of a measurement"
    )
    parser.add_argument(
        "--models",
        type=lambda text: text.split(","),
        default=list(CASES),
        help=f"some of {','.join(CASES)}",
    )
    parser.add_argument("--threads", type=int, help="threads of TensorFlow")
    options = parser.parse_args(arguments)
    unknown = set(options.models) - set(CASES)
    if unknown:
        parser.error(f"unknown models: {', '.join(sorted(unknown))}")
    if options.pairs < 1 or options.seconds <= 0:
        parser.error("--pairs and --seconds must be above 0")
    return options


if __name__ == "__main__":
    sys.exit(main())
