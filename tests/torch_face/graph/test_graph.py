"""The graph: what it holds, what it returns and when, and what it does not touch."""

import itertools
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch_helpers import DTYPES, by_torch, elsewhere, steady  # noqa: F401
from torch_helpers.graph import LARGE, backward, problem

from neglog.torch import cross_entropy

UPSTREAM = (1.0, 2.0, -3.0, 0.0, 1e-30)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("ignored", [False, True])
def test_backward_passes_in_every_order(reduction: str, ignored: bool) -> None:
    """A gradient is prepared for the upstream gradient met last; whatever comes, it is right.

    Two graphs of one age are asked in turn, twice each, so that every guess is right, wrong, and
    already handed out.
    """
    logits, target = problem((8, 6))
    target = target if ignored else target.clamp(0)
    exact = backward(F.cross_entropy(logits, target, reduction=reduction), logits, 1.0)
    for asked in itertools.product((*UPSTREAM, float("nan")), repeat=2):
        for upstream in asked:
            losses = [cross_entropy(logits, target, reduction=reduction) for _ in range(2)]
            for loss in losses * 2:
                slope = backward(loss, logits, upstream, retain_graph=True)
                want = exact * upstream if upstream == upstream else exact / exact * upstream
                want = torch.where(exact == 0, 0.0, want)
                torch.testing.assert_close(slope, want, rtol=1e-12, atol=0, equal_nan=True)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(8, 6), LARGE])
def test_a_right_guess_and_a_wrong_one_give_the_same_bits(
    shape: tuple[int, int], dtype: torch.dtype
) -> None:
    logits, target = problem(shape, dtype)
    found = []
    for met in (3.0, 7.0):
        for option in ({}, {"label_smoothing": 0.1, "temperature": 0.7}):
            backward(cross_entropy(logits, target), logits, met)
            found.append(backward(cross_entropy(logits, target, **option), logits, 3.0))
    assert torch.equal(found[0], found[2])
    assert torch.equal(found[1], found[3])


def test_what_is_handed_out_belongs_to_the_caller() -> None:
    """If a hook or accumulation changes it in place, a second pass is not affected."""
    for shape in ((8, 6), LARGE):
        logits, target = problem(shape)
        loss = cross_entropy(logits, target)
        first = backward(loss, logits, 1.0, retain_graph=True)
        copy = first.clone()
        first.mul_(5)
        second = backward(loss, logits, 1.0, retain_graph=True)
        assert torch.equal(second, copy)
        assert first.data_ptr() != second.data_ptr()
        handle = logits.register_hook(lambda slope: slope.mul_(2))
        loss.backward(retain_graph=True)
        loss.backward()
        handle.remove()
        torch.testing.assert_close(logits.grad, 4 * copy, rtol=1e-15, atol=0)


def test_after_an_exception_and_on_a_freed_graph() -> None:
    logits, target = problem((8, 6))
    exact = backward(F.cross_entropy(logits, target), logits, 2.0)
    between = logits * 1.0
    loss = cross_entropy(between, target)

    def fail(slope: Tensor) -> None:
        raise ArithmeticError("in a hook")

    handle = between.register_hook(fail)
    with pytest.raises(ArithmeticError, match="in a hook"):
        backward(loss, logits, 2.0, retain_graph=True)
    handle.remove()
    torch.testing.assert_close(backward(loss, logits, 2.0, retain_graph=True), exact)
    torch.testing.assert_close(backward(loss, logits, 2.0), exact)
    with pytest.raises(RuntimeError, match="a second time"):
        backward(loss, logits, 2.0)
    torch.testing.assert_close(backward(cross_entropy(logits, target), logits, 2.0), exact)


@pytest.mark.parametrize("size", [(8, 6), LARGE])
@pytest.mark.parametrize("option", [{}, {"label_smoothing": 0.1}, {"softcap": 5.0}])
def test_a_random_upstream_gradient_for_each_row(
    size: tuple[int, int], option: dict[str, Any]
) -> None:
    """Each row has its own: expanded from one number, not contiguous, or negative."""
    logits, target = problem(size)
    random = torch.randn(2 * size[0], dtype=torch.float64)
    for upstream in (random[: size[0]], random[::2], torch.tensor(-2.0).double().expand(size[0])):
        found = []
        for function in (cross_entropy, by_torch):
            loss = function(logits, target, reduction="none", **option)
            found.append(torch.autograd.grad(loss, logits, upstream)[0])
        torch.testing.assert_close(*found, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("upstream", [float("inf"), float("-inf"), float("nan")])
def test_an_upstream_gradient_that_is_not_finite(upstream: float, reduction: str) -> None:
    """A scaler looks for it in the gradient; the gradient of ignored rows is 0, as in torch."""
    logits, target = problem((4, 5))
    weights = torch.tensor([1.0, 0.0, 1.0, 1.0], dtype=torch.float64)
    loss = cross_entropy(logits, target, row_weight=weights, reduction=reduction)
    slope = backward(loss, logits, upstream, retain_graph=True)
    assert not slope[:2].any()
    assert not slope[2:].isfinite().all(dim=1).any()
    for _ in range(2):  # and what follows is not spoiled by it
        assert backward(loss, logits, 1.0, retain_graph=True).isfinite().all()
