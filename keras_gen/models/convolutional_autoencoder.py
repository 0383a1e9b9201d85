"""Convolutional autoencoder: Masci, Meier, Ciresan and Schmidhuber 2011
(doi:10.1007/978-3-642-21735-7_7).
"""

import keras

from keras_gen import networks
from keras_gen.models.autoencoder import Autoencoder


@keras.saving.register_keras_serializable("keras_gen")
class ConvolutionalAutoencoder(Autoencoder):
    """An autoencoder whose weights are shared over the picture.

    Strided convolutions take the place of the paper's convolutions and max-pooling,
    transposed ones lead back.

    Args:
        filters: channels of the strided convolutions, finest first; the decoder
            mirrors them.
        hidden: units of the dense layer next to the code, 0 for none.
        **options: as `Autoencoder` takes them.
    """

    def __init__(
        self,
        *,
        image_shape=(28, 28, 1),
        latent_dim=32,
        filters=(32, 64),
        hidden=0,
        name="convolutional_autoencoder",
        _more=None,
        **options,
    ):
        super().__init__(
            image_shape=image_shape,
            latent_dim=latent_dim,
            hidden=hidden,
            name=name,
            _more={"filters": filters, **(_more or {})},
            **options,
        )

    def default_encoder(self, image_shape, code_shape):
        encoder = networks.conv_encoder(
            image_shape,
            code_shape[0],
            filters=self._config["filters"],
            hidden=self._config["hidden"],
            activation=self._config["activation"],
            kernel_regularizer=self._config["kernel_regularizer"],
        )
        return networks.followed_by(encoder, self._config["code_activation"])

    def default_decoder(self, code_shape, output_shape):
        return networks.conv_decoder(
            code_shape[0],
            output_shape,
            filters=self._config["filters"][::-1],
            hidden=self._config["hidden"],
            activation=self._config["activation"],
            kernel_regularizer=self._config["kernel_regularizer"],
        )
