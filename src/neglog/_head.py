"""The head: logits = hidden @ classes.T + bias, a chunk of rows at a time, never all of them.

Written once for NumPy arrays and torch tensors. A chunk's logits are one product; one pass of the
engine turns them into their gradient where they lie; two products carry that to hidden and classes.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

MEMORY = 64 * 2**20  # bytes for the logits of a chunk

Pass = Callable[[Any, slice], None]  # (logits of a chunk, its rows) -> their gradient in place


class Library(NamedTuple):
    """What differs between array libraries."""

    matmul: Callable[..., Any]  # matmul(a, b, out=, plus=None): out = a @ b + plus
    add_matmul: Callable[[Any, Any, Any], None]  # (a, b, out): out += a @ b
    add_sum: Callable[[Any, Any], None]  # (a, out): out += a.sum(0)
    empty: Callable[[tuple[int, int]], Any]  # in the dtype of the logits


class Head(NamedTuple):
    """The linear layer in front of the loss."""

    hidden: Any  # (N, D)
    classes: Any  # (V, D)
    bias: Any | None  # (V,)


class Gradients(NamedTuple):
    """Where the gradients go; None: not wanted, and then not computed."""

    hidden: Any | None  # (N, D)
    classes: Any | None  # (V, D)
    bias: Any | None  # (V,)


def chunk_of(num_classes: int, itemsize: int, memory: int) -> int:
    """How many rows of logits fit: from the shapes alone, so that results do not change.

    Raises:
        ValueError: not even one fits.
    """
    row = num_classes * itemsize
    if memory < row:
        raise ValueError(
            f"memory must hold one row of logits, {row} bytes for {num_classes} classes, got"
            f" {memory}"
        )
    return memory // row


def chunks(n: int, most: int) -> Iterator[slice]:
    """0 to n in slices of nearly equal length, none above `most`."""
    count = -(-n // most)
    bounds = [n * k // count for k in range(count + 1)] if count else []
    return map(slice, bounds, bounds[1:])


def run(library: Library, head: Head, into: Gradients, most: int, pass_: Pass) -> None:
    """Every chunk of rows: its logits, the engine's pass over them, and the gradients asked for."""
    n, num_classes = len(head.hidden), len(head.classes)
    longest = max((rows.stop - rows.start for rows in chunks(n, most)), default=0)
    place = library.empty((longest, num_classes))
    for rows in chunks(n, most):
        hidden, logits = head.hidden[rows], place[: rows.stop - rows.start]
        library.matmul(hidden, head.classes.T, out=logits, plus=head.bias)
        pass_(logits, rows)
        if into.hidden is not None:
            library.matmul(logits, head.classes, out=into.hidden[rows])
        if into.classes is not None:
            library.add_matmul(logits.T, hidden, into.classes)
        if into.bias is not None:
            library.add_sum(logits, into.bias)
