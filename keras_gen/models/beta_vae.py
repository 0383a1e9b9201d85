"""Beta-VAE: Higgins et al. 2017 (ICLR, https://openreview.net/forum?id=Sy2fzU9gl)."""

import keras

from keras_gen.models.vae import VAE


@keras.saving.register_keras_serializable("keras_gen")
class BetaVAE(VAE):
    """A variational autoencoder whose divergence weighs beta times (equation 4).

    A beta above 1 makes the code carry less, along fewer axes that tend to mean one
    thing each; below 1, more. The logs are the VAE's; `reconstruction + kl` is still
    minus the evidence lower bound, `loss` is not.

    Args:
        beta: weight of the divergence, at least 0; 1 for a VAE.
        **options: as `VAE` takes them.

    Raises:
        ValueError: beta is negative.
    """

    loss_meaning = "the reconstruction's loss and beta times the divergence, in nats"

    def __init__(self, *, beta=4.0, name="beta_vae", **options):
        if not beta >= 0:
            raise ValueError(f"Expected beta from 0 on. Received: {beta!r}")
        super().__init__(name=name, **options)
        self.beta = beta

    def objective(self, batch, training=True):
        """The weighted loss and its two terms unweighted, (batch,) nats each."""
        terms = super().objective(batch, training)
        return terms | {"loss": terms["reconstruction"] + self.beta * terms["kl"]}
