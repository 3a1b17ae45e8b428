"""The findings so far: one for each cause."""

from collections.abc import Callable
from typing import Any

from .battery import Case
from .findings import Finding, as_row
from .process.calls import Seen
from .recipe import Recipe
from .show.words import GRADES
from .trial import StoppedError, Trial

# How a call can end without a result, and the code of the finding.
FAULTS = {
    "raised": "raises",
    "hung": "hangs",
    "died": "crashes",
    "exited": "exits",
    "rubbish": "rubbish",
}


class Notes:
    """Findings by code; the first of a code is kept, because it shows on the plainest row."""

    def __init__(self) -> None:
        self.by_code: dict[str, Finding] = {}

    def __contains__(self, code: str) -> bool:
        return code in self.by_code

    def of(self, trial: Trial, run: Callable[[], object]) -> list[tuple[str, str]]:
        """Run the calls of a trial, and note how they ended and what they changed; the remarks."""
        remarks = []
        try:
            run()
        except StoppedError as stop:
            remarks.append(("stopped", str(stop)))
            if trial.fatal:
                self.fault(*trial.fatal[0], "wrong")
        for what, case in trial.changed.items():
            self.add(
                "input-changed", "wrong", case, f"{what} as before", "other numbers", what=what
            )
        return remarks

    def add(
        self,
        code: str,
        grade: str,
        case: Any,  # a Case or a HeadCase
        expected: Any,
        got: Any,
        variant: str = "",
        ulp: float | None = None,
        **values: str,
    ) -> None:
        finding = Finding(code, grade, as_row(case), expected, got, ulp, values, variant)
        self.by_code.setdefault(code, finding)

    def drop(self, code: str) -> None:
        del self.by_code[code]

    def fault(self, case: Any, seen: Seen, grade: str) -> bool:
        """Note a call that gave no result; whether it did not."""
        if seen.returned:
            return False
        variant = "none" if seen.text == "None" else ""
        code = FAULTS[seen.how]
        self.add(code, grade, case, "one number", seen.text, variant, text=seen.text)
        return True

    def epsilon(self, recipe: Recipe, grade: str, case: Case, want: Any, got: float) -> None:
        size = recipe.epsilon
        values = {"size": f"{size:.3g}", "most": f"{-float(_log(size)):.4g}"}
        self.add("epsilon", grade, case, float(want), got, recipe.epsilon_way, None, **values)

    def sorted(self) -> list[Finding]:
        return sorted(self.by_code.values(), key=lambda one: GRADES.index(one.grade))


def _log(size: float) -> float:
    import math

    return math.log(size)
