"""The head inside torch.compile: its gradients come with the loss, in three products."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_helpers import steady  # noqa: F401
from torch_helpers.functions import normal, uniform

import neglog.torch as nt
from neglog.torch._autograd.head import head_loss
from neglog.torch._engines.products import CpuProducts
from neglog.torch._operators.inputs import as_tensors

pytestmark = pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")

Y = torch.tensor([0, 1, -100, 3, 2])
PROBS, ROWS = normal(5, 4, seed=7).softmax(1), uniform(5)


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def leaves(dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
    return tuple(
        normal(*shape, seed=len(shape)).to(dtype).requires_grad_()
        for shape in ((5, 3), (4, 3), (4,))
    )


def loss_of(target: Tensor = Y, **options: Any) -> Callable[..., Tensor]:
    return lambda h, w, b: nt.linear_cross_entropy(2 * h, w, target, linear_bias=b, **options)


def compiled(function: Callable[..., Tensor], backend: str = "aot_eager") -> Callable[..., Tensor]:
    return torch.compile(function, fullgraph=True, backend=backend)  # type: ignore[no-any-return]


OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {"reduction": "sum", "memory": 64},
    {"label_smoothing": 0.1, "z_loss": 0.1},
    {"softcap": 3.0, "temperature": 2.0, "row_weight": ROWS},
    {"weight": uniform(4), "grad_tolerance": 0.05},
)


@pytest.mark.parametrize("options", OPTIONS, ids=list)
@pytest.mark.parametrize("target", [Y, PROBS], ids=["classes", "probabilities"])
def test_loss_and_gradients(target: Tensor, options: dict[str, Any]) -> None:
    """Those of the eager head, for any upstream gradient."""
    loss, tensors = loss_of(target, **options), leaves()
    graph = compiled(loss)
    for upstream in (1.0, -3.0):
        results = []
        for function in (graph, loss):
            value = function(*tensors)
            slope = torch.full_like(value, upstream)
            results.append((value.detach(), torch.autograd.grad(value, tensors, slope)))
        torch.testing.assert_close(*results, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_logits_are_computed_once(dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, logits, tensors = [], CpuProducts.logits, leaves(dtype)
    monkeypatch.setattr(CpuProducts, "logits", lambda *a: (calls.append(1), logits(*a))[1])
    compiled(loss_of())(*tensors).backward()
    assert len(calls) == 1


@pytest.mark.parametrize("memory", [None, 16], ids=["one chunk", "panels"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_halves(dtype: torch.dtype, memory: int | None) -> None:
    """The eager head's; those of bfloat16 are rounded before the upstream gradient, too.

    With a loss scale, float16 has no fewer digits.
    """
    loss, tensors = loss_of(memory=memory), leaves(dtype)
    graph = compiled(loss)
    for upstream in (1.0, -4.0, 2.0**14, 3.0):
        results = []
        for function in (graph, loss):
            value = function(*tensors)
            slope = torch.full_like(value, upstream)
            results.append((value.detach(), *torch.autograd.grad(value, tensors, slope)))
        once = dtype == torch.float16 or upstream != 3.0
        torch.testing.assert_close(*results, rtol=0 if once else 2**-7, atol=0)


def test_an_infinite_upstream_gradient_stays_out_of_skipped_rows() -> None:
    hidden, classes, bias = leaves()
    value = compiled(loss_of())(hidden, classes, bias)
    (slope,) = torch.autograd.grad(value, hidden, torch.full_like(value, torch.inf))
    assert torch.equal(slope[2], torch.zeros(3, dtype=torch.float64))


def test_second_derivatives() -> None:
    """Of a graph that Dynamo alone has made; AOTAutograd has none."""
    tensors, results = leaves(), []
    for function in (compiled(loss_of(), "eager"), loss_of()):
        first = torch.autograd.grad(function(*tensors), tensors, create_graph=True)
        results.append(torch.autograd.grad(sum((x * x).sum() for x in first), tensors))
    torch.testing.assert_close(*results, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("training", [False, True])
def test_gradients_only_for_training(training: bool) -> None:
    """Neither without gradients nor in an exported program."""
    seen: list[str] = []

    def backend(graph: torch.fx.GraphModule, _: Any) -> Any:
        seen.extend(str(node.target) for node in graph.graph.nodes)
        return graph.forward

    tensors = leaves()
    with torch.set_grad_enabled(training):
        torch.compile(loss_of(), fullgraph=True, backend=backend)(*tensors)
    assert ("neglog.head_loss" in str(seen)) is training


def test_what_compilers_are_told_of_the_operator() -> None:
    h, w, b = leaves()
    keep = Y != -100
    count = keep.double()
    tensors = as_tensors(h, b, Y, None, keep, None, count, None, None, count.sum())
    torch.library.opcheck(head_loss, (h, w, 4096, 0.0, *tensors, None, True, [True] * 3))
