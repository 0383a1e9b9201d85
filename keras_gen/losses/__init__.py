"""Pure, per-example losses, densities and penalties, named as their papers name them.

All log-densities and divergences are in nats. Tensors are float32 or float64, the
first axis is the batch, and results are summed over all other axes: shape (batch,).
"""

from keras_gen.losses.adversarial import (
    gradient_penalty,
    wasserstein_critic_loss,
    wasserstein_generator_loss,
)
from keras_gen.losses.autoregressive import AutoregressiveLogisticMixture
from keras_gen.losses.bounds import importance_weighted_bound
from keras_gen.losses.densities import (
    bernoulli_log_likelihood,
    discretized_logistic_log_likelihood,
    discretized_logistic_log_probability,
    gaussian_kl,
    gaussian_log_likelihood,
    monte_carlo_kl,
)
from keras_gen.losses.likelihoods import (
    Bernoulli,
    DiscretizedLogistic,
    DiscretizedLogisticMixture,
    SquaredError,
)
from keras_gen.losses.penalties import (
    KLSparsity,
    L1Sparsity,
    sigmoid_jacobian_norm,
)
from keras_gen.losses.reductions import (
    mean_per_example,
    squared_error,
    sum_per_example,
)
from keras_gen.losses.symbols import Categorical

__all__ = [
    "AutoregressiveLogisticMixture",
    "Bernoulli",
    "Categorical",
    "DiscretizedLogistic",
    "DiscretizedLogisticMixture",
    "KLSparsity",
    "L1Sparsity",
    "SquaredError",
    "bernoulli_log_likelihood",
    "discretized_logistic_log_likelihood",
    "discretized_logistic_log_probability",
    "gaussian_kl",
    "gaussian_log_likelihood",
    "gradient_penalty",
    "importance_weighted_bound",
    "mean_per_example",
    "monte_carlo_kl",
    "sigmoid_jacobian_norm",
    "squared_error",
    "sum_per_example",
    "wasserstein_critic_loss",
    "wasserstein_generator_loss",
]
