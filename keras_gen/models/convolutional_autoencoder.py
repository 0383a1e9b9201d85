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
        code_channels: channels of a code that keeps the picture's layout, one vector
            for each place of the coarsest level, in place of `latent_dim` and
            `hidden`; None for a code without places.
        blocks: residual blocks each way, at the coarsest level, beside such a code.
        **options: as `Autoencoder` takes them.
    """

    def __init__(
        self,
        *,
        image_shape=(28, 28, 1),
        latent_dim=32,
        filters=(32, 64),
        hidden=0,
        code_channels=None,
        blocks=0,
        name="convolutional_autoencoder",
        **options,
    ):
        super().__init__(
            image_shape=image_shape,
            latent_dim=latent_dim,
            hidden=hidden,
            name=name,
            **options,
        )

    def code_shape(self):
        if self._config["code_channels"] is None:
            return super().code_shape()
        return networks.coarse_shape(
            self.data_shape(), self._config["filters"], self._config["code_channels"]
        )

    def default_encoder(self, image_shape, code_shape):
        if len(code_shape) == 3:
            encoder = networks.spatial_encoder(
                image_shape, code_shape[2], **self._spatial()
            )
            return networks.followed_by(encoder, self._config["code_activation"])
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
        if len(code_shape) == 3:
            return networks.spatial_decoder(
                code_shape[2], output_shape, **self._spatial()
            )
        return networks.conv_decoder(
            code_shape[0],
            output_shape,
            filters=self._config["filters"][::-1],
            hidden=self._config["hidden"],
            activation=self._config["activation"],
            kernel_regularizer=self._config["kernel_regularizer"],
        )

    def _spatial(self):
        names = ("filters", "blocks", "activation", "kernel_regularizer")
        return {name: self._config[name] for name in names}
