"""The CPU engine on rows of logits: hands them to the kernels, which were chosen once at import.

Rows are (N, V), each contiguous; or class-major (B, V, M), the M rows of a block side by side and
the last axis contiguous, where `reads_class_major` says so. Row b * M + m of the N = B * M then is
logits[b, :, m], and what goes along with the logits has their layout. The engine knows no options,
weights or reductions: those are one number a row before it or after it.
"""

import os
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _simd

Array = npt.NDArray[Any]

_MOST_THREADS = 4096
_GRADIENT, _SOFTMAX, _LOG_SOFTMAX = 1, 2, 3
_CODES = {np.dtype(np.float64): 0, np.dtype(np.float32): 1, np.dtype(np.float16): 2}


class RowResult(NamedTuple):
    """What a pass over the rows gives: each (N,) or None when not asked for."""

    nll: Array | None
    dense: Array | None
    lse: Array | None
    entropy: Array | None
    argmax: Array | None


class CpuInfo(NamedTuple):
    """The instruction set in use, the number of threads, the instruction sets that could be."""

    instruction_set: str
    threads: int
    supported: tuple[str, ...]


def _code(array: Array) -> int:
    """The kernels' number for a dtype; bfloat16, which NumPy does not know, is what remains."""
    return _CODES.get(array.dtype, 3)


def _bits(array: Array) -> Array:
    """An array whose dtype the buffer protocol can name: bfloat16 goes as its 16 bits."""
    return array if array.dtype in _CODES else array.view(np.uint16)


def reads_class_major(num_classes: int, columns: int) -> bool:
    """Whether class-major rows, so many side by side, are read sooner than a copy of them is made.

    The kernels refuse too many classes; fewer columns than 16 are slower than the copy.
    """
    return num_classes <= _simd.few_classes and columns >= 16


def rows(
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
) -> RowResult:
    """One pass over the rows: losses, statistics and, into `grad`, scale * dL/dlogits.

    The loss of row i is  L = nll_coef nll + dense_coef dense + lse_coef lse + square_coef lse^2 +
    entropy_coef entropy  with nll = -log p_target and dense = sum_j probs_j (-log p_j); lse and
    entropy are at the temperature and softcap.  A coefficient of None is 1 for nll and dense where
    their target is given, else 0.  A row whose coefficients are all 0 is not read: all its results
    are 0.  lse also comes with square_coef; a number that nobody asked for is no array, for 65536
    fresh ones cost 0.1 ms of page faults.
    """
    n = len(logits) if logits.ndim == 2 else logits.shape[0] * logits.shape[2]
    result = _places(n, target, probs, lse or square_coef is not None, entropy, argmax)
    _simd.rows(
        _code(logits),
        _bits(logits),
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
        None if grad is None else _bits(grad),
        _GRADIENT,
    )
    return result


def _places(
    n: int, target: Array | None, probs: Array | None, lse: bool, entropy: bool, argmax: bool
) -> RowResult:
    """Where the numbers of n rows go."""
    return RowResult(
        None if target is None else np.empty(n),
        None if probs is None else np.empty(n),
        np.empty(n) if lse else None,
        np.empty(n) if entropy else None,
        np.empty(n, np.int64) if argmax else None,
    )


class Sweep:
    """Numbers of rows whose logits come a panel of classes at a time, as of one pass over all.

    `result` is there once the panels, in order, have brought all classes.
    """

    def __init__(
        self,
        n: int,
        num_classes: int,
        target: Array | None = None,  # (N,) int32 or int64
        probs: Array | None = None,  # (V,), for all rows
        temperature: float | Array | None = None,  # or (N,)
        *,
        lse: bool = False,
        entropy: bool = False,
        argmax: bool = False,
    ) -> None:
        self.result = _places(n, target, probs, lse, entropy, argmax)
        self._num_classes, self._target, self._probs = num_classes, target, probs
        self._temperature = 1.0 if temperature is None else temperature
        self._known, self._target_logit = np.empty((n, 8)), np.zeros(n)

    def add(self, logits: Array, first: int) -> None:
        """The logits (N, width) of the classes from `first` on."""
        probs = self._probs
        _simd.sweep(
            _code(logits),
            _bits(logits),
            first,
            self._num_classes,
            self._known,
            self._target_logit,
            self._target,
            None if probs is None else probs[None, first : first + logits.shape[1]],
            self._temperature,
            *self.result,
        )


def softmax(logits: Array, out: Array, *, log: bool = False) -> None:
    """Rows of logits -> probabilities or their logarithms, in the same dtype."""
    none = (None,) * 5
    _simd.rows(
        *(_code(logits), _bits(logits), *none, None, None, 1.0, 1.0, 0.0),
        *(*none, _bits(out), _LOG_SOFTMAX if log else _SOFTMAX),
    )


def scan_targets(target: Array, num_classes: int, ignore_index: int) -> tuple[int, int]:
    """First row whose target is neither a class nor ignored (-1: none), number of ignored rows."""
    return _simd.scan_targets(target, num_classes, ignore_index)


def input_kind(logits: Array) -> int:
    """0: logits, 1: they look like probabilities, 2: they look like log-probabilities."""
    return _simd.input_kind(_code(logits), _bits(logits))


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
    out = None if grad is None else _bits(grad)
    _simd.binary(_code(logits), _bits(logits), target, pos_weight, scale, nll, out, False)
    return nll


def sigmoid(logits: Array, out: Array, *, log: bool = False) -> None:
    """Elementwise 1 / (1 + exp(-z)) or its logarithm; arrays of one dimension."""
    z, to = _bits(logits).reshape(1, -1), _bits(out).reshape(1, -1)
    _simd.binary(_code(logits), z, None, None, 1.0, None, to, log)


def set_num_threads(n: int) -> None:
    """Compute on n threads from now on; results do not depend on n.

    Args:
        n: at least 1. The default is NEGLOG_NUM_THREADS, else as many as this process may run on.

    Raises:
        TypeError: n is not an integer.
        ValueError: n is below 1 or above 4096.

    Examples:
        >>> set_num_threads(2)
        >>> cpu_info().threads
        2
    """
    if isinstance(n, bool) or not hasattr(n, "__index__"):
        raise TypeError(f"n must be an integer, got {n!r}; pass the number of threads")
    if not 1 <= n < 4097:
        raise ValueError(
            f"n must be 1 to 4096 threads, got {n}; 1 keeps work on the calling thread"
        )
    _simd.set_num_threads(n)


def cpu_info() -> CpuInfo:
    """The instruction set that the kernels use, the threads, and the sets this CPU could run.

    NEGLOG_CPU, set before the import, forces one of `supported`.

    Returns:
        CpuInfo(instruction_set, threads, supported), the supported ones from old to new.

    Examples:
        >>> info = cpu_info()
        >>> info.instruction_set in info.supported
        True
    """
    return CpuInfo(_simd.chosen(), _simd.num_threads(), tuple(_simd.supported()))


def _from_environment() -> None:
    """What NEGLOG_CPU and NEGLOG_NUM_THREADS ask for."""
    cpu, threads = os.environ.get("NEGLOG_CPU"), os.environ.get("NEGLOG_NUM_THREADS")
    supported = _simd.supported()
    if not supported:
        raise ImportError("neglog needs a CPU with at least the instruction set x86-64-v2")
    if cpu:
        if cpu not in supported:
            raise ValueError(f"NEGLOG_CPU must be one of {', '.join(supported)}, got {cpu!r}")
        _simd.choose(cpu)
    if threads:
        if not (threads.isdecimal() and 1 <= int(threads) <= _MOST_THREADS):
            raise ValueError(f"NEGLOG_NUM_THREADS must be 1 to {_MOST_THREADS}, got {threads!r}")
        set_num_threads(int(threads))


_from_environment()
