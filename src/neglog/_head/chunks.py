"""The head: logits = hidden @ classes.T + bias, a chunk of rows at a time, never all of them.

Written once for NumPy arrays and torch tensors. A chunk's logits are one product; one pass of the
engine turns them into their gradient where they lie; two products carry that to hidden and classes.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

from .products import Products, Which

MEMORY = 64 * 2**20  # bytes for the logits of a chunk

Pass = Callable[[Any, Which], None]  # (logits of a chunk, its rows) -> their gradient in place
Add = Callable[[Any, int], None]  # (logits of a panel of classes, its first class)

_PANEL = 8192  # classes of a panel
_TALL = 2048  # rows of a panel


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


class Sparse(Protocol):
    """Another way from a chunk's gradient to those of the head than two products."""

    def take(self, gradient: Any, rows: slice) -> bool:
        """Whether the gradient of a chunk, of these rows in the order, went this way."""

    def end(self) -> None:
        """After the last chunk."""


def chunk_of(num_classes: int, itemsize: float, memory: int) -> int:
    """How many rows of logits fit: from the shapes alone, so that results do not change.

    Raises:
        ValueError: not even one fits.
    """
    row = round(num_classes * itemsize)
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


def blocks(n: int, size: int) -> Iterator[slice]:
    """0 to n in slices of this size; the last may be shorter."""
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def run(
    library: Products,
    head: Head,
    into: Gradients,
    most: int,
    pass_: Pass,
    order: Any | None = None,
    sparse: Sparse | None = None,
) -> None:
    """Every chunk of rows: its logits, the engine's pass over them, and the gradients asked for.

    Args:
        library: NumPy's or torch's products.
        head: hidden states and classes.
        into: where the gradients go. Rows of hidden that are left out keep theirs.
        most: rows of a chunk.
        pass_: what is done with a chunk's logits.
        order: which rows, and in which order; None: all, as they come.
        sparse: what may take a chunk's gradient instead of the two products.
    """
    n, num_classes = len(head.hidden if order is None else order), len(head.classes)
    longest = max((rows.stop - rows.start for rows in chunks(n, most)), default=0)
    place = library.empty((longest, num_classes))
    for rows in chunks(n, most):
        which = rows if order is None else order[rows]
        hidden, logits = head.hidden[which], place[: rows.stop - rows.start]
        library.logits(hidden, head.classes, head.bias, logits)
        pass_(logits, which)
        if into.bias is not None:
            library.add_sum(logits, into.bias)
        if sparse is not None and sparse.take(logits, rows):
            continue
        if into.hidden is not None:
            library.times_classes(logits, head.classes, into.hidden, which)
        if into.classes is not None:
            library.add_times_hidden(logits, hidden, into.classes)
    if sparse is not None:
        sparse.end()


def run_numbers(
    library: Products,
    head: Head,
    memory: int,
    itemsize: int,
    sweep: Callable[[Which], Add],
    order: Any | None = None,
) -> None:
    """The same without gradients, where a row's logits are not wanted all at once.

    Products of many rows and some classes take less time than those of some rows and all classes,
    which read all classes for each chunk: of 50,304 classes, 2,048 rows in 64 MiB, an eighth less.

    Args:
        library: NumPy's or torch's products.
        head: hidden states and classes.
        memory: bytes for a panel of logits.
        itemsize: bytes of a logit.
        sweep: begins with rows, and gives what takes each panel of their logits.
        order: which rows, and in which order; None: all, as they come.
    """
    n, num_classes = len(head.hidden if order is None else order), len(head.classes)
    width = min(num_classes, _PANEL)
    most = min(_TALL, memory // (width * itemsize))
    place = library.empty((min(n, most), width))
    for rows in chunks(n, most):
        which = rows if order is None else order[rows]
        hidden, add = head.hidden[which], sweep(which)
        for panel in blocks(num_classes, width):
            logits = place[: len(hidden), : panel.stop - panel.start]
            bias = None if head.bias is None else head.bias[panel]
            library.logits(hidden, head.classes[panel], bias, logits)
            add(logits, panel.start)
