"""The head: logits = hidden @ classes.T + bias, a chunk of rows at a time, never all of them.

Written once for NumPy arrays and torch tensors. One product gives a chunk's logits, one pass of the
engine overwrites them with their gradient, and two products carry that to hidden and classes.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

from .products import Products, Which

_LEAST_MEMORY = 64 * 2**20  # bytes

Pass = Callable[[Any, Which], None]  # (logits of a chunk, its rows) -> their gradient in place


class Head(NamedTuple):
    """The linear layer in front of the loss."""

    hidden: Any  # (N, D)
    classes: Any  # (V, D)
    bias: Any | None  # (V,)


class Gradients(NamedTuple):
    """Where the gradients go; None: not computed."""

    hidden: Any | None  # (N, D)
    classes: Any | None  # (V, D)
    bias: Any | None  # (V,)


class Sparse(Protocol):
    """Takes a chunk's gradient to those of the head by other means than two products."""

    def take(self, gradient: Any, rows: slice) -> bool:
        """Take the gradient of a chunk, rows of the order; False: left to the two products."""

    def end(self) -> None:
        """Finish, after the last chunk."""


def default_memory(num_classes: int, width: int, itemsize: int) -> int:
    """Bytes for the logits of a chunk: as many as the classes take, but at least 64 MiB.

    A chunk then has as many rows as hidden has columns. With fewer rows the products are slower,
    because each of them reads all classes, or adds to all of their gradient.
    """
    return max(_LEAST_MEMORY, num_classes * width * itemsize)


def chunk_of(num_classes: int, itemsize: float, memory: int) -> int:
    """Number of rows of logits that fit, from the shapes alone, so that results do not vary.

    Raises:
        ValueError: the memory does not hold one row.
    """
    row = round(num_classes * itemsize)
    if memory < row:
        raise ValueError(
            f"memory must hold one row of logits, {row} bytes for {num_classes} classes, got"
            f" {memory}"
        )
    return memory // row


def chunks(n: int, most: int) -> Iterator[slice]:
    """Slices of 0 to n of nearly equal length, at most `most` each."""
    count = -(-n // most)
    bounds = [n * k // count for k in range(count + 1)] if count else []
    return map(slice, bounds, bounds[1:])


def blocks(n: int, size: int) -> Iterator[slice]:
    """Slices of 0 to n of this size; the last may be shorter."""
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def run(
    products: Products,
    head: Head,
    into: Gradients,
    most: int,
    pass_: Pass,
    order: Any | None = None,
    sparse: Sparse | None = None,
) -> None:
    """Compute each chunk of rows: its logits, the engine's pass over them, the gradients.

    Args:
        products: NumPy's or torch's.
        head: hidden states and classes.
        into: where the gradients go; those of rows left out are not written.
        most: the largest number of rows of a chunk.
        pass_: overwrites a chunk's logits with their gradient.
        order: the rows to compute, in this order; None: all.
        sparse: may take a chunk's gradient instead of the two products.
    """
    n, num_classes = len(head.hidden if order is None else order), len(head.classes)
    longest = max((rows.stop - rows.start for rows in chunks(n, most)), default=0)
    place = products.empty((longest, num_classes))
    for rows in chunks(n, most):
        which = rows if order is None else order[rows]
        hidden, logits = head.hidden[which], place[: rows.stop - rows.start]
        products.logits(hidden, head.classes, head.bias, logits)
        pass_(logits, which)
        if into.bias is not None:
            products.add_sum(logits, into.bias)
        if sparse is not None and sparse.take(logits, rows):
            continue
        if into.hidden is not None:
            products.times_classes(logits, head.classes, into.hidden, which)
        if into.classes is not None:
            begun = rows.start > 0 or sparse is not None
            products.add_times_hidden(logits, hidden, into.classes, begun=begun)
    if sparse is not None:
        sparse.end()
