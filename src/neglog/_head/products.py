"""The products of a head: what NumPy's and torch's face each bring."""

from typing import Any, Protocol

from .._engine import Array

Which = Any  # rows of a chunk: a slice, or their numbers


class Products(Protocol):
    """The products of a chunk; `a` (n, V) is the gradient with respect to its logits."""

    def empty(self, shape: tuple[int, int]) -> Any:
        """In the dtype of the logits."""

    def logits(self, hidden: Any, classes: Any, bias: Any | None, out: Any) -> None:
        """Out = hidden @ classes.T + bias."""

    def times_classes(self, a: Any, classes: Any, out: Any, at: Which) -> None:
        """out[at] = a @ classes."""

    def add_times_hidden(self, a: Any, hidden: Any, out: Any) -> None:
        """Out += a.T @ hidden."""

    def add_sum(self, a: Any, out: Any) -> None:
        """Out += a.sum(0)."""


class Library(Products, Protocol):
    """What differs between array libraries whose memory the kernels read."""

    def memory_of(self, x: Any) -> Array:
        """What the kernels read: its rows, each contiguous, in a view if there is one."""

    def widened(self, x: Any) -> Array:
        """In the type that is computed in."""

    def narrowed(self, array: Array, like: Any) -> Any:
        """An array of the library again, of the dtype of `like`."""

    def weighted(self, weights: Array, x: Any) -> Any:
        """(g, D): weights (g, k) @ x (k, D), in the type that is computed in."""

    def add_outer(self, weights: Array, x: Any, out: Any) -> None:
        """Out (k, D) += weights' (k, g) @ x (g, D), of what `weighted` gives."""
