"""Stacked autoencoder: Bengio, Lamblin, Popovici and Larochelle 2007 (NIPS 19,
"Greedy layer-wise training of deep networks"); with corruption the stacked denoising
autoencoder of Vincent et al. 2010 (JMLR 11:3371).
"""

import keras

from keras_gen import losses, networks
from keras_gen.models import base
from keras_gen.models.autoencoding import AutoencodingModel
from keras_gen.models.classifier import Classifier


@keras.saving.register_keras_serializable("keras_gen")
class StackedAutoencoder(AutoencodingModel):
    """Layers trained one after another, each on the codes of those below.

    Layer k is a pair of networks, `encoder_k` and `decoder_k`, counted from 1. In stage
    k - 1 of training that pair alone learns to reproduce its input, the picture for
    k = 1, else the codes below, from a corrupted one (Vincent et al., section 4.1). In
    the last stage all pairs together learn to reproduce the picture. Let
    `callbacks.Stages` lead through them; without it only that last stage is trained.
    The verbs go through the layers that have been reached: in stage k - 1 codes are
    those of layer k, and the decoders lead back from there to a picture.

    Logs `loss`, what the stage minimises. Held-out data add `reconstruction`, the loss
    of the picture through all layers reached, without corruption.

    Args:
        image_shape: (height, width, channels), or (features,) for real vectors, which
            stay unscaled and want a likelihood without bounds.
        hidden: lengths of the codes below the last one, those next to the picture
            first; there is a layer for each of them, and one for the code.
        latent_dim: length of the code.
        activation: of all codes below the last one, and of their reconstructions.
        code_activation: of the last code, None for a linear one.
        likelihood: of the pictures: `losses.SquaredError()` (the default),
            `losses.Bernoulli()` for cross-entropy, or an object with their methods.
            Codes are reproduced by half their squared error.
        corruption: layer of `keras_gen.layers` that corrupts each layer's input while
            that layer is trained, None for a plain stacked autoencoder.
        **given: any Keras models in place of those built from the keywords above, by
            name: `encoder_1` from images (batch, h, w, c) in [0, 1] to codes (batch,
            hidden[0]), `decoder_1` from such to the likelihood's parameters,
            `encoder_2` from codes (batch, hidden[0]) to (batch, hidden[1]), and so on.

    Raises:
        TypeError: an unknown keyword.
        ValueError: a given network's shapes do not fit.
    """

    trackers = ("loss", "reconstruction")

    loss_meaning = "the reconstruction's loss"

    def __init__(
        self,
        *,
        image_shape=(28, 28, 1),
        hidden=(256, 128),
        latent_dim=32,
        activation="relu",
        code_activation=None,
        likelihood=None,
        corruption=None,
        name="stacked_autoencoder",
        **given,
    ):
        super().__init__(name=name)
        self.units = (*hidden, latent_dim)
        self.likelihood = likelihood or losses.SquaredError()
        self.corruption = corruption
        layers = range(1, len(self.units) + 1)
        self.networks = tuple(
            f"{half}_{k}" for k in layers for half in ("encoder", "decoder")
        )
        unknown = set(given) - set(self.networks)
        if unknown:
            raise TypeError(
                f"Expected keywords of {type(self).__name__} or its networks "
                f"{self.networks}. Received: {sorted(unknown)}"
            )
        self._config.update(given)
        pairs = [self._pair(k, given) for k in layers]
        self.ready(**{n: network for pair in pairs for n, network in pair.items()})

    @property
    def num_stages(self):
        """One a layer, and one for all of them."""
        return len(self.units) + 1

    @property
    def depth(self):
        """How many layers this stage has reached."""
        return min(self.stage + 1, len(self.units))

    def code_shape(self):
        return (self.units[self.depth - 1],)

    def default_optimizers(self):
        """Adam at 1e-3."""
        return {name: keras.optimizers.Adam(1e-3) for name in self.networks}

    def prepare(self, data):
        """Images float32 (batch, h, w, c) in [0, 1], 8-bit values unchanged."""
        return base.to_unit(base.first(data))

    def update(self, images):
        if self._last():
            self.minimize(self.stack_loss, self.networks, images)
        else:
            pair = (f"encoder_{self.depth}", f"decoder_{self.depth}")
            self.minimize(self.layer_loss, pair, images)

    def validate(self, images):
        whole = self.stack_loss(images, training=False)["loss"]
        own = whole if self._last() else self.layer_loss(images, training=False)["loss"]
        return {"loss": own, "reconstruction": whole}

    def layer_loss(self, images, training=True):
        """How badly the newest layer reproduces its input from a corrupted one.

        Vincent et al., equation 5, of x or of the code below in its place.

        Args:
            images: (batch, h, w, c) in [0, 1].

        Returns:
            {"loss": (batch,)}.
        """
        k = self.depth
        below = self.codes_of(images, k - 1)
        seen = below if self.corruption is None else self.corruption(below)
        codes = self._through(f"encoder_{k}", seen, training)
        parameters = self._through(f"decoder_{k}", codes, training)
        likelihood = self.likelihood if k == 1 else losses.SquaredError(bounded=False)
        return {"loss": -likelihood.log_likelihood(below, parameters)}

    def stack_loss(self, images, training=True):
        """Minus the log-likelihood of images through all layers: {"loss": (batch,)}."""
        codes = self.codes_of(images, self.depth, training)
        parameters = self.parameters_of(codes, training)
        return {"loss": -self.likelihood.log_likelihood(images, parameters)}

    def codes_of(self, images, depth, training=False):
        """Codes (batch, units[depth - 1]) of images in [0, 1]; these at depth 0."""
        values = images
        for k in range(1, depth + 1):
            values = self._through(f"encoder_{k}", values, training)
        return values

    def parameters_of(self, codes, training=False):
        """The likelihood's parameters (batch, h, w, channels) of codes."""
        values = codes
        for k in range(self.depth, 0, -1):
            values = self._through(f"decoder_{k}", values, training)
        return values

    def codes(self, images):
        return self.codes_of(images, self.depth)

    def images_from(self, codes):
        return self.likelihood.mean(self.parameters_of(codes))

    def classifier(self, num_classes, **options):
        """A classifier that starts from these encoders: a softmax on top of the code.

        Vincent et al., section 4.2. It holds copies of the weights, so that its
        training leaves this model as it is.

        Args:
            num_classes: labels are ints in [0, num_classes).
            **options: other keywords of `Classifier`, such as `label_smoothing`.

        Returns:
            An uncompiled `keras_gen.Classifier`, all of which `fit` trains.
        """
        image_shape = self.data_shape()
        inputs = keras.Input(image_shape)
        values = keras.layers.Rescaling(0.5, offset=0.5)(inputs)  # to [0, 1]
        for k in range(1, len(self.units) + 1):
            encoder = self.averaged(f"encoder_{k}")
            copy = keras.models.clone_model(encoder)
            copy.set_weights(encoder.get_weights())
            values = copy(values)
        return Classifier(
            image_shape=image_shape,
            num_classes=num_classes,
            num_features=self.units[-1],
            backbone=keras.Model(inputs, values, name="backbone"),
            **options,
        )

    def _through(self, name, values, training):
        return self.network(name, training)(values, training=training)

    def _last(self):
        return self.stage == self.num_stages - 1

    def _pair(self, k, given):
        """Both networks of layer k by name, those given or new ones, checked."""
        image_shape, first = self.data_shape(), k == 1
        last = k == len(self.units)
        activation = self._config["activation"]
        above = self._config["code_activation"] if last else activation
        codes = (self.units[k - 1],)
        below = image_shape if first else (self.units[k - 2],)
        channels = self.likelihood.channels(image_shape[-1])
        restored = (*image_shape[:-1], channels) if first else below
        pair = {}
        for half, shapes, output_activation in (
            ("encoder", (below, codes), above),
            ("decoder", (codes, restored), None if first else activation),
        ):
            name = f"{half}_{k}"
            pair[name] = given.get(name) or networks.dense_network(
                *shapes, output_activation=output_activation, name=name
            )
            base.check_network(pair[name], *shapes, name)
        return pair
