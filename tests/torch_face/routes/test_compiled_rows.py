"""The loss of rows inside torch.compile: its gradient comes with it, in one pass."""

from collections.abc import Callable, Iterator
from typing import Any

import oracle
import pytest
import torch
from budgets import ULPS
from checks import assert_ulps
from torch import Tensor
from torch_helpers import steady  # noqa: F401
from torch_helpers.functions import normal, uniform

import neglog.torch as nt
from neglog.torch._autograd.loss import row_loss
from neglog.torch._engines import kernels
from neglog.torch._operators.inputs import as_tensors

pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")

Y = torch.tensor([0, 1, -100, 3, 2])
PROBS, ROWS = normal(5, 4, seed=7).softmax(1), torch.tensor([0.5, 0.0, 2.0, 1.0, 1e30])


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def leaf(dtype: torch.dtype = torch.float32) -> Tensor:
    """Logits with nan in the ignored row."""
    z = normal(5, 4, scale=4.0).to(dtype)
    z[2] = torch.nan
    return z.requires_grad_()


def loss_of(target: Tensor = Y, **options: Any) -> Callable[[Tensor], Tensor]:
    return lambda z: nt.cross_entropy(z, target, **options)


def compiled(function: Callable[..., Tensor], backend: str = "aot_eager") -> Callable[..., Tensor]:
    return torch.compile(function, fullgraph=True, backend=backend)  # type: ignore[no-any-return]


OPTIONS: dict[str, Any] = {"label_smoothing": 0.1, "z_loss": 0.1, "weight": uniform(4)}
CASES: tuple[tuple[Tensor, dict[str, Any], torch.dtype], ...] = (
    (Y, {}, torch.float32),
    (Y, {"reduction": "sum", **OPTIONS}, torch.float64),
    (Y, {"softcap": 3.0, "temperature": 2.0, "row_weight": ROWS}, torch.float32),
    (PROBS, {"row_weight": torch.tensor([1.0, 2.0, 0.0, 1.0, 1.0])}, torch.float32),
    (Y, OPTIONS, torch.bfloat16),
)


@pytest.mark.parametrize(("target", "options", "dtype"), CASES)
def test_loss_and_gradient(target: Tensor, options: dict[str, Any], dtype: torch.dtype) -> None:
    """The eager loss, to the last bit, for any upstream gradient."""
    loss, z = loss_of(target, **options), leaf(dtype)
    graph = compiled(loss)
    for upstream in (1.0, -3.0, 2.0**20):
        results = []
        for function in (graph, loss):
            value = function(z)
            slope = torch.full_like(value, upstream)
            results.append((value.detach(), torch.autograd.grad(value, z, slope)[0]))
        torch.testing.assert_close(*results, rtol=0, atol=0)


@pytest.mark.parametrize(("dtype", "times"), [(torch.float32, 1), (torch.float16, 2)])
def test_one_pass(dtype: torch.dtype, times: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Halves are rounded once, after the upstream gradient, and need the logits again."""
    calls, run, z = [], kernels.run, leaf(dtype)
    monkeypatch.setattr(kernels, "run", lambda *a, **k: (calls.append(1), run(*a, **k))[1])
    compiled(loss_of())(z).backward()
    assert len(calls) == times


def test_a_loss_scale_finds_what_would_be_flushed() -> None:
    """Entries below the smallest normal number, times 65536."""
    z = torch.tensor([[0.0, -90.0, -95.0]], requires_grad=True)
    loss = compiled(loss_of(torch.tensor([0])))(z)
    (have,) = torch.autograd.grad(loss, z, torch.full_like(loss, 2.0**16))
    exact = oracle.cross_entropy(z.detach().numpy(), [0]).grad * 2.0**16
    assert_ulps(have, exact, "float32", ULPS["float32"].grad, "gradient")


def test_an_infinite_upstream_gradient_stays_out_of_skipped_rows() -> None:
    z = leaf()
    value = compiled(loss_of())(z)
    (slope,) = torch.autograd.grad(value, z, torch.full_like(value, torch.inf))
    assert torch.equal(slope[2], torch.zeros(4))
    assert slope[[0, 1, 3, 4]].isinf().all()


def test_second_derivatives() -> None:
    """Of a graph that Dynamo alone has made; AOTAutograd has none."""
    z, results = normal(5, 4).requires_grad_(), []
    loss = loss_of(z_loss=0.1)
    for function in (compiled(loss, "eager"), loss):
        (first,) = torch.autograd.grad(function(z), z, create_graph=True)
        results.append(torch.autograd.grad((first * first).sum(), z))
    torch.testing.assert_close(*results, rtol=1e-12, atol=1e-14)


def operators_of(function: Callable[..., Tensor], *tensors: Tensor) -> str:
    seen: list[str] = []

    def backend(graph: torch.fx.GraphModule, _: Any) -> Any:
        seen.extend(str(node.target) for node in graph.graph.nodes)
        return graph.forward

    torch.compile(function, fullgraph=True, backend=backend)(*tensors)
    return " ".join(seen)


def test_when_the_gradient_comes_with_the_loss() -> None:
    """Not for an evaluation, for one loss per row, or where more than the logits is trained."""
    loss, z, rows = loss_of(), leaf(), ROWS.clone().requires_grad_()
    assert "neglog.row_loss" in operators_of(loss, z)
    assert "neglog.row_results" in operators_of(loss, z.detach())
    assert "neglog.row_results" in operators_of(loss_of(reduction="none"), z)
    weighted = lambda z, r: nt.cross_entropy(z, Y, row_weight=r)  # noqa: E731
    assert "neglog.row_results" in operators_of(weighted, z, rows)


def test_a_class_that_is_none_is_an_index_error() -> None:
    graph = compiled(nt.cross_entropy)
    with pytest.raises(IndexError, match=r"target\[1\] is 9,"):
        graph(leaf(), torch.tensor([0, 9, -100, 1, 2]))


@pytest.mark.parametrize("dim", [0, 1])
def test_what_compilers_are_told_of_the_operator(dim: int) -> None:
    z = normal(5, 4, 2) if dim else normal(4)
    y = torch.arange(10).view(5, 2) % 4 if dim else torch.tensor(1)
    keep = y != 2
    count = keep.double()
    tensors = as_tensors(z, y, None, keep, None, count, None, None, count.sum())
    torch.library.opcheck(row_loss, (z.requires_grad_(), dim, *tensors, None, True))
