"""Vector-quantised VAE: van den Oord, Vinyals and Kavukcuoglu 2017
(arXiv:1711.00937).
"""

import math

import keras
import numpy as np
from keras import ops

from keras_gen import layers, losses, networks
from keras_gen.engine import backend, random
from keras_gen.models import base
from keras_gen.models.autoencoding import AutoencodingModel


@keras.saving.register_keras_serializable("keras_gen")
class VQVAE(AutoencodingModel):
    """An autoencoder whose code is a small map of whole numbers.

    The encoder's vector z at each place is replaced by the nearest vector e of a
    codebook (equations 1 and 2), and the decoder's gradient is copied from e to z.
    Minimises -log p(x|e) + commitment * ||z - e||^2 (equation 3, e held fixed); the
    codebook follows the encoder by moving averages (appendix A.1; see
    `layers.VectorQuantizer`). Logs `loss`, its terms `reconstruction` and
    `commitment`, the latter unweighted, and `perplexity`, exp of the entropy of the
    codes in a batch: how many of them are in use.

    It has no prior of its own, and so no samples.

    Args:
        image_shape: (height, width, channels).
        codebook_size: K; codes are ints in [0, K).
        code_channels: length of the codebook's vectors.
        filters: channels of the strided convolutions, finest first; each halves the
            sides of the map of codes.
        blocks: residual blocks each way, at the coarsest level.
        activation: of the hidden layers.
        decay: of the moving averages, in [0, 1).
        commitment: weight of the encoder's distance to the codebook; the paper's beta.
        restart: usage, 1 for an even share, below which a vector is put in the place
            of an encoder's output, drawn at random from the batch (Dhariwal et al.
            2020, arXiv:2005.00341, section 3.1). So is every vector at the first step.
            0 for never: the codebook then starts small and random.
        likelihood: `losses.SquaredError()` (the default), or an object with its
            methods.
        encoder: any Keras model from images in [0, 1] to vectors
            (batch, h', w', code_channels).
        codebook: any Keras model from codes int32 (batch, h', w') to such vectors that
            holds one `layers.VectorQuantizer`.
        decoder: any Keras model from such vectors to the likelihood's parameters.

    Raises:
        ValueError: a given network's shapes do not fit, or the codebook holds no
            quantizer of this size.
    """

    networks = ("encoder", "codebook", "decoder")
    trackers = ("loss", "reconstruction", "commitment", "perplexity")
    code_dtype = "int32"

    loss_meaning = "the reconstruction's loss and the weighted commitment"

    def __init__(
        self,
        *,
        image_shape=(28, 28, 1),
        codebook_size=256,
        code_channels=32,
        filters=(32, 64),
        blocks=2,
        activation="relu",
        decay=0.99,
        commitment=0.25,
        restart=0.1,
        likelihood=None,
        encoder=None,
        codebook=None,
        decoder=None,
        name="vq_vae",
    ):
        super().__init__(name=name)
        self.likelihood = likelihood or losses.SquaredError()
        self.codebook_size = codebook_size
        self.commitment = commitment
        self.restart = restart
        vectors = networks.coarse_shape(image_shape, filters, code_channels)
        channels = self.likelihood.channels(image_shape[2])
        output_shape = (*image_shape[:2], channels)
        spatial = {"filters": filters, "blocks": blocks, "activation": activation}
        self.ready(
            encoder=encoder
            or networks.spatial_encoder(image_shape, code_channels, **spatial),
            codebook=codebook
            or codebook_network(vectors[:2], codebook_size, code_channels, decay),
            decoder=decoder
            or networks.spatial_decoder(code_channels, output_shape, **spatial),
        )
        base.check_network(self.encoder, image_shape, vectors, "encoder")
        base.check_network(self.codebook, vectors[:2], vectors, "codebook")
        base.check_network(self.decoder, vectors, output_shape, "decoder")
        self.quantizer()

    def quantizer(self):
        """The codebook's layer."""
        for layer in self.codebook.layers:
            size = getattr(layer, "size", None)
            if isinstance(layer, layers.VectorQuantizer) and size == self.codebook_size:
                return layer
        raise ValueError(
            "Expected codebook to hold a layers.VectorQuantizer of "
            f"{self.codebook_size} vectors. Received: {self.codebook.layers}"
        )

    def code_shape(self):
        """(h', w'): a code is a map of ints in [0, codebook_size)."""
        return networks.coarse_shape(self.data_shape(), self._config["filters"], 1)[:2]

    def code_bits(self):
        """Bits of a code: h' w' log2 K, a float."""
        return math.prod(self.code_shape()) * math.log2(self.codebook_size)

    def default_optimizers(self):
        """Adam at 2e-4 (section 4); the codebook's has nothing to do."""
        return {name: keras.optimizers.Adam(2e-4) for name in self.networks}

    def compile(self, optimizer=None, *, averages=None, **options):
        """Set up training; see the base class. The codebook is an average already."""
        if "codebook" in (averages or {}):
            raise ValueError(
                "Expected averages of the encoder or the decoder alone. "
                f"Received: {averages}"
            )
        super().compile(optimizer, averages=averages, **options)

    def prepare(self, data):
        """Images float32 (batch, h, w, c) in [0, 1], 8-bit values unchanged."""
        return base.to_unit(base.first(data))

    def update(self, images):
        self.minimize(self.objective, ("encoder", "decoder"), images)

    def validate(self, images):
        return self.objective(images, training=False)

    def objective(self, images, training=True):
        """What is minimised and its terms, (batch,) each; training moves the codebook.

        Distances and likelihoods are sums over places, channels and pixels.
        """
        quantizer = self.quantizer()
        vectors = self.network("encoder", training)(images, training=training)
        codes = quantizer.nearest(vectors)
        chosen = quantizer(codes)
        copied = vectors + ops.stop_gradient(chosen - vectors)
        parameters = self.network("decoder", training)(copied, training=training)
        reconstruction = -self.likelihood.log_likelihood(images, parameters)
        distance = ops.square(vectors - ops.stop_gradient(chosen))
        commitment = losses.sum_per_example(distance)
        perplexity = code_perplexity(backend.gather(codes), self.codebook_size)
        if training:
            self.learn_codes(ops.stop_gradient(vectors), codes)
        return {
            "loss": reconstruction + self.commitment * commitment,
            "reconstruction": reconstruction,
            "commitment": commitment,
            "perplexity": perplexity + ops.zeros_like(commitment),
        }

    def learn_codes(self, vectors, codes):
        """Move the codebook, by all replicas' rows together, on every replica alike.

        Args:
            vectors: (batch, h', w', code_channels) of this replica.
            codes: int32 (batch, h', w'), their codes.
        """
        quantizer, places = self.quantizer(), math.prod(self.code_shape())
        flat = ops.reshape(backend.gather(vectors), (-1, quantizer.channels))
        rows = ops.shape(codes)[0]
        codes = ops.reshape(backend.gather(codes), (-1,))
        if not self.restart:
            quantizer.learn(flat, codes)
            return
        # Each code draws a picture by the greatest of all rows' numbers, which are the
        # same on any number of replicas, and a place in it by that row's other number.
        draws = backend.gather(random.uniform((rows, self.codebook_size, 2)))
        row = ops.argmax(draws[..., 0], axis=0)  # (codebook_size,)
        number = ops.take_along_axis(draws[..., 1], row[None], axis=0)[0]
        place = ops.cast(ops.floor(number * places), row.dtype)
        candidates = ops.take(flat, row * places + place, axis=0)
        quantizer.learn(flat, codes, candidates, self.restart)

    def codes(self, images):
        """Codes int32 (batch, h', w') of images (batch, h, w, c) in [0, 1]."""
        vectors = self.averaged("encoder")(images, training=False)
        return self.quantizer().nearest(vectors)

    def images_from(self, codes):
        """Images (batch, h, w, c) float32 in [0, 1] of codes int32 (batch, h', w')."""
        decoder = self.averaged("decoder")
        return self.likelihood.mean(decoder(self.codebook(codes), training=False))

    def check_codes(self, codes):
        """Return codes (n, h', w') as int32 if they fit, else raise ValueError."""
        codes, shape, size = np.asarray(codes), self.code_shape(), self.codebook_size
        expected = f"codes as ints in [0, {size}), shape (batch, *{shape})"
        if codes.dtype.kind not in "iu" or codes.shape[1:] != shape or not len(codes):
            raise ValueError(
                f"Expected {expected}. Received: {codes.dtype}, shape {codes.shape}"
            )
        if codes.min() < 0 or codes.max() >= size:
            raise ValueError(
                f"Expected {expected}. Received: from {codes.min()} to {codes.max()}"
            )
        return codes.astype("int32")


def code_perplexity(codes, size):
    """exp of the entropy of codes, int32 of any shape in [0, size): a scalar in
    [1, size].
    """
    shares = ops.mean(ops.one_hot(ops.reshape(codes, (-1,)), size), axis=0)
    return ops.exp(-ops.sum(shares * ops.log(ops.maximum(shares, 1e-12))))


def codebook_network(places, size, channels, decay):
    """Codes to vectors, by a `layers.VectorQuantizer`.

    Args:
        places: (h', w') of a code.
        size, channels, decay: as the layer takes them.

    Returns:
        A `keras.Model` from int32 (batch, h', w') to (batch, h', w', channels) float32.
    """
    codes = keras.Input(places, dtype="int32")
    vectors = layers.VectorQuantizer(size, channels, decay)(codes)
    return keras.Model(codes, vectors, name="codebook")
