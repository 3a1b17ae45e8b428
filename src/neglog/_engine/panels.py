"""Rows whose logits come a panel of classes at a time."""

import numpy as np

from .. import _kernels
from .rows import Array, bits, code, places


class Panels:
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
        self.result = places(n, target, probs, lse, entropy, argmax)
        self._num_classes, self._target, self._probs = num_classes, target, probs
        self._temperature = 1.0 if temperature is None else temperature
        self._known, self._target_logit = np.empty((n, 8)), np.zeros(n)

    def add(self, logits: Array, first: int) -> None:
        """The logits (N, width) of the classes from `first` on."""
        probs = self._probs
        _kernels.sweep(
            code(logits),
            bits(logits),
            first,
            self._num_classes,
            self._known,
            self._target_logit,
            self._target,
            None if probs is None else probs[None, first : first + logits.shape[1]],
            self._temperature,
            *self.result,
        )
