"""Negative log-likelihood of a softmax: exact and fast on NumPy arrays."""

from typing import Any

from ._contract import InputKindWarning, RowStats
from ._engine import cpu_info, set_num_threads
from ._head.info import HeadInfo
from ._numpy import (
    SoftmaxWithLoss,
    binary_cross_entropy,
    binary_cross_entropy_and_grad,
    cross_entropy,
    cross_entropy_and_grad,
    entropy,
    kl_divergence,
    linear_cross_entropy,
    linear_cross_entropy_and_grad,
    linear_row_stats,
    log_sigmoid,
    log_softmax,
    logsumexp,
    min_entropy,
    nll_loss,
    one_hot,
    one_vs_rest_nll,
    row_stats,
    sigmoid,
    softmax,
    softmax_jacobian,
)

__version__ = "0.9.0"

__all__ = [
    "Bernoulli",
    "HeadInfo",
    "InputKindWarning",
    "Normal",
    "Report",
    "RowStats",
    "SoftmaxWithLoss",
    "binary_cross_entropy",
    "binary_cross_entropy_and_grad",
    "check_linear_loss",
    "check_loss",
    "cpu_info",
    "cross_entropy",
    "cross_entropy_and_grad",
    "entropy",
    "evaluate",
    "evaluate_file",
    "exercises",
    "explain",
    "explain_likelihood",
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
    "report",
    "row_stats",
    "set_num_threads",
    "sigmoid",
    "softmax",
    "softmax_jacobian",
    "trace",
]

# Imported on first use, because of what they load: name -> the module that has it. `learn` and
# `torch` need packages that may be missing, so `from neglog import *` leaves them out.
_LAZY = {
    "Bernoulli": "trace",
    "Normal": "trace",
    "Report": "report",
    "check_linear_loss": "checker",
    "check_loss": "checker",
    "evaluate": "report",
    "evaluate_file": "report",
    "exercises": "exercises",
    "explain": "trace",
    "explain_likelihood": "trace",
    "learn": "learn",
    "report": "report",
    "torch": "torch",
    "trace": "trace",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        module = import_module(f"{__name__}.{_LAZY[name]}")
        return module if name == _LAZY[name] else getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})
