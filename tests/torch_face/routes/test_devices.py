"""A default device on which the tensors are not; tensors on no device, which have only a shape."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_helpers import steady  # noqa: F401
from torch_helpers.functions import cases, normal, uniform

import neglog.torch as nt

Call = tuple[Callable[..., Any], tuple[Tensor, ...]]

H, W, B, Z = normal(6, 5), normal(4, 5, seed=1), normal(4, seed=2), normal(6, 4, seed=3)
Y, WEIGHT, ROWS = torch.arange(6) % 4, uniform(4), torch.arange(6.0)
OPTIONS: dict[str, Any] = {"label_smoothing": 0.1, "z_loss": 0.1, "temperature": 2.0}


def head(reduction: str, **options: Any) -> Callable[..., Any]:
    return lambda h, w, b, y, rows: nt.linear_cross_entropy(
        h, w, y, linear_bias=b, row_weight=rows, reduction=reduction, **options
    )


def losses() -> dict[str, Call]:
    """Every path of the losses that makes tensors."""
    found: dict[str, Call] = {
        "probabilities": (lambda z, p: nt.cross_entropy(z, p, **OPTIONS), (Z, Z.softmax(1))),
        "head, probabilities": (
            lambda h, w, p: nt.linear_cross_entropy(h, w, p, **OPTIONS), (H, W, Z.softmax(1)),
        ),
        "head, statistics": (
            lambda h, w, b, y: nt.linear_row_stats(
                h, w, y, linear_bias=b, chosen=y.unsqueeze(1)
            ),
            (H, W, B, Y),
        ),
    }  # fmt: skip
    for reduction in ("mean", "none"):
        found[f"plain, {reduction}"] = (
            lambda z, y, reduction=reduction: nt.cross_entropy(z, y, reduction=reduction), (Z, Y),
        )  # fmt: skip
        found[f"options, {reduction}"] = (
            lambda z, y, w, rows, reduction=reduction: nt.cross_entropy(
                z, y, w, reduction=reduction, row_weight=rows, softcap=3.0, **OPTIONS
            ),
            (Z, Y, WEIGHT, ROWS),
        )
        for dtype in (torch.float32, torch.bfloat16, torch.float16):
            tensors = (*(x.to(dtype) for x in (H, W, B)), Y, ROWS)
            name = f"{str(dtype).removeprefix('torch.')}, {reduction}"
            found[f"head, {name}"] = head(reduction), tensors
            found[f"head in chunks, {name}"] = head(reduction, memory=32), tensors
            found[f"head, tolerance, {name}"] = head(reduction, grad_tolerance=0.05), tensors
    return found


def outcome(call: Call, device: str = "cpu") -> list[Tensor]:
    """Results and gradients."""
    function, tensors = call
    inputs = [x.detach().to(device, copy=True) for x in tensors]
    leaves = [x.requires_grad_() for x in inputs[:3] if x.is_floating_point()]
    results = torch.utils._pytree.tree_leaves(function(*inputs))
    parts = [x.sum() for x in results if x.requires_grad]
    grads = torch.autograd.grad(sum(parts[1:], parts[0]), leaves)
    return [x.detach() for x in (*results, *grads)]


@contextlib.contextmanager
def elsewhere_by_default() -> Iterator[None]:
    before = torch.get_default_device()
    torch.set_default_device("meta")
    try:
        yield
    finally:
        torch.set_default_device(before if before.type != "cpu" else None)


EVERY = cases() | losses()


@pytest.mark.parametrize("name", EVERY)
def test_a_default_device_is_not_the_tensors(name: str) -> None:
    want = outcome(EVERY[name])
    for context in (torch.device("meta"), elsewhere_by_default()):
        with context:
            have = outcome(EVERY[name])
        for x, y in zip(have, want, strict=True):
            assert torch.equal(x, y)


MADE_HERE = ("row_stats", "one_vs_rest_nll", "nll_loss", "binary")  # with a target on the CPU


@pytest.mark.parametrize(
    "name", [x for x in EVERY if not x.startswith(MADE_HERE) or x == "binary by all"]
)
def test_tensors_without_memory(name: str) -> None:
    """Only shapes and dtypes, which are those of real tensors."""
    have, want = (outcome(EVERY[name], device) for device in ("meta", "cpu"))
    for x, y in zip(have, want, strict=True):
        assert (x.device.type, x.shape, x.dtype) == ("meta", y.shape, y.dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_hidden_states_without_a_column(device: str, dtype: torch.dtype) -> None:
    hidden, classes = (
        torch.zeros(n, 0, dtype=dtype, device=device, requires_grad=True) for n in (6, 4)
    )
    for reduction in ("mean", "none"):
        loss = nt.linear_cross_entropy(hidden, classes, Y.to(device), reduction=reduction)
        assert device == "meta" or torch.equal(loss, torch.full_like(loss, 4).log())
        grads = torch.autograd.grad(loss.sum(), (hidden, classes))
        assert [x.shape for x in grads] == [(6, 0), (4, 0)]
