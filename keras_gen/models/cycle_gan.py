"""CycleGAN: Zhu, Park, Isola and Efros 2017 (arXiv:1703.10593)."""

import keras
import numpy as np
from keras import ops

from keras_gen import data as data_lib
from keras_gen import layers, losses, networks
from keras_gen.models.translation import (
    TranslationModel,
    check_channels,
    mean_absolute_error,
)


@keras.saving.register_keras_serializable("keras_gen")
class CycleGAN(TranslationModel):
    """Translation between two kinds of pictures, A and B, learnt without pairs.

    One generator goes from A to B and one back; a critic of patches judges each kind.
    The generators descend `adversarial_weight` times their adversarial losses,
    `cycle_weight` times the mean absolute error of pictures that went there and back
    (equation 2) and `identity_weight` times that of pictures that are of the wanted
    kind already (section 5.2, where it is half of the former), on the scale of [-1, 1].
    The critics see pictures out of a history (section 4).

    `fit` takes pictures of A as x and of B as y, not paired, or `data.Unpaired`.
    `translate` goes from A to B, and back with `reverse=True`. Logs `generator_loss`,
    `critic_loss`, `divergence`, and the mean absolute errors `cycle` and `identity` on
    the scale of [0, 1]; the validation `loss` is `cycle`.

    Args:
        filters, blocks, groups, transposed, adds: of the default generators,
            `networks.residual_generator`.
        receptive_field, critic_filters, critic_norm: of the default critics,
            `networks.patch_critic`.
        adversarial_weight, cycle_weight, identity_weight: of the generators' losses;
            the first is 2 because section 4 halves the least squares for critics
            alone, the last must be 0 where A and B have other channels.
        history: how many pictures of each kind the critics' buffers keep, 0 for none.
        loss: a `losses.AdversarialLoss`; `losses.LeastSquares()` by default.
        generator_ab, generator_ba: any Keras models from pictures of one kind to the
            other, in [-1, 1].
        critic_a, critic_b: any Keras models from pictures to scores (batch, ...).
        **options: as `TranslationModel` takes them, but for `corruption`.
    """

    networks = ("critic_a", "critic_b", "generator_ab", "generator_ba")
    translator = "generator_ab"
    trackers = ("loss", "critic_loss", "divergence", "generator_loss", "cycle")
    trackers += ("identity",)
    loss_meaning = (
        "mean absolute error of held-out pictures translated there and back, on the "
        "scale of [0, 1]"
    )

    def __init__(
        self,
        *,
        filters=(64, 128, 256),
        blocks=9,
        groups=None,
        transposed=True,
        adds=False,
        receptive_field=70,
        critic_filters=64,
        critic_norm=True,
        adversarial_weight=2.0,
        cycle_weight=10.0,
        identity_weight=5.0,
        history=50,
        loss=None,
        generator_ab=None,
        generator_ba=None,
        critic_a=None,
        critic_b=None,
        name="cycle_gan",
        **options,
    ):
        super().__init__(name=name, **options)
        self.adversarial_weight = adversarial_weight
        self.cycle_weight = cycle_weight
        self.identity_weight = identity_weight
        self.adversarial_loss = loss or losses.LeastSquares()
        self.histories = None
        channels = self.data_shape()[-1], self.target_shape()[-1]
        if self.corruption is not None:
            raise ValueError("Expected no corruption: CycleGAN takes no pairs")
        if identity_weight and channels[0] != channels[1]:
            raise ValueError(
                "Expected identity_weight=0 for kinds of "
                f"{' and '.join(map(str, channels))} channels. "
                f"Received: identity_weight={identity_weight}"
            )

        def generator(taken, made, name):
            return networks.residual_generator(
                taken,
                made,
                filters=filters,
                blocks=blocks,
                groups=groups,
                transposed=transposed,
                adds=adds,
                name=name,
            )

        def critic(taken, name):
            return networks.patch_critic(
                taken,
                receptive_field=receptive_field,
                filters=critic_filters,
                norm=critic_norm,
                name=name,
            )

        self.ready(
            critic_a=critic_a or critic(channels[0], "critic_a"),
            critic_b=critic_b or critic(channels[1], "critic_b"),
            generator_ab=generator_ab or generator(*channels, "generator_ab"),
            generator_ba=generator_ba or generator(*channels[::-1], "generator_ba"),
        )
        check_channels(self.critic_a, channels[0], None, "critic_a")
        check_channels(self.critic_b, channels[1], None, "critic_b")
        check_channels(self.generator_ab, *channels, "generator_ab")
        check_channels(self.generator_ba, *channels[::-1], "generator_ba")

    def default_stride(self):
        return 2 ** (len(self._config["filters"]) - 1)

    def default_optimizers(self):
        """Adam(2e-4, beta_1 = 0.5) (section 4); its decay is a matter of the recipe."""
        return {name: keras.optimizers.Adam(2e-4, 0.5) for name in self.networks}

    def compile(self, optimizer=None, **options):
        """Set up training; see `GenerativeModel.compile`. Histories are kept."""
        super().compile(optimizer, **options)
        size = self._config["history"]
        if size and self.histories is None:
            shapes = self.data_shape(), self.target_shape()
            with self.variable_scope():
                self.histories = [layers.HistoryBuffer(size, s) for s in shapes]

    # Data

    def _source(self, x, y, batch_size, shuffle, seed):
        arrays = [np.asarray(z) for z in (x, y) if hasattr(z, "__array__")]
        if len(arrays) < 2:
            return super()._source(x, y, batch_size, shuffle, seed)
        self.check_inputs(arrays[0])
        self.check_labels(arrays[1], len(arrays[1]))
        size = batch_size or self._default_batch_size(min(map(len, arrays)))
        return data_lib.Unpaired(
            *(
                data_lib.pipeline(z, batch_size=size, shuffle=shuffle, seed=seed + k)
                for k, z in enumerate(arrays)
            )
        )

    def _augmented(self, batch):
        """Pictures changed each on its own: they are no pairs."""
        return tuple(self.augmentation(images, training=True) for images in batch)

    # Training

    def update(self, batch):
        a, b = self.pairs(batch)
        fakes = [ops.stop_gradient(x) for x in self.crossed(a, b)]
        generators = ("generator_ab", "generator_ba")
        self.minimize(self.generator_loss, generators, a, b)
        if self.histories:
            fakes = [kept(x) for kept, x in zip(self.histories, fakes, strict=True)]
        self.minimize(self.critic_loss, ("critic_a", "critic_b"), a, b, *fakes)

    def crossed(self, a, b, training=True):
        """(B as A, A as B): what the generators make of pictures."""
        there, back = (
            self.network(name, training) for name in ("generator_ab", "generator_ba")
        )
        made = back(b, training=training), there(a, training=training)
        return tuple(ops.cast(x, "float32") for x in made)

    def critic_loss(self, a, b, fake_a, fake_b):
        """The sum of both critics' losses, means over patches: (batch,)."""
        loss = sum(
            self.adversarial_loss.critic(
                critic(real, training=True), critic(fake, training=True)
            )
            for critic, real, fake in self._judged(a, b, fake_a, fake_b)
        )
        divergence = self.adversarial_loss.divergence(loss / 2)
        return {"critic_loss": loss, "divergence": divergence}

    def generator_loss(self, a, b):
        """Equation 3 as the generators see it, and the identity loss: (batch,)."""
        fake_a, fake_b = self.crossed(a, b)
        adversarial = sum(
            self.adversarial_loss.generator(
                critic(fake, training=True),
                critic(real, training=True) if self.adversarial_loss.pairs else None,
            )
            for critic, real, fake in self._judged(a, b, fake_a, fake_b)
        )
        cycle = _error((a, b), self.crossed(fake_a, fake_b))
        logs = {"cycle": cycle}
        # The weights are those of sums of both errors, on the scale of [-1, 1].
        total = self.adversarial_weight * adversarial + 4 * self.cycle_weight * cycle
        if self.identity_weight:
            logs["identity"] = _error((a, b), self.crossed(b, a))
            total = total + 4 * self.identity_weight * logs["identity"]
        return {"generator_loss": total, **logs}

    def _judged(self, *pictures):
        """Each critic with real and made pictures of its kind."""
        a, b, fake_a, fake_b = pictures
        return (self.critic_a, a, fake_a), (self.critic_b, b, fake_b)

    def validate(self, batch):
        a, b = self.pairs(batch, training=False)
        made = self.crossed(a, b, training=False)
        return {"loss": _error((a, b), self.crossed(*made, training=False))}

    # Verbs

    def translate(self, images, *, tile=None, overlap=None, reverse=False):
        """As `TranslationModel.translate`, from A to B.

        Args:
            reverse: whether to go from B to A.
        """
        if not reverse:
            return super().translate(images, tile=tile, overlap=overlap)
        channels = self.target_shape()[-1]
        return self.translated(images, tile, overlap, self.translate_back, channels)

    def translate_back(self, images):
        """Pictures of A (batch, h, w, c) in [0, 1] of pictures of B."""
        return self.made_of(images, "generator_ba")

    def signatures(self):
        shape = (None, None, None, self.target_shape()[-1])
        back = (self.translate_back, {"images": (shape, "float32")})
        return super().signatures() | {"translate_back": back}


def _error(pictures, made):
    """Mean absolute error of both kinds, on the scale of [0, 1]: (batch,)."""
    errors = map(mean_absolute_error, pictures, made)
    return sum(errors) / 2
