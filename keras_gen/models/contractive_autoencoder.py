"""Contractive autoencoder: Rifai, Vincent, Muller, Glorot and Bengio 2011 (ICML)."""

import keras
from keras import ops

from keras_gen import losses
from keras_gen.models import base
from keras_gen.models.autoencoder import Autoencoder


@keras.saving.register_keras_serializable("keras_gen")
class ContractiveAutoencoder(Autoencoder):
    """An autoencoder whose code hardly moves when the picture does.

    The penalty is `contraction` times the squared Frobenius norm of the encoder's
    Jacobian (equation 2), exact for any encoder by reverse mode: the gradient of each
    unit of the code, in one pass over as many copies of the batch as there are units.
    For the default encoder, one sigmoid layer, equation 5 gives the same in closed
    form, which is used then.

    Args:
        contraction: weight lambda of the penalty.
        **options: as `Autoencoder` takes them.
    """

    def __init__(
        self,
        *,
        image_shape=(28, 28, 1),
        latent_dim=64,
        hidden=(),
        code_activation="sigmoid",
        contraction=0.1,
        name="contractive_autoencoder",
        **options,
    ):
        super().__init__(
            image_shape=image_shape,
            latent_dim=latent_dim,
            hidden=hidden,
            code_activation=code_activation,
            name=name,
            **options,
        )
        self.contraction = contraction
        given = options.get("encoder") is not None
        self._one_layer = not (given or hidden) and code_activation == "sigmoid"

    def penalty(self, images, codes, training):
        encoder = self.network("encoder", training)
        if self._one_layer:
            norms = losses.sigmoid_jacobian_norm(codes, encoder.weights[0])
        else:
            norms = self.jacobian_norm(images, encoder)
        return self.contraction * norms

    def jacobian_norm(self, images, encoder):
        """||d code / d image||_F^2 of images (batch, h, w, c) in [0, 1]: (batch,)."""
        units, rows = self.latent_dim, ops.shape(images)[0]
        copies = ops.repeat(images, units, axis=0)  # (batch * units, h, w, c)
        chosen = ops.tile(ops.eye(units), (rows, 1))  # (batch * units, units)

        def unit(x):
            return ops.sum(encoder(x, training=False) * chosen, axis=-1)

        squares = ops.square(self.input_gradient(unit, copies))
        return ops.sum(ops.reshape(losses.sum_per_example(squares), (-1, units)), -1)

    def contraction_norms(self, images):
        """The norms of `jacobian_norm` as an array float32 (n,).

        Args:
            images: (n, h, w, c), uint8 in [0, 255] or float in [0, 1].
        """
        images = self.check_inputs(images)
        return self.apply_in_batches(self._norms, images, batch_size=32)

    def _norms(self, images):
        return self.jacobian_norm(base.to_unit(images), self.averaged("encoder"))
