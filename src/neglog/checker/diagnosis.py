"""From calls to findings: the formula, on easy rows, then the options, then the arithmetic."""

from dataclasses import replace
from typing import Any

import numpy as np

from . import battery
from .arithmetic import Arithmetic
from .battery import Case
from .edges import Edges
from .findings import Finding
from .gradient import Slopes, fit_gradient
from .mistakes import FORMULAS, OF_OPTIONS, Fit, Mistake, agrees, explanation, with_epsilon
from .notes import FAULTS, Notes
from .process.calls import Seen
from .recipe import TRUTH
from .trial import Trial

EASY = 2e-4  # relative: what ordinary float32 code is far within
COARSE = 5e-3  # float16 inside


class Diagnosis:
    """What is known of the function so far."""

    def __init__(self, trial: Trial, convention: str) -> None:
        self.trial = trial
        self.notes = Notes()
        self.kind = convention
        self.library = trial.process.hello.library
        self.options = trial.process.hello.options
        self.dtypes = DTYPES[self.library]
        self.times = 4 if self.library == "jax" else 1  # of a single row
        self.fit: Fit | None = None
        self.slopes: Slopes | None = None
        self.coarse = False
        self.easy: list[tuple[Case, Seen]] = []  # what the easy rows gave

    def run(self) -> None:
        """Make the calls, and note what they show."""
        if not self._formula():
            return
        self._gradient()
        self._options()
        arithmetic = Arithmetic(self.trial, self.notes, self.fit, self.slopes, self.kind)
        for dtype in self.dtypes:
            arithmetic.run(dtype, self.coarse, self.times)
        edges = Edges(arithmetic)
        edges.run(self.dtypes[0], self.library)
        if "ignore_index" in self.options and self.fit is not None:
            edges.ignored(self.dtypes[0])

    def _formula(self) -> bool:
        """Find the recipe; False if the function does not even answer."""
        cases = self._cases(battery.easy(self.dtypes[0], self.times))
        seen = self._stateless(cases)
        if all(one.how in FAULTS for _, one in seen):
            other = self._read_otherwise() if seen[0][1].how == "raised" else None
            if other is None:
                self.notes.fault(*seen[0], "wrong")
                return False
            seen = other
        for case, one in seen:
            self.notes.fault(case, one, "wrong")
        self.easy = seen = [(case, one) for case, one in seen if one.returned]
        rows = next(((c, s) for c, s in seen if s.rows is not None), None)
        if rows:
            self.notes.add("not-reduced", "wrong", rows[0], "one number", "one per row")
        if self.fit is None:
            self._explain(seen)
        return True

    def _cases(self, cases: list[Case]) -> list[Case]:
        return [case.read_as(self.kind) for case in cases]

    def _explain(self, seen: list[tuple[Case, Seen]]) -> None:
        """Name the mistakes that explain the easy rows, or the row that nothing explains."""
        self.fit = explanation(seen, TRUTH, FORMULAS, self._tolerance(seen))
        if self.fit is None and self._epsilon(seen):
            return
        if self.fit is None and self._read_otherwise() is not None:
            return
        if self.fit is None:
            self.fit = explanation(seen, TRUTH, FORMULAS, COARSE, most=1)
            self.coarse = self.fit is not None
        if self.fit is not None:
            self._note(self.fit.mistakes, *seen[0])
        elif "state" not in self.notes:
            case, one = max(seen, key=lambda pair: _off(*pair))
            self.notes.add("wrong-value", "wrong", case, float(TRUTH.value(case)), one.value)

    def _tolerance(self, seen: list[tuple[Case, Seen]]) -> float:
        return COARSE if any(one.dtype in ("float16", "bfloat16") for _, one in seen) else EASY

    def _note(self, mistakes: tuple[Mistake, ...], case: Case, seen: Seen, **values: str) -> None:
        for mistake in mistakes:
            said = mistake.values | values
            want = _number(TRUTH.value(case))
            got = seen.value if seen.rows is None else seen.rows.tolist()
            self.notes.add(mistake.code, "wrong", case, want, got, mistake.variant, None, **said)

    def _epsilon(self, seen: list[tuple[Case, Seen]]) -> bool:
        """Whether an epsilon that shows on easy rows explains them, with at most one mistake."""
        miss = battery.hard(self.dtypes[0], self.times)["miss"].read_as(self.kind)
        far = self.trial.see(miss)
        if not far.returned:
            return False
        starts = [Fit(TRUTH)]
        starts += [Fit(replace(TRUTH, **one.ingredients), (one,)) for one in FORMULAS]
        for start in starts:
            for fit in with_epsilon(start, miss, far):
                if all(agrees(case, one, fit.recipe, EASY) for case, one in seen):
                    self.fit = fit
                    self._note(fit.mistakes, *seen[0])
                    self.notes.epsilon(fit.recipe, "wrong", miss, TRUTH.value(miss), far.value)
                    return True
        return False

    def _read_otherwise(self) -> list[tuple[Case, Seen]] | None:
        """What was seen if the function gets what it expects, should that not be logits."""
        if self.kind != "logits":
            return None
        first = battery.easy(self.dtypes[0], self.times)
        as_logits = (first[0], self.trial.see(first[0]))
        for kind in battery.KINDS[1:]:
            seen = self.trial.all(case.read_as(kind) for case in first)
            if not all(one.returned for _, one in seen):
                continue
            fit = explanation(seen, TRUTH, FORMULAS, EASY, most=1)
            if fit is not None:
                self.fit, self.kind = fit, kind
                self._note((Mistake(kind, {}),), *as_logits)
                self._note(fit.mistakes, *seen[0])
                return seen
        return None

    def _stateless(self, cases: list[Case]) -> list[tuple[Case, Seen]]:
        """The easy rows, in a new process for each call if the function keeps something."""
        seen = self.trial.all(cases)
        first, other, again = seen[0][1], seen[1][1], self.trial.see(cases[0])
        if not first.returned:
            return seen
        if not _same(first, again):
            self.notes.add("state", "wrong", cases[0], first.value, again.value)
        elif not (_same(first, other) or other.how in FAULTS or _suspect(seen)):
            return seen
        if not self.trial.process.restarts:
            return seen
        self.trial.process.restart()  # type: ignore[union-attr]
        fresh = self.trial.see(cases[1])
        if _same(fresh, other) and "state" not in self.notes:
            return seen
        self.notes.add("state", "wrong", cases[1], fresh.value, other.value)
        self.trial.fresh = True
        if not _same(self.trial.see(cases[0]), first):
            self.notes.drop("state")
            self.notes.add("state", "wrong", cases[0], first.value, again.value, "random")
        return self.trial.all(cases)

    def _gradient(self) -> None:
        if self.kind != "logits" or self.trial.has_grad is False:
            return
        self.slopes = fit_gradient(self.easy, self.fit, self.notes, self.coarse)
        if self.trial.has_grad and all(one.grad is None for _, one in self.easy):
            self.notes.add("no-gradient", "wrong", self.easy[0][0], "a gradient", "none")

    def _options(self) -> None:
        """Each option that the function has, on top of what is known."""
        if self.fit is None:
            return
        cases = battery.with_options(self.dtypes[0])
        for name in (name for name in self.options if name in cases):
            seen = self.trial.all(self._cases(cases[name]))
            for case, one in seen:
                self._option(name, case, one)

    def _option(self, name: str, case: Case, seen: Seen) -> None:
        assert self.fit is not None
        if not seen.returned:
            if name == "ignore_index" and seen.how == "raised":
                want = _number(TRUTH.value(case))
                self.notes.add("ignored-rows", "wrong", case, want, seen.text, "kept")
            self.notes.fault(case, seen, "wrong")
            return
        tolerance = COARSE if self.coarse else EASY
        fit = explanation([(case, seen)], self.fit.recipe, OF_OPTIONS[name], tolerance, most=1)
        mistakes = (Mistake("option-wrong", {}),) if fit is None else fit.mistakes
        self._note(mistakes, case, seen, option=name)
        plain = fit is not None and not fit.mistakes and self.fit.has_rows and name != "reduction"
        if plain and self.slopes is not None:
            self.slopes.check(case, seen, self.fit.recipe, self.notes)


DTYPES = {"numpy": ("float64", "float32"), "torch": ("float32", "float64"), "jax": ("float32",)}


def _number(value: Any) -> Any:
    return [float(one) for one in value] if np.ndim(value) else float(value)


def _same(one: Seen, other: Seen) -> bool:
    """Whether two calls gave the same, the gradient included."""
    if one.how != other.how or not np.allclose(one.value, other.value, 1e-6, 0, equal_nan=True):
        return False
    if one.grad is None or other.grad is None or one.grad.shape != other.grad.shape:
        return True
    return bool(np.allclose(one.grad, other.grad, 1e-6, 1e-12, equal_nan=True))


def _suspect(seen: list[tuple[Case, Seen]]) -> bool:
    """Whether a later call failed and the first did not, as with a buffer of the first shape."""
    return any(one.how in FAULTS for _, one in seen[1:])


def _off(case: Case, seen: Seen) -> float:
    off = abs(seen.value - float(TRUTH.value(case)))
    return off if off == off else float("inf")


def found(trial: Trial, convention: str) -> tuple[list[Finding], list[tuple[str, str]]]:
    """The findings, the worst first, and the remarks."""
    diagnosis = Diagnosis(trial, convention)
    remarks = diagnosis.notes.of(trial, diagnosis.run)
    if trial.printed:
        remarks.insert(0, ("prints", " ".join(trial.printed.split())[:80]))
    if not trial.process.restarts:
        remarks.append(("here", ""))
    return diagnosis.notes.sorted(), remarks
