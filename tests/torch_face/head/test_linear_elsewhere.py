"""The head on devices without kernels: also in chunks, and without waiting for the device.

CPU tensors pose as another device's (`torch_helpers.elsewhere`); what is expected comes from all
logits.
"""

from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch_helpers import DTYPES, elsewhere, steady  # noqa: F401

import neglog.torch as nt
from neglog.torch import HeadInfo, cross_entropy, linear_cross_entropy, linear_row_stats
from neglog.torch._operators import head as head_operators
from neglog.torch._route import Path, route_of_head

N, D, V = 60, 8, 50
ROWS = 7  # of a chunk
TARGET = torch.arange(N) * 7 % V
TARGET[1::4] = -100
PROBS = torch.rand(N, V, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
CHOSEN = torch.stack([torch.arange(N) % V, torch.arange(N) * 3 % V], 1)
OPTIONS: list[dict[str, Any]] = [
    {},
    {"reduction": "none", "z_loss": 0.1},
    {"weight": torch.linspace(0.5, 2, V), "label_smoothing": 0.1, "reduction": "sum"},
    {"temperature": torch.linspace(0.5, 2, N), "softcap": 3.0, "z_loss": 0.01},
    {"row_weight": torch.arange(N) % 3.0, "temperature": 0.7},
]


def head(dtype: torch.dtype = torch.float64, n: int = N) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(2)
    made = [torch.randn(s, dtype=torch.float64, generator=random) for s in ((n, D), (V, D), (V,))]
    hidden, classes, bias = (x.to(dtype).requires_grad_() for x in made)
    return hidden, classes, bias


def memory(dtype: torch.dtype) -> int:
    """Memory for one chunk."""
    return ROWS * V * dtype.itemsize


def grads(loss: Tensor, leaves: Any, upstream: float = 1.0) -> tuple[Tensor, ...]:
    weights = torch.linspace(1, 2, loss.numel()).view_as(loss).to(loss.dtype) * upstream
    return torch.autograd.grad(loss, leaves, weights)


def assert_near(have: Any, want: Any, rounding: float) -> None:
    """Relative to the largest: a product's rounding error does not follow small entries."""
    for x, y in zip(have, want, strict=True):
        largest = y.double().abs().max().item()
        torch.testing.assert_close(x.double(), y.double(), rtol=0, atol=rounding * largest)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("target", [TARGET, PROBS], ids=["classes", "probabilities"])
@pytest.mark.parametrize("options", range(len(OPTIONS)))
def test_loss_and_gradients_without_all_logits(
    options: int, target: Tensor, dtype: torch.dtype
) -> None:
    """No new tensor is larger than a chunk's logits, the head or the target."""
    leaves, option = head(dtype), OPTIONS[options]
    with elsewhere() as device:
        loss = linear_cross_entropy(
            *leaves[:2], target, linear_bias=leaves[2], memory=memory(dtype), **option
        )  # fmt: skip
        found = grads(loss, leaves)
    if target is TARGET:
        assert device.largest <= max(ROWS * V, N * D, V * D)
    wide = [x.detach().double().requires_grad_() for x in leaves]
    want = cross_entropy(F.linear(*wide), target, **option)
    rounding = {torch.float64: 1e-12, torch.float32: 1e-5, torch.float16: 5e-3}.get(dtype, 4e-2)
    assert_near([loss], [want], rounding)
    assert_near(found, grads(want, wide), rounding)
    assert [x.dtype for x in found] == [dtype] * 3


@pytest.mark.parametrize("softcap", [None, 3.0])
def test_statistics_without_all_logits(softcap: float | None) -> None:
    leaves, target = head(), TARGET.clamp(min=0)
    options: dict[str, Any] = {"temperature": torch.linspace(0.5, 2, N), "softcap": softcap}
    with elsewhere() as device:
        stats, log_probs = linear_row_stats(
            *leaves[:2], target, linear_bias=leaves[2], chosen=CHOSEN,
            memory=memory(torch.float64), **options,
        )  # fmt: skip
        parts = [stats.nll, stats.lse, stats.entropy, log_probs]
        found = grads(torch.stack([x.sin().sum() for x in parts]), leaves)
    assert device.largest <= max(ROWS * V, N * D, V * D)
    z = F.linear(*leaves)
    want = nt.row_stats(z, target, **options)
    z = z / options["temperature"][:, None]
    z = z if softcap is None else softcap * torch.tanh(z / softcap)
    picked = nt.log_softmax(z, 1).gather(1, CHOSEN)
    exact = [want.nll, want.lse, want.entropy, picked]
    torch.testing.assert_close(parts, exact)
    assert torch.equal(stats.argmax, want.argmax)
    torch.testing.assert_close(found, grads(torch.stack([x.sin().sum() for x in exact]), leaves))


def test_a_chunk_holds_as_many_rows_as_the_memory() -> None:
    """Conversely, with more memory larger tensors are made."""
    leaves = head()
    with elsewhere() as device:
        linear_cross_entropy(*leaves[:2], TARGET)
    assert device.largest == N * V


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_skipped_rows_do_not_reach_the_others(dtype: torch.dtype) -> None:
    """nan and infinities in an ignored row, and in one of weight 0."""
    hidden, classes, bias = head(dtype)
    row_weight = torch.ones(N)
    row_weight[2] = 0
    with torch.no_grad():
        hidden[1], hidden[2] = torch.nan, torch.inf
    options: Any = {"linear_bias": bias, "row_weight": row_weight, "memory": memory(dtype)}
    with elsewhere():
        loss = linear_cross_entropy(hidden, classes, TARGET, z_loss=0.1, **options)
        found = grads(loss, (hidden, classes, bias))
    assert all(x.isfinite().all() for x in (loss, *found))
    assert not found[0][1:3].any()


def test_no_row_at_all() -> None:
    for n, target in ((3, torch.full((3,), -100)), (0, TARGET[:0])):
        leaves = head(n=n)
        with elsewhere():
            loss = linear_cross_entropy(*leaves[:2], target, linear_bias=leaves[2])
            found = grads(loss, leaves)
            stats = linear_row_stats(*leaves[:2], target.clamp(min=0))
        assert loss == 0
        assert not any(x.any() for x in found)
        assert [tuple(x.shape) for x in stats] == [(n,)] * 4


@pytest.mark.parametrize("upstream", [1.0, 65536.0])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_float16_takes_a_loss_scale(reduction: str, upstream: float) -> None:
    """65536 (p - y) does not fit in float16, and (p - y) / 65536 would lose digits."""
    hidden, classes, _ = (x.detach() * 2**-8 for x in head(torch.float16))
    leaves = [hidden.requires_grad_(), classes.requires_grad_()]
    with elsewhere():
        loss = linear_cross_entropy(
            *leaves, TARGET, reduction=reduction, memory=memory(hidden.dtype)
        )
        found = grads(loss, leaves, upstream)
    wide = [x.detach().double().requires_grad_() for x in leaves]
    want = grads(cross_entropy(F.linear(*wide), TARGET, reduction=reduction), wide, upstream)
    assert_near(found, want, 2e-3)


def test_a_class_that_does_not_exist_is_nan_in_its_row() -> None:
    leaves, target, chosen = head(), TARGET.clamp(min=0), CHOSEN.clone()
    target[3], chosen[5, 1] = V, -1
    with elsewhere():
        loss = linear_cross_entropy(*leaves[:2], target, reduction="none")
        stats, log_probs = linear_row_stats(*leaves[:2], target, chosen=chosen)
    for found in (loss, stats.nll):
        assert found.isnan().nonzero().tolist() == [[3]]
    assert log_probs.isnan().nonzero().tolist() == [[5, 1]]


def test_only_wanted_gradients() -> None:
    hidden, classes, bias = head()
    classes.requires_grad_(False)
    with elsewhere():
        loss = linear_cross_entropy(hidden, classes, TARGET, linear_bias=bias)
        found = grads(loss, (hidden, bias))
    want = grads(cross_entropy(F.linear(hidden, classes, bias), TARGET), (hidden, bias))
    torch.testing.assert_close(found, want)


def test_second_derivatives_are_those_of_the_composition() -> None:
    found = []
    for place in (elsewhere, torch.enable_grad):
        leaves = head()
        with place():
            loss = linear_cross_entropy(*leaves[:2], TARGET, linear_bias=leaves[2])
            slopes = torch.autograd.grad(loss, leaves, create_graph=True)
            found.append(torch.autograd.grad(sum(x.square().sum() for x in slopes), leaves))
    torch.testing.assert_close(*found)


def test_gradients_are_exact_and_info_says_so() -> None:
    leaves, info = head(), HeadInfo()
    with elsewhere():
        loss = linear_cross_entropy(*leaves[:2], TARGET, grad_tolerance=0.1, info=info)
        found = grads(loss, leaves[:2])
    assert (info.kept, info.largest_dropped) == (1.0, 0.0)
    torch.testing.assert_close(
        found, grads(cross_entropy(F.linear(*leaves[:2]), TARGET), leaves[:2])
    )


def test_the_implementation_runs_where_there_are_no_values() -> None:
    """On the meta device: every tensor is made there, and no shape depends on a value."""
    leaves = [x.detach().to("meta") for x in head(torch.float16)]
    target, chosen, keep = (x.to("meta") for x in (TARGET, CHOSEN, TARGET >= 0))
    row, pair = torch.empty(N, device="meta"), torch.empty(N, 2, device="meta")
    limits = (memory(torch.float16), 0.0)
    for rest in ((target, None, None, keep), (target, None, chosen, None)):
        results = head_operators.head_results._init_fn(*leaves, *limits, *rest, row, 2.0, True)
        assert {x.device.type for x in results} == {"meta"}
        coefs = (row, None, row, row, None if rest[2] is None else pair)
        found = head_operators.head_gradients._init_fn(
            *leaves, *limits, *rest, row, 2.0, *coefs, [True] * 3
        )  # fmt: skip
        assert [x.shape for x in found] == [x.shape for x in leaves]


def test_which_path_a_head_takes() -> None:
    leaves, weight = head(), torch.ones(V, requires_grad=True)
    assert route_of_head(leaves, one_number=True).path is Path.NODE
    assert route_of_head(leaves, one_number=False).path is Path.OPERATOR
    assert route_of_head(leaves, weight, one_number=True).path is Path.COMPOSED
    with elsewhere():
        assert route_of_head(leaves, one_number=True).path is Path.OPERATOR
        assert route_of_head(leaves, weight, one_number=True).path is Path.COMPOSED
