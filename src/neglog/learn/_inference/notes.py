"""What is not valid in a summary, in words."""

from collections.abc import Sequence
from typing import Any

from ..._show.words import listed, printable
from .._separation import Separation


def penalised(l2: float) -> str:
    return (
        f"l2={l2:g}: coefficients are drawn towards 0, so z, p, the LR test, AIC and BIC are not "
        "valid and are left out. Standard errors and intervals are those of a normal prior on the "
        "coefficients (their curvature at the optimum). Fit with l2=0 for tests"
    )


def class_weighted(robust: bool) -> str:
    errors = "" if robust else ", standard errors only with robust=True"
    return (
        "class_weight: this is a weighted likelihood, so the LR test, AIC and BIC are not valid "
        f"and are left out{errors}"
    )


def collinear(relation: list[str]) -> str:
    first, *others = (repr(printable(name)) for name in relation)
    if relation[1:] in ([], ["intercept"]):
        return f"feature {first} is constant: its coefficient and the intercept have no own values"
    return (
        f"feature {first} follows from {listed(others)} (collinear): their coefficients have no "
        "own values; leave one of them out"
    )


def no_maximum(found: Separation | None, classes: Sequence[Any], names: Sequence[str]) -> str:
    if found is None:
        return (
            "the model is not at the maximum for these rows: they are not those of the fit, or it "
            "stopped early; errors and tests are not valid"
        )
    return (
        f"{found.text(classes, names)}: no maximum exists, and the "
        "coefficients concerned have no standard errors; fit with l2 > 0"
    )
