"""torch.jit.trace: a traced function computes with the arguments it is called with."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_helpers import steady  # noqa: F401
from torch_helpers.functions import cases, normal, total, uniform

import neglog.torch as nt

pytestmark = [
    # torch warns of each comparison of shapes, and of each option that is a number
    pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning"),
    pytest.mark.filterwarnings("ignore:`torch.jit.:DeprecationWarning"),
]
# Two batches of different sizes: logits (also hidden states), and classes.
FIRST, OTHER = ((normal(n, 4, seed=n), torch.arange(1, n + 1) % 4) for n in (3, 5))
CLASSES, WEIGHT = normal(4, 4, seed=9), uniform(4)
OPTIONS: dict[str, Any] = {
    "weight": WEIGHT, "label_smoothing": 0.1, "z_loss": 0.1, "temperature": 2.0, "softcap": 3.0,
}  # fmt: skip


def traced(function: Callable[..., Any], *arguments: Tensor) -> Callable[..., Any]:
    return torch.jit.trace(function, arguments, check_trace=False)  # type: ignore[no-any-return]


def test_a_loss_is_no_constant() -> None:
    z, y = torch.tensor([[3.0, 0.0]]), torch.tensor([0])
    assert f"{traced(nt.cross_entropy, 0 * z, y)(z, y):.4g}" == "0.04859"
    with nt.patch():
        graph = traced(torch.nn.CrossEntropyLoss(), 0 * z, y)
    assert f"{graph(z, y):.4g}" == "0.04859"


LOSSES: dict[str, Callable[[Tensor, Tensor, str], Tensor]] = {
    "plain": lambda z, y, reduction: nt.cross_entropy(z, y, reduction=reduction),
    "options": lambda z, y, reduction: nt.cross_entropy(z, y, reduction=reduction, **OPTIONS),
    "row weights": lambda z, y, reduction: nt.cross_entropy(
        z, y, reduction=reduction, row_weight=y.double()
    ),
    "probabilities": lambda z, y, reduction: nt.cross_entropy(
        z, y.unsqueeze(1) * WEIGHT, reduction=reduction
    ),
    "head": lambda z, y, reduction: nt.linear_cross_entropy(
        z, CLASSES, y, linear_bias=WEIGHT, reduction=reduction, **OPTIONS
    ),
    "nll_loss": lambda z, y, reduction: nt.nll_loss(z, y, reduction=reduction),
    "one_vs_rest_nll": lambda z, y, reduction: nt.one_vs_rest_nll(z, y.clamp(0), reduction),
    "binary": lambda z, y, reduction: nt.binary_cross_entropy_with_logits(
        z, y.unsqueeze(1).expand(z.shape) / 4, reduction=reduction
    ),
}


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_another_batch(name: str, reduction: str) -> None:
    """Of another size, with an ignored row, and its gradient."""
    (z, y), (other, classes) = FIRST, OTHER
    if name != "probabilities":
        classes = classes.clone()
        classes[1] = -100
    graph = traced(lambda z, y: LOSSES[name](z, y, reduction), z.requires_grad_(), y)
    assert_same(graph, lambda z, y: LOSSES[name](z, y, reduction), other, classes)


def assert_same(have: Callable[..., Any], want: Callable[..., Any], z: Tensor, *rest: Any) -> None:
    results = []
    for function in (have, want):
        leaf = z.clone().requires_grad_()
        found = function(leaf, *rest)
        results.append((found, torch.autograd.grad(total(found), leaf)))
    torch.testing.assert_close(*results, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", cases())
def test_every_function(name: str) -> None:
    function, arguments = cases()[name]
    graph = traced(function, *(x.clone().requires_grad_() for x in arguments))
    assert_same(graph, function, arguments[0].flip(-1) / 2 + 0.25, *arguments[1:])


def test_statistics_of_a_head() -> None:
    def statistics(h: Tensor, y: Tensor) -> Any:
        stats, log_probs = nt.linear_row_stats(h, CLASSES, y, chosen=y.unsqueeze(1))
        return *stats[:3], log_probs

    assert_same(traced(statistics, *FIRST), statistics, *OTHER)
