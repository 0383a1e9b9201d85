"""SRResNet and SRGAN: Ledig et al. 2017 (arXiv:1609.04802)."""

import keras
from keras import ops

from keras_gen import layers, losses, networks, presets
from keras_gen.models.classifier import Classifier
from keras_gen.models.translation import TranslationModel, check_channels

VGG19 = "vgg19"


@keras.saving.register_keras_serializable("keras_gen")
class SRResNet(TranslationModel):
    """Super-resolution by the mean squared error (equation 4).

    Learns from large pictures alone, of which `layers.Downsampling` makes the small
    ones. Logs `mse`, on the scale of [0, 1], which is also the validation `loss`.

    Args:
        scale: by which sides grow, a power of 2.
        filters, blocks: of the default generator, `networks.super_resolver`.
        generator: any Keras model from small pictures to large ones, both in [-1, 1].
        **options: as `TranslationModel` takes them; the corruption must shrink sides by
            `scale`.
    """

    networks = ("generator",)
    trackers = ("loss", "mse")
    loss_meaning = "mean squared error of held-out pictures, on the scale of [0, 1]"

    def __init__(
        self,
        *,
        scale=4,
        filters=64,
        blocks=16,
        corruption=None,
        generator=None,
        name="sr_resnet",
        **options,
    ):
        corruption = corruption or layers.Downsampling(scale)
        super().__init__(corruption=corruption, name=name, **options)
        channels, outputs = self.input_channels(), self.data_shape()[-1]
        sides = tuple(scale * side for side in self.seen_shape()[:2])
        if sides != self.data_shape()[:2]:
            raise ValueError(
                f"Expected a corruption that shrinks sides by {scale}, the scale. "
                f"Received: {self.data_shape()} to {self.seen_shape()}"
            )
        generator = generator or networks.super_resolver(
            channels, scale=scale, filters=filters, blocks=blocks
        )
        check_channels(generator, channels, outputs, "generator")
        self.adopt(generator)

    @property
    def scale(self):
        return self._config["scale"]

    def adopt(self, generator):
        """Take the networks: those of a subclass besides."""
        self.ready(generator=generator)

    def default_optimizers(self):
        """Adam(1e-4), section 3.2's."""
        return {name: keras.optimizers.Adam(1e-4) for name in self.networks}

    def update(self, batch):
        self.minimize(self.content_loss, "generator", *self.pairs(batch))

    def validate(self, batch):
        small, large = self.pairs(batch, training=False)
        return {"loss": self.content_loss(small, large, training=False)["mse"]}

    def made(self, small, training=True):
        """What the generator makes of small pictures in [-1, 1], float32."""
        large = self.network("generator", training)(small, training=training)
        return ops.cast(large, "float32")

    def content_loss(self, small, large, training=True):
        """Equation 4 on the scale of [0, 1], (batch,)."""
        return {"mse": mean_squared_error(large, self.made(small, training))}

    def super_resolve(self, images, *, tile=None, overlap=None):
        """Larger pictures; `translate` under the field's name for it."""
        return self.translate(images, tile=tile, overlap=overlap)


@keras.saving.register_keras_serializable("keras_gen")
class SRGAN(SRResNet):
    """Super-resolution by a perceptual loss, in two stages.

    The first stage is `SRResNet`'s. In the second a critic of whole pictures learns to
    tell made ones from real ones, and the generator descends the content loss in the
    space of a network's features (equation 5) and `adversarial_weight` times its
    adversarial loss (equations 3 and 6). `callbacks.Stages` leads from one to the
    other; without it only the second is trained. Logs `mse` in the first stage, then
    `generator_loss`, `content`, `critic_loss` and `divergence`; the validation `loss`
    is the mean squared error in both.

    Args:
        features: the network whose features count: a preset of a `Classifier`, by name
            or folder, or "vgg19", which Keras downloads.
        feature_layer: name of its layer; None for the last one that has places, of
            "vgg19" for the paper's, `block5_conv4`.
        feature_scale: by which features are multiplied (1 / 12.75 in section 3.2).
        adversarial_weight: of equation 3.
        pixel_weight: of the mean squared error on the scale of [0, 1] beside them; 0 in
            the paper, whose features tell more of colours than a small network's do.
        critic_filters, critic_hidden: of the default critic,
            `networks.picture_critic`.
        loss: a `losses.AdversarialLoss`; `losses.NonSaturating()` by default.
        critic: any Keras model from large pictures in [-1, 1] to scores (batch, ...).
        **options: as `SRResNet` takes them.
    """

    networks = ("critic", "generator")
    trackers = ("loss", "mse", "critic_loss", "divergence", "generator_loss", "content")
    num_stages = 2

    def __init__(
        self,
        *,
        features=VGG19,
        feature_layer=None,
        feature_scale=1 / 12.75,
        adversarial_weight=1e-3,
        pixel_weight=0.0,
        critic_filters=(64, 128, 256, 512),
        critic_hidden=1024,
        loss=None,
        critic=None,
        name="srgan",
        **options,
    ):
        super().__init__(name=name, **options)
        self.feature_scale = feature_scale
        self.adversarial_weight = adversarial_weight
        self.pixel_weight = pixel_weight
        self.adversarial_loss = loss or losses.NonSaturating()
        self._seeing = None

    def adopt(self, generator):
        config = self._config
        critic = config["critic"] or networks.picture_critic(
            self.data_shape(),
            filters=config["critic_filters"],
            hidden=config["critic_hidden"],
        )
        check_channels(critic, self.data_shape()[-1], None, "critic")
        self.ready(critic=critic, generator=generator)

    def fit(self, x=None, y=None, **options):
        """Train; see `GenerativeModel.fit`. Loads the network of the features first.

        Raises:
            ValueError: besides, no such preset, or features of other pictures.
        """
        if self._seeing is None:
            with self.variable_scope():
                network = feature_network(
                    self._config["features"], self._config["feature_layer"]
                )
            shape = network.input_shape[1:]
            if any(a not in (None, b) for a, b in zip(shape, self.data_shape())):
                raise ValueError(
                    f"Expected features of pictures {self.data_shape()}. "
                    f"Received: of {shape}, from {self._config['features']!r}"
                )
            # A function, so that Keras does not take it for a network of the model's.
            self._seeing = lambda images: network(images, training=False)
        return super().fit(x, y, **options)

    def update(self, batch):
        if not self.stage:
            super().update(batch)
            return
        small, large = self.pairs(batch)
        fake = ops.stop_gradient(self.made(small))
        self.minimize(self.critic_loss, "critic", large, fake)
        self.minimize(self.generator_loss, "generator", small, large)

    def critic_loss(self, large, fake):
        """The critic's loss, (batch,)."""
        scores = (self.critic(x, training=True) for x in (large, fake))
        loss = self.adversarial_loss.critic(*scores)
        divergence = self.adversarial_loss.divergence(loss)
        return {"critic_loss": loss, "divergence": divergence}

    def generator_loss(self, small, large):
        """Equation 3, and its content part: (batch,)."""
        fake = self.made(small)
        seen = [self.feature_scale * self.features(x) for x in (large, fake)]
        content = losses.mean_per_example(ops.square(seen[0] - seen[1]))
        scores = self.critic(fake, training=True)
        pairs = self.adversarial_loss.pairs
        real = self.critic(large, training=True) if pairs else None
        adversarial = self.adversarial_loss.generator(scores, real)
        total = content + self.adversarial_weight * adversarial
        if self.pixel_weight:
            total = total + self.pixel_weight * mean_squared_error(large, fake)
        return {"generator_loss": total, "content": content}

    def features(self, images):
        """Features of pictures in [-1, 1], float32 (batch, ...)."""
        return ops.cast(self._seeing(images), "float32")


def feature_network(name, layer=None):
    """A network from pictures in [-1, 1] to what a layer of it returns.

    Args:
        name: of a `Classifier`'s preset, or its folder, or "vgg19".
        layer: name of the layer; see `SRGAN`.

    Raises:
        ValueError: no such preset, one of another class, or no such layer.
    """
    if name == VGG19:
        network = keras.applications.VGG19(include_top=False)
        inputs = keras.Input((None, None, 3))
        layer = network.get_layer(layer or "block5_conv4")
        part = keras.Model(network.input, layer.output)
        pixels = keras.layers.Rescaling(127.5, 127.5)(inputs)
        return keras.Model(
            inputs, part(keras.applications.vgg19.preprocess_input(pixels))
        )
    network = presets.from_preset(name, expected=Classifier).averaged("backbone")
    if layer is None:
        placed = [x for x in network.layers if len(x.output.shape) == 4]
        return keras.Model(network.input, placed[-1].output)
    return keras.Model(network.input, network.get_layer(layer).output)


def mean_squared_error(targets, made):
    """Mean squared difference of pictures on the scale of [0, 1]: (batch,)."""
    return losses.mean_per_example(ops.square(targets - made)) / 4
