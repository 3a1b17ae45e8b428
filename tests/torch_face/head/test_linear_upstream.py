"""The head under upstream gradients that change from step to step."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint
from torch_helpers import DTYPES, by_torch, steady  # noqa: F401

from neglog.torch import linear_cross_entropy
from neglog.torch._engines import products as head_products

N, D, V = 12, 5, 7
TARGET = torch.arange(N) * 3 % V
TARGET[2::4] = -100
CHUNKS = {"one chunk": None, "many chunks": 3 * 8 * V}


def head(dtype: torch.dtype = torch.float64) -> list[Tensor]:
    random = torch.Generator().manual_seed(5)
    made = (torch.randn(s, dtype=torch.float64, generator=random) for s in ((N, D), (V, D), (V,)))
    return [x.to(dtype).requires_grad_() for x in made]


def ours(leaves: list[Tensor], **options: Any) -> Tensor:
    hidden, weight, bias = leaves
    return linear_cross_entropy(hidden, weight, TARGET, linear_bias=bias, **options)


def grads(loss: Tensor, leaves: list[Tensor], upstream: float, **options: Any) -> Any:
    return torch.autograd.grad(loss, leaves, torch.full_like(loss, upstream), **options)


def exact(leaves: list[Tensor], upstream: float, **options: Any) -> Any:
    """By torch in float64, with the logits that a product in halves gives."""
    wide = [x.detach().double().requires_grad_() for x in leaves]
    logits = wide[0] @ wide[1].T + wide[2]
    rounded = torch.nn.functional.linear(*(x.detach() for x in leaves)).double()
    logits = logits + (rounded - logits).detach()
    return grads(by_torch(logits, TARGET, **options), wide, upstream)


@pytest.fixture
def products(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []

    def watch(name: str) -> None:
        made = getattr(head_products.CpuProducts, name)

        def call(*arguments: Any, **options: Any) -> None:
            seen.append(name)
            made(*arguments, **options)

        monkeypatch.setattr(head_products.CpuProducts, name, call)

    for name in ("logits", "times_classes", "add_times_classes", "add_times_hidden"):
        watch(name)
    return seen


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_three_products_whatever_comes(dtype: torch.dtype, products: list[str]) -> None:
    leaves = head(dtype)
    for upstream in (1.0, 1 / 3, 1 / 5, 1 / 5, 65536.0, 0.0, -0.3):
        del products[:]
        grads(ours(leaves, reduction="sum"), leaves, upstream)
        assert products == ["logits", "times_classes", "add_times_hidden"]


@pytest.mark.parametrize("memory", CHUNKS.values(), ids=list(CHUNKS))
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("option", [{}, {"softcap": 3.0}, {"z_loss": 0.1}], ids=str)
def test_the_gradient_and_the_bits_of_a_second_pass(
    dtype: torch.dtype, option: dict[str, float], memory: int | None
) -> None:
    leaves = head(dtype)
    eps = {torch.float64: 1e-12, torch.float32: 2e-6}.get(dtype, 4 * torch.finfo(dtype).eps)
    for upstream in (1.0, 1 / 3, 1024.0, -5e-2):
        loss = ours(leaves, memory=memory, **option)
        first = grads(loss, leaves, upstream, retain_graph=True)
        second = grads(loss, leaves, upstream)
        for a, b, want in zip(first, second, exact(leaves, upstream, **option), strict=True):
            assert torch.equal(a, b)
            assert a.data_ptr() != b.data_ptr()
            assert (a.double() - want).norm() <= eps * want.norm(), upstream


@pytest.mark.parametrize("memory", CHUNKS.values(), ids=list(CHUNKS))
@pytest.mark.parametrize("upstream", [0.0, math.inf, -math.inf, math.nan])
def test_upstream_gradients_that_are_no_numbers(upstream: float, memory: int | None) -> None:
    """Rows that are left out stay at 0, also where they hold infinities; the rest says so."""
    leaves = head()
    with torch.no_grad():
        leaves[0][2::4] = math.inf
    for again in (True, False):
        loss = ours(leaves, memory=memory)
        by_hidden, by_weight, by_bias = grads(loss, leaves, upstream, retain_graph=again)
        assert not by_hidden[TARGET < 0].any()
        others = (by_hidden[TARGET >= 0], by_weight, by_bias)
        assert all(x.isfinite().all() == (upstream == 0) for x in others)
        assert upstream != 0 or not any(x.any() for x in others)
        assert all(x.isfinite().all() for x in grads(ours(leaves, memory=memory), leaves, 1.0))


@pytest.mark.parametrize("memory", CHUNKS.values(), ids=list(CHUNKS))
def test_float16_waits_for_the_loss_scale(memory: int | None) -> None:
    """Small gradients of a mean, which float16 would flush to 0 before they are scaled."""
    leaves = head(torch.float16)
    weights = torch.full((N,), 2.0**-20)
    for upstream in (65536.0, 65000.0):
        # Over the sum of all rows but these: float16 has nothing below 6e-8.
        loss = ours(leaves, reduction="sum", row_weight=weights, memory=memory)
        want = exact(leaves, upstream, reduction="sum", row_weight=weights.double())
        for a, b in zip(grads(loss, leaves, upstream), want, strict=True):
            assert (a.double() - b).norm() <= 4e-3 * b.norm()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_checkpoint_makes_no_gradient_in_vain(dtype: torch.dtype, products: list[str]) -> None:
    """The loss twice, one product each, and the gradients once."""
    leaves = head(dtype)
    want = grads(ours(leaves, reduction="sum"), leaves, 1 / 3)
    for reentrant in (False, True):
        del products[:]
        loss = checkpoint(
            lambda *x: ours(list(x), reduction="sum"), *leaves, use_reentrant=reentrant
        )
        assert products == ["logits"]
        for leaf in leaves:
            leaf.grad = None
        loss.backward(torch.full_like(loss, 1 / 3))
        assert len(products) == 4 + (not reentrant)
        for leaf, each in zip(leaves, want, strict=True):
            assert torch.equal(leaf.grad, each)
