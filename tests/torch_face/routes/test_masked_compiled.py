"""A mask of classes inside torch.compile and torch.export: what the eager functions compute."""

import io
import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_helpers import steady  # noqa: F401
from torch_helpers.functions import normal

import neglog.torch as nt

pytestmark = [
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf"),
    pytest.mark.filterwarnings("ignore:`isinstance.treespec, LeafSpec.` is deprecated"),
]

Y = torch.tensor([1, 1, -100, 1, 1, 1])

FUNCTIONS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "softmax": lambda z, m: nt.softmax(z, 1, where=m),
    "log_softmax": lambda z, m: nt.log_softmax(z, 1, where=m).exp(),
    "logsumexp": lambda z, m: nt.logsumexp(z, 1, where=m),
    "cross_entropy": lambda z, m: nt.cross_entropy(z, Y[: len(z)], where=m),
    "cross_entropy with options": lambda z, m: nt.cross_entropy(
        z, Y[: len(z)], where=m, z_loss=0.1, softcap=5.0, reduction="none"
    ),
}

# One mask for each row, one for all rows, one class for all, a number.
MASKS = (
    torch.tensor([[True, True, False, True], [False, True, True, True], [True] * 4] * 2),
    torch.tensor([True, True, False, True]),
    torch.tensor([[True], [True], [False], [True], [True], [True]]),
    torch.tensor(True),
)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def problem(mask: Tensor) -> Tensor:
    """Logits that are nan or infinite outside of the mask."""
    z = normal(6, 4, scale=3.0)
    outside = torch.tensor([math.nan, math.inf, -math.inf, math.nan], dtype=z.dtype).expand(6, 4)
    return torch.where(mask, z, outside).requires_grad_()


def outcome(function: Callable[[Tensor, Tensor], Tensor], z: Tensor, mask: Tensor) -> list[Tensor]:
    value = function(z, mask)
    used = value.masked_fill(value.isfinite().logical_not(), 0.0)  # a row with no class
    return [value.detach(), *torch.autograd.grad((used * (1 + used)).sum(), z)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_compiled(name: str) -> None:
    """With open shapes, and a graph for each rank of a mask."""
    function = FUNCTIONS[name]
    graph = torch.compile(function, fullgraph=True, dynamic=True, backend="aot_eager")
    for mask in MASKS:
        z = problem(mask)
        have, want = outcome(graph, z, mask), outcome(function, z, mask)
        torch.testing.assert_close(have, want, rtol=1e-14, atol=1e-15, equal_nan=True)
        assert not have[1][mask.logical_not().expand(6, 4)].any()


class Model(torch.nn.Module):
    def forward(self, z: Tensor, mask: Tensor) -> list[Tensor]:
        return [function(z, mask) for function in FUNCTIONS.values()]


@pytest.mark.parametrize("strict", [False, True])
def test_exported(strict: bool) -> None:
    """A file that another process loads."""
    z, mask = problem(MASKS[0]).detach(), MASKS[0]
    file = io.BytesIO()
    torch.export.save(torch.export.export(Model(), (z, mask), strict=strict), file)
    file.seek(0)
    program: Any = torch.export.load(file).module()
    other = mask.flip(1) | torch.tensor([False, True, False, False])
    for m in (mask, other):
        have, want = program(problem(m).detach(), m), Model()(problem(m).detach(), m)
        torch.testing.assert_close(have, want, rtol=0, atol=0, equal_nan=True)


def test_a_mask_that_does_not_fit_is_refused() -> None:
    graph = torch.compile(FUNCTIONS["softmax"], backend="aot_eager")
    with pytest.raises(RuntimeError, match="where must broadcast"):
        graph(normal(6, 4), torch.ones(5, dtype=torch.bool))
