"""Progressive growing: Karras, Aila, Laine and Lehtinen 2018 (arXiv:1710.10196)."""

import keras
from keras import ops

from keras_gen import losses
from keras_gen.engine import backend
from keras_gen.models import base
from keras_gen.models.adversarial import AdversarialModel
from keras_gen.networks import growing


@keras.saving.register_keras_serializable("keras_gen")
class ProgressiveGAN(AdversarialModel):
    """A generator and a critic that learn at small sides first, then twice as large.

    There is a stage for each size; let `callbacks.Stages` lead through them. In a new
    one the newest level fades in over the first `fade` pictures of it that are shown
    (section 2); real pictures are blurred to match, as the authors' program does. The
    loss is that of WGAN-GP with a drift term, one update of the critic to one of the
    generator (appendix A.1), learning rates are equalised, the generator normalises
    pixels and the critic sees deviations (sections 3 and 4). Verbs give pictures of the
    last size at any stage, enlarged where it is not reached, from the moving average.

    Args:
        image_shape: (height, width, channels), sides divisible by
            2 ** (len(filters) - 1).
        filters: channels at each size, finest first: of as many stages.
        fade: pictures shown while a level fades in, 0 for at once.
        penalty_weight: of the gradient penalty.
        group: of the critic's deviations, `layers.MinibatchStdDev`; 0 for none.
        critic, generator: networks with a `stage`, as `networks.GrowingCritic` and
            `networks.GrowingGenerator`.
        latent_dim, critic_updates, loss, penalties, instance_noise, augmentation: as
            `AdversarialModel` takes them.
    """

    def __init__(
        self,
        *,
        image_shape=(32, 32, 3),
        latent_dim=512,
        filters=(128, 256, 512, 512),
        fade=100_000,
        penalty_weight=10.0,
        group=4,
        critic_updates=1,
        loss=None,
        penalties=None,
        instance_noise=0.0,
        augmentation=None,
        critic=None,
        generator=None,
        name="progressive_gan",
    ):
        super().__init__(
            image_shape=image_shape,
            latent_dim=latent_dim,
            filters=filters,
            critic_updates=critic_updates,
            loss=loss,
            penalties=penalties,
            instance_noise=instance_noise,
            augmentation=augmentation,
            critic=critic,
            generator=generator,
            name=name,
        )
        if fade < 0:
            raise ValueError(f"Expected fade from 0 on. Received: fade={fade}")
        self.fade = fade
        # A row of pictures shown for each stage: none is to be reset, so that a run
        # that was stopped within a fade goes on in it.
        self.shown = self.add_weight(
            shape=(self.num_stages,),
            initializer="zeros",
            dtype="int",  # of 64 bits where GPUs keep no other
            trainable=False,
            aggregation="only_first_replica",
            name="shown",
        )

    # What the paper chooses

    @property
    def num_stages(self):
        """One for each size."""
        return len(self._config["filters"])

    def default_loss(self):
        return losses.Wasserstein(drift=1e-3)

    def default_penalties(self):
        return (losses.GradientPenalty(self._config["penalty_weight"]),)

    def default_critic(self, shape):
        pictures, _ = shape
        filters, group = self._config["filters"], self._config["group"]
        return growing.GrowingCritic(pictures, filters, group)

    def default_generator(self, shape, output_shape):
        (latent_dim,), _ = shape
        filters = self._config["filters"]
        return growing.GrowingGenerator(latent_dim, output_shape, filters)

    def default_optimizers(self):
        """Adam(1e-3, beta_1 = 0, beta_2 = 0.99, epsilon = 1e-8), appendix A.1's."""
        return {n: keras.optimizers.Adam(1e-3, 0.0, 0.99, 1e-8) for n in self.networks}

    def default_averages(self):
        """The generator's weights with a decay of 0.999, appendix A.1's."""
        return {"generator": 0.999}

    # Growing

    def with_conditions(self, shape, packing=1):
        return (super().with_conditions(shape, packing), (1,))

    def conditions(self, *labels):
        return (ops.reshape(self.alpha(), (1, 1)),)

    def alpha(self):
        """How far the newest level has faded in, a scalar in [0, 1]."""
        if not self.stage or not self.fade:
            return ops.ones(())
        shown = ops.cast(self.shown[self.stage], "float32")
        return ops.minimum(shown / self.fade, 1.0)

    def set_stage(self, stage):
        super().set_stage(stage)
        self._bring_networks()

    def enter_stage(self, stage):
        """Start a stage, optimizers anew.

        The authors' program does so too, and at the end of a fade besides.

        Adam's second moments of the newest level, which has had no gradient yet, would
        else be corrected for a bias that the count of updates says is long gone.
        """
        changed = stage != self.stage
        super().enter_stage(stage)
        if changed:
            with self.variable_scope():
                self.optimizer.restart()

    def compile(self, optimizer=None, **options):
        """Set up training; see `GenerativeModel.compile`."""
        super().compile(optimizer, **options)
        self._bring_networks()

    def _bring_networks(self):
        """Have the networks and their averages stand at this stage."""
        for name in self.networks:
            for network in (getattr(self, name), self.averaged(name)):
                network.stage = self.stage

    def active_variables(self, network):
        return getattr(self, network).active_variables()

    def prepare(self, data):
        """Pictures of this stage's size in [-1, 1], and alpha (batch, 1)."""
        pictures = self.seen(self.to_internal(base.first(data)))
        rows = ops.shape(pictures)[0]
        return pictures, ops.broadcast_to(self.alpha(), (rows, 1))

    def seen(self, pictures):
        """Pictures as the critic sees them at this stage, (batch, h, w, c)."""
        factor = 2 ** (self.num_stages - 1 - self.stage)
        pictures = growing.reduced(pictures, factor) if factor > 1 else pictures
        if not self.stage:
            return pictures
        blurred = growing.enlarged(growing.reduced(pictures))
        return growing.faded(blurred, pictures, self.alpha())

    def update(self, batch):
        super().update(batch)
        rows = ops.shape(backend.gather(batch[1]))[0]  # of all replicas
        now = ops.cast(ops.arange(self.num_stages) == self.stage, self.shown.dtype)
        self.shown.assign_add(now * ops.cast(rows, self.shown.dtype))

    # Verbs

    def check_truncation(self, truncation):
        """Raise ValueError: the generator scales latents to one length anyway."""
        if truncation != 1:
            raise ValueError(
                "Expected truncation=1 of a generator that normalises its latents. "
                f"Received: truncation={truncation}"
            )

    def finished(self, examples):
        images = super().finished(examples)
        return growing.enlarged(images, 2 ** (self.num_stages - 1 - self.stage))

    def scores(self, images):
        pictures = self.seen(self.to_internal(images))
        scores = self.judged(pictures, self.conditions(), training=False)
        return ops.reshape(ops.cast(scores, "float32"), (-1,))
