"""The face for NumPy arrays: the public functions, by topic."""

from .activations import (
    log_sigmoid,
    log_softmax,
    logsumexp,
    sigmoid,
    softmax,
    softmax_jacobian,
)
from .binary import binary_cross_entropy, binary_cross_entropy_and_grad
from .layer import SoftmaxWithLoss, one_hot
from .likelihood import min_entropy, nll_loss, one_vs_rest_nll
from .linear import linear_cross_entropy, linear_cross_entropy_and_grad, linear_row_stats
from .losses import cross_entropy, cross_entropy_and_grad
from .statistics import entropy, kl_divergence, row_stats

__all__ = [
    "SoftmaxWithLoss",
    "binary_cross_entropy",
    "binary_cross_entropy_and_grad",
    "cross_entropy",
    "cross_entropy_and_grad",
    "entropy",
    "kl_divergence",
    "linear_cross_entropy",
    "linear_cross_entropy_and_grad",
    "linear_row_stats",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "min_entropy",
    "nll_loss",
    "one_hot",
    "one_vs_rest_nll",
    "row_stats",
    "sigmoid",
    "softmax",
    "softmax_jacobian",
]
