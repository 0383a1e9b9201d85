"""Importance weighted autoencoder: Burda, Grosse and Salakhutdinov 2016
(arXiv:1509.00519).
"""

import keras
from keras import ops

from keras_gen import losses
from keras_gen.engine import random
from keras_gen.models import base
from keras_gen.models.vae import VAE


@keras.saving.register_keras_serializable("keras_gen")
class IWAE(VAE):
    """A variational autoencoder trained on the k-sample bound.

    Maximises L_k = E[log 1/k sum_i p(x, z_i) / q(z_i|x)] (equation 8), z_i drawn from q
    by the reparameterisation; its gradient is equation 14's, the draws' gradients
    weighted by their normalised importance weights. The bound rises with k towards
    log p(x) (theorem 1), and the posterior need not be Gaussian for it to be tight.
    Logs, in nats an image: `loss` (minus L_k) and `negative_elbo` (minus the mean of
    the log weights of the same draws).

    Args:
        samples: k, draws of the code for each image and step; 1 for a VAE whose
            divergence is estimated too.
        **options: as `VAE` takes them.

    Raises:
        ValueError: fewer than 1 sample.
    """

    trackers = ("loss", "negative_elbo")

    loss_meaning = "minus the importance-weighted bound, nats an image"

    def __init__(self, *, samples=5, name="iwae", **options):
        if isinstance(samples, bool) or int(samples) != samples or samples < 1:
            raise ValueError(f"Expected samples from 1 on. Received: {samples!r}")
        super().__init__(name=name, **options)
        self.draws = int(samples)

    def objective(self, batch, training=True):
        """Minus both bounds, (batch,) nats each."""
        rows = ops.shape(base.first(batch))[0]
        noise = random.normal((rows, self.draws, self.latent_dim))
        log_weights = self.importance(batch, noise, training)
        return {
            "loss": -losses.importance_weighted_bound(log_weights),
            "negative_elbo": -ops.mean(log_weights, axis=1),
        }
