"""What a denoiser's network predicts, and the way from there to the clean example.

The denoiser is D(x; sigma) = skip * x + out * F(into * x, time), with a network F
(Karras et al. 2022, arXiv:2206.00364, equation 7). So F's own target is
(x_0 - skip * x) / out, and its squared error without weights is that of D weighted by
1 / out^2, which for each of these targets is its paper's loss.
"""

import keras

from keras_gen.engine.configured import Configured


class Target(Configured):
    """The three scales of a denoiser."""

    def scales(self, sigma):
        """(skip, out, into) at noise levels, each of the shape of `sigma`."""
        raise NotImplementedError


@keras.saving.register_keras_serializable("keras_gen")
class Epsilon(Target):
    """The noise n, from x / sqrt(1 + sigma^2) (Ho et al. 2020, equation 14)."""

    def scales(self, sigma):
        return sigma**0, -sigma, (1 + sigma**2) ** -0.5


@keras.saving.register_keras_serializable("keras_gen")
class Velocity(Target):
    """v = a n - s x_0, with a = 1 / sqrt(1 + sigma^2) and s = a sigma.

    Salimans and Ho 2022 (arXiv:2202.00512), section 4. Well scaled at every noise
    level, where the noise says little about x_0 once almost no signal is left.
    """

    def scales(self, sigma):
        a = (1 + sigma**2) ** -0.5
        return a**2, -a * sigma, a


@keras.saving.register_keras_serializable("keras_gen")
class ScaledScore(Target):
    """sigma times the score, which is -n, from x itself.

    Song and Ermon 2019 (arXiv:1907.05600), equation 6 with lambda = sigma^2 and the
    network divided by sigma (Song and Ermon 2020, arXiv:2006.09011, technique 3).
    """

    def scales(self, sigma):
        return sigma**0, sigma, sigma**0


@keras.saving.register_keras_serializable("keras_gen")
class Preconditioned(Target):
    """Input and target of unit variance at every level (Karras et al. 2022, table 1).

    With sigma_data = 0.5 for images in [-1, 1]. With 1 it is minus `Velocity`.

    Args:
        sigma_data: standard deviation of the examples, above 0.
    """

    def __init__(self, *, sigma_data=0.5):
        if sigma_data <= 0:
            raise ValueError(f"Expected sigma_data above 0. Received: {sigma_data}")
        self.sigma_data = sigma_data

    def scales(self, sigma):
        whole = sigma**2 + self.sigma_data**2
        skip = self.sigma_data**2 / whole
        return skip, sigma * self.sigma_data * whole**-0.5, whole**-0.5
