"""Gradients: which loss they belong to, and what is wrong with them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .battery import Case
from .mistakes import Fit
from .notes import Notes
from .process.calls import Seen
from .recipe import TRUTH, Exact, Recipe


class Slopes:
    """What the gradient of a function is: of which recipe, with which sign, which way round."""

    def __init__(
        self,
        recipe: Recipe,
        sign: int = 1,
        turned: bool = False,
        coarse: bool = False,
        short: bool = False,
    ) -> None:
        self.recipe, self.sign, self.turned = recipe, sign, turned
        self.tolerance = 5e-3 if coarse else 2e-4
        self.short = short

    def of(self, seen: Seen, case: Case) -> NDArray[np.float64] | None:
        """The function's gradient the right way round; None if it has another shape."""
        if seen.grad is None:
            return None
        grad = seen.grad.T if self.turned else seen.grad
        return grad if grad.shape == case.logits.shape else None

    def agree(self, case: Case, seen: Seen) -> bool:
        """Whether a gradient on easy rows is as expected."""
        grad = self.of(seen, case)
        if grad is None:
            return False
        slopes = self.recipe.short_gradient if self.short else self.recipe.gradient
        want = slopes(case) * self.sign
        return bool(np.all(np.abs(grad - want) <= self.tolerance * np.maximum(np.abs(want), 0.1)))

    def check(self, case: Case, seen: Seen, recipe: Recipe, notes: Notes) -> None:
        """Note the gradient of a call with options if it is not that of the loss."""
        own = replace(self.recipe, weights=recipe.weights, smoothing=recipe.smoothing)
        both = [Slopes(r, self.sign, self.turned) for r in (own, self.recipe)]
        if seen.grad is not None and not any(one.agree(case, seen) for one in both):
            note_wrong(notes, case, seen, own.gradient(case) * self.sign)


def fit_gradient(
    seen: Sequence[tuple[Case, Seen]], fit: Fit | None, notes: Notes, coarse: bool
) -> Slopes | None:
    """The slopes that explain every gradient; notes the mistakes in them, or that nothing does."""
    seen = [(case, one) for case, one in seen if one.grad is not None]
    if not seen:
        return None
    case, one = seen[0]
    for code, turned, slopes in _candidates(fit, coarse):
        if all(slopes.agree(case, one) for case, one in seen):
            want = slopes.recipe.gradient(case).tolist()
            got = one.grad.tolist() if one.grad is not None else None
            if turned:
                notes.add("transposed", "wrong", case, _floats(want), got)
            if code:
                notes.add(code, "wrong", case, _floats(want), got)
            return slopes
    recipe = fit.recipe if fit else TRUTH
    worst = [pair for pair in seen if not Slopes(recipe, coarse=coarse).agree(*pair)]
    if fit is not None or "state" not in notes:
        note_wrong(notes, *worst[0], recipe.gradient(worst[0][0]))
    return None


def _candidates(fit: Fit | None, coarse: bool) -> Iterator[tuple[str, bool, Slopes]]:
    """The gradient of the function's own loss, or of the right one, and what may be wrong."""
    own = fit.recipe if fit else TRUTH
    undivided = replace(own, reduction="sum")
    ways = [("", own, 1), ("", TRUTH, 1)]
    if undivided != own:
        ways += [("gradient-not-divided", undivided, 1)]
        ways += [("gradient-not-divided", replace(TRUTH, reduction="sum"), 1)]
    ways += [("gradient-sign", own, -1), ("gradient-sign", TRUTH, -1)]
    for turned in (False, True):
        for code, recipe, sign in ways:
            for short in (False, True):
                yield code, turned, Slopes(recipe, sign, turned, coarse, short)


def note_wrong(notes: Notes, case: Case, seen: Seen, want: Exact) -> None:
    """Note a gradient that nothing explains."""
    assert seen.grad is not None
    if seen.grad.shape != want.shape:
        notes.add(
            "wrong-gradient",
            "wrong",
            case,
            f"shape {want.shape}",
            f"shape {seen.grad.shape}",
            "shape",
        )
    else:
        notes.add("wrong-gradient", "wrong", case, _floats(want), seen.grad.tolist())


def _floats(values: Any) -> Any:
    return np.asarray(values, np.float64).tolist()
