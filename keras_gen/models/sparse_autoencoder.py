"""Sparse autoencoder: Lee, Ekanadham and Ng 2008 (NIPS 20); Ng 2011, "Sparse
autoencoder" (CS294A lecture notes).
"""

import keras

from keras_gen import losses
from keras_gen.engine import backend
from keras_gen.models.autoencoder import Autoencoder


@keras.saving.register_keras_serializable("keras_gen")
class SparseAutoencoder(Autoencoder):
    """An autoencoder that keeps most units of its code silent.

    Args:
        sparsity: the penalty on codes: `losses.KLSparsity(target, weight)` (the
            default, for codes in (0, 1)) or `losses.L1Sparsity(weight)`, or an object
            with the method `penalty(codes)`.
        code_activation: "sigmoid" for the former; "relu" suits the latter.
        **options: as `Autoencoder` takes them.
    """

    def __init__(
        self,
        *,
        image_shape=(28, 28, 1),
        latent_dim=256,
        hidden=(),
        code_activation="sigmoid",
        sparsity=None,
        name="sparse_autoencoder",
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
        self.sparsity = sparsity or losses.KLSparsity()

    def penalty(self, images, codes, training):
        """Of the codes of the whole batch, all replicas' rows together."""
        return self.sparsity.penalty(backend.gather(codes))
