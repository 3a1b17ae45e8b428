"""The head in PyTorch with grad_tolerance: NumPy's numbers, whichever way autograd asks for them.

What is left out is the matter of test_tolerance.py; here its float64 result is what is wanted.
"""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
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
    LinearCrossEntropyLoss,
    linear_cross_entropy,
)

# torch's own: Dynamo reads .grad of every input.
pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")


ROWS = torch.linspace(0, 2, N, dtype=torch.float64)


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
