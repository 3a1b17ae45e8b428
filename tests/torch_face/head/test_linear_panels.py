"""Halves in more than one chunk: gradients from panels, without float32 sums of all classes."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch_helpers import steady  # noqa: F401

import neglog
from neglog.torch import linear_cross_entropy
from neglog.torch._engines import products as head_products

HALVES = [torch.float16, torch.bfloat16]
ROWS, CLASSES, WIDTH = 50, 9000, 4  # two panels of classes
OPTIONS: list[dict[str, Any]] = [
    {},
    {"reduction": "sum", "label_smoothing": 0.2},
    {"z_loss": 0.01, "temperature": torch.linspace(0.7, 2, ROWS)},
    {"weight": torch.linspace(0, 2, CLASSES), "row_weight": torch.linspace(0, 3, ROWS)},
]


def head(dtype: torch.dtype) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
    """(input, linear_weight, linear_bias) and a target in every panel; some rows are ignored."""
    random = torch.Generator().manual_seed(3)
    shapes = ((ROWS, WIDTH), (CLASSES, WIDTH), (CLASSES,))
    leaves = tuple(torch.randn(s, generator=random).to(dtype).requires_grad_() for s in shapes)
    target = torch.randint(CLASSES, (ROWS,), generator=random)
    target[:4] = torch.tensor([0, CLASSES - 1, 8191, 8192])
    target[5::7] = -100
    return leaves, target  # type: ignore[return-value]


def gradients(
    dtype: torch.dtype, rows: int | None, scale: float = 1.0, **options: Any
) -> tuple[Tensor, ...]:
    """Loss and gradients, with memory for this many rows of logits."""
    leaves, target = head(dtype)
    memory = None if rows is None else rows * CLASSES * dtype.itemsize
    loss = linear_cross_entropy(
        *leaves[:2], target, linear_bias=leaves[2], memory=memory, **options
    )
    return loss.detach(), *torch.autograd.grad(loss * scale, leaves)


def off(found: Tensor, exact: Tensor) -> float:
    return float((found.double() - exact).norm() / exact.norm())


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_panels_are_as_exact_as_one_chunk(dtype: torch.dtype, options: dict[str, Any]) -> None:
    leaves, target = head(dtype)
    wide = [x.detach().double().requires_grad_() for x in leaves]
    exact_loss = linear_cross_entropy(*wide[:2], target, linear_bias=wide[2], **options)
    exact = [exact_loss.detach(), *torch.autograd.grad(exact_loss, wide)]
    one, panels = gradients(dtype, None, **options), gradients(dtype, 7, **options)
    for found, whole, want in zip(panels, one, exact, strict=True):
        assert found.dtype == whole.dtype
        assert off(found, want) < 1.3 * off(whole, want) + 1e-6
    assert not panels[1][5::7].any()


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_gradients_do_not_depend_on_the_number_of_threads(dtype: torch.dtype, threads: Any) -> None:
    threads(1)
    one = gradients(dtype, 7)
    threads(2)
    assert neglog.cpu_info().threads == 2
    assert all(torch.equal(a, b) for a, b in zip(one, gradients(dtype, 7), strict=True))


def test_float16_takes_a_loss_scale() -> None:
    """65536 (p - y) does not fit in float16, and neither do the sums over many rows."""
    scaled, plain = gradients(torch.float16, 7, 2.0**-9), gradients(torch.float16, 7)
    for a, b in zip(scaled[1:], plain[1:], strict=True):
        assert off(a * 2.0**9, b.double()) < 2e-2
    _, dhidden, dclasses, _ = gradients(torch.float16, 7, 2.0**6, reduction="sum")
    assert dhidden.isfinite().all()
    assert dclasses.isfinite().all()


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_no_sum_is_as_large_as_all_classes(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[tuple[tuple[int, ...], torch.dtype]] = []
    empty = head_products.empty

    def watched(shape: tuple[int, ...], of: torch.dtype) -> Tensor:
        made.append((shape, of))
        return empty(shape, of)

    monkeypatch.setattr(head_products, "empty", watched)
    gradients(dtype, 7)
    assert ((8192, WIDTH), torch.float32) in made
    assert all(shape[0] < CLASSES for shape, _ in made)


@pytest.mark.parametrize("wanted", [0, 1, 2])
def test_a_gradient_that_is_not_wanted_costs_no_product(
    wanted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: set[str] = set()
    for name in ("add_times_classes", "add_times_hidden", "add_sum"):
        method = getattr(head_products.CpuProducts, name)

        def call(*arguments: Any, name: str = name, method: Any = method, **options: Any) -> None:
            called.add(name)
            method(*arguments, **options)

        monkeypatch.setattr(head_products.CpuProducts, name, call)
    leaves, target = head(torch.bfloat16)
    for k, leaf in enumerate(leaves):
        leaf.requires_grad_(k == wanted)
    memory = 7 * CLASSES * 2
    linear_cross_entropy(*leaves[:2], target, linear_bias=leaves[2], memory=memory).backward()
    assert called == {("add_times_classes", "add_times_hidden", "add_sum")[wanted]}
    assert [x.grad is not None for x in leaves] == [k == wanted for k in range(3)]
