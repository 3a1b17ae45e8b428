"""Targets and coefficients of a head's rows, and the results of the rows."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ..._engine import RowResults
from ..._head.chunks import chunks
from ..._problem import Problem, is_used, row_scale
from .array_ops import ArrayOps

Soften = Callable[[Tensor], Tensor]  # probabilities (n, V) as passed -> smoothed and weighted
Wanted = tuple[bool, bool, bool]  # gradients with respect to hidden, classes, bias


@dataclass(frozen=True)
class RowArguments:
    """Targets and options of the rows, (...) each; coefficients as for the engine."""

    target: Tensor | None = None
    probs: Tensor | None = None  # (..., V), or (V,) for all rows
    chosen: Tensor | None = None  # (..., K)
    temperature: Tensor | None = None  # or ()
    softcap: float | None = None
    nll_coef: Tensor | None = None
    dense_coef: Tensor | None = None
    lse_coef: Tensor | None = None
    square_coef: Tensor | None = None
    entropy_coef: Tensor | None = None
    chosen_coef: Tensor | None = None  # (..., K)

    def flat(self, n: int) -> "RowArguments":
        """(N,) or (N, V) each."""
        return self._each(lambda name, x: x.reshape(n, *x.shape[-1:] * (name in _WIDE)))

    def of(self, rows: slice | Tensor) -> "RowArguments":
        """Some of the rows, which are flat."""
        return self._each(lambda _, x: x[rows])

    def _each(self, function: Callable[[str, Tensor], Tensor]) -> "RowArguments":
        parts: dict[str, Any] = {}
        for name in _TENSORS:
            x = getattr(self, name)
            shared = {"probs": 1, "temperature": 0}.get(name)
            if x is not None and x.dim() != shared:
                parts[name] = function(name, x)
        return replace(self, **parts)

    def coefs(self) -> list[Tensor | None]:
        """The coefficients of all parts that the rows' loss has; None: 1."""
        used = (
            [self.nll_coef] * (self.target is not None)
            + [self.dense_coef] * (self.probs is not None)
            + [self.chosen_coef] * (self.chosen_coef is not None)
        )
        others = (self.lse_coef, self.square_coef, self.entropy_coef)
        return used + [x for x in others if x is not None]

    def may_use_panels(self, soften: Soften | None) -> bool:
        """Whether the engine computes such rows from a panel of classes at a time."""
        shared = self.probs is None or (self.probs.dim() == 1 and soften is None)
        return self.softcap is None and self.chosen is None and shared

    def is_used(self) -> Tensor | None:
        """Whether a flat row has a coefficient that is not 0; None: every row has one."""
        coefs = [x if x is None or x.dim() == 1 else (x != 0).any(1) for x in self.coefs()]
        return is_used(coefs)

    def used(self) -> Tensor | None:
        """The numbers of the flat rows with a coefficient that is not 0; None: all."""
        some = self.is_used()
        return None if some is None or some.all() else some.nonzero().squeeze(1)

    def row_scale(
        self, n: int, soften: Soften | None, most: int
    ) -> np.ndarray[Any, np.dtype[np.float64]]:
        """What p - y of every flat row is multiplied by: its target's weight over the temperature.

        Args:
            n: how many rows.
            soften: smooths and weights probabilities as passed.
            most: rows that are softened at a time.
        """
        mass = None
        if self.probs is not None and self.probs.dim() == 1:
            mass = self.probs.sum(dtype=torch.float64)
        elif self.probs is not None:
            mass = torch.empty(n, dtype=torch.float64, device="cpu")
            for part in chunks(n, most):
                probs = self.probs[part]
                mass[part] = (probs if soften is None else soften(probs)).sum(1, dtype=mass.dtype)
        problem = Problem()
        problem.nll_coef, problem.dense_coef = self.nll_coef, self.dense_coef
        problem.temperature = self.temperature
        ops, nll = ArrayOps(torch.device("cpu")), self.target is not None
        scale: Tensor = row_scale(problem, ops, (n,), nll=nll, mass=mass)
        return scale.numpy()


_WIDE = ("probs", "chosen", "chosen_coef")
_TENSORS = tuple(field.name for field in fields(RowArguments) if field.name != "softcap")


class HeadResults(NamedTuple):
    """One number per row each, (...); None where not requested."""

    nll: Tensor | None
    dense: Tensor | None
    lse: Tensor | None
    entropy: Tensor | None
    argmax: Tensor | None
    log_probs: Tensor | None  # (..., K)


def as_results(result: RowResults, log_probs: Tensor | None = None) -> HeadResults:
    """The engine's arrays as tensors, without a copy."""
    nll, dense, lse, entropy, argmax = (None if x is None else torch.from_numpy(x) for x in result)
    return HeadResults(nll, dense, lse, entropy, argmax, log_probs)


def joined(parts: list[HeadResults], order: Tensor | None, shape: torch.Size) -> HeadResults:
    """The results of all chunks, 0 in rows that were skipped."""
    results: list[Tensor | None] = []
    for pieces in zip(*parts, strict=True):
        if pieces[0] is None:
            results.append(None)
            continue
        x = pieces[0] if len(pieces) == 1 else torch.cat(pieces)
        if order is not None:
            x = x.new_zeros(shape.numel(), *x.shape[1:]).index_copy_(0, order, x)
        results.append(x.view((*shape, *x.shape[1:])))
    return HeadResults(*results)
