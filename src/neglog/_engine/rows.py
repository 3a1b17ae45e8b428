"""The CPU engine on rows of logits. The kernels were chosen once, at import.

Rows are (N, V), each contiguous; or class-major (B, V, M), the M rows of a block side by side and
the last axis contiguous, if `reads_class_major` allows it. Row b * M + m of the N = B * M is then
logits[b, :, m], and arrays of the shape of the logits have the same layout. The engine knows no
options, weights or reductions: they are one number per row, before it or after it.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import _kernels

Array = npt.NDArray[Any]

_GRADIENT, _SOFTMAX, _LOG_SOFTMAX = 1, 2, 3
_CODES = {np.dtype(np.float64): 0, np.dtype(np.float32): 1, np.dtype(np.float16): 2}


class RowResults(NamedTuple):
    """Results of a pass over the rows: each (N,), or None if not requested."""

    nll: Array | None
    dense: Array | None
    lse: Array | None
    entropy: Array | None
    argmax: Array | None


def code(array: Array) -> int:
    """The kernels' number for a dtype; any dtype unknown to NumPy is taken for bfloat16."""
    return _CODES.get(array.dtype, 3)


def bits(array: Array) -> Array:
    """An array whose dtype the buffer protocol can name: bfloat16 as its 16 bits."""
    return array if array.dtype in _CODES else array.view(np.uint16)


def reads_class_major(num_classes: int, columns: int) -> bool:
    """Whether reading class-major rows in blocks of `columns` is faster than copying them.

    The kernels refuse more classes than `few_classes`; below 16 columns the copy is faster.
    """
    return num_classes <= _kernels.few_classes and columns >= 16


def run_rows(
    logits: Array,  # (N, V) or (B, V, M)
    target: Array | None = None,  # (N,) int32 or int64
    *,
    probs: Array | None = None,  # as the logits, or (1, V) for all rows
    nll_coef: Array | None = None,  # (N,)
    dense_coef: Array | None = None,  # (N,)
    lse_coef: Array | None = None,  # (N,)
    square_coef: Array | None = None,  # (N,)
    entropy_coef: Array | None = None,  # (N,)
    scale: float = 1.0,
    temperature: float | Array | None = None,  # or (N,)
    softcap: float | None = None,
    grad: Array | None = None,  # as the logits
    lse: bool = False,
    entropy: bool = False,
    argmax: bool = False,
    states: Array | None = None,  # of `Panels`
) -> RowResults:
    """One pass over the rows: losses, statistics and, into `grad`, scale * dL/dlogits.

    The loss of row i is  L = nll_coef nll + dense_coef dense + lse_coef lse + square_coef lse^2 +
    entropy_coef entropy  with nll = -log p_target and dense = sum_j probs_j (-log p_j); lse and
    entropy are taken after temperature and softcap.  The coefficients of nll and dense default to 1
    if their target is given; all others default to 0.  A row whose coefficients are all 0 is not
    read, and its results are 0.  square_coef implies lse.  Results not requested are None, because
    65536 new numbers cost 0.1 ms of page faults.  `states` receive what `Panels.write_gradient`
    needs to write the same gradient later, to the same bits; see `keeps_states`.
    """
    n = len(logits) if logits.ndim == 2 else logits.shape[0] * logits.shape[2]
    result = places(n, target, probs, lse or square_coef is not None, entropy, argmax)
    _kernels.rows(
        code(logits),
        bits(logits),
        target,
        probs[None] if probs is not None and probs.ndim == 1 else probs,
        nll_coef,
        dense_coef,
        lse_coef,
        square_coef,
        entropy_coef,
        scale,
        1.0 if temperature is None else temperature,
        softcap or 0.0,
        *result,
        None if grad is None else bits(grad),
        _GRADIENT,
        states,
    )
    return result


def keeps_states(num_classes: int, softcap: float | None) -> bool:
    """Whether `run_rows` keeps the states of such rows, which must not be class-major."""
    return num_classes > _kernels.few_classes and softcap is None


def places(
    n: int, target: Array | None, probs: Array | None, lse: bool, entropy: bool, argmax: bool
) -> RowResults:
    """New arrays for the results of n rows."""
    return RowResults(
        None if target is None else np.empty(n),
        None if probs is None else np.empty(n),
        np.empty(n) if lse else None,
        np.empty(n) if entropy else None,
        np.empty(n, np.int64) if argmax else None,
    )


def softmax(logits: Array, out: Array, *, log: bool = False) -> None:
    """Rows of logits -> probabilities or their logarithms, in the same dtype."""
    none = (None,) * 5
    _kernels.rows(
        *(code(logits), bits(logits), *none, None, None, 1.0, 1.0, 0.0),
        *(*none, bits(out), _LOG_SOFTMAX if log else _SOFTMAX),
    )


def scan_targets(target: Array, num_classes: int, ignore_index: int) -> tuple[int, int]:
    """First row whose target is neither a class nor ignored (-1: none), number of ignored rows."""
    return _kernels.scan_targets(target, num_classes, ignore_index)


def input_kind(logits: Array) -> int:
    """0: logits, 1: they look like probabilities, 2: they look like log-probabilities."""
    return _kernels.input_kind(code(logits), bits(logits))


def binary(
    logits: Array,  # (N, V)
    target: Array,  # (N, V), in the compute type
    *,
    pos_weight: Array | None = None,  # (V,)
    scale: float = 1.0,
    grad: Array | None = None,  # (N, V)
) -> Array:
    """Elementwise -(w t log s(z) + (1 - t) log(1 - s(z))), scale times its derivative into grad."""
    nll = np.empty(logits.shape)
    out = None if grad is None else bits(grad)
    _kernels.binary(code(logits), bits(logits), target, pos_weight, scale, nll, out, False)
    return nll


def sigmoid(logits: Array, out: Array, *, log: bool = False) -> None:
    """Elementwise 1 / (1 + exp(-z)) or its logarithm; arrays of one dimension."""
    z, to = bits(logits).reshape(1, -1), bits(out).reshape(1, -1)
    _kernels.binary(code(logits), z, None, None, 1.0, None, to, log)
