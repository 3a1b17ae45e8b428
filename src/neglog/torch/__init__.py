"""The PyTorch face of neglog: change only the import, and losses keep their digits."""

try:
    import torch  # noqa: F401
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f"neglog.torch needs PyTorch, and {error.name} is not installed: "
        "pip install 'neglog[torch]'",
        name=error.name,
    ) from error

from .._contract import RowStats
from .._head.info import HeadInfo
from ._memory import release_memory
from ._patch import Patch, patch
from .activations import log_sigmoid, log_softmax, logsumexp, sigmoid, softmax
from .binary import binary_cross_entropy_with_logits
from .likelihood import min_entropy, nll_loss, one_vs_rest_nll
from .linear import linear_cross_entropy, linear_row_stats
from .losses import cross_entropy
from .modules import (
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    LinearCrossEntropyLoss,
    LogSoftmax,
    NLLLoss,
    Softmax,
)
from .statistics import entropy, kl_divergence, row_stats

__all__ = [
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "HeadInfo",
    "LinearCrossEntropyLoss",
    "LogSoftmax",
    "NLLLoss",
    "Patch",
    "RowStats",
    "Softmax",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "entropy",
    "kl_divergence",
    "linear_cross_entropy",
    "linear_row_stats",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "min_entropy",
    "nll_loss",
    "one_vs_rest_nll",
    "patch",
    "release_memory",
    "row_stats",
    "sigmoid",
    "softmax",
]
