"""Gradients: which loss they belong to, and what is wrong with them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .battery import Case
from .calls import Seen
from .mistakes import Fit
from .notes import Notes
from .recipe import TRUTH, Exact, Recipe

Factor = Callable[[Case], float]
# What the right gradient is multiplied by, and the code of that; none is right.
FACTORS: tuple[tuple[str, Factor], ...] = (
    ("", lambda case: 1.0),
    ("gradient-not-divided", lambda case: float(len(case.target))),
    ("gradient-sign", lambda case: -1.0),
)


class Slopes:
    """What the gradient of a function is: of which recipe, times which factor, which way round."""

    def __init__(self, recipe: Recipe, factor: Factor, turned: bool, coarse: bool) -> None:
        self.recipe = recipe
        self.factor = factor
        self.turned = turned
        self.tolerance = 5e-3 if coarse else 2e-4

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
        want = self.recipe.gradient(case) * self.factor(case)
        return bool(np.all(np.abs(grad - want) <= self.tolerance * np.maximum(np.abs(want), 0.1)))

    def check(self, case: Case, seen: Seen, recipe: Recipe, notes: Notes) -> None:
        """Note the gradient of a call with options if it is not that of the loss."""
        both = [Slopes(r, self.factor, self.turned, False) for r in (recipe, TRUTH)]
        if seen.grad is not None and not any(one.agree(case, seen) for one in both):
            note_wrong(notes, case, seen, recipe.gradient(case) * self.factor(case))


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
    worst = next((pair for pair in seen if not Slopes(recipe, FACTORS[0][1], False, coarse).agree(*pair)), seen[0])
    if fit is not None or "state" not in notes:
        note_wrong(notes, *worst, recipe.gradient(worst[0]))
    return None


def _candidates(fit: Fit | None, coarse: bool) -> Iterator[tuple[str, bool, Slopes]]:
    """The gradient of the function's own loss, or of the right one, and what may be wrong."""
    recipes = [fit.recipe if fit else TRUTH, TRUTH]
    for turned in (False, True):
        for code, factor in FACTORS:
            for recipe in dict.fromkeys(recipes):
                yield code, turned, Slopes(recipe, factor, turned, coarse)


def note_wrong(notes: Notes, case: Case, seen: Seen, want: Exact) -> None:
    """Note a gradient that nothing explains."""
    assert seen.grad is not None
    if seen.grad.shape != want.shape:
        notes.add(
            "wrong-gradient", "wrong", case, f"shape {want.shape}", f"shape {seen.grad.shape}", "shape"
        )
    else:
        notes.add("wrong-gradient", "wrong", case, _floats(want), seen.grad.tolist())


def _floats(values: Any) -> Any:
    return np.asarray(values, np.float64).tolist()
