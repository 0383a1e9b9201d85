"""Style-based generators: Karras, Laine and Aila 2019, and Karras et al. 2020.

StyleGAN (arXiv:1812.04948) and StyleGAN2 (arXiv:1912.04958), the latter with adaptive
discriminator augmentation (arXiv:2006.06676).
"""

import keras
from keras import ops

from keras_gen import losses, networks
from keras_gen.engine import backend, random
from keras_gen.models.adversarial import AdversarialModel, check_counts
from keras_gen.models.progressive_gan import ProgressiveGAN
from keras_gen.models.styled import Styled


@keras.saving.register_keras_serializable("keras_gen")
class StyleGAN(Styled, ProgressiveGAN):
    """A progressively growing generator that styles steer through its normalisation.

    Grows as `ProgressiveGAN` does; the loss is the non-saturating one with R1 (appendix
    C). Resampling is blurred, in the critic too.

    Args:
        style_dim, depth, mixing: as `Styled` takes them.
        penalty_weight: of R1.
        **options: as `ProgressiveGAN` takes them.
    """

    generator_class = networks.GrowingStyleGenerator

    def __init__(self, *, penalty_weight=10.0, name="style_gan", **options):
        super().__init__(penalty_weight=penalty_weight, name=name, **options)

    def default_loss(self):
        return losses.NonSaturating()

    def default_penalties(self):
        return (losses.R1(self._config["penalty_weight"]),)

    def default_critic(self, shape):
        pictures, _ = shape
        filters, group = self._config["filters"], self._config["group"]
        return networks.GrowingCritic(pictures, filters, group, smooth=True)


@keras.saving.register_keras_serializable("keras_gen")
class StyleGAN2(Styled, AdversarialModel):
    """Modulated convolutions, a skip generator and a residual critic, without growing.

    The non-saturating loss, with R1 at one of `penalty_every` updates and the
    regularisation of path lengths at one of `path_every` (section 3). Logs
    `path_length` too, ||J^T y|| or, at other updates, its running mean.

    Both penalties are added to the loss of the update they fall on, not descended in
    steps of their own; Adam therefore needs none of the authors' changes for these.

    Args:
        image_shape: (height, width, channels), sides divisible by
            2 ** (len(filters) - 1).
        filters: channels at each size, finest first.
        style_dim, depth, mixing: as `Styled` takes them.
        penalty_weight: of R1.
        penalty_every, path_every: see above.
        path_weight: of (||J^T y|| - a)^2, 0 to go without; equation 4.
        path_shrink: by how much the batch for it is smaller.
        group: of the critic's deviations, `layers.MinibatchStdDev`; 0 for none.
        augmentation: `layers.AdaptiveAugmentation()` for small sets of pictures.
        latent_dim, critic_updates, loss, penalties, packing, instance_noise,
            matched_layer, critic, generator: as `AdversarialModel` takes them.
    """

    generator_class = networks.SkipStyleGenerator
    trackers = (*AdversarialModel.trackers, "path_length")

    def __init__(
        self,
        *,
        image_shape=(32, 32, 3),
        latent_dim=512,
        filters=(128, 256, 512, 512),
        penalty_weight=10.0,
        penalty_every=16,
        path_weight=2.0,
        path_every=4,
        path_shrink=2,
        group=4,
        critic_updates=1,
        loss=None,
        penalties=None,
        packing=1,
        instance_noise=0.0,
        augmentation=None,
        matched_layer=None,
        critic=None,
        generator=None,
        style_dim=512,
        depth=8,
        mixing=0.9,
        name="style_gan_2",
    ):
        check_counts(path_every=path_every, path_shrink=path_shrink)
        super().__init__(
            image_shape=image_shape,
            latent_dim=latent_dim,
            filters=filters,
            critic_updates=critic_updates,
            loss=loss,
            penalties=penalties,
            packing=packing,
            instance_noise=instance_noise,
            augmentation=augmentation,
            matched_layer=matched_layer,
            critic=critic,
            generator=generator,
            style_dim=style_dim,
            depth=depth,
            mixing=mixing,
            name=name,
        )
        self.path_weight = path_weight
        self.path_every = path_every
        self.path_shrink = path_shrink
        self.mean_path = self.add_weight(
            shape=(),
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
            name="mean_path",
        )

    def default_penalties(self):
        config = self._config
        return (losses.R1(config["penalty_weight"], config["penalty_every"]),)

    def default_critic(self, shape):
        filters, group = self._config["filters"], self._config["group"]
        return networks.residual_critic(shape, filters, group=group)

    def default_optimizers(self):
        """Adam(2e-3, beta_1 = 0, beta_2 = 0.99, epsilon = 1e-8), appendix B's."""
        return {n: keras.optimizers.Adam(2e-3, 0.0, 0.99, 1e-8) for n in self.networks}

    def default_averages(self):
        """The generator's weights with a decay of 0.999, as of `ProgressiveGAN`.

        At 32 pictures a step the authors' program has 0.9978.
        """
        return {"generator": 0.999}

    def generator_loss(self, batch, noise=0.0, training=True):
        """The generator's loss, and what its path lengths cost."""
        loss = super().generator_loss(batch, noise, training)
        if not training or not self.path_weight:
            return loss
        costs, lengths = self.path_costs(ops.shape(batch[0])[0] // self.path_shrink)
        total = loss + self.path_weight * ops.mean(costs)
        return {"generator_loss": total, "path_length": lengths}

    def path_costs(self, rows):
        """Equation 4: (||J^T y||_2 - a)^2 of fresh styles, and the lengths, (rows,).

        y is a picture of normal noise, a the running mean of lengths before this
        update. The layers' noise is the fixed one.
        """
        rows = max(rows, 1) if isinstance(rows, int) else ops.maximum(rows, 1)
        styles = self.fresh_styles(rows)
        height, width, _ = shape = self.data_shape()
        direction = random.normal((rows, *shape)) / (height * width) ** 0.5
        mean = ops.convert_to_tensor(self.mean_path)

        def products(styles):
            pictures = self.generator.synthesize(styles)
            return ops.sum(pictures * direction, axis=(1, 2, 3))

        def cost():
            gradient = self.input_gradient(products, styles)
            # The mean over layers is the authors'.
            squares = ops.mean(ops.sum(ops.square(gradient), axis=-1), axis=-1)
            lengths = ops.sqrt(squares + 1e-12)
            return self.path_every * ops.square(lengths - mean), lengths

        free = (ops.zeros((rows,)), ops.broadcast_to(mean, (rows,)))
        costs, lengths = self.lazily(self.path_every, cost, free)
        now = ops.mean(backend.gather(ops.stop_gradient(lengths)))
        self.mean_path.assign(mean + 0.01 * (now - mean))
        return costs, lengths
