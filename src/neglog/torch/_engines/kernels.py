"""The kernels on CPU tensors: they read and write the tensors' memory, without autograd."""

import ctypes
import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ... import _engine
from ..._contract import refuse_class
from ..._engine import RowResults
from .._memory import empty

Array = np.ndarray[Any, np.dtype[Any]]

# dtype of the logits -> dtype of losses and statistics, which is also that of the computation.
RESULTS = {
    torch.float64: torch.float64,
    torch.float32: torch.float32,
    torch.float16: torch.float32,
    torch.bfloat16: torch.float32,
}


# NumPy's dtypes; bfloat16, which NumPy lacks, as int16.
_DTYPES = {
    torch.float64: np.float64,
    torch.float32: np.float32,
    torch.float16: np.float16,
    torch.bfloat16: np.int16,
    torch.int64: np.int64,
    torch.int32: np.int32,
}


_ANY_NUMBER: AbstractContextManager[None] = nullcontext()


def on_torchs_threads(elements: float = math.inf) -> AbstractContextManager[None]:
    """Inside the block the kernels use torch's number of threads, unless they have their own.

    Torch is asked only where threads share the work on so many elements.
    """
    if not _engine.is_shared(elements):
        return _ANY_NUMBER
    return _engine.callers_threads(torch.get_num_threads())


class _Memory(ctypes.c_char * 2**62):  # type: ignore[misc]  # mypy wants a literal
    """All memory from an address on; holds the tensor, whose memory is the first of it."""

    __slots__ = ("tensor",)  # a dictionary would take a third of the time of `as_array`
    tensor: Tensor


def as_array(tensor: Tensor) -> Array:
    """The tensor's memory, which lives as long as the array; bfloat16 as int16.

    Not by Tensor.numpy(): it marks the memory for good, and then nobody can resize it, as FSDP does
    with parameters. np.from_dlpack, which does not, takes four times as long.
    """
    if tensor.is_neg():
        tensor = tensor.resolve_neg()
    memory, size = _Memory.from_address(tensor.data_ptr()), tensor.itemsize
    memory.tensor = tensor
    strides = None if tensor.is_contiguous() else [size * step for step in tensor.stride()]
    return np.ndarray(tensor.shape, _DTYPES[tensor.dtype], memory, 0, strides)


def as_rows(tensor: Tensor, dim: int) -> Tensor:
    """(N, V) with the class axis contiguous: a view if possible, else a copy."""
    last = tensor.dim() - 1
    moved = tensor if dim == last else tensor.movedim(dim, last)
    rows = moved if last == 1 else moved.reshape(-1, moved.shape[last])
    return rows if rows.stride(1) == 1 else rows.contiguous()


def as_blocks(tensor: Tensor, dim: int) -> Tensor:
    """(B, V, M) with the last axis contiguous: a view if possible, else a copy."""
    shape = tensor.shape
    blocks = tensor.reshape(math.prod(shape[:dim]), shape[dim], math.prod(shape[dim + 1 :]))
    return blocks if blocks.stride(2) == 1 else blocks.contiguous()


def is_class_major(logits: Tensor, dim: int) -> bool:
    """Whether the engine reads these logits as blocks (B, V, M), without a copy."""
    columns = math.prod(logits.shape[dim + 1 :])
    return logits.stride(dim) != 1 and _engine.reads_class_major(logits.shape[dim], columns)


def layout_of(logits: Tensor, dim: int) -> Callable[[Tensor, int], Tensor]:
    """What turns the logits, and tensors of their shape, into what the engine reads."""
    return as_blocks if is_class_major(logits, dim) else as_rows


def from_rows(rows: Tensor, shape: torch.Size, dim: int) -> Tensor:
    """The inverse: the engine's output as a view of this shape."""
    if rows.dim() == 3:
        return rows.view(shape)
    if rows.shape == shape and dim == 1:
        return rows
    moved = (*shape[:dim], *shape[dim + 1 :], shape[dim])
    return rows.view(moved).movedim(-1, dim)


def place(logits: Tensor, dim: int) -> Tensor:
    """An empty tensor with the shape and layout of what `run` and `softmax` return."""
    if is_class_major(logits, dim):
        return logits.new_empty(logits.shape)
    moved = [size for axis, size in enumerate(logits.shape) if axis != dim]
    return logits.new_empty([*moved, logits.shape[dim]]).movedim(-1, dim)


def per_row(numbers: Tensor | None) -> Array | None:
    """(N,) contiguous float64."""
    if numbers is None:
        return None
    return as_array(numbers.detach().to(torch.float64).reshape(-1).contiguous())


def _temperature(temperature: Tensor | None) -> float | Array | None:
    return per_row(temperature) if temperature is None or temperature.dim() else float(temperature)


def _probs(
    probs: Tensor | None, dim: int, dtype: torch.dtype, layout: Callable[[Tensor, int], Tensor]
) -> Array | None:
    """As the logits or (1, V), contiguous, in the dtype of the computation."""
    if probs is None:
        return None
    rows = probs.detach().reshape(1, -1) if probs.dim() == 1 else layout(probs.detach(), dim)
    return as_array(rows.to(dtype).contiguous())


def run(
    logits: Tensor,  # (..., V, ...)
    dim: int,
    target: Tensor | None = None,  # (...)
    probs: Tensor | None = None,  # (..., V, ...) or (V,)
    *,
    nll_coef: Tensor | None = None,  # (...), like all coefficients
    dense_coef: Tensor | None = None,
    lse_coef: Tensor | None = None,
    square_coef: Tensor | None = None,
    entropy_coef: Tensor | None = None,
    scale: float = 1.0,
    temperature: Tensor | None = None,  # () or (...)
    softcap: float | None = None,
    gradient: bool = False,
    out: Tensor | None = None,
    lse: bool = False,
    entropy: bool = False,
    argmax: bool = False,
    states: Tensor | None = None,
) -> tuple[RowResults, Tensor | None]:
    """The engine's one pass: row results, and the gradient of scale * sum of the row losses.

    `out` receives the gradient, and may be the logits themselves: contiguous rows. `states` receive
    what `states.gradient` needs.
    """
    layout = layout_of(logits, dim)
    rows = layout(logits.detach(), dim)
    grad = empty(tuple(rows.shape), rows.dtype) if gradient else out
    with on_torchs_threads(rows.numel()):
        result = _engine.run_rows(
            as_array(rows),
            None if target is None else as_classes(target),
            probs=_probs(probs, dim, RESULTS[logits.dtype], layout),
            nll_coef=per_row(nll_coef),
            dense_coef=per_row(dense_coef),
            lse_coef=per_row(lse_coef),
            square_coef=per_row(square_coef),
            entropy_coef=per_row(entropy_coef),
            scale=scale,
            temperature=_temperature(temperature),
            softcap=softcap,
            grad=None if grad is None else as_array(grad),
            lse=lse,
            entropy=entropy,
            argmax=argmax,
            states=None if states is None else as_array(states),
        )
    return result, None if grad is None else from_rows(grad, logits.shape, dim)


def row_results(
    logits: Tensor,  # (..., V, ...)
    dim: int,
    target: Tensor | None,  # (...)
    probs: Tensor | None,  # (..., V, ...), or (V,) for all rows
    keep: Tensor | None,  # (...) bool
    temperature: Tensor | None,  # () or (...)
    softcap: float | None,
    entropy: bool,
) -> tuple[Tensor | None, ...]:
    """nll, dense, lse, entropy and argmax of every row, as `composed.row_results`; no gradient."""
    if target is not None:
        target = check_used_classes(target, keep, logits.shape[dim])
    arrays, _ = run(
        logits, dim, target, probs, nll_coef=keep, dense_coef=keep, temperature=temperature,
        softcap=softcap, lse=True, entropy=entropy, argmax=True,
    )  # fmt: skip
    shape = [*logits.shape[:dim], *logits.shape[dim + 1 :]]
    return tuple(None if x is None else torch.from_numpy(x).view(shape) for x in arrays)


class Panels:
    """The engine on rows of tensors whose logits come a panel of classes at a time."""

    def __init__(
        self,
        n: int,
        num_classes: int,
        dtype: torch.dtype,  # of the logits
        target: Tensor | None,
        probs: Tensor | None,  # (V,)
        temperature: Tensor | None,
        **options: Any,
    ) -> None:
        others: dict[str, Any] = {
            name: per_row(x) if isinstance(x, Tensor) else x for name, x in options.items()
        }
        self._panels = _engine.Panels(
            n,
            num_classes,
            None if target is None else as_classes(target),
            None if probs is None else as_array(probs.detach().to(RESULTS[dtype]).contiguous()),
            _temperature(temperature),
            **others,
        )

    def reduce(self, logits: Tensor, first: int) -> None:
        with on_torchs_threads(logits.numel()):
            self._panels.reduce(as_array(logits), first)

    def finish(self) -> RowResults:
        return self._panels.finish()

    def write_gradient(self, logits: Tensor, first: int, out: Tensor | None = None) -> None:
        to = None if out is None else as_array(out)
        with on_torchs_threads(logits.numel()):
            self._panels.write_gradient(as_array(logits), first, to)


def softmax(logits: Tensor, dim: int, *, log: bool = False) -> Tensor:
    """Probabilities or their logarithms, in the same dtype."""
    layout = layout_of(logits, dim)
    rows = layout(logits.detach(), dim)
    out = empty(tuple(rows.shape), rows.dtype)
    with on_torchs_threads(rows.numel()):
        _engine.softmax(as_array(rows), as_array(out), log=log)
    return from_rows(out, logits.shape, dim)


def as_classes(target: Tensor) -> Array:
    """(N,) int64 or int32, contiguous."""
    flat = target.detach().reshape(-1)
    if flat.dtype not in (torch.int64, torch.int32):
        flat = flat.to(torch.int64)
    return as_array(flat.contiguous())


def check_classes(
    target: Tensor,
    num_classes: int,
    ignore_index: int = 0,
    given: Tensor | None = None,
    name: str = "target",
) -> int:
    """Number of ignored rows; IndexError for the first value that is not a class, as in `given`."""
    classes = as_classes(target)
    bad, ignored = _engine.scan_targets(classes, num_classes, ignore_index)
    if bad >= 0:
        row = tuple(map(int, np.unravel_index(bad, tuple(target.shape))))
        value = target if given is None else given
        refuse_class(name, row, value[row].item(), num_classes)
    return ignored


def check_used_classes(target: Tensor, keep: Tensor | None, num_classes: int) -> Tensor:
    """The classes, 0 in rows that are left out; IndexError for the first that is none."""
    used = target if keep is None else target.masked_fill(keep.logical_not(), 0)
    check_classes(used, num_classes)
    return used


def looks_like(logits: Tensor, dim: int) -> int:
    """0: logits, 1: they look like probabilities, 2: like log-probabilities; a few rows decide."""
    layout = layout_of(logits, dim)
    return _engine.input_kind(as_array(layout(logits.detach(), dim)))
