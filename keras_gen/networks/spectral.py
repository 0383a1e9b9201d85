"""Spectral normalisation of any network."""

import keras

from keras_gen import layers

TWINS = {
    keras.layers.Dense: layers.SpectralDense,
    keras.layers.Conv2D: layers.SpectralConv2D,
    keras.layers.Conv2DTranspose: layers.SpectralConv2DTranspose,
}


def spectrally_normalized(network):
    """A new network, like another one, whose kernels are spectrally normalised.

    Miyato et al. 2018 (arXiv:1802.05957): a critic of such layers and of activations
    whose slopes are at most 1 has a slope that is bounded by the layers' own.

    Args:
        network: a Keras functional or sequential model; its dense and convolutional
            layers are replaced by the layers of `keras_gen.layers` that normalise.

    Returns:
        A `keras.Model` of fresh weights.
    """

    def twin(layer):
        cls = TWINS.get(type(layer), type(layer))
        return cls.from_config(layer.get_config())

    copy = keras.models.clone_model(network, clone_function=twin, recursive=True)
    copy.name = network.name
    return copy
