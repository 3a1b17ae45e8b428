"""The routes to the loss of a linear head and its gradients: ours, the products alone, torch's.

The products run in the library of the face, with as many threads, into memory that is there. What a
route takes beyond their time is the price of its loss.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from bench.head.problem import Answer, Head
from bench.peers import library, torch_view
from bench.torch_face import our_library, torch_library

Call = Callable[..., Answer | None]  # None: a product, which has no answer
LossOf = Callable[[Any, Any, Any], Any]  # of hidden, classes and target


class Routes(NamedTuple):
    """One face on one head."""

    name: str
    gradients: Callable[..., Answer]  # of the loss and its options
    half: Call  # with half of the rows ignored
    loss: Call
    row_stats: Call
    products: Call  # hidden @ classes.T, G @ classes, G.T @ hidden
    product: Call  # the first of them
    others: dict[str, Call]


def numpy_routes(head: Head) -> Routes:
    ours, h, c, y = library("neglog"), head.hidden, head.classes, head.target
    logits = np.zeros((len(h), len(c)), h.dtype)
    dh, dc = np.zeros_like(h), np.zeros_like(c)
    half = head.half_ignored

    def gradients(target: Any = y, **options: Any) -> Answer:
        loss, (hidden, classes, _) = ours.linear_cross_entropy_and_grad(h, c, target, **options)
        return loss, hidden, classes

    def product() -> None:
        np.matmul(h, c.T, out=logits)

    def products() -> None:
        product()
        np.matmul(logits, c, out=dh)
        np.matmul(logits.T, h, out=dc)

    return Routes(
        "neglog",
        gradients,
        lambda: gradients(half),
        lambda: (ours.linear_cross_entropy(h, c, y), None, None),
        lambda: (ours.linear_row_stats(h, c, y).nll, None, None),
        products,
        product,
        {},
    )


def torch_losses() -> dict[str, LossOf]:
    """The loss of a head by every route; ours first."""
    torch = torch_library()
    nn = torch.nn.functional

    def eager(hidden: Any, classes: Any, target: Any) -> Any:
        return nn.cross_entropy(nn.linear(hidden, classes), target)

    losses = {"neglog.torch": our_library().linear_cross_entropy, "torch eager": eager}
    torch._dynamo.reset()
    losses["torch.compile"] = torch.compile(eager, fullgraph=True, dynamic=False)
    if hasattr(torch.nn, "LinearCrossEntropyOptions"):  # torch 2.13 and later
        chunks = torch.nn.LinearCrossEntropyOptions()
        losses["torch chunked"] = lambda hidden, classes, target: nn.linear_cross_entropy(
            hidden, classes, target, options=chunks
        )
    return losses


def step(loss_of: LossOf, hidden: Any, classes: Any, target: Any) -> Callable[..., Answer]:
    """What a training loop does; the time includes freeing the old gradients."""
    leaves = [x.detach().requires_grad_() for x in (hidden, classes)]

    def both(goal: Any = target, **options: Any) -> Answer:
        for leaf in leaves:
            leaf.grad = None
        loss = loss_of(*leaves, goal, **options)
        loss.backward()
        return loss, leaves[0].grad, leaves[1].grad

    return both


def torch_routes(head: Head) -> Routes:
    torch, ours, losses = torch_library(), our_library(), torch_losses()
    h, c, y = map(torch_view, (head.hidden, head.classes, head.target))
    half = torch_view(head.half_ignored)
    logits = torch.zeros(len(h), len(c), dtype=h.dtype)
    dh, dc = torch.zeros_like(h), torch.zeros_like(c)
    steps = {name: step(loss_of, h, c, y) for name, loss_of in losses.items()}
    mine = steps.pop("neglog.torch")

    def loss() -> Answer:
        with torch.no_grad():
            return ours.linear_cross_entropy(h, c, y), None, None

    def row_stats() -> Answer:
        with torch.no_grad():
            return ours.linear_row_stats(h, c, y).nll, None, None

    def product() -> None:
        torch.mm(h, c.T, out=logits)

    def products() -> None:
        product()
        torch.mm(logits, c, out=dh)
        torch.mm(logits.T, h, out=dc)

    others: dict[str, Call] = dict(steps)
    return Routes(
        "neglog.torch", mine, lambda: mine(half), loss, row_stats, products, product, others
    )


FACES: dict[str, Callable[[Head], Routes]] = {"neglog.torch": torch_routes, "neglog": numpy_routes}
