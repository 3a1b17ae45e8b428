"""Losses with a linear layer in front: cases, and what they show."""

from dataclasses import replace
from typing import Any

import numpy as np

from .codes import GRADE_OF
from .notes import Notes
from .process.calls import Seen
from .process.head_calls import HeadCase
from .recipe import TRUTH
from .trial import Trial

N, D, V = 6, 3, 5
TOLERANCE = {"float64": 1e-6, "float32": 2e-4, "float16": 2e-2}
BIASES = ("bias", "linear_bias")


def plain_case(name: str, dtype: str, rows: int = N, **changes: Any) -> HeadCase:
    """Numbers of ordinary size, the same in every run."""
    random = np.random.default_rng(7)
    hidden = random.standard_normal((rows, D)).astype(dtype)
    classes = random.standard_normal((V, D)).astype(dtype)
    case = HeadCase(name, hidden, classes, random.integers(0, V, rows))
    return replace(case, **changes)


class Head:
    """Judges a loss of hidden, classes and target."""

    def __init__(self, trial: Trial) -> None:
        hello = trial.process.hello
        self.trial, self.notes, self.library = trial, Notes(), hello.library
        self.options = hello.options
        self.bias_name = next((name for name in BIASES if name in self.options), "")
        self.dtype = "float64" if self.library == "numpy" else "float32"

    def run(self) -> None:
        """Make the calls, and note what they show."""
        first = plain_case("hidden and classes", self.dtype)
        seen = self.trial.see(first)
        if self.notes.fault(first, seen, "wrong"):
            return
        self._value(first, seen, "head-value")
        self._slopes(first, seen)
        self._bias()
        self._ignored()
        if seen.grads and self.library != "numpy":
            self._upstream()
            self._frozen()
            self._halves()

    def _value(self, case: HeadCase, seen: Seen, code: str, **values: str) -> bool:
        """Whether the loss is right; notes that it is not."""
        want = np.asarray(TRUTH.value(case.rows()), np.float64)
        got = seen.value if want.ndim == 0 or seen.rows is None else seen.rows
        off = np.abs(np.asarray(got) - want)
        if np.all(off <= TOLERANCE[case.dtype] * np.maximum(np.abs(want), 1)):
            return True
        variant = "counted" if code == "ignored-rows" else ""
        grade, found = GRADE_OF[code], np.asarray(got).tolist()
        self.notes.add(code, grade, case, want.tolist(), found, variant, None, **values)
        return False

    def _slopes(self, case: HeadCase, seen: Seen, code: str = "", variant: str = "") -> None:
        """Note the first gradient that is missing or not right."""
        if not seen.returned or (not seen.grads and self.trial.has_grad is not True):
            return
        for what, want in case.gradients(case.upstream[-1]).items():
            if what in case.frozen:
                continue
            got = (seen.grads or {}).get(what)
            if got is None:
                self._note("head-no-gradient", case, want, "none", "", what)
            elif got.shape != want.shape or not _near(got, want, TOLERANCE[case.dtype]):
                self._note(code or "head-gradient", case, want, got.tolist(), variant, what)

    def _note(
        self, code: str, case: HeadCase, want: Any, got: Any, variant: str, what: str
    ) -> None:
        expected = np.asarray(want, np.float64).tolist()
        self.notes.add(code, GRADE_OF[code], case, expected, got, variant, None, what=what)

    def _call(self, case: HeadCase, grade: str = "wrong") -> Seen | None:
        seen = self.trial.see(case)
        return None if self.notes.fault(case, seen, grade) else seen

    def _bias(self) -> None:
        if not self.bias_name:
            return
        bias = np.linspace(-1, 1, V).astype(self.dtype)
        case = plain_case("a bias", self.dtype, bias=bias, bias_name=self.bias_name)
        seen = self._call(case)
        if seen is not None:
            without = float(TRUTH.value(replace(case, bias=None).rows()))
            left_out = abs(seen.value - without) < TOLERANCE[self.dtype]
            self._value(case, seen, "bias" if left_out else "head-value")
            if not left_out:
                self._slopes(case, seen)

    def _ignored(self) -> None:
        if "ignore_index" not in self.options:
            return
        case = plain_case("ignored rows", self.dtype)
        target = np.where(np.arange(N) % 3 == 1, -100, case.target)
        some = replace(case, target=target, options={"ignore_index": -100})
        none = replace(some, name="every row ignored", target=np.full(N, -100))
        seen = self._call(some)
        if seen is not None and self._value(some, seen, "ignored-rows"):
            self._slopes(some, seen)
        seen = self.trial.see(none)
        if not seen.returned or not np.isfinite(seen.value):
            got: Any = seen.value if seen.returned else seen.text
            self.notes.add("empty-mean", "fragile", none, 0.0, got)

    def _upstream(self) -> None:
        """The factor of the backward pass: other than 1, one per row, and in a second pass."""
        case = plain_case("a factor from above", self.dtype, upstream=(3.0,))
        self._judge(case, "upstream", "")
        self._judge(
            replace(case, name="a second backward pass", upstream=(1.0, 3.0)), "upstream", "second"
        )
        if "reduction" in self.options:
            factors = np.linspace(0.5, 2, N).astype(self.dtype)
            rows = replace(
                case, name="factors of rows", upstream=(factors,), options={"reduction": "none"}
            )
            seen = self._call(rows)
            if seen is not None and self._value(rows, seen, "option-wrong", option="reduction"):
                self._slopes(rows, seen, "upstream", "rows")

    def _judge(self, case: HeadCase, code: str, variant: str) -> None:
        seen = self.trial.see(case)
        if seen.how == "raised" and variant == "second":
            self.notes.add(code, "wrong", case, "a gradient", seen.text, variant)
        elif not self.notes.fault(case, seen, "wrong"):
            self._slopes(case, seen, code, variant)

    def _frozen(self) -> None:
        for what in ("hidden", "classes"):
            case = plain_case(f"frozen {what}", self.dtype, frozen=(what,))
            seen = self._call(case)
            if seen is not None and not seen.grads:
                seen = replace(seen, grads={"": np.zeros(1)})  # none at all
            if seen is not None:
                self._slopes(case, seen)

    def _halves(self) -> None:
        """The gradients of 2048 rows of float16, whose mean makes them small, and a loss scale."""
        case = plain_case("float16, a factor of 32768", "float16", 2048, upstream=(32768.0,))
        seen = self._call(case, "fragile")
        if seen is not None and self._value(case, seen, "half-sums"):
            self._slopes(case, seen, "half-gradient")


def _near(got: Any, want: Any, tolerance: float) -> bool:
    size = float(np.abs(want).max()) or 1.0
    return bool(np.all(np.abs(got - np.asarray(want, np.float64)) <= tolerance * size))


def found_in_head(trial: Trial) -> tuple[Any, list[tuple[str, str]]]:
    """The findings, the worst first, and the remarks."""
    head = Head(trial)
    remarks = head.notes.of(trial, head.run)
    return head.notes.sorted(), remarks
