"""What a mapping from latents to styles gives to an adversarial model."""

import keras
import numpy as np
from keras import ops

from keras_gen import losses
from keras_gen.engine import backend, random
from keras_gen.engine.trainer import check_seed
from keras_gen.models import base

# Thirds of the styles by name, coarsest first; at 1024 pixels Karras et al. 2019,
# section 3.1, count those to 8 pixels, to 32, and the others.
THIRDS = {"coarse": (0, 1), "middle": (1, 2), "fine": (2, 3)}


class Styled:
    """The verbs of models whose generator maps and synthesizes; before their class.

    In training a share of the pictures is made of two latents, the second one's styles
    from a layer on that is drawn anew (Karras et al. 2019, arXiv:1812.04948, section
    3.1). Truncation draws styles towards their mean, which training follows (section
    2 and appendix B), instead of scaling latents.

    Args:
        style_dim: length of the styles.
        depth: layers of the mapping network.
        mixing: share of the pictures of two latents.
        generator: a network with `map`, `spread` and `synthesize`, as
            `networks.GrowingStyleGenerator` and `networks.SkipStyleGenerator`.
        **options: as the model takes them.
    """

    follow = 0.995  # of the mean style before, at each update
    generator_class = None  # of the default generator

    def __init__(self, *, style_dim=512, depth=8, mixing=0.9, name=None, **options):
        super().__init__(name=name, **options)
        if not 0 <= mixing <= 1:
            raise ValueError(f"Expected mixing in [0, 1]. Received: mixing={mixing}")
        self.mixing = mixing
        if not hasattr(self.generator, "synthesize"):
            raise ValueError(
                "Expected a generator with `map` and `synthesize`. "
                f"Received: {self.generator!r}"
            )
        self.mean_style = self.add_weight(
            shape=(self.generator.style_dim,),
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
            name="mean_style",
        )

    def default_generator(self, shape, output_shape):
        keys = ("latent_dim", "filters", "style_dim", "depth")
        sizes = {key: self._config[key] for key in keys}
        return self.generator_class(image_shape=output_shape, **sizes)

    # Training

    def made(self, batch, training=True):
        rows, (_, *conditions) = ops.shape(batch[0])[0], batch
        styles = self.fresh_styles(rows, training)
        return self.generator.synthesize(styles, *conditions, training=training)

    def fresh_styles(self, rows, mixed=True):
        """Styles (rows, num_styles, style_dim) of fresh latents."""
        network = self.generator
        styles = network.spread(network.map(self.latents(rows)))
        if not mixed or not self.mixing:
            return styles
        others = network.spread(network.map(self.latents(rows)))
        used = network.used_styles
        draws = random.uniform((rows, 2))
        start = 1 + ops.floor(draws[:, :1] * (used - 1))
        start = ops.where(draws[:, 1:] < self.mixing, start, used)
        first = ops.arange(network.num_styles, dtype="float32")[None] < start
        return ops.where(first[..., None], styles, others)

    def update(self, batch):
        super().update(batch)
        styles = self.styles_of(self.latents(ops.shape(batch[0])[0]))
        mean = ops.mean(backend.gather(styles), axis=0)
        self.mean_style.assign(mean + self.follow * (self.mean_style - mean))

    # Verbs

    def check_truncation(self, truncation):
        """Below 0 for the opposite of each style, as in figure 8."""
        if not -1 <= truncation <= 1:
            raise ValueError(
                f"Expected a truncation in [-1, 1]. Received: truncation={truncation}"
            )

    def scalar_specs(self):
        return {"truncation": "float32"}

    def sample(self, n, truncation=1.0):
        """Pictures (n, h, w, c) in [0, 1] from fresh latents.

        Args:
            truncation: share of the way from the mean style, a float or a scalar.
        """
        styles = self.styles_of(self.latents(n))
        styles = self.mean_style + truncation * (styles - self.mean_style)
        return self.pictures_of(self.averaged("generator").spread(styles))

    def styles_of(self, latents):
        """Styles float32 (batch, style_dim) of latents (batch, latent_dim)."""
        return self.averaged("generator").map(latents)

    def pictures_of(self, styles):
        """Pictures in [0, 1] of styles (batch, num_styles, style_dim)."""
        network = self.averaged("generator")
        return self.finished(network.synthesize(styles, *self.conditions()))

    def map(self, latents):
        """Styles float32 (n, style_dim) of latents (n, latent_dim)."""
        return self.apply_in_batches(self.styles_of, self.check_codes(latents))

    def synthesize(self, styles):
        """Pictures of styles.

        Args:
            styles: float (n, style_dim), or (n, num_styles, style_dim) for another one
                at each layer.

        Returns:
            float32 array (n, h, w, c) in [0, 1].
        """
        return self.apply_in_batches(self.pictures_of, self._check_styles(styles))

    def mix(self, seeds_a, seeds_b, layers="coarse"):
        """Pictures of one seed, with the styles of another one in some layers.

        Args:
            seeds_a, seeds_b: ints; `generate(1, seed=s)` shows what each stands for.
            layers: which styles come from `seeds_b`: ints in [0, num_styles), or
                "coarse", "middle" or "fine" for a third of them.

        Returns:
            float32 array (len(seeds_a), len(seeds_b), h, w, c) in [0, 1].
        """
        places = self._check_layers(layers)
        first, second = self._styles_at(seeds_a), self._styles_at(seeds_b)
        shape = (len(first), len(second), self.num_styles, first.shape[-1])
        styles = np.broadcast_to(first[:, None, None], shape).copy()
        styles[:, :, places] = second[None, :, None]
        pictures = self.synthesize(styles.reshape(-1, *shape[2:]))
        return pictures.reshape(*shape[:2], *pictures.shape[1:])

    @property
    def num_styles(self):
        """How many styles a picture is synthesized from."""
        return self.generator.num_styles

    def _styles_at(self, seeds):
        if not len(seeds):
            raise ValueError(f"Expected one seed at least. Received: {seeds!r}")
        styles = [
            self.run_compiled(self.first_style, np.int32(check_seed(seed)))
            for seed in seeds
        ]
        return np.concatenate(styles)

    def first_style(self, seed):
        """The style (1, style_dim) of the first sample of a seed, an int32 scalar."""
        with self.chunk_noise(seed, 0):
            return self.styles_of(self.latents(1))

    def project(
        self, images, *, steps=500, learning_rate=0.05, free=False, verbose="auto"
    ):
        """Styles whose pictures come near to given ones.

        Adam from the mean style on the mean squared difference of pictures, at their
        own size and at each half of it down to 4 pixels; the authors compare features
        of VGG-16 (Karras et al. 2020, arXiv:1912.04958, appendix D).

        Args:
            images: (n, h, w, c), uint8 in [0, 255] or float in [0, 1].
            steps: of the search.
            learning_rate: of the first step; it falls to 0 as half a cosine.
            free: whether every layer has a style of its own, which comes nearer and
                leaves the styles that latents have.
            verbose: as `generate` takes it.

        Returns:
            Styles float32 (n, num_styles, style_dim), as `synthesize` takes them.
        """
        images = self.check_inputs(images)
        if steps < 1 or int(steps) != steps:
            raise ValueError(f"Expected steps as an int from 1. Received: {steps!r}")
        count = self.num_styles if free else 1
        mean = np.asarray(ops.convert_to_numpy(self.mean_style))
        styles = np.broadcast_to(mean, (len(images), count, len(mean)))
        state = [styles, np.zeros_like(styles), np.zeros_like(styles)]
        shown = steps > 50 if verbose == "auto" else bool(verbose)
        bar = keras.utils.Progbar(steps) if shown else None
        rates = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
        for step in range(steps):
            now = np.float32(step + 1), np.float32(rates(step))
            *state, distances = self.run_compiled(self.approach, images, *state, *now)
            if bar:
                bar.update(step + 1, [("distance", distances.mean())], finalize=None)
        shape = (len(images), self.num_styles, len(mean))
        return np.broadcast_to(state[0], shape).copy()

    def approach(self, images, styles, first, second, step, rate):
        """One step of `project`: new styles, Adam's two moments, and distances (n,)."""
        wanted = self.to_internal(images)

        def distances(styles):
            shape = (ops.shape(images)[0], self.num_styles, styles.shape[-1])
            pictures = self.pictures_of(ops.broadcast_to(styles, shape))
            return _distances(2 * pictures - 1, wanted)

        gradient = self.input_gradient(distances, styles)
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * ops.square(gradient)
        mean, square = first / (1 - 0.9**step), second / (1 - 0.999**step)
        styles = styles - rate * mean / (ops.sqrt(square) + 1e-8)
        return styles, first, second, distances(styles)

    def showcase(self, images, labels=None):
        """Samples, and what mixing does to them: figure 3 of the paper of 2019."""
        columns, rows = range(8), {"coarse": (8, 9, 10), "middle": (11, 12, 13)}
        rows["fine"] = (14, 15, 16)
        tops = self.synthesize(self._styles_at(columns))
        pictures = [*self.generate(18, seed=0, verbose=False)]
        pictures += [np.ones_like(tops[0]), *tops]
        for layers, seeds in rows.items():
            own = self.synthesize(self._styles_at(seeds))
            for left, mixed in zip(own, self.mix(seeds, columns, layers), strict=True):
                pictures += [left, *mixed]
        return base.Showcase(
            np.stack(pictures),
            "18 samples, seed 0; then samples down the left side, in three rows each "
            "with the coarse, middle and fine styles of those along the top",
            9,
        )

    def signatures(self):
        """Those of adversarial models, and `map` and `synthesize`."""
        width = self.generator.style_dim
        latents = {"latents": ((None, self.latent_dim), "float32")}
        styles = {"styles": ((None, self.num_styles, width), "float32")}
        own = {"map": (self.styles_of, latents)}
        own["synthesize"] = (self.pictures_of, styles)
        return super().signatures() | own

    def _check_styles(self, styles):
        styles, width = np.asarray(styles, "float32"), self.generator.style_dim
        full = (self.num_styles, width)
        if styles.shape[1:] not in ((width,), full) or not len(styles):
            raise ValueError(
                f"Expected styles of shape (n, {width}) or (n, {full[0]}, {width}). "
                f"Received: shape {styles.shape}"
            )
        if not np.isfinite(styles).all():
            raise ValueError("Expected styles, finite. Received: NaN or infinity")
        styles = styles.reshape(len(styles), -1, width)
        return np.broadcast_to(styles, (len(styles), *full))

    def _check_layers(self, layers):
        if isinstance(layers, str) and layers in THIRDS:
            start, stop = (round(self.num_styles * k / 3) for k in THIRDS[layers])
            return list(range(start, stop))
        known = range(self.num_styles)
        if isinstance(layers, str) or not all(
            _is_int(k) and k in known for k in layers
        ):
            raise ValueError(
                f"Expected layers as ints in [0, {self.num_styles}), or one of "
                f"{sorted(THIRDS)}. Received: {layers!r}"
            )
        return list(layers)


def _is_int(x):
    return isinstance(x, (int, np.integer)) and not isinstance(x, bool)


def _distances(pictures, others):
    """Mean squared differences at each size, summed: (batch,)."""
    total = 0.0
    while True:
        total = total + losses.squared_error(others, pictures)
        if min(pictures.shape[1:3]) < 8 or any(s % 2 for s in pictures.shape[1:3]):
            return total
        pictures, others = (ops.average_pool(x, 2, 2) for x in (pictures, others))
