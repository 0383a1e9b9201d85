"""Pix2Pix: Isola, Zhu, Zhou and Efros 2017 (arXiv:1611.07004)."""

import keras
from keras import ops

from keras_gen import losses, networks
from keras_gen.engine.trainer import check_seed
from keras_gen.models.translation import (
    TranslationModel,
    check_channels,
    mean_absolute_error,
)


@keras.saving.register_keras_serializable("keras_gen")
class Pix2Pix(TranslationModel):
    """Image-to-image translation with a conditional adversarial network.

    The critic judges patches of a picture beside the one that it was made of (equation
    1), the generator descends its adversarial loss and `l1_weight` times the mean
    absolute error (equation 4, on the scale of [-1, 1]). The critic's loss is halved
    (section 3.3). Dropout is the generator's only noise: none in the verbs, unless
    `translate` is given a seed. Logs `critic_loss`, `divergence`, `generator_loss` and
    `l1`, the mean absolute error on the scale of [0, 1], which is the validation
    `loss`.

    Args:
        filters, dropout, dropped, groups, transposed, adds, palette: of the default
            generator, `networks.skip_generator`.
        receptive_field, critic_filters, critic_norm: of the default critic,
            `networks.patch_critic`.
        l1_weight: lambda of equation 4.
        adversarial_weight: of the generator's adversarial loss; at 0 it learns by the
            absolute error alone, and its critic does not.
        loss: a `losses.AdversarialLoss`; `losses.NonSaturating()` by default.
        critic: any Keras model from (batch, h, w, c), inputs and targets side by side
            as channels, to scores (batch, ...).
        generator: any Keras model from inputs to targets in [-1, 1].
        **options: as `TranslationModel` takes them.
    """

    networks = ("critic", "generator")
    trackers = ("loss", "critic_loss", "divergence", "generator_loss", "l1")
    loss_meaning = "mean absolute error of held-out pictures, on the scale of [0, 1]"

    def __init__(
        self,
        *,
        filters=(64, 128, 256, 512, 512, 512, 512, 512),
        dropout=0.5,
        dropped=3,
        groups=None,
        transposed=True,
        adds=False,
        palette=0,
        receptive_field=70,
        critic_filters=64,
        critic_norm=True,
        l1_weight=100.0,
        adversarial_weight=1.0,
        loss=None,
        critic=None,
        generator=None,
        name="pix2pix",
        **options,
    ):
        super().__init__(name=name, **options)
        self.l1_weight = l1_weight
        self.adversarial_weight = adversarial_weight
        self.adversarial_loss = loss or losses.NonSaturating()
        channels, outputs = self.input_channels(), self.target_shape()[-1]
        generator = generator or networks.skip_generator(
            channels,
            outputs,
            filters=filters,
            dropout=dropout,
            dropped=dropped,
            groups=groups,
            transposed=transposed,
            adds=adds,
            palette=palette,
        )
        critic = critic or networks.patch_critic(
            channels + outputs,
            receptive_field=receptive_field,
            filters=critic_filters,
            norm=critic_norm,
        )
        check_channels(critic, channels + outputs, None, "critic")
        check_channels(generator, channels, outputs, "generator")
        self.ready(critic=critic, generator=generator)

    def default_stride(self):
        return 2 ** len(self._config["filters"])

    def default_optimizers(self):
        """Adam(2e-4, beta_1 = 0.5, beta_2 = 0.999), section 3.3's."""
        return {name: keras.optimizers.Adam(2e-4, 0.5) for name in self.networks}

    def update(self, batch):
        inputs, targets = self.pairs(batch)
        if self.adversarial_weight:
            fake = ops.stop_gradient(self.generator(inputs, training=True))
            self.minimize(self.critic_loss, "critic", inputs, targets, fake)
        self.minimize(self.generator_loss, "generator", inputs, targets)

    def judged(self, inputs, pictures):
        """The critic's scores of pictures beside what they were made of."""
        return self.critic(ops.concatenate([inputs, pictures], axis=-1), training=True)

    def critic_loss(self, inputs, targets, fake):
        """Half the critic's loss, mean over patches: (batch,)."""
        real_scores, fake_scores = (self.judged(inputs, x) for x in (targets, fake))
        loss = self.adversarial_loss.critic(real_scores, fake_scores)
        divergence = self.adversarial_loss.divergence(loss)
        return {"critic_loss": loss / 2, "divergence": divergence}

    def generator_loss(self, inputs, targets):
        """Equation 4 as the generator sees it, and its second term: (batch,)."""
        fake = ops.cast(self.generator(inputs, training=True), "float32")
        l1 = mean_absolute_error(targets, fake)
        total = 2 * self.l1_weight * l1
        if self.adversarial_weight:
            scores = self.judged(inputs, fake)
            real = self.judged(inputs, targets) if self.adversarial_loss.pairs else None
            adversarial = self.adversarial_loss.generator(scores, real)
            total = total + self.adversarial_weight * adversarial
        return {"generator_loss": total, "l1": l1}

    def validate(self, batch):
        inputs, targets = self.pairs(batch, training=False)
        made = self.network("generator", False)(inputs, training=False)
        return {"loss": mean_absolute_error(targets, ops.cast(made, "float32"))}

    def translate(self, images, *, tile=None, overlap=None, seed=None):
        """As `TranslationModel.translate`, and with the paper's noise if wanted.

        Args:
            seed: int in [0, 2**31) of the generator's dropout; None for none.
        """
        if seed is None:
            return super().translate(images, tile=tile, overlap=overlap)
        seed = check_seed(seed)
        return self.translated(images, tile, overlap, self._draw, seed=seed)

    def _draw(self, images, place):
        with self.noise(*ops.unstack(place, 2)):
            return self.made_of(images, "generator", training=True)
