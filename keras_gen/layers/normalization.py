"""Batch normalisation that is the same on any number of replicas."""

import keras


@keras.saving.register_keras_serializable("keras_gen")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization` over the global batch, on every backend.

    Keras's own does so on TensorFlow if asked to, and refuses to be asked elsewhere,
    where it does so anyhow.

    Args:
        **kwargs: as Keras's layer takes them, but for `synchronized`.
    """

    def __init__(self, **kwargs):
        synchronized = keras.backend.backend() == "tensorflow"
        super().__init__(synchronized=synchronized, **kwargs)

    def get_config(self):
        config = super().get_config()
        del config["synchronized"]
        return config
