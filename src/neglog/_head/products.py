"""The matrix products of a head: each face brings its own library's."""

from typing import Any, Protocol

from .._engine import Array

Which = Any  # rows of a chunk: a slice, or their numbers


class Products(Protocol):
    """What differs between array libraries; `a` (n, V) is the gradient for a chunk's logits."""

    def empty(self, shape: tuple[int, int]) -> Any:
        """An uninitialized array in the dtype of the logits."""

    def logits(self, hidden: Any, classes: Any, bias: Any | None, out: Any) -> None:
        """Out = hidden @ classes.T + bias."""

    def times_classes(self, a: Any, classes: Any, out: Any, at: Which) -> None:
        """out[at] = a @ classes."""

    def add_times_hidden(self, a: Any, hidden: Any, out: Any, *, begun: bool) -> None:
        """Out += a.T @ hidden; overwrites `out` if the sum has not begun."""

    def add_sum(self, a: Any, out: Any) -> None:
        """Out += a.sum(0)."""


class PanelProducts(Products, Protocol):
    """What the gradients of panels need in addition."""

    def sums(self, shape: tuple[int, int]) -> Any:
        """An uninitialized array in the dtype of sums, the one that is computed in."""

    def add_times_classes(self, a: Any, classes: Any, out: Any, at: Which) -> None:
        """out[at] += a @ classes."""


class CpuProducts(Products, Protocol):
    """What differs between array libraries whose memory the kernels read."""

    def memory_of(self, x: Any) -> Array:
        """NumPy's view of x, or a copy if its rows are not contiguous: what the kernels read."""

    def widened(self, x: Any) -> Array:
        """X in the type that is computed in."""

    def narrowed(self, array: Array, like: Any) -> Any:
        """Back to the library's array type, in the dtype of `like`."""

    def weighted(self, weights: Array, x: Any) -> Any:
        """Weights (g, k) @ x (k, D), in the type that is computed in."""

    def add_outer(self, weights: Array, x: Any, out: Any) -> None:
        """Out (k, D) += weights' (k, g) @ x (g, D), x as returned by `weighted`."""
