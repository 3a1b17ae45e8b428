"""Mistakes as other ingredients of the recipe, and the search for those that explain the calls."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np

from .battery import Case
from .process.calls import Seen
from .recipe import Recipe


@dataclass(frozen=True)
class Mistake:
    """A finding's code, the ingredients that it replaces, and what its sentence says."""

    code: str
    ingredients: dict[str, Any]
    variant: str = ""
    values: dict[str, str] = field(default_factory=dict)


FORMULAS = (
    Mistake("softmax-twice", {"softmaxes": 2}),
    Mistake("wrong-axis", {"axis": 0}),
    Mistake("wrong-axis", {"axis": None}, "whole"),
    Mistake("log-base", {"base": "2"}, "", {"base": "2", "factor": "1.442695"}),
    Mistake("log-base", {"base": "10"}, "", {"base": "10", "factor": "0.4342945"}),
    Mistake("sum-for-mean", {"reduction": "sum"}),
    Mistake("divided-by-classes", {"reduction": "classes"}),
    Mistake("divided-by-classes", {"reduction": "entries"}, "entries"),
    Mistake("sign", {"sign": -1}),
    Mistake("argmax", {"formula": "argmax"}),
    Mistake("one-vs-rest", {"formula": "one-vs-rest"}),
    Mistake("binary", {"formula": "sigmoids"}),
    Mistake("binary", {"formula": "sigmoids", "reduction": "entries"}),
    Mistake("binary", {"formula": "sigmoid"}),
)
OF_OPTIONS = {
    "weight": (
        Mistake("weights-denominator", {"weights": "outside"}),
        Mistake("option-unused", {"weights": "unused"}),
    ),
    "label_smoothing": (
        Mistake("smoothing-classes", {"smoothing": "others"}),
        Mistake("option-unused", {"smoothing": "unused"}),
    ),
    "ignore_index": (
        Mistake("ignored-rows", {"ignored": "counted"}, "counted"),
        Mistake("ignored-rows", {"ignored": "kept"}, "kept"),
    ),
    "reduction": (Mistake("option-unused", {"asked": "unused"}),),
}


@dataclass(frozen=True)
class Fit:
    """The recipe that explains what was seen, and the mistakes in it."""

    recipe: Recipe
    mistakes: tuple[Mistake, ...] = ()

    @property
    def has_rows(self) -> bool:
        """Whether the gradient of a row is p - y times a number."""
        plain = (self.recipe.softmaxes, self.recipe.axis, self.recipe.formula)
        return plain == (1, 1, "nll")


def explanation(
    seen: Sequence[tuple[Case, Seen]],
    start: Recipe,
    mistakes: Sequence[Mistake],
    tolerance: float,
    most: int = 3,
) -> Fit | None:
    """The fewest mistakes that explain every value, or None."""
    for count in range(most + 1):
        for some in combinations(mistakes, count):
            recipe = _with(start, some)
            if recipe is not None and all(
                agrees(case, one, recipe, tolerance) for case, one in seen
            ):
                return Fit(recipe, some)
    return None


def _with(start: Recipe, mistakes: Iterable[Mistake]) -> Recipe | None:
    """The recipe with all of them; None if two replace the same ingredient."""
    together: dict[str, Any] = {}
    for mistake in mistakes:
        if together.keys() & mistake.ingredients.keys():
            return None
        together |= mistake.ingredients
    return replace(start, **together)


def agrees(case: Case, seen: Seen, recipe: Recipe, tolerance: float) -> bool:
    """Whether the function returned what the recipe gives."""
    want = recipe.value(case)
    if np.ndim(want):
        got: Any = seen.rows
        if got is None or got.shape != want.shape:
            return False
    else:
        got = seen.value
    off = np.abs(got - want) - tolerance * np.maximum(np.abs(want), 1)
    return bool(np.all(off <= 0))


def with_epsilon(fit: Fit, case: Case, seen: Seen) -> Iterator[Fit]:
    """The recipe with an epsilon that would give what was seen on a far miss."""
    scale = float(fit.recipe.scale(case))
    lost = seen.value / scale if scale else float("nan")
    right = float(fit.recipe.value(case)) / scale
    if fit.recipe.formula != "nll" or not 1e-3 < lost < min(0.98 * right, 720):
        return
    size = float(np.exp(-lost))
    for way in ("add", "clip"):
        yield replace(fit, recipe=replace(fit.recipe, epsilon=size, epsilon_way=way))
