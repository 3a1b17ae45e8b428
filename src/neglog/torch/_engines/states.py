"""The gradient of long rows of halves from the states that their loss has left.

A state is some numbers per row. With it the gradient takes one pass over the logits, where the
kernels would otherwise find maximum and sum again, and has the same bits as theirs.
"""

from typing import Any

import torch
from torch import Tensor

from ... import _engine
from .._memory import empty
from .kernels import Panels, as_array, as_rows, from_rows

_MANY = 64  # rows; with few, the kernels' own pass shares the parts of a row among the threads


def new_states(
    logits: Tensor, dim: int, probs: Tensor | None = None, softcap: float | None = None
) -> Tensor | None:
    """A place for the states of the rows; None where `kernels.run` computes the gradient better."""
    num_classes = logits.shape[dim]
    n, per_row = logits.numel() // num_classes, probs is not None and probs.dim() != 1
    few = n < _MANY or logits.itemsize != 2
    if few or per_row or not _engine.keeps_states(num_classes, softcap):
        return None
    return torch.from_numpy(_engine.new_states(n))


def gradient(
    logits: Tensor,  # (..., V, ...)
    dim: int,
    states: Tensor,
    target: Tensor | None,  # (...)
    probs: Tensor | None,  # (V,)
    temperature: Tensor | None,  # () or (...)
    **options: Any,  # coefficients and scale, as for `kernels.run`
) -> Tensor:
    """The gradient of scale * sum of the row losses."""
    rows = as_rows(logits.detach(), dim)
    grad = empty(tuple(rows.shape), rows.dtype)
    n, num_classes = rows.shape
    panels = Panels(
        n, num_classes, rows.dtype, target, probs, temperature, states=as_array(states), **options
    )
    panels.write_gradient(rows, 0, grad)
    return from_rows(grad, logits.shape, dim)
