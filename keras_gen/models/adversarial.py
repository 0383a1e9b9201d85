"""A generator against a critic: what all adversarial models share."""

import keras
from keras import ops

from keras_gen import losses, networks
from keras_gen.engine import random
from keras_gen.models import base
from keras_gen.models.diagnosis import Diagnosis
from keras_gen.models.judging import Judging
from keras_gen.models.packing import joined


class AdversarialModel(Judging, Diagnosis, base.GenerativeModel):
    """A generator from Gaussian latents to examples, and the critic that judges them.

    An update is algorithm 1 of Goodfellow et al. 2014 (arXiv:1406.2661): the critic
    descends its loss `critic_updates` times, each on fresh rows of the batch and fresh
    samples, then the generator descends its own. Logs `critic_loss`, penalties
    included, `divergence` (what the critic's loss says of the distance between data and
    samples; see the loss's `estimates`), `gradient_penalty` (before its weight) and
    `generator_loss`; the validation `loss` is the divergence from held-out examples.

    A subclass chooses the defaults and the style of its networks, and in
    `default_loss`, `default_penalties` and `default_optimizers` its paper's.

    Args:
        image_shape: (height, width, channels), or (features,) for real vectors, which
            are neither scaled nor bounded.
        latent_dim: length of the generator's input.
        filters: channels of the critic's strided convolutions, finest first; the
            generator mirrors them. () for dense networks.
        hidden: units of dense networks' hidden layers, those of the critic first to
            last; the generator mirrors them.
        kernel_size: side of the kernels.
        critic_updates: updates of the critic per update of the generator; the batch
            size on each replica must be a multiple, times `packing`.
        loss: a `losses.AdversarialLoss`, None for the paper's.
        penalties: objects such as `losses.GradientPenalty`, `losses.R1`, `losses.R2`,
            added to the critic's loss; None for the paper's.
        packing: how many examples, side by side as channels, the critic judges at once
            (Lin et al. 2018, arXiv:1712.04086, section 3).
        instance_noise: standard deviation of Gaussian noise on all that the critic sees
            in training (Sonderby et al. 2017, arXiv:1610.04490, section 3.2), a number,
            or a `keras.optimizers.schedules` object of the number of updates to anneal
            it.
        augmentation: a layer that changes pictures in [-1, 1] at random, such as
            `layers.AdaptiveAugmentation`, of which a copy changes all that the critic
            sees in training; penalties are those at the changed pictures.
        matched_layer: name or index of a layer of the critic, -2 for what its last one
            takes, whose mean outputs the generator is to match in place of its loss
            (`losses.feature_matching`); None for none.
        spectral: whether to normalise the critic's kernels
            (`networks.spectrally_normalized`).
        tail: layers before the last one of the default critic, such as
            `layers.MinibatchDiscrimination`.
        critic: any Keras model from examples, images scaled to [-1, 1], to scores
            (batch, 1), twice differentiable where there are penalties.
        generator: any Keras model from latents (batch, latent_dim) to examples.

    Raises:
        ValueError: a given network's shapes do not fit, or a number is out of range.
    """

    networks = ("critic", "generator")
    trackers = ("loss", "critic_loss", "divergence", "gradient_penalty")
    trackers += ("generator_loss",)

    # Further keywords of the default convolutional networks.
    critic_style = {}
    generator_style = {}

    def __init__(
        self,
        *,
        image_shape=(28, 28, 1),
        latent_dim=100,
        filters=(),
        hidden=(),
        kernel_size=5,
        critic_updates=1,
        loss=None,
        penalties=None,
        packing=1,
        instance_noise=0.0,
        augmentation=None,
        matched_layer=None,
        spectral=False,
        tail=(),
        critic=None,
        generator=None,
        name=None,
    ):
        super().__init__(name=name)
        check_counts(critic_updates=critic_updates, packing=packing)
        self.latent_dim = latent_dim
        self.critic_updates = critic_updates
        self.packing = packing
        self.instance_noise = instance_noise
        own = augmentation and _fresh(augmentation)
        self.augmentation = base.built(own, self.data_shape())
        self.matched_layer = matched_layer
        self.adversarial_loss = self.default_loss() if loss is None else loss
        chosen = self.default_penalties() if penalties is None else penalties
        self.penalties = tuple(chosen)
        if hasattr(augmentation, "observe") and self.adversarial_loss.boundary is None:
            raise ValueError(
                "Expected a loss whose scores have a boundary between real and "
                "generated, by which an augmentation may adapt. "
                f"Received: {type(self.adversarial_loss).__name__}"
            )
        seen = self.with_conditions(tuple(image_shape), packing)
        taken = self.with_conditions((latent_dim,))
        critic = critic or self.default_critic(seen)
        if spectral:
            critic = networks.spectrally_normalized(critic)
        generator = generator or self.default_generator(taken, tuple(image_shape))
        self.ready(critic=critic, generator=generator)
        base.check_network(self.critic, seen, (1,), "critic")
        base.check_network(self.generator, taken, tuple(image_shape), "generator")
        if matched_layer is not None:
            key = "name" if isinstance(matched_layer, str) else "index"
            layer = critic.get_layer(**{key: matched_layer})
            features = keras.Model(critic.inputs, layer.output)
            # A function, so that Keras does not take it for a third network.
            self._features = lambda *args, **options: features(*args, **options)

    @property
    def loss_meaning(self):
        return f"{self.adversarial_loss.estimates}, as the critic sees held-out data"

    # What a paper chooses

    def default_loss(self):
        """The paper's loss, a `losses.AdversarialLoss`."""
        return losses.NonSaturating()

    def default_penalties(self):
        """The paper's penalties on the critic's gradient."""
        return ()

    def default_critic(self, shape):
        """A critic of examples of a shape."""
        return self.build_critic(shape, 1, tail=self.fresh_tail(), name="critic")

    def fresh_tail(self):
        """Copies of the tail's layers, this model's own."""
        return [_fresh(layer) for layer in self._config["tail"]]

    def default_generator(self, shape, output_shape):
        """A generator from latents of a shape."""
        return self.build_generator(shape[0], output_shape, name="generator")

    def build_critic(self, shape, outputs, **options):
        """A network from examples to vectors, convolutional or dense."""
        if self._config["filters"]:
            return networks.conv_encoder(
                shape,
                outputs,
                filters=self._config["filters"],
                kernel_size=self._config["kernel_size"],
                activation="leaky_relu",
                **self.critic_style,
                **options,
            )
        return networks.dense_network(
            shape,
            (outputs,),
            hidden=self._config["hidden"],
            activation="leaky_relu",
            **options,
        )

    def build_generator(self, inputs, shape, **options):
        """A network from vectors to examples, convolutional or dense."""
        # Images lie in [-1, 1]; vectors anywhere.
        options["output_activation"] = "tanh" if len(shape) == 3 else None
        if self._config["filters"]:
            return networks.conv_decoder(
                inputs,
                shape,
                filters=self._config["filters"][::-1],
                kernel_size=self._config["kernel_size"],
                **self.generator_style,
                **options,
            )
        hidden = self._config["hidden"][::-1]
        return networks.dense_network((inputs,), shape, hidden=hidden, **options)

    # What a conditional model adds

    def with_conditions(self, shape, packing=1):
        """What a network takes beside examples or latents of a shape, packed."""
        return (*shape[:-1], shape[-1] * packing)

    def conditions(self, *labels):
        """What networks take beside examples or latents, a tuple of tensors."""
        return ()

    # Training

    def stand_as(self, other):
        super().stand_as(other)
        if self.augmentation:  # how much it augments
            self.augmentation.set_weights(other.augmentation.get_weights())

    def batch_multiple(self):
        return self.critic_updates * self.packing

    def prepare(self, data):
        """A tuple: examples, images scaled to [-1, 1]; then conditions."""
        return (self.to_internal(base.first(data)),)

    def update(self, batch):
        noise = self.noise_level()
        for part in self.split(batch, self.critic_updates):
            fake = ops.stop_gradient(self.made(part))
            self.minimize(self.critic_loss, "critic", part, fake, noise)
        self.minimize(self.generator_loss, "generator", part, noise)

    def made(self, batch, training=True):
        """Fresh samples (batch, ...) under a batch's conditions."""
        latents = self.latents(ops.shape(batch[0])[0])
        return self.generator(joined(latents, batch[1:]), training=training)

    def critic_loss(self, batch, fake, noise=0.0, training=True):
        """The loss of the critic and its penalties, per pack, with its terms."""
        real, conditions = self.presented(batch[0], noise, training), batch[1:]
        fake = self.presented(fake, noise, training)
        real_scores = self.judged(real, conditions, training)
        fake_scores = self.judged(fake, conditions, training)
        if training and hasattr(self.augmentation, "observe"):
            scores = real_scores - self.adversarial_loss.boundary
            self.augmentation.observe(ops.repeat(scores, self.packing, axis=0))
        loss = self.adversarial_loss.critic(real_scores, fake_scores)
        terms = [
            self.penalty(p, real, fake, conditions, training) for p in self.penalties
        ]
        total = loss
        for penalty, term in zip(self.penalties, terms, strict=True):
            total = total + penalty.weight * term
        logs = {"critic_loss": total}
        logs["divergence"] = self.adversarial_loss.divergence(loss)
        return logs | ({"gradient_penalty": sum(terms)} if terms else {})

    def generator_loss(self, batch, noise=0.0, training=True):
        """The generator's loss on fresh samples, per pack; or feature matching's."""
        conditions, compared = batch[1:], self.matched_layer is not None
        if compared or self.adversarial_loss.pairs:
            real = self.presented(batch[0], noise, training)
        fake = self.presented(self.made(batch, training), noise, training)
        if compared:
            return self.matching(real, fake, conditions, training)
        scores = self.judged(fake, conditions, training)
        if not self.adversarial_loss.pairs:
            return self.adversarial_loss.generator(scores)
        real_scores = self.judged(real, conditions, training)
        return self.adversarial_loss.generator(scores, real_scores)

    def validate(self, batch):
        """The divergence of fresh samples from held-out examples."""
        fake = self.made(batch, training=False)
        loss = self.adversarial_loss.critic(
            self.judged(batch[0], batch[1:], training=False),
            self.judged(fake, batch[1:], training=False),
        )
        return {"loss": self.adversarial_loss.divergence(loss)}

    # Verbs

    def latents(self, rows, truncation=1.0):
        """Normal latents (rows, latent_dim) of standard deviation `truncation`."""
        return truncation * random.normal((rows, self.latent_dim))

    def check_conditions(self, n, truncation=1.0, **conditions):
        """`truncation`, in (0, 1], and what a conditional model takes besides.

        Latents nearer to their mean give more typical and less varied samples: the
        trade of Brock et al. 2019 (arXiv:1809.11096), section 3.1, by scaling.
        """
        self.check_truncation(truncation)
        own, fixed = super().check_conditions(n, **conditions)
        return own, {**fixed, "truncation": float(truncation)}

    def check_truncation(self, truncation):
        """Raise ValueError unless latents can be scaled so."""
        if not 0 < truncation <= 1:
            raise ValueError(
                f"Expected a truncation in (0, 1]. Received: truncation={truncation}"
            )

    def sample(self, n, truncation=1.0):
        """Examples (n, ...) from fresh latents, images in [0, 1]."""
        return self.call(self.latents(n, truncation))

    def call(self, latents):
        """Images (batch, h, w, c) float32 in [0, 1] of latents (batch, latent_dim)."""
        return self.images_from(latents)

    def images_from(self, latents, *labels):
        """Images (batch, h, w, c) float32 in [0, 1] of latents, and labels if any."""
        inputs = joined(latents, self.conditions(*labels))
        return self.finished(self.averaged("generator")(inputs, training=False))

    def finished(self, examples):
        """What verbs return of the generator's outputs."""
        if len(self.data_shape()) == 1:
            return ops.cast(examples, "float32")
        return base.from_signed(examples)

    def decode(self, latents):
        """Images of given latents.

        Args:
            latents: float (n, latent_dim).

        Returns:
            float32 array (n, h, w, c) in [0, 1].
        """
        return self.apply_in_batches(self.images_from, self.check_codes(latents))

    def score(self, images):
        """The critic's scores, higher for what it takes for real.

        A critic that sees batches (`layers.MinibatchStdDev`, for one) scores a picture
        among the others of the call, whose order then matters too.

        Args:
            images: (n, h, w, c), uint8 in [0, 255] or float in [0, 1].

        Returns:
            float32 array (n,).

        Raises:
            ValueError: the critic judges packs of several images.
        """
        self._check_unpacked()
        return self.apply_in_batches(self.scores, self.check_inputs(images))

    def scores(self, images, *labels):
        """The critic's scores float32 (batch,) of images, and labels if any."""
        conditions = self.conditions(*labels)
        scores = self.judged(self.to_internal(images), conditions, training=False)
        return ops.reshape(ops.cast(scores, "float32"), (-1,))

    def to_internal(self, examples):
        """Examples as the networks see them: images scaled to [-1, 1]."""
        if len(self.data_shape()) == 1:
            return ops.cast(examples, "float32")
        return base.to_signed(examples)

    def signatures(self):
        latent = ((None, self.latent_dim), "float32")
        image = ((None, *self.data_shape()), "float32")
        labels = self.condition_specs()
        found = {"serving_default": (self.images_from, {"latents": latent, **labels})}
        if self.packing == 1:
            found["score"] = (self.scores, {"images": image, **labels})
        return found

    def _check_unpacked(self):
        if self.packing != 1:
            raise ValueError(
                "Expected a critic of single examples. "
                f"Received: one of packs of {self.packing}"
            )


def _fresh(layer):
    """A layer like another one, with weights of its own."""
    return type(layer).from_config(layer.get_config())


def check_counts(**counts):
    """Raise ValueError unless all are ints of at least 1."""
    for name, count in counts.items():
        if isinstance(count, bool) or int(count) != count or count < 1:
            raise ValueError(
                f"Expected {name} to be an int of at least 1. Received: {count!r}"
            )
