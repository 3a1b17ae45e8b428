"""Upstream gradients that change from step to step: the bits, the digits, and the passes."""

import math
from typing import Any

import oracle
import pytest
import torch
from budgets import ULPS
from checks import assert_ulps
from torch import Tensor
from torch_helpers import DTYPES, elsewhere, steady  # noqa: F401
from torch_helpers.graph import LARGE, backward, problem

from neglog import _engine
from neglog.torch import cross_entropy

INF, NAN = math.inf, math.nan
MET = (1.0, 1 / 7, 3.0, -0.3, 65536.0, 0.0, INF, NAN, 2.0**-140, 1e30)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(8, 6), LARGE], ids=str)
def test_bits_do_not_depend_on_what_was_met(shape: tuple[int, int], dtype: torch.dtype) -> None:
    """Once or ten times before, the same loss or another; nor do a second pass's bits."""
    logits, target = problem(shape, dtype)
    few = 1 if shape == LARGE else 10
    asked = (1 / 7, 3.0, 2.0**-6) if shape == LARGE else (*MET[:-2], 1e-5)
    found: dict[float, Tensor] = {}
    for met in MET:
        for _ in range(few):
            backward(cross_entropy(logits, target), logits, met)
        for upstream in asked:
            loss = cross_entropy(logits, target)
            for last in (False, True):
                slope = backward(loss, logits, upstream, retain_graph=not last)
                first = found.setdefault(upstream, slope)
                assert torch.equal(slope.nan_to_num(7), first.nan_to_num(7)), (met, upstream)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_scaled_gradient_keeps_its_ulps(dtype: str, reduction: str) -> None:
    """Large rows, small factors: no more digits are lost than is promised."""
    logits, target = problem((64, 257), getattr(torch, dtype))
    with torch.no_grad():
        logits[::3] *= 40
    exact = oracle.cross_entropy(logits.detach().numpy(), target.numpy(), reduction=reduction).grad
    for tokens in (3, 7, 1000, 1013, 2**17 - 1):
        loss = cross_entropy(logits, target, reduction=reduction)
        wide = torch.full_like(loss, 1 / tokens)
        slope = backward(loss, logits, 1 / tokens)
        assert_ulps(slope, exact * wide.item(), dtype, ULPS[dtype].grad, f"1/{tokens}")


def test_what_was_flushed_to_0_is_not_scaled_up() -> None:
    """After a tiny upstream gradient comes a large one, after one of 1."""
    logits = torch.tensor([[1.0, -89.0, -59.0]]).requires_grad_()
    exact = oracle.cross_entropy(logits.detach().numpy(), [0]).grad
    for met in (1e-30, 1.0, 0.0, INF):
        for upstream in (1.0, 3.0, 1e6, 1e20):
            backward(cross_entropy(logits, torch.tensor([0])), logits, met)
            slope = backward(cross_entropy(logits, torch.tensor([0])), logits, upstream)
            given = torch.tensor(upstream).item()
            assert_ulps(slope, exact * given, "float32", ULPS["float32"].grad, f"{upstream}")


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every pass over rows, and whether it wrote a gradient."""
    seen, made = [], _engine.run_rows

    def run_rows(*arguments: Any, grad: Any = None, **options: Any) -> Any:
        seen.append("loss" if grad is None else "gradient")
        return made(*arguments, grad=grad, **options)

    monkeypatch.setattr(_engine, "run_rows", run_rows)
    return seen


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("option", [{}, {"z_loss": 0.1}], ids=str)
def test_no_gradient_is_made_in_vain(
    dtype: torch.dtype, option: dict[str, float], passes: list[str]
) -> None:
    """A divisor that changes costs one pass, for halves two, and none of them writes in vain."""
    logits, target = problem((8, 6), dtype)
    for tokens in (3, 4):
        backward(cross_entropy(logits, target, **option), logits, 1 / tokens)
    for tokens in range(5, 20):
        del passes[:]
        backward(cross_entropy(logits, target, **option), logits, 1 / tokens)
        assert passes == (["loss", "gradient"] if dtype.itemsize == 2 else ["gradient"])
    for step in range(20):  # a constant one costs one pass, for halves after some steps
        del passes[:]
        backward(cross_entropy(logits, target, **option), logits, 1 / 3)
        assert passes == ["gradient"] or (step < 10 and dtype.itemsize == 2)
