"""Tensors without a number: results and derivatives of every order that torch has, all empty."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch_helpers import steady  # noqa: F401

import neglog.torch as nt

Function = Callable[[Tensor], Tensor]

# No row, no class, no pixel.
SHAPES = ((0, 10), (10, 0), (0,), (0, 4, 3), (2, 0, 3), (2, 4, 0))


def derivatives(
    function: Function, shape: tuple[int, ...], orders: int = 3
) -> list[tuple[torch.Size, Any]]:
    """Shape and dtype of the result and of its first derivatives."""
    z = torch.zeros(shape, requires_grad=True)
    x = function(z)
    found = [(x.shape, x.dtype)]
    for _ in range(orders):
        (x,) = torch.autograd.grad(x.sum(), z, create_graph=True)
        found.append((x.shape, x.dtype))
    return found


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_activations(shape: tuple[int, ...]) -> None:
    pairs: tuple[tuple[Any, Any], ...] = (
        (nt.softmax, F.softmax),
        (nt.log_softmax, F.log_softmax),
        (nt.logsumexp, torch.logsumexp),
    )
    for dim in range(len(shape)):
        for ours, torchs in pairs:
            have = derivatives(lambda z, f=ours, dim=dim: f(z, dim), shape)  # type: ignore[misc]
            assert have == derivatives(lambda z, f=torchs, dim=dim: f(z, dim), shape)  # type: ignore[misc]
    for ours, torchs in ((nt.sigmoid, torch.sigmoid), (nt.log_sigmoid, F.logsigmoid)):
        assert derivatives(ours, shape) == derivatives(torchs, shape)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(0, 10), (0, 4, 3), (2, 4, 0)], ids=str)
def test_losses(shape: tuple[int, ...], reduction: str) -> None:
    y = torch.zeros(shape[:1] + shape[2:], dtype=torch.int64)
    every = {"reduction": reduction, "label_smoothing": 0.1}
    want = derivatives(lambda z: F.cross_entropy(z, y, reduction=reduction), shape)
    classes = torch.ones(7, shape[-1])
    rows = want[0] if reduction != "none" else (torch.Size(shape[:-1]), torch.float32)
    losses: dict[str, tuple[Function, Any]] = {
        "plain": (lambda z: nt.cross_entropy(z, y, reduction=reduction), want),
        "options": (lambda z: nt.cross_entropy(z, y, z_loss=0.1, softcap=2.0, **every), want),
        "probabilities": (lambda z: nt.cross_entropy(z, z.detach(), **every), want),
        "one_vs_rest": (lambda z: nt.one_vs_rest_nll(z, y, reduction), want),
        "binary": (
            lambda z: nt.binary_cross_entropy_with_logits(z, z.detach(), reduction=reduction),
            derivatives(
                lambda z: F.binary_cross_entropy_with_logits(z, z.detach(), reduction=reduction),
                shape,
            ),
        ),
        "head": (
            lambda z: nt.linear_cross_entropy(
                z, classes, torch.zeros(shape[:-1], dtype=torch.int64), reduction=reduction
            ),
            [rows, *want[1:]],
        ),
    }
    for name, (loss, expected) in losses.items():
        assert derivatives(loss, shape) == expected, name


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(0, 10), (0, 4, 3), (2, 4, 0), (3, 4)], ids=str)
def test_nll_loss(shape: tuple[int, ...], reduction: str) -> None:
    """Linear: its second derivative is 0, also of some rows, and of a third torch knows nothing."""
    y = torch.zeros(shape[:1] + shape[2:], dtype=torch.int64)
    have, want = (
        derivatives(lambda z, f=f: f(z, y, reduction=reduction), shape, 2)  # type: ignore[misc]
        for f in (nt.nll_loss, F.nll_loss)
    )
    assert have == want


@pytest.mark.parametrize("shape", [(0, 10), (0, 4, 3), (2, 4, 0)], ids=str)
def test_statistics(shape: tuple[int, ...]) -> None:
    """One number per row, which is none; torch's loss stands for functions that torch lacks."""
    y = torch.zeros(shape[:1] + shape[2:], dtype=torch.int64)
    want = derivatives(lambda z: F.cross_entropy(z, y, reduction="none"), shape)
    functions: list[Function] = [
        lambda z: nt.entropy(z, 1),
        lambda z: nt.min_entropy(z, 1),
        lambda z: nt.kl_divergence(z.detach(), z, 1),
        *(lambda z, i=i: nt.row_stats(z, y)[i] for i in range(3)),  # type: ignore[misc]
    ]
    for function in functions:
        assert derivatives(function, shape) == want
