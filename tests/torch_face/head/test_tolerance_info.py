"""The head in PyTorch with grad_tolerance: exact derivatives, info, refusals, skipped rows."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch_helpers import elsewhere, steady  # noqa: F401
from torch_helpers.tolerance import (  # noqa: F401
    TARGET,
    TIGHT,
    D,
    N,
    T,
    V,
    assert_near,
    by_numpy,
    grads,
    head,
    ours,
    targets,
)

import neglog
from neglog.torch import (
    HeadInfo,
    cross_entropy,
)

# torch's own: Dynamo reads .grad of every input.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")


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


def test_the_bound_is_that_of_the_gradient_that_came() -> None:
    """Times the upstream gradient, once, and not in the info of a later call."""
    leaves, info, other = head(), HeadInfo(), HeadInfo()
    ours(leaves, info=info)
    bound = info.bound
    assert bound.any()
    for upstream in (1.0, 3.0, -0.5):
        loss = ours(leaves, info=info)
        for again in (True, False):
            grads(loss * upstream, leaves, retain_graph=again)
            np.testing.assert_allclose(info.bound, bound * abs(upstream), rtol=1e-12)
    loss = ours(leaves, info=other)
    ours(leaves, info=other)
    grads(loss * 3, leaves)
    np.testing.assert_array_equal(other.bound, bound)


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
