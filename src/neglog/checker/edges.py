"""Beyond the plain call: halves, whole numbers, targets that are no classes, ignored rows."""

from typing import Any

import numpy as np

from . import battery
from .arithmetic import EPS, GROSS, Arithmetic
from .battery import Case
from .mistakes import agrees


class Edges:
    """Judges them against the recipe of the function, an epsilon included."""

    def __init__(self, arithmetic: Arithmetic) -> None:
        self.trial, self.notes = arithmetic.trial, arithmetic.notes
        self.recipe, self.known = arithmetic.recipe, arithmetic.known
        self.epsilon, self.kind = arithmetic.epsilon, arithmetic.kind

    def run(self, dtype: str, library: str) -> None:
        """Halves, whole numbers, and targets that are no classes."""
        if self.kind == "logits" and self.known:
            self._halves()
            if library == "numpy":
                self._whole_numbers()
        self._outside(dtype)

    def _halves(self) -> None:
        case = battery.halves()
        seen = self.trial.see(case)
        want = float(self.recipe.value(case))
        if self.notes.fault(case, seen, "fragile"):
            return
        narrow = seen.dtype in ("float16", "bfloat16")
        too_large = narrow and abs(want) > float(
            np.finfo(np.float16).max
        )  # a sum, and meant to be one
        if not agrees(case, seen, self.recipe, 8 * EPS["float16"]) and not too_large:
            if not self._known_far():
                self.notes.add("half-sums", "fragile", case, want, seen.value)
        elif narrow:
            off = abs(seen.value - want) / (abs(want) * EPS["float32"])
            ulp = off if np.isfinite(off) else None
            self.notes.add("half-result", "imprecise", case, want, seen.value, "", ulp)

    def _known_far(self) -> bool:
        """Whether far rows are known to go wrong, so that those of halves say nothing new."""
        return self.epsilon > 1e-5

    def _whole_numbers(self) -> None:
        case = battery.whole_numbers()
        seen = self.trial.see(case)
        known = {"no-shift", "underflow", "epsilon"} & self.notes.by_code.keys()
        if seen.returned and not known and not agrees(case, seen, self.recipe, GROSS):
            want = float(self.recipe.value(case))
            self.notes.add("integer-logits", "fragile", case, want, seen.value)

    def _outside(self, dtype: str) -> None:
        for case in (one.read_as(self.kind) for one in battery.outside(dtype)):
            seen = self.trial.see(case)
            if seen.how in ("hung", "died", "exited"):
                self.notes.fault(case, seen, "fragile")
            if seen.returned and np.isfinite(seen.value):
                last = np.where(case.target < 0, case.logits.shape[1] - 1, case.target)
                wrapped = Case(case.name, case.logits, last, {}, case.kind)
                wraps = (case.target >= 0).all() or not agrees(wrapped, seen, self.recipe, 1e-3)
                self.notes.add(
                    "target-range",
                    "fragile",
                    case,
                    "IndexError or nan",
                    seen.value,
                    "" if wraps else "wraps",
                )

    def ignored(self, dtype: str) -> None:
        """What an ignored row must not do."""
        if "ignored-rows" in self.notes:
            return
        leak, empty = (case.read_as(self.kind) for case in battery.ignored(dtype))
        for code, case in (("ignored-leak", leak), ("empty-mean", empty)):
            seen = self.trial.see(case)
            grad = seen.grad is None or bool(np.all(np.isfinite(seen.grad)))
            if not seen.returned or not np.isfinite(seen.value) or not grad:
                got: Any = (
                    seen.value if grad and seen.returned else seen.text or "nan in the gradient"
                )
                self.notes.add(code, "fragile", case, float(self.recipe.value(case)), got)
