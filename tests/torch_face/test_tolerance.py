"""The head in PyTorch with grad_tolerance: NumPy's numbers, whichever way autograd asks for them.

What is left out is the matter of test_tolerance.py; here its float64 result is what is wanted.
"""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch_helpers import elsewhere, steady  # noqa: F401

import neglog
from neglog.torch import (
    HeadInfo,
    LinearCrossEntropyLoss,
    cross_entropy,
    linear_cross_entropy,
)
from neglog.torch._autograd import loss as loss_node

# torch's own: Dynamo reads .grad of every input.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")

N, D, V, T = 40, 12, 1300, 1e-3
TIGHT = 9 * V * 10  # bytes: chunks of about nine rows of float64


@pytest.fixture(autouse=True)
def prepared_for_one() -> Iterator[None]:
    """Each test begins as a process does: gradients are prepared for an upstream gradient of 1."""
    loss_node.remember(1.0)
    yield
    loss_node.remember(1.0)


def head(dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """(input, linear_weight, linear_bias); few classes have nearly all of a row's mass."""
    random = torch.Generator().manual_seed(1)
    hidden, weight, bias = (
        torch.randn(shape, dtype=torch.float64, generator=random)
        for shape in ((N, D), (V, D), (V,))
    )
    return [x.to(dtype).requires_grad_() for x in (hidden, 2 * weight, bias)]


def targets() -> Tensor:
    """Half of them what the head itself says, every eighth left out."""
    target = torch.arange(N) * 7 % V
    with torch.no_grad():
        target[::2] = F.linear(*head()).argmax(1)[::2]
    target[3::8] = -100
    return target


TARGET = targets()
ROWS = torch.linspace(0, 2, N, dtype=torch.float64)


def ours(leaves: Any, target: Tensor = TARGET, t: float = T, **options: Any) -> Tensor:
    hidden, weight, bias = leaves
    options = {"memory": TIGHT} | options
    return linear_cross_entropy(
        hidden, weight, target, linear_bias=bias, grad_tolerance=t, **options
    )  # fmt: skip


def grads(loss: Tensor, leaves: Any, upstream: float = 1.0, **how: Any) -> tuple[Tensor, ...]:
    return torch.autograd.grad(loss, leaves, torch.full_like(loss, upstream), **how)


def by_numpy(leaves: Any, target: Tensor = TARGET, t: float = T, **options: Any) -> Any:
    """Loss and gradients of the face for arrays."""
    hidden, weight, bias = (x.detach().double().numpy() for x in leaves)
    options = {k: x.numpy() if isinstance(x, Tensor) else x for k, x in options.items()}
    return neglog.linear_cross_entropy_and_grad(
        hidden, weight, target.numpy(), bias=bias, grad_tolerance=t, **{"memory": TIGHT} | options
    )  # fmt: skip


def assert_near(have: Any, want: Any, rtol: float) -> None:
    """Relative to the norm of all that is wanted."""
    for x, y in zip(have, want, strict=True):
        y = torch.as_tensor(y).double()
        assert torch.linalg.norm(x.double() - y) <= rtol * torch.linalg.norm(y)


def assert_equal(have: Any, want: Any) -> None:
    assert all(torch.equal(x, y) for x, y in zip(have, want, strict=True))


OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "smoothing": {"label_smoothing": 0.1},
    "weights": {"weight": torch.linspace(0, 2, V, dtype=torch.float64), "row_weight": ROWS},
    "all": {
        "row_weight": ROWS,
        "label_smoothing": 0.1,
        "z_loss": 0.01,
        "temperature": ROWS / 4 + 0.6,
        "softcap": 30.0,
    },
}


@pytest.mark.parametrize("soft", [False, True], ids=["classes", "probabilities"])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("name", OPTIONS)
def test_gradients_are_those_of_the_other_face(name: str, reduction: str, soft: bool) -> None:
    """With many chunks, or one whose rows have a remainder for each of their groups."""
    leaves, target = head(), TARGET
    if soft:
        target = F.one_hot(TARGET.clamp(min=0), V).double().roll(1, 1) * 0.7
        target += F.one_hot(TARGET.clamp(min=0), V).double() * 0.3
    for memory in (TIGHT, None):
        options: dict[str, Any] = {**OPTIONS[name], "reduction": reduction, "memory": memory}
        loss = ours(leaves, target, **options)
        torch.testing.assert_close(loss, ours(leaves, target, 0.0, **options), rtol=1e-13, atol=0)
        found = grads(loss, leaves)
        assert_near(found, by_numpy(leaves, target, **options)[1], 1e-11)
        _, near = by_numpy(leaves, target, 0.0, **options)
        with pytest.raises(AssertionError):
            assert_near(found[:2], near[:2], 1e-6)  # something was left out


def test_each_row_has_its_own_upstream_gradient() -> None:
    """As row weights of a sum, and so in the unit that a row's entries are compared with."""
    leaves = head()
    loss = ours(leaves, reduction="none")
    _, want = by_numpy(leaves, reduction="sum", row_weight=ROWS)
    assert_near(torch.autograd.grad(loss, leaves, ROWS), want, 1e-11)


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("upstream", [1.0, -3.0, 65536.0])
def test_the_upstream_gradient_is_a_factor(reduction: str, upstream: float) -> None:
    """Of either sign: it changes what is left out in nothing."""
    leaves = head()
    loss = ours(leaves, reduction=reduction)
    _, want = by_numpy(leaves, reduction="sum" if reduction == "none" else reduction)
    for _ in range(2):  # not the one that gradients were prepared for, and the one
        found = grads(loss, leaves, upstream, retain_graph=True)
        assert_near(found, [upstream * x for x in want], 1e-11)
        loss = ours(leaves, reduction=reduction)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_without_tolerance_not_a_bit_changes(reduction: str) -> None:
    leaves = head(torch.float32)
    found = []
    for options in ({}, {"grad_tolerance": 0.0}, {"grad_tolerance": 0}):
        loss = linear_cross_entropy(
            *leaves[:2], TARGET, linear_bias=leaves[2], reduction=reduction, **options
        )
        found.append((loss, *grads(loss, leaves)))
    assert_equal(found[1], found[0])
    assert_equal(found[2], found[0])


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_a_gradient_that_nobody_wants(reduction: str) -> None:
    """What is frozen changes nothing in the others."""
    leaves = head()
    want = grads(ours(leaves, reduction=reduction), leaves)
    for trained in itertools.product([False, True], repeat=3):
        leaves = head()
        for leaf, wanted in zip(leaves, trained, strict=True):
            leaf.requires_grad_(wanted)
        loss = ours(leaves, reduction=reduction)
        assert loss.requires_grad == any(trained)
        if any(trained):
            places = [x for x in leaves if x.requires_grad]
            chosen = [x for x, wanted in zip(want, trained, strict=True) if wanted]
            assert_near(grads(loss, places), chosen, 1e-14)


def test_without_a_bias() -> None:
    leaves, nothing = head(), torch.zeros(V, dtype=torch.float64)
    found = grads(ours((*leaves[:2], None)), leaves[:2])
    _, want = by_numpy((*leaves[:2], nothing))
    assert_near(found, want[:2], 1e-11)


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("upstream", [1.0, 65536.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_narrow_types(dtype: torch.dtype, upstream: float, reduction: str) -> None:
    """Of the logits that torch's product has, the gradients are as near as those of float64."""
    if reduction == "none":
        upstream /= 64  # the largest that float16 has room for
    leaves = head(dtype)
    logits = F.linear(*(x.detach() for x in leaves)).double()
    _, slope = neglog.cross_entropy_and_grad(logits.numpy(), TARGET.numpy(), reduction=reduction)
    g = upstream * torch.from_numpy(slope)
    exact = (g @ leaves[1].double(), g.T @ leaves[0].double(), g.sum(0))
    t = 1e-5
    wide = by_numpy(leaves, t=t, reduction=reduction)[1]
    near = by_numpy(leaves, t=0.0, reduction=reduction)[1]
    found = grads(ours(leaves, t=t, reduction=reduction), leaves, upstream)
    for have, want, a, b in zip(found, exact, wide, near, strict=True):
        left_out = np.linalg.norm(a - b) / np.linalg.norm(b)
        assert have.dtype == dtype
        assert_near([have], [want], 2 * left_out + 3 * torch.finfo(dtype).eps)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_backward_twice(reduction: str) -> None:
    leaves = head(torch.float32)
    loss = ours(leaves, reduction=reduction)
    first = grads(loss, leaves, retain_graph=True)
    assert_equal(grads(loss, leaves, retain_graph=True), first)
    assert_equal(grads(loss, leaves, 2.0), [2 * x for x in first])


def test_gradients_add_up_over_batches() -> None:
    leaves = head()
    for rows in (slice(0, 15), slice(15, N)):
        (ours((leaves[0][rows], *leaves[1:]), TARGET[rows], reduction="sum") / N).backward()
    half = [by_numpy((leaves[0][r], *leaves[1:]), TARGET[r], reduction="sum")[1]
            for r in (slice(0, 15), slice(15, N))]  # fmt: skip
    assert_near([leaves[1].grad * N], [half[0][1] + half[1][1]], 1e-11)


def test_the_module_passes_it_on() -> None:
    leaves = head()
    settings: Any = {"dtype": torch.float64, "memory": TIGHT, "grad_tolerance": T}
    module = LinearCrossEntropyLoss(D, V, bias=True, **settings)
    with torch.no_grad():
        for place, value in zip(module.linear.parameters(), leaves[1:], strict=True):
            place.copy_(value)
    loss = module(leaves[0], TARGET)
    _, want = by_numpy(leaves)
    assert_near(grads(loss, [leaves[0], *module.linear.parameters()]), want, 1e-11)
    assert f"grad_tolerance={T}" in repr(module)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_compiled_in_one_graph(reduction: str) -> None:
    torch._dynamo.reset()
    graph, leaves = torch.compile(ours, fullgraph=True, backend="aot_eager"), head()
    loss = graph(leaves, reduction=reduction)
    torch.testing.assert_close(loss, ours(leaves, reduction=reduction), rtol=1e-13, atol=0)
    _, want = by_numpy(leaves, reduction=reduction)
    assert_near(grads(loss, leaves), want, 1e-11)


def test_autocast() -> None:
    leaves = head(torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        loss = ours(leaves)
    narrow = [x.detach().bfloat16().requires_grad_() for x in leaves]
    assert_equal(grads(loss, leaves), [x.float() for x in grads(ours(narrow), narrow)])


# ---- derivatives that nothing is left out of


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_second_derivatives_are_exact(reduction: str) -> None:
    found = []
    for t in (T, 0.0):
        leaves = [x.detach().requires_grad_() for x in (head()[0][:4], *head()[1:])]
        loss = ours(leaves, TARGET[:4], t=t, reduction=reduction).sum()
        slopes = torch.autograd.grad(loss, leaves, create_graph=True)
        pairs = zip(slopes, leaves, strict=True)
        curve = torch.stack([(slope * leaf.detach().cos()).sum() for slope, leaf in pairs]).sum()
        found.append(torch.autograd.grad(curve, leaves))
    assert_near(*found, 1e-11)


def test_function_transforms_are_exact() -> None:
    leaves = [x.detach() for x in head()]
    have = torch.func.grad(lambda *x: ours(x), (0, 1, 2))(*leaves)
    _, want = by_numpy(leaves, t=0.0)
    assert_near(have, want, 1e-11)


def test_other_devices_are_exact() -> None:
    leaves = head()
    with elsewhere():
        found = grads(ours(leaves), leaves)
    _, want = by_numpy(leaves, t=0.0)
    assert_near(found, want, 1e-11)


@pytest.mark.parametrize("name", ["weight", "row_weight", "temperature"])
def test_gradients_of_options_are_exact(name: str) -> None:
    option = torch.rand({"weight": (V,), "row_weight": (N,), "temperature": ()}[name]).add(0.5)
    option, leaves = option.double().requires_grad_(), head()
    logits = F.linear(*leaves)
    target = TARGET.clamp(min=0)
    have = grads(ours(leaves, target, **{name: option}), [*leaves, option])
    want = grads(cross_entropy(logits, target, **{name: option}), [*leaves, option])
    assert_near(have, want, 1e-11)


# ---- what is said of it, and what is refused


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16], ids=str)
def test_info_is_filled_by_the_call(dtype: torch.dtype) -> None:
    """In float16 gradients are made with another factor on the way."""
    assert HeadInfo is neglog.HeadInfo
    info, wanted, leaves = HeadInfo(), HeadInfo(), head(dtype)
    rtol = 1e-9 if dtype == torch.float64 else 0.05  # there, logits are rounded
    loss = ours(leaves, info=info)
    by_numpy(leaves, info=wanted)
    for name in ("kept", "mean_dropped", "largest_dropped"):
        assert getattr(info, name) == pytest.approx(getattr(wanted, name), rel=rtol)
    np.testing.assert_allclose(info.bound, wanted.bound, rtol=4 * rtol)
    found, _ = grads(loss, leaves[:2])
    _, near = by_numpy(leaves, t=0.0)
    off = np.linalg.norm(found.double().numpy() - near[0], axis=1)
    assert (off <= info.bound + rtol * np.abs(near[0]).max()).all()


def test_info_of_an_exact_gradient() -> None:
    leaves, shape = head(), (2, N // 2)
    hidden, target = leaves[0].view(*shape, D), TARGET.view(shape)

    def composed(weight: Tensor) -> Tensor:
        return ours((hidden.detach(), weight, leaves[2].detach()), target, info=info)

    calls: list[Any] = [
        lambda: ours((hidden, *leaves[1:]), target, t=0.0, info=info),
        lambda: torch.func.grad(composed)(leaves[1].detach()),
    ]
    for call in calls:
        info = HeadInfo()
        call()
        assert (info.kept, info.mean_dropped, info.largest_dropped) == (1, 0, 0)
        assert info.bound.shape == shape
        assert not info.bound.any()


def test_info_where_gradients_come_later_is_refused() -> None:
    torch._dynamo.reset()
    said = "info.*the gradients are computed in the backward pass"
    with pytest.raises(ValueError, match=said):
        ours(head(), reduction="none", info=HeadInfo())
    graph = torch.compile(lambda *x: ours(x, info=HeadInfo()), backend="aot_eager")
    with pytest.raises(Exception, match=said):
        graph(*head())


@pytest.mark.parametrize("t", [-0.1, 1.0, 2, float("inf"), float("nan")])
def test_a_tolerance_that_is_no_share_is_refused(t: float) -> None:
    with pytest.raises(ValueError, match="grad_tolerance") as caught:
        ours(head(), t=t)
    assert isinstance(caught.value, RuntimeError)


@pytest.mark.parametrize("t", ["0.1", None, True, [0.1]], ids=repr)
def test_a_tolerance_that_is_no_number_is_refused(t: Any) -> None:
    with pytest.raises(TypeError, match="grad_tolerance") as caught:
        ours(head(), t=t)
    assert isinstance(caught.value, RuntimeError)


@pytest.mark.parametrize("info", [{}, 1, HeadInfo], ids=repr)
def test_an_info_of_another_type_is_refused(info: Any) -> None:
    with pytest.raises(TypeError, match="info"):
        ours(head(), info=info)


# ---- edges


def test_what_is_no_number_reaches_the_gradients() -> None:
    leaves = head()
    with torch.no_grad():
        leaves[0][5, 2] = torch.inf
    by_hidden, by_weight, by_bias = grads(ours(leaves), leaves)
    assert by_hidden[5].isnan().all()
    assert by_hidden[[*range(5), *range(6, N)]].isfinite().all()
    assert by_weight.isnan().all()
    assert by_bias.isnan().all()


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_rows_that_do_not_count_harm_nobody(reduction: str) -> None:
    leaves = head()
    _, want = by_numpy(leaves, reduction=reduction)
    with torch.no_grad():
        leaves[0][TARGET < 0] = torch.nan
    found = grads(ours(leaves, reduction=reduction), leaves)
    assert_near(found, want, 1e-11)
    assert not found[0][TARGET < 0].any()


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_no_row_at_all(reduction: str) -> None:
    hidden, weight, bias = head()
    nobody = (torch.full((N,), -100), hidden), (TARGET[:0], hidden[:0])
    for target, rows in nobody:
        loss = ours((rows, weight, bias), target, reduction=reduction)
        assert not loss.any()
        assert not any(x.any() for x in grads(loss, (hidden, weight, bias)))


@pytest.mark.parametrize("gap", [30.0, 2000.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_a_confident_model_divides_by_nothing(gap: float, dtype: torch.dtype) -> None:
    leaves = head(dtype)
    with torch.no_grad():
        leaves[1].div_(leaves[1].norm(dim=1, keepdim=True))
        leaves[2].zero_()
        leaves[0].copy_(gap * leaves[1][TARGET.clamp(min=0)])
    found = grads(ours(leaves), leaves)
    assert all(x.isfinite().all() and x.abs().max() < 0.1 * gap for x in found)
