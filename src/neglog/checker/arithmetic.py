"""The hard rows: what overflows, underflows, cancels or is rounded away."""

from typing import Any

import numpy as np

from . import battery
from .battery import Case
from .gradient import Slopes
from .mistakes import Fit, with_epsilon
from .notes import Notes
from .process.calls import Seen
from .recipe import TRUTH, Recipe
from .trial import Trial

ULPS = 64  # what sound code of a few lines is within
GROSS = 1e-2  # relative: more than digits
EPS = {
    name: float(np.finfo(name).eps) for name in ("float16", "float32", "float64", "longdouble")
} | {"bfloat16": 2.0**-7}


class Arithmetic:
    """Judges hard rows against the recipe of the function, whatever mistakes are in that."""

    def __init__(
        self, trial: Trial, notes: Notes, fit: Fit | None, slopes: Slopes | None, kind: str
    ) -> None:
        self.trial, self.notes, self.fit, self.slopes, self.kind = trial, notes, fit, slopes, kind
        self.recipe = fit.recipe if fit else TRUTH
        self.known = fit is not None
        self.epsilon = self.recipe.epsilon
        self.seen: dict[str, Seen] = {}
        self.cases: dict[str, Case] = {}
        self.eps = 0.0  # of the digits that the function has

    def run(self, dtype: str, coarse: bool, times: int) -> None:
        """The rows of one dtype."""
        self.cases = {n: c.read_as(self.kind) for n, c in battery.hard(dtype, times).items()}
        if self.kind != "logits":
            self.cases = {
                n: c
                for n, c in self.cases.items()
                if n not in ("large", "small", "apart", "offset")
            }
        self.seen = {name: self.trial.see(case) for name, case in self.cases.items()}
        if self._refused(dtype):
            return
        self._overflows()
        self._far_miss()
        self._masked()
        if self.known:
            self._digits(dtype, coarse)
            self._digits_lost()
            self._slopes()

    def _want(self, name: str) -> float:
        return float(self.recipe.value(self.cases[name]))

    def _bad(self, name: str) -> bool:
        """Whether a row has no result, or one that is not even nearly right."""
        seen = self.seen.get(name)
        if seen is None:
            return False
        if not seen.returned or not np.isfinite(seen.value):
            return True
        want = self._want(name)
        return self.known and abs(seen.value - want) > GROSS * max(abs(want), 1)

    def _refused(self, dtype: str) -> bool:
        """Whether the function does not take this dtype at all."""
        if any(seen.returned for seen in self.seen.values()):
            return False
        self.notes.fault(self.cases["sure"], self.seen["sure"], "fragile")
        return True

    def _note(self, code: str, name: str, variant: str = "", grade: str = "fragile") -> None:
        seen = self.seen[name]
        got: Any = seen.value if seen.returned else seen.text
        self.notes.add(code, grade, self.cases[name], self._want(name), got, variant)

    def _overflows(self) -> None:
        if self._bad("large"):
            self._note("no-shift", "large")
        elif "no-shift" not in self.notes:
            if self._bad("small"):
                self._note("underflow", "small", "sum")
            if self._bad("apart"):
                self._note("underflow", "apart", "batch")

    def _far_miss(self) -> None:
        """A probability of 0 has no log, and with an epsilon a wrong one."""
        if self.epsilon or not self._bad("miss"):
            return
        case, seen = self.cases["miss"], self.seen["miss"]
        if not seen.returned or not np.isfinite(seen.value):
            self._note("underflow", "miss")
            return
        guesses = list(with_epsilon(self.fit, case, seen)) if self.fit else []
        if not guesses:
            self._note("wrong-value", "miss")
            return
        recipe = min((fit.recipe for fit in guesses), key=self._distance)
        self.notes.epsilon(recipe, "fragile", case, self._want("miss"), seen.value)
        self.epsilon, self.recipe = recipe.epsilon, recipe

    def _distance(self, recipe: Recipe) -> float:
        """How far a recipe is from what an unlikely target and a confident row gave."""
        names = [n for n in ("unlikely", "sure") if self.seen[n].returned]
        return sum(abs(self.seen[n].value - float(recipe.value(self.cases[n]))) for n in names)

    def _masked(self) -> None:
        seen, want = self.seen["masked"], self._want("masked")
        if self._bad("masked") and np.isfinite(want):
            self._note("masked-nan", "masked")
        elif seen.grad is not None and not np.all(np.isfinite(seen.grad)) and seen.returned:
            self.notes.add(
                "masked-nan",
                "fragile",
                self.cases["masked"],
                "a finite gradient",
                seen.grad.tolist(),
            )

    def _digits(self, dtype: str, coarse: bool) -> None:
        """How many digits the function has at all: those of its dtype, or fewer."""
        self.eps = EPS[dtype]
        seen = self.seen["unlikely"]
        if seen.dtype in EPS and EPS[seen.dtype] > self.eps:
            self._narrow("", seen.dtype)
        elif dtype == "float64" and seen.returned:
            case = self.cases["unlikely"]
            want = float(self.recipe.value(case))
            off = abs(seen.value - want) / max(abs(want), 1e-3)
            if coarse or 2e-10 < off < 1e-5:
                self._narrow("inside", "float16" if coarse else "float32")
        if seen.grad_dtype in EPS and EPS[seen.grad_dtype] > EPS[dtype]:
            self._narrow("", seen.grad_dtype)

    def _narrow(self, variant: str, dtype: str) -> None:
        self.eps = EPS[dtype]
        want, case = self._want("unlikely"), self.cases["unlikely"]
        got = self.seen["unlikely"].value
        ulp = abs(got - want) / (abs(want) * EPS[case.dtype])
        self.notes.add("wrong-dtype", "imprecise", case, want, got, variant, ulp, dtype=dtype)

    def _digits_lost(self) -> None:
        """Of each cause the row that has lost the most."""
        worst: dict[str, tuple[float, str]] = {}
        for name in self.cases:
            ulp, code = self._lost(name)
            if code and ulp > worst.get(code, (0.0, ""))[0]:
                worst[code] = (ulp, name)
        for code, (ulp, name) in worst.items():
            case, seen = self.cases[name], self.seen[name]
            self.notes.add(code, "imprecise", case, self._want(name), seen.value, "", ulp)

    def _lost(self, name: str) -> tuple[float, str]:
        """The error of a row that is nearly right, in ulp, and the code of its cause, if any."""
        case, seen = self.cases[name], self.seen[name]
        if self._bad(name) or not seen.returned:
            return 0.0, ""
        want = self._want(name)
        off = abs(seen.value - want)
        ulp = off / (abs(want) * self.eps) if want else 0.0
        if ulp <= ULPS or self._explained(off, name):
            return 0.0, ""
        finite = case.logits[np.isfinite(case.logits)]
        cancelled = off <= 8 * self.eps * (1 + float(np.abs(finite).max()))
        return ulp, "cancellation" if cancelled else "imprecise"

    def _explained(self, off: float, name: str) -> bool:
        """Whether a log of p, which has an absolute error, is known to be the cause."""
        of_p = self.epsilon or ("underflow" in self.notes and self._bad("miss"))
        return bool(of_p) and off <= 8 * self.eps + 2 * self.epsilon

    def _slopes(self) -> None:
        """The gradients of rows whose loss is nearly right."""
        if self.slopes is None or self.fit is None or not self.fit.has_rows:
            return
        for name, case in self.cases.items():
            grad = self.slopes.of(self.seen[name], case)
            if grad is None or self._bad(name) or not np.all(np.isfinite(grad)) or name == "apart":
                if grad is not None and not self._bad(name) and name not in ("apart", "masked"):
                    self._slope_note("wrong-gradient", name, grad, "fragile", "hard")
                continue
            self._slope(name, grad)

    def _slope(self, name: str, grad: Any) -> None:
        assert self.slopes is not None
        case = self.cases[name]
        recipe, target = self.slopes.recipe, int(case.target[0])
        want = np.asarray(recipe.exact_gradient(case) * self.slopes.sign, np.float64)
        off = np.abs(grad - want)[0]
        small = np.abs(want[0]) < np.finfo(case.dtype).tiny
        late = off > ULPS * self.eps * np.abs(want[0])
        late &= ~small | (off > 1e-30)
        if not late.any() or self._epsilon_explains(case, want, off, grad):
            return
        finite = case.logits[np.isfinite(case.logits)]
        scale = max(1.0, float(np.abs(want).max()))
        if off.max() <= 8 * self.eps * scale and late[target]:
            ulp = float(off[target] / (abs(want[0, target]) * self.eps))
            self._slope_note("gradient-cancellation", name, grad, "imprecise", ulp=ulp)
        elif off.max() <= 8 * self.eps * (1 + float(np.abs(finite).max())):
            self._slope_note("cancellation", name, grad, "imprecise")
        else:
            self._slope_note("wrong-gradient", name, grad, "fragile", "hard")

    def _epsilon_explains(self, case: Case, want: Any, off: Any, grad: Any) -> bool:
        """An epsilon makes the gradient smaller where the probability is as small as it is."""
        if not self.epsilon:
            return False
        loss = np.exp(-float(TRUTH.value(case)))
        share = self.epsilon / (loss + self.epsilon)
        vanished = np.all(grad == 0) and (loss <= self.epsilon or 1 - loss <= 2 * self.epsilon)
        return bool(
            vanished
            or (
                np.all(off <= (share + ULPS * self.eps) * np.abs(want).max() * 1.01)
                and share > 1e-3
            )
        )

    def _slope_note(
        self,
        code: str,
        name: str,
        grad: Any,
        grade: str,
        variant: str = "",
        ulp: float | None = None,
    ) -> None:
        assert self.slopes is not None
        case = self.cases[name]
        want = self.slopes.recipe.exact_gradient(case) * self.slopes.sign
        want = np.asarray(want, np.float64).tolist()
        self.notes.add(code, grade, case, want, np.asarray(grad).tolist(), variant, ulp)
