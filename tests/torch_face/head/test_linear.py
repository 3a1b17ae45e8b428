"""The head in PyTorch: the same numbers as from logits that exist, and less work.

`reference` builds the logits in float64 and takes the loss of torch's own operators.

Long because every option is compared with the same reference.
"""

import itertools
import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch_helpers import DTYPES, ROUTES, by_torch, elsewhere, result_dtype, steady  # noqa: F401

from neglog.torch import cross_entropy, linear_cross_entropy
from neglog.torch._engines import products as head_products

# What a product and the gradient between products are rounded to.
ROUNDING = {
    torch.float64: 1e-12,
    torch.float32: 2e-5,
    torch.float16: 6e-3,
    torch.bfloat16: 4e-2,
}
OPTIONS: list[dict[str, Any]] = [
    {},
    {"label_smoothing": 0.2},
    {"z_loss": 0.01, "temperature": 1.7},
    {"softcap": 4.0},
    {"label_smoothing": 0.1, "z_loss": 0.02, "softcap": 6.0, "temperature": 0.8},
]


def head(*shape: int, width: int = 6, num_classes: int = 9, dtype: Any = torch.float64) -> Any:
    """(input, linear_weight, linear_bias), each with a gradient to come."""
    random = torch.Generator().manual_seed(math.prod(shape) + num_classes)
    shapes = ((*shape, width), (num_classes, width), (num_classes,))
    made = (torch.randn(s, dtype=torch.float64, generator=random) for s in shapes)
    return tuple(x.to(dtype).requires_grad_() for x in made)


def classes(*shape: int, num_classes: int = 9, ignored: bool = True) -> Tensor:
    """Of every fourth row none, of whatever shape."""
    target = torch.arange(math.prod(shape)) * 5 % num_classes
    if ignored:
        target[1::4] = -100
    return target.view(shape)


def reference(hidden: Tensor, table: Tensor, bias: Any, target: Tensor, **options: Any) -> Tensor:
    """All logits in float64, a class axis of 1 as by_torch has it, and back to the input's rows.

    With the values that torch's product has in halves; what is rounded there is no derivative's.
    """
    rows = hidden.shape[:-1]
    logits = F.linear(hidden.double(), table.double(), None if bias is None else bias.double())
    logits = logits + (F.linear(hidden, table, bias).double() - logits).detach()
    flat = logits.reshape(-1, logits.shape[-1])
    options = {
        name: x.reshape(-1) if name in ("row_weight", "temperature") and torch.is_tensor(x) else x
        for name, x in options.items()
    }
    target = target.reshape(flat.shape if target.is_floating_point() else flat.shape[:1])
    loss = by_torch(flat, target, **options)
    return loss.view(rows) if loss.dim() else loss


def grads(loss: Tensor, leaves: Any, upstream: float = 1.0) -> tuple[Tensor, ...]:
    weights = torch.linspace(1, 2, loss.numel()).view_as(loss).to(loss.dtype) * upstream
    return torch.autograd.grad(loss, [x for x in leaves if x is not None], weights)


def assert_near(have: Any, want: Any, rounding: float) -> None:
    """Relative to the largest of all: a product's rounding error knows no small entries."""
    largest = max((y.abs().max().item() for y in want if y.numel()), default=0.0)
    for x, y in zip(have, want, strict=True):
        torch.testing.assert_close(x.double(), y.double(), rtol=0, atol=rounding * largest + 1e-300)


@settings(max_examples=150)
@given(st.data())
def test_every_option_against_all_logits(data: st.DataObject) -> None:
    """Loss and three gradients, every route, shape, dtype, kind of target, reduction and chunk."""
    draw = data.draw
    shape = draw(st.sampled_from([(), (1,), (7,), (0,), (2, 3), (3, 1, 4)]))
    num_classes, width = draw(st.sampled_from([1, 2, 9, 300])), draw(st.sampled_from([3, 6]))
    dtype, route = draw(st.sampled_from(DTYPES)), draw(st.sampled_from(ROUTES))
    leaves = list(head(*shape, width=width, num_classes=num_classes, dtype=dtype))
    if draw(st.booleans()):
        leaves[2] = None
    options = dict(draw(st.sampled_from(OPTIONS)), reduction=draw(st.sampled_from(REDUCTIONS)))
    spread = torch.linspace(0, 2, math.prod(shape), dtype=torch.float64).view(shape)
    if draw(st.booleans()):
        options["row_weight"] = spread
    if draw(st.booleans()):
        options["weight"] = torch.linspace(0.5, 2, num_classes, dtype=torch.float64)
    if draw(st.booleans()):
        options["temperature"] = spread + 0.5
    target = classes(*shape, num_classes=num_classes)
    if draw(st.booleans()):
        target = torch.rand(*shape, num_classes, dtype=torch.float64)
    memory = draw(st.sampled_from([None, 1, 3]))
    memory = memory and memory * num_classes * dtype.itemsize
    check(route, leaves, target, options, memory)


REDUCTIONS = ("mean", "sum", "none")


def check(route: str, leaves: Any, target: Tensor, options: Any, memory: int | None) -> None:
    hidden, weight, bias = leaves
    dtype = hidden.dtype
    want = reference(hidden, weight, bias, target, **options)
    slopes = grads(want, leaves)
    given = [x for x in leaves if x is not None]

    def loss(*values: Tensor) -> Tensor:
        bias = values[2] if len(values) > 2 else None
        return linear_cross_entropy(
            *values[:2], target, linear_bias=bias, memory=memory, **options
        )  # fmt: skip

    if route == "func":
        have, pull = torch.func.vjp(loss, *(x.detach() for x in given))
        found = pull(torch.linspace(1, 2, have.numel()).view_as(have).to(have.dtype))
    elif route == "device":
        with elsewhere():
            have = loss(*given)
            found = grads(have, leaves)
    else:
        have = loss(*given)
        found = grads(have, leaves)
    probs = target.is_floating_point()
    wide = result_dtype(dtype)
    assert have.dtype == (torch.promote_types(wide, target.dtype) if probs else wide)
    assert [x.dtype for x in found] == [dtype] * len(given)
    assert_near([have], [want], ROUNDING[dtype])
    assert_near(found, slopes, ROUNDING[dtype])


@pytest.mark.parametrize("kind", ["eager", "none", "compiled"])
def test_chunks_change_nothing_but_the_order_of_sums(kind: str) -> None:
    options = {"reduction": "none"} if kind == "none" else {}
    function: Any = linear_cross_entropy
    if kind == "compiled":
        torch._dynamo.reset()
        function = torch.compile(function, fullgraph=True, backend="aot_eager")
    leaves, target = head(50, num_classes=40), classes(50, num_classes=40)
    found = []
    for memory in (None, 40 * 8 * 7, 40 * 8):
        loss = function(*leaves[:2], target, linear_bias=leaves[2], memory=memory, **options)
        found.append((loss, *grads(loss, leaves)))
    for other in found[1:]:
        torch.testing.assert_close(other, found[0], rtol=1e-13, atol=1e-14)


@pytest.fixture
def products(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Which product was made, and for how many rows."""
    seen: list[tuple[str, int]] = []

    def watch(name: str) -> None:
        made = getattr(head_products.CpuProducts, name)

        def call(self: Any, a: Tensor, *others: Any, **options: Any) -> None:
            seen.append((name, len(a)))
            made(self, a, *others, **options)

        monkeypatch.setattr(head_products.CpuProducts, name, call)

    for name in ("logits", "times_classes", "add_times_hidden"):
        watch(name)
    return seen


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_rows_that_count_nothing_cost_no_product(products: Any, reduction: str) -> None:
    """Nan in them harms nobody, and their gradient is 0."""
    hidden, weight, bias = head(8)
    target, row_weight = classes(8), torch.tensor([0.0, 1, 2, 1, 1, 1, 1, 1])
    with torch.no_grad():
        hidden[:2] = torch.nan
    options: Any = {"row_weight": row_weight, "reduction": reduction}
    loss = linear_cross_entropy(hidden, weight, target, linear_bias=bias, **options)
    found = grads(loss, (hidden, weight, bias))
    assert {rows for _, rows in products} == {5}
    assert {name for name, _ in products} == {"logits", "times_classes", "add_times_hidden"}
    clean = hidden.detach().nan_to_num(0.0).requires_grad_()
    want = reference(clean, weight, bias, target, **options)
    assert_near([loss], [want], 1e-12)
    assert_near(found, grads(want, (clean, weight, bias)), 1e-12)
    assert not found[0][[0, 1, 5]].any()


def test_no_row_at_all(products: Any) -> None:
    for shape, target in (((3,), torch.full((3,), -100)), ((0,), classes(0))):
        hidden, weight, bias = head(*shape)
        loss = linear_cross_entropy(hidden, weight, target, linear_bias=bias)
        assert loss == 0
        assert not any(x.any() for x in grads(loss, (hidden, weight, bias)))
    assert products == []


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("frozen", list(itertools.product([False, True], repeat=3)))
def test_a_gradient_that_nobody_wants_is_not_computed(
    frozen: tuple[bool, ...], reduction: str, products: Any
) -> None:
    leaves, target = head(7), classes(7, ignored=False)
    for leaf, fixed in zip(leaves, frozen, strict=True):
        leaf.requires_grad_(not fixed)
    loss = linear_cross_entropy(
        *leaves[:2], target, linear_bias=leaves[2], reduction=reduction
    )  # fmt: skip
    trained = [leaf for leaf in leaves if leaf.requires_grad]
    assert loss.requires_grad == bool(trained)
    if trained:
        want = reference(*leaves, target, reduction=reduction)
        assert_near(grads(loss, trained), grads(want, trained), 1e-12)
    again = reduction == "none" and trained  # the logits, in the backward pass
    assert len(products) == 1 + bool(again) + (not frozen[0]) + (not frozen[1])


def test_without_a_graph_there_is_one_product(products: Any) -> None:
    leaves = head(7)
    with torch.no_grad():
        linear_cross_entropy(*leaves[:2], classes(7))
    linear_cross_entropy(*(x.detach() for x in leaves[:2]), classes(7))
    assert len(products) == 2


def test_the_gradient_is_prepared_for_any_upstream(products: Any) -> None:
    """And computed again, to the same bits, for a second backward pass."""
    leaves, target = head(7), classes(7, ignored=False)
    loss = linear_cross_entropy(*leaves[:2], target, linear_bias=leaves[2])
    first = torch.autograd.grad(loss * 3, leaves, retain_graph=True)
    prepared = linear_cross_entropy(*leaves[:2], target, linear_bias=leaves[2])
    del products[:]
    second = torch.autograd.grad(prepared * 3, leaves, retain_graph=True)
    assert products == []
    third = torch.autograd.grad(prepared * 3, leaves)
    assert len(products) == 3
    for a, b, c in zip(first, second, third, strict=True):
        assert torch.equal(a, b)
        assert torch.equal(b, c)


def test_an_overwritten_tensor_is_seen() -> None:
    for position in range(3):
        hidden, weight, _ = head(7)
        hidden, target = hidden * 1, classes(7)
        loss = linear_cross_entropy(hidden, weight, target)
        with torch.no_grad():
            (hidden, weight, target)[position].mul_(1)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


@pytest.mark.parametrize("upstream", [1.0, 1024.0, 65536.0])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_rounded_after_the_upstream_gradient(dtype: Any, upstream: float) -> None:
    """Many rows of small weight, many chunks: nothing is lost before the sum, nor overflows."""
    n, num_classes = 4000, 300
    with torch.no_grad():
        hidden, weight, bias = (x / 4 for x in head(n, num_classes=num_classes, dtype=dtype))
    leaves = [x.requires_grad_() for x in (hidden, weight, bias)]
    target = classes(n, num_classes=num_classes)
    loss = linear_cross_entropy(
        *leaves[:2], target, linear_bias=bias, memory=100 * num_classes * 2
    )  # fmt: skip
    want = grads(reference(*leaves, target), leaves, upstream)
    for have, exact in zip(grads(loss, leaves, upstream), want, strict=True):
        assert_near([have], [exact], 3 * torch.finfo(dtype).eps)


def test_float16_takes_a_sum_times_a_loss_scale() -> None:
    """65536 (p - y) is no float16; what becomes of it is one."""
    hidden, weight, bias = (x.detach() * 2**-8 for x in head(6, dtype=torch.float16))
    leaves, target = [x.requires_grad_() for x in (hidden, weight, bias)], classes(6)
    loss = linear_cross_entropy(*leaves[:2], target, reduction="sum")
    want = grads(reference(*leaves[:2], None, target, reduction="sum"), leaves[:2], 65536.0)
    assert_near(grads(loss, leaves[:2], 65536.0), want, 2e-3)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_confident_row_keeps_its_digits(reduction: str) -> None:
    """Where the product is exact, loss and gradients are those of cross_entropy."""
    rows = torch.tensor([[17.0, 0, 0], [0, 0, 30]]).requires_grad_()
    weight, target = torch.eye(3).requires_grad_(), torch.tensor([0, 2])
    loss = linear_cross_entropy(rows, weight, target, reduction=reduction)
    want = cross_entropy(rows, target, reduction=reduction)
    assert torch.equal(loss, want)
    slope = grads(want, [rows])[0]
    by_rows, by_weight = grads(loss, [rows, weight])
    assert torch.equal(by_rows, slope)
    torch.testing.assert_close(by_weight, slope.T @ rows, rtol=1e-6, atol=0)


def test_no_more_logits_than_the_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    empty = head_products.empty
    monkeypatch.setattr(
        head_products, "empty", lambda shape, t: made.append(shape) or empty(shape, t)
    )
    hidden, weight, _ = head(50, dtype=torch.float32)
    for memory, rows in ((None, 50), (9 * 4, 1), (9 * 4 * 20 + 35, 17)):
        linear_cross_entropy(hidden, weight, classes(50, ignored=False), memory=memory).backward()
        assert made.pop() == (rows, 9)
    assert made == []


def test_layouts() -> None:
    """Strided inputs, a weight that is a view of another's columns, frozen by a view."""
    hidden, weight, bias = head(5, 4)
    target = classes(5, 4)
    want = reference(hidden, weight, bias, target)
    turned = hidden.detach().transpose(0, 1).contiguous().transpose(0, 1).requires_grad_()
    table = weight.detach().T.contiguous().T.requires_grad_()
    loss = linear_cross_entropy(turned, table, target, linear_bias=bias)
    assert_near([loss], [want], 1e-12)
    assert_near(grads(loss, (turned, table)), grads(want, (hidden, weight)), 1e-12)
