"""Rows whose logits come a panel of classes at a time.

A panel is reduced into the states of its rows, and may be forgotten then. States of other panels,
computed elsewhere, can be merged. Once all classes are in, the states give the results of the rows
and the gradient of each panel whose logits are made again.
"""

import numpy as np

from .. import _kernels
from .rows import Array, RowResults, bits, code, places


def new_states(n: int) -> Array:
    """A place for the states of n rows."""
    return np.empty((n, _kernels.state_numbers))


class Panels:
    """The results and the gradient that `run_rows` gives for all classes at once, without softcap.

    `reduce` takes each panel once, in any order; `finish` and `write_gradient` need all of them.
    """

    def __init__(
        self,
        n: int,
        num_classes: int,
        target: Array | None = None,  # (N,) int32 or int64
        probs: Array | None = None,  # (V,), for all rows
        temperature: float | Array | None = None,  # or (N,)
        *,
        nll_coef: Array | None = None,  # (N,), as all coefficients
        dense_coef: Array | None = None,
        lse_coef: Array | None = None,
        square_coef: Array | None = None,
        entropy_coef: Array | None = None,
        scale: float = 1.0,
        lse: bool = False,
        entropy: bool = False,
        argmax: bool = False,
        states: Array | None = None,  # that `run_rows` has left: nothing is to be reduced
    ) -> None:
        self._num_classes, self._target, self._probs, self._scale = (
            num_classes,
            target,
            probs,
            scale,
        )
        self._temperature = 1.0 if temperature is None else temperature
        self._coefficients = nll_coef, dense_coef, lse_coef, square_coef, entropy_coef
        self._results = places(n, target, probs, lse or square_coef is not None, entropy, argmax)
        self._compute = 0 if probs is None else code(probs)
        self.states = new_states(n) if states is None else states
        if states is None:
            _kernels.clear_states(self.states)

    def reduce(self, logits: Array, first: int) -> None:
        """Reduce the logits (N, width) of the classes from `first` on into the states."""
        panel = bits(logits), first, self._num_classes, self._problem(first, logits.shape[1])
        _kernels.reduce_panel(code(logits), self.states, *panel, self._results)

    def merge(self, states: Array) -> None:
        """Add the states (N, ...) of the same rows in which other panels were reduced."""
        _kernels.merge_states(self.states, states, self._temperature)

    def finish(self) -> RowResults:
        """The results of the rows, as `run_rows` returns them."""
        problem = self._problem(0, self._num_classes)
        _kernels.finish_states(
            self._compute, self.states, self._num_classes, problem, self._results
        )
        return self._results

    def write_gradient(self, logits: Array, first: int, out: Array | None = None) -> None:
        """Write scale * dL/dlogits of a panel, over its logits or to `out`; L as in `run_rows`."""
        panel = bits(logits), first, self._num_classes, self._problem(first, logits.shape[1])
        to = None if out is None else bits(out)
        _kernels.write_panel(code(logits), self.states, *panel, self._scale, to)

    def _problem(self, first: int, width: int) -> tuple[object, ...]:
        """What goes along with the rows; of the probabilities those of a panel."""
        probs = None if self._probs is None else self._probs[None, first : first + width]
        return self._target, probs, self._temperature, *self._coefficients
