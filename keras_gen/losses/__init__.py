"""Pure, per-example losses, densities and penalties, named as their papers name them.

All log-densities and divergences are in nats. Tensors are float32 or float64, the
first axis is the batch, and results are summed over all other axes: shape (batch,).
"""

from keras_gen.losses.adversarial import (
    AdversarialLoss,
    Hinge,
    LeastSquares,
    Minimax,
    NonSaturating,
    RelativisticPairing,
    Wasserstein,
    feature_matching,
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
from keras_gen.losses.gradients import (
    R1,
    R2,
    GradientPenalty,
    gradient_penalty,
    zero_centered_penalty,
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
    "R1",
    "R2",
    "AdversarialLoss",
    "AutoregressiveLogisticMixture",
    "Bernoulli",
    "Categorical",
    "DiscretizedLogistic",
    "DiscretizedLogisticMixture",
    "GradientPenalty",
    "Hinge",
    "KLSparsity",
    "L1Sparsity",
    "LeastSquares",
    "Minimax",
    "NonSaturating",
    "RelativisticPairing",
    "SquaredError",
    "Wasserstein",
    "bernoulli_log_likelihood",
    "discretized_logistic_log_likelihood",
    "discretized_logistic_log_probability",
    "feature_matching",
    "gaussian_kl",
    "gaussian_log_likelihood",
    "gradient_penalty",
    "importance_weighted_bound",
    "mean_per_example",
    "monte_carlo_kl",
    "sigmoid_jacobian_norm",
    "squared_error",
    "sum_per_example",
    "zero_centered_penalty",
]
