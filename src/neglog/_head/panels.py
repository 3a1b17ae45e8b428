"""The head for all rows, a panel of classes at a time: no row has all of its logits at once.

A first pass over the panels reduces them into the states of the rows. A second pass makes the
logits again and writes their gradient, one product more than in chunks of rows. The gradient for
the classes of a panel is then complete, and needs no sums of the size of all classes.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from .chunks import Gradients, Head, blocks, chunks
from .products import PanelProducts, Products, Which

_PANEL = 8192  # classes of a panel
_TALL = 2048  # rows of a panel


class Rows(Protocol):
    """The states of some rows."""

    def reduce(self, logits: Any, first: int) -> None:
        """Reduce the logits (n, width) of the classes from `first` on into the states."""

    def write_gradient(self, logits: Any, first: int) -> None:
        """Overwrite the logits of a panel with their gradient, once all panels are reduced."""


R = TypeVar("R", bound=Rows)


class Plan(NamedTuple):
    """The shape of a panel, which depends on shapes and memory alone."""

    rows: int
    classes: int

    @classmethod
    def of(cls, num_classes: int, itemsize: int, memory: int) -> "Plan":
        """Panels of 8192 classes and as many rows as fit, 2048 at most.

        Products of many rows and some classes take less time than those of some rows and all
        classes, which read all classes for each chunk: of 50,304 classes, 2,048 rows in 64 MiB, an
        eighth less.
        """
        width = min(num_classes, _PANEL)
        return cls(max(1, min(_TALL, memory // (width * itemsize))), width)


def reduce_panels(
    products: Products,
    head: Head,
    plan: Plan,
    begin: Callable[[Which], R],
    order: Any | None = None,
) -> list[tuple[Which, R]]:
    """Reduce every panel into the states of its rows.

    Args:
        products: NumPy's or torch's.
        head: hidden states and classes.
        plan: the shape of a panel.
        begin: makes the states of rows.
        order: which rows, and in which order; None: all, as they come.

    Returns:
        The rows that share panels, and their states.
    """
    n = len(head.hidden if order is None else order)
    place = products.empty((min(n, plan.rows), plan.classes))
    parts: list[tuple[Which, R]] = []
    for tile in chunks(n, plan.rows):
        which = tile if order is None else order[tile]
        hidden, rows = head.hidden[which], begin(which)
        for panel in blocks(len(head.classes), plan.classes):
            rows.reduce(_logits(products, head, hidden, panel, place), panel.start)
        parts.append((which, rows))
    return parts


def write_panels(
    products: PanelProducts,
    head: Head,
    into: Gradients,
    plan: Plan,
    parts: Sequence[tuple[Which, Rows]],
) -> None:
    """Add every panel's gradient to those of the head.

    Args:
        products: the face's.
        head: as for `reduce_panels`, which came before; so the next.
        into: places of zeros for the sums of hidden and the bias, and the gradient for the classes
            in any dtype.
        plan: the shape of a panel.
        parts: what `reduce_panels` returned.
    """
    tallest = max((len(head.hidden[which]) for which, _ in parts), default=0)
    place = products.empty((tallest, plan.classes))
    sums = products.sums((plan.classes, head.hidden.shape[1]))
    for panel in blocks(len(head.classes), plan.classes):
        classes, total = head.classes[panel], sums[: panel.stop - panel.start]
        for k, (which, rows) in enumerate(parts):
            hidden = head.hidden[which]
            logits = _logits(products, head, hidden, panel, place)
            rows.write_gradient(logits, panel.start)
            if into.bias is not None:
                products.add_sum(logits, into.bias[panel])
            if into.hidden is not None:
                products.add_times_classes(logits, classes, into.hidden, which)
            if into.classes is not None:
                products.add_times_hidden(logits, hidden, total, begun=k > 0)
        if into.classes is not None:
            into.classes[panel] = total


def _logits(products: Products, head: Head, hidden: Any, panel: slice, place: Any) -> Any:
    """The logits of a panel, in a place that the next panel uses again."""
    logits = place[: len(hidden), : panel.stop - panel.start]
    bias = None if head.bias is None else head.bias[panel]
    products.logits(hidden, head.classes[panel], bias, logits)
    return logits
