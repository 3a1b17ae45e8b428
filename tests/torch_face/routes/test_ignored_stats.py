"""Statistics with nan in an ignored row: its nll is 0, and so is the derivative of that."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch_helpers import ROUTES, loss_and_grad, steady  # noqa: F401
from torch_helpers.functions import normal

import neglog.torch as nt

Y = torch.tensor([0, -100, 2, 1])


def logits(bad: float = math.nan) -> Tensor:
    z = normal(4, 3)
    z[1, 0] = bad
    return z


def nll(z: Tensor, y: Tensor) -> Tensor:
    return nt.row_stats(z, y).nll.sum()


def both(z: Tensor, y: Tensor) -> Tensor:
    """The nll of all rows, and more of the first."""
    stats = nt.row_stats(z, y)
    return stats.nll.sum() + stats.lse[0] * 2 + stats.entropy[0]


# Composed, a gradient of 0 for the lse of a row of nan is nan: torch multiplies the two.
WHERE = [(nll, route) for route in ROUTES] + [(both, route) for route in ROUTES if route != "func"]


@pytest.mark.parametrize(("function", "route"), WHERE)
@pytest.mark.parametrize("bad", [math.nan, -math.inf, math.inf])
def test_the_gradient_is_finite(
    route: str, bad: float, function: Callable[[Tensor, Tensor], Tensor]
) -> None:
    """0 in the ignored row, and elsewhere what it is without that row."""
    kept = Y != -100
    _, have = loss_and_grad(route, lambda z: function(z, Y), logits(bad))
    _, want = loss_and_grad("kernels", lambda z: function(z, Y[kept]), logits()[kept])
    assert torch.equal(have[1], torch.zeros(3, dtype=torch.float64))
    torch.testing.assert_close(have[kept], want, rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize("route", ROUTES)
def test_what_needs_no_target_is_that_of_the_row(route: str) -> None:
    value, grad = loss_and_grad(route, lambda z: nt.row_stats(z, Y).lse.sum(), logits())
    assert value.isnan()
    assert torch.equal(grad.isnan().all(1), torch.tensor([False, True, False, False]))


def test_a_head_inside_of_func() -> None:
    classes = torch.eye(3, dtype=torch.float64)
    grad = torch.func.grad(lambda z: nt.linear_row_stats(z, classes, Y).nll.sum())(logits())
    want = torch.func.grad(lambda z: nt.row_stats(z, Y).nll.sum())(logits())
    torch.testing.assert_close(grad, want, rtol=1e-14, atol=1e-16)
