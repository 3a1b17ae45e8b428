"""What goes along with the rows of a head, and the numbers that come of them."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .._engine import RowResults
from .._head.chunks import chunks

Soften = Callable[[Tensor], Tensor]  # probabilities (n, V) as given -> those computed with
Wanted = tuple[bool, bool, bool]  # a gradient by hidden, by classes, by the bias


@dataclass(frozen=True)
class Rows:
    """What goes along with the rows, (...) each; coefficients as for the engine."""

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

    def flat(self, n: int) -> "Rows":
        """(N,) or (N, V) each."""
        return self._each(lambda name, x: x.reshape(n, *x.shape[-1:] * (name in _WIDE)))

    def of(self, rows: slice | Tensor) -> "Rows":
        """The same of some of the rows; of flat ones."""
        return self._each(lambda _, x: x[rows])

    def _each(self, function: Callable[[str, Tensor], Tensor]) -> "Rows":
        parts: dict[str, Any] = {}
        for name in _TENSORS:
            x = getattr(self, name)
            shared = {"probs": 1, "temperature": 0}.get(name)
            if x is not None and x.dim() != shared:
                parts[name] = function(name, x)
        return replace(self, **parts)

    def coefs(self) -> list[Tensor | None]:
        """The factors of what the rows' loss is made of; None: 1."""
        used = (
            [self.nll_coef] * (self.target is not None)
            + [self.dense_coef] * (self.probs is not None)
            + [self.chosen_coef] * (self.chosen_coef is not None)
        )
        others = (self.lse_coef, self.square_coef, self.entropy_coef)
        return used + [x for x in others if x is not None]

    def may_sweep(self, soften: Soften | None) -> bool:
        """Whether the engine takes a panel of classes at a time of such rows."""
        shared = self.probs is None or (self.probs.dim() == 1 and soften is None)
        return self.softcap is None and self.chosen is None and shared

    def useful(self) -> Tensor | None:
        """The flat rows with a coefficient that is not 0; None: all."""
        coefs = self.coefs()
        if not coefs or any(x is None for x in coefs):
            return None
        used = [(x != 0) if x.dim() == 1 else (x != 0).any(1) for x in coefs if x is not None]
        some = torch.stack(used).any(0)
        return None if some.all() else some.nonzero().squeeze(1)

    def units(
        self, n: int, soften: Soften | None, most: int
    ) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The weight of every flat row's target, over the temperature: what p - y is multiplied by.

        Args:
            n: how many rows.
            soften: what turns probabilities as given into those computed with.
            most: rows that this is done to at a time.
        """
        unit = torch.zeros(n, dtype=torch.float64)
        if self.target is not None:
            unit += 1.0 if self.nll_coef is None else self.nll_coef
        if self.probs is not None:
            mass = torch.empty(n, dtype=torch.float64)
            shared = self.probs.dim() == 1
            for part in chunks(n, n if shared else most):
                probs = self.probs if shared else self.probs[part]
                mass[part] = (probs if soften is None else soften(probs)).sum(-1, dtype=mass.dtype)
            unit += mass if self.dense_coef is None else self.dense_coef * mass
        unit /= 1.0 if self.temperature is None else self.temperature
        return unit.numpy()


_WIDE = ("probs", "chosen", "chosen_coef")
_TENSORS = tuple(field.name for field in fields(Rows) if field.name != "softcap")


class Numbers(NamedTuple):
    """One number a row each, (...); None where not asked for."""

    nll: Tensor | None
    dense: Tensor | None
    lse: Tensor | None
    entropy: Tensor | None
    argmax: Tensor | None
    log_probs: Tensor | None  # (..., K)


def as_numbers(result: RowResults, log_probs: Tensor | None = None) -> Numbers:
    """Of the engine's arrays, without a copy."""
    nll, dense, lse, entropy, argmax = (None if x is None else torch.from_numpy(x) for x in result)
    return Numbers(nll, dense, lse, entropy, argmax, log_probs)
