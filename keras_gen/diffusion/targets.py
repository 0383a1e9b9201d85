"""What a denoiser predicts, and the way from there to x_0 and to the noise.

With signal a = sqrt(a_t) and noise level s = sqrt(1 - a_t): x_t = a x_0 + s e.
"""

import keras


@keras.saving.register_keras_serializable("keras_gen")
class Epsilon:
    """The noise e itself (Ho et al. 2020, arXiv:2006.11239, equation 14)."""

    def target(self, clean, noise, a, s):
        """What the network should output, shape of `clean`."""
        return noise

    def clean(self, noisy, output, a, s):
        """x_0 from the network's output: (x_t - s e) / a."""
        return (noisy - s * output) / a

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable("keras_gen")
class Velocity(Epsilon):
    """v = a e - s x_0 (Salimans and Ho 2022, arXiv:2202.00512, section 4).

    Well scaled at every noise level, where epsilon says little about x_0 once almost
    no signal is left.
    """

    def target(self, clean, noise, a, s):
        return a * noise - s * clean

    def clean(self, noisy, output, a, s):
        """x_0 = a x_t - s v."""
        return a * noisy - s * output
