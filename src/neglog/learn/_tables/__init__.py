"""From the columns of a table to the features of a model, and what is said about it."""

from .measure import Measure, add, decide
from .recipe import OneHot, Recipe, Scaled, kind_of, recipe_of

__all__ = ["Measure", "OneHot", "Recipe", "Scaled", "add", "decide", "kind_of", "recipe_of"]
