"""torch.compile, torch.export and tracing, fake tensors, autocast, and scaled gradients.

Most tests use "aot_eager", the whole compiler except its code generation, which takes ten seconds
per graph. The two graphs that users have are compiled in full.

Long because options, operators and exporters share the compiled functions.
"""

import io
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import oracle
import pytest
import torch
from budgets import ULPS
from checks import assert_identical, assert_ulps, dtype_of
from combinations import PRODUCT, batch, check
from faces import TorchFace
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx

import neglog.torch as nt
from neglog.torch._operators import rows as row_operators
from neglog.torch._operators.inputs import as_tensors

pytestmark = [
    pytest.mark.filterwarnings(f"ignore:{message}")
    for message in (
        "`torch.jit.script_method` is deprecated",  # used by the compiler that writes C++
        "`isinstance.treespec, LeafSpec.` is deprecated",  # used by export
        "The .grad attribute of a Tensor that is not a leaf",  # read of every input, by Dynamo
    )
]

N, V = 7, 5


@pytest.fixture(scope="module", autouse=True)
def recompiles() -> Iterator[None]:
    """Options are constants of a graph, so these tests need more graphs than a program does."""
    with torch._dynamo.config.patch(recompile_limit=1000, accumulated_recompile_limit=1000):
        yield
    torch._dynamo.reset()


def compiled(function: Callable[..., Any], backend: Any = "aot_eager") -> Callable[..., Any]:
    return torch.compile(function, fullgraph=True, dynamic=True, backend=backend)


class Compiled(TorchFace):
    """The torch face, whose cross_entropy is one graph of open shapes for each set of options."""

    def __init__(self, backend: str = "aot_eager") -> None:
        super().__init__()
        self.module = SimpleNamespace(cross_entropy=compiled(nt.cross_entropy, backend))

    def cross_entropy(self, logits: Any, target: Any, **options: Any) -> Any:
        """Always with a backward pass; without one it would be another graph."""
        z = self.array(logits)
        leaf = z if z.requires_grad else z.detach().requires_grad_()
        return TorchFace.cross_entropy(self, leaf, target, **options)


COMPILED = Compiled()


def normal(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    random = torch.Generator().manual_seed(sum(shape))
    return (torch.randn(shape, dtype=torch.float64, generator=random) * 3).to(dtype)


def ignoring(n: int = N, num_classes: int = V) -> Tensor:
    """The third row is ignored: compiled losses have been seen to count such rows."""
    return torch.tensor([-100 if row == 2 else row % num_classes for row in range(n)])


def grads(loss: Tensor, *leaves: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(loss, leaves)


@pytest.mark.parametrize("dense", [False, True], ids=["classes", "probabilities"])
@pytest.mark.parametrize("k", range(4))
def test_every_value_of_every_option(k: int, dense: bool) -> None:
    """Loss and gradient of one graph, within the promised ulp; dtype and axis vary."""
    choice = {name: values[k % len(values)] for name, values in PRODUCT.items()}
    b = batch(10, dtype_of(list(ULPS)[k]))
    check(COMPILED, b, choice | {"ignore": "none"} if dense else choice, (-1, 0, 1)[k % 3], dense)


SHAPES = ((N, V), (2, 3), (33, 129), (70, 2), (5, 1000))


@pytest.mark.parametrize(("dynamic", "first_open"), [(True, 2), (None, 3)])
def test_one_graph_for_all_shapes(dynamic: bool | None, first_open: int) -> None:
    """And for options that change. By default only the second graph has open shapes."""

    def loss(z: Tensor, target: Tensor, smoothing: float, temperature: int) -> Tensor:
        return nt.cross_entropy(z, target, label_smoothing=smoothing, temperature=temperature)

    graph = torch.compile(loss, fullgraph=True, dynamic=dynamic, backend="aot_eager")
    for number, shape in enumerate(SHAPES, 2):
        z, target = normal(*shape, dtype=torch.float32).requires_grad_(), ignoring(*shape)
        with torch._dynamo.config.patch(error_on_recompile=number > first_open):
            have, want = (f(z, target, number / 10, number) for f in (graph, loss))
        assert_identical(have.detach(), want.detach(), f"loss of {shape}")
        assert_identical(grads(have, z)[0], grads(want, z)[0], f"gradient of {shape}")


def everything(z: Tensor, target: Tensor, warm: Tensor) -> tuple[Tensor, ...]:
    stats = nt.row_stats(z, target, temperature=warm, softcap=20.0)
    return *stats[:3], nt.softmax(z, 1), nt.log_softmax(z, 1), nt.logsumexp(z, 1), stats.argmax


@pytest.mark.parametrize("dtype", list(ULPS))
def test_statistics_and_softmax(dtype: str) -> None:
    """The kernels' numbers; each of the six is differentiable alone and together with others."""
    graph, target = compiled(everything), torch.arange(N) % V
    warm = torch.linspace(0.5, 3, N, dtype=torch.float64)
    z = normal(N, V, dtype=getattr(torch, dtype)).requires_grad_()
    for have, want in zip(graph(z, target, warm), everything(z, target, warm), strict=True):
        assert torch.equal(have, want)
        assert have.dtype == want.dtype
    for chosen in ((0,), (1,), (2,), (3,), (4,), (5,), (0, 1, 2, 3, 4, 5)):
        both = (f(z, target, warm) for f in (graph, everything))
        slopes = [grads(sum(numbers[i].cos().sum() for i in chosen), z) for numbers in both]
        torch.testing.assert_close(*slopes)


@pytest.mark.parametrize("dense", [False, True], ids=["classes", "probabilities"])
def test_gradients_of_every_argument(dense: bool) -> None:
    z, probs, row_weight, weight, warm = (
        x.exp().requires_grad_() for x in (normal(N, V), -normal(N, V), *map(normal, (N, V, N)))
    )
    target, options = probs if dense else ignoring(), {"label_smoothing": 0.1, "z_loss": 0.1}
    own: dict[str, Tensor] = {"temperature": warm} if dense else {"weight": weight}

    def loss(target: Tensor) -> Tensor:
        return nt.cross_entropy(z, target, row_weight=row_weight, **own, **options)

    leaves = (z, row_weight, *own.values(), *([probs] if dense else []))
    torch.testing.assert_close(grads(compiled(loss)(target), *leaves), grads(loss(target), *leaves))


def test_no_graph_breaks() -> None:
    """Also where breaks are allowed; the graph contains the operators, not their parts."""
    torch._dynamo.reset()
    found = torch._dynamo.explain(everything)(normal(N, V), ignoring().clamp(0), normal(N).exp())
    assert (found.graph_count, found.graph_break_count) == (1, 0), found.break_reasons
    for name in ("row_results", "softmax"):
        assert f"neglog.{name}" in found.graphs[0].code


@pytest.mark.parametrize("bad", [V, -1, 2**40])
def test_a_class_that_is_none_is_an_index_error(bad: int) -> None:
    graph, target = compiled(nt.cross_entropy), ignoring()
    good = graph(normal(N, V), target)
    target[4] = bad
    with pytest.raises(IndexError, match=rf"target\[4\] is {bad},"):
        graph(normal(N, V), target)
    target[4] = 4
    assert graph(normal(N, V), target) == good


def model(dtype: torch.dtype = torch.float32) -> torch.nn.Sequential:
    torch.manual_seed(0)
    first, last = torch.nn.Linear(6, 16, dtype=dtype), torch.nn.Linear(16, V, dtype=dtype)
    return torch.nn.Sequential(first, torch.nn.ReLU(), last)


def losses_of_training(step: Callable[[Any, Tensor, Tensor], Tensor]) -> list[float]:
    """Six batches of different sizes, each with an ignored row."""
    net, losses = model(), []
    optimizer = torch.optim.SGD(net.parameters(), 0.05)
    for n in (8, 8, 5, 11, 5, 8):
        loss = step(net, normal(n, 6, dtype=torch.float32), ignoring(n))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def test_a_compiled_training_step() -> None:
    """With the compiler's generated code."""

    def step(net: torch.nn.Module, x: Tensor, target: Tensor) -> Tensor:
        return nt.cross_entropy(net(x), target, label_smoothing=0.1, z_loss=0.01)

    have, want = losses_of_training(compiled(step, "inductor")), losses_of_training(step)
    np.testing.assert_allclose(have, want, rtol=1e-5)
    assert want[-1] < want[0]


def test_every_option_at_once_in_generated_code() -> None:
    choice = {name: values[-1] for name, values in PRODUCT.items()} | {"ignore": "some"}
    check(Compiled("inductor"), batch(10, np.dtype(np.float32)), choice, -1, dense=False)


Z, T, KEEP = normal(N, V), ignoring().clamp(0), ignoring() >= 0
ROW, WARM = normal(N).exp(), normal(N).abs() + 0.5
P, SHARED = Z.softmax(1), Z[0].softmax(0)
CUBE, CUBE_T = normal(3, V, 2), torch.arange(6).view(3, 2) % V

# logits, dim, target, probs, keep, temperature, softcap; then entropy, or the coefficients of
# nll, dense, lse and entropy
ROWS: dict[str, tuple[Any, ...]] = {
    "classes": (Z, 1, T, None, None, None, None),
    "both, all options": (Z, 1, T, SHARED, KEEP, WARM, 3.0),
    "neither": (Z, 1, None, None, KEEP, WARM[0], None),
    "in the middle": (CUBE, 1, CUBE_T, CUBE.softmax(1), None, None, None),
    "classes first": (Z.t(), 0, T, None, KEEP, None, None),
    "one row": (Z[0], 0, T[0], SHARED, None, None, None),
    "bfloat16": (Z.bfloat16(), 1, T, P.float(), None, None, None),
    "no rows": (Z[:0], 1, T[:0], None, None, None, None),
}


def wanting(inputs: tuple[Any, ...], *places: int) -> tuple[Any, ...]:
    """The same, with gradients for the tensors at these positions."""
    return tuple(
        x.detach().clone().requires_grad_() if at in places and x.is_floating_point() else x
        for at, x in enumerate(inputs)
    )


@pytest.mark.parametrize("name", ROWS)
def test_operators(name: str) -> None:
    """Schema, fake, autograd's registration and tracing, as torch checks operators."""
    inputs = ROWS[name]
    logits, dim, target, probs, *_ = inputs
    row = logits.detach().double().sum(dim).cos()
    coefs = (None if target is None else row, None if probs is None else 2 * row, row + 1, row - 1)
    given = (logits, dim, *as_tensors(logits, *inputs[2:6]), inputs[6])
    torch.library.opcheck(row_operators.row_results, (*wanting(given, 0, 3), True))
    factors = as_tensors(logits, *coefs)
    torch.library.opcheck(row_operators.row_gradients, (*wanting(given, 0), *factors))
    torch.library.opcheck(
        row_operators.softmax, (*wanting((logits,), 0), dim, target is None or dim == 0)
    )


class Loss(torch.nn.Module):
    def forward(self, z: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        return nt.cross_entropy(z, target, label_smoothing=0.1), nt.softmax(z, 1)


@pytest.mark.parametrize("strict", [False, True])
def test_export(strict: bool) -> None:
    """A file that another process loads, for any number of rows."""
    rows = torch.export.Dim("rows")
    program = torch.export.export(
        Loss(), (Z, T), dynamic_shapes={"z": {0: rows}, "target": {0: rows}}, strict=strict
    )
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    for exported in (program, program.run_decompositions(), torch.export.load(file)):
        for n in (N, 3, 50):
            z, target = normal(n, V), ignoring(n)
            for have, want in zip(exported.module()(z, target), Loss()(z, target), strict=True):
                assert torch.equal(have, want)


@pytest.mark.parametrize("mode", ["real", "fake", "symbolic"])
def test_traced_with_its_gradient(mode: str) -> None:
    def both(z: Tensor, target: Tensor) -> tuple[Tensor, ...]:
        loss = nt.cross_entropy(z, target, label_smoothing=0.1, z_loss=0.1)
        return loss, *grads(loss, z)

    leaf, target = Z.clone().requires_grad_(), ignoring()
    graph = make_fx(both, tracing_mode=mode)(leaf, target)
    assert_identical(graph(leaf, target)[0].detach(), both(leaf, target)[0].detach(), "loss")
    torch.testing.assert_close(graph(leaf, target)[1], both(leaf, target)[1], rtol=1e-14, atol=0)


def test_fake_tensors_have_shapes_dtypes_and_gradients() -> None:
    """As a memory planner does: forward and backward pass without numbers."""
    with FakeTensorMode():
        net, x = model(torch.bfloat16), torch.randn(9, 6, dtype=torch.bfloat16)
        target = torch.zeros(9, dtype=torch.int64)
        stats = nt.row_stats(net(x), target)
        loss = nt.cross_entropy(net(x), target, weight=torch.ones(V), z_loss=0.1)
        loss.backward()
        assert [(s.shape, s.dtype) for s in stats[:3]] == [((9,), torch.float32)] * 3
        assert (loss.shape, loss.dtype) == ((), torch.float32)
        assert {(p.grad.shape == p.shape, p.grad.dtype) for p in net.parameters()} == {
            (True, torch.bfloat16)
        }


@pytest.mark.parametrize("through", [lambda f: f, compiled], ids=["eager", "compiled"])
def test_autocast(through: Callable[..., Any]) -> None:
    """16-bit logits from a linear layer; the loss keeps all their digits."""
    net, x, target = model(), normal(N, 6, dtype=torch.float32), ignoring()

    def step(x: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            z = net(x)
            return nt.cross_entropy(z, target), z

    loss, z = through(step)(x, target)
    assert (z.dtype, loss.dtype) == (torch.bfloat16, torch.float32)
    exact = oracle.cross_entropy(z.detach().float().numpy(), target.numpy())
    assert_ulps(loss.detach(), exact.loss, "float32", ULPS["bfloat16"].nll, "loss")
    (of_bias,) = grads(loss, net[2].bias)
    assert of_bias.dtype == torch.float32
    of_rows = exact.grad.astype(np.float32)  # each is rounded to 8 bits, then summed
    np.testing.assert_allclose(of_bias, of_rows.sum(0), atol=2**-8 * np.abs(of_rows).sum(0).max())


@pytest.mark.parametrize("through", [lambda f: f, compiled], ids=["eager", "compiled"])
def test_scaled_gradients_of_half_logits(through: Callable[..., Any]) -> None:
    """They are scaled before they are rounded to 16 bits, whatever the previous scale was."""
    weight, x, target = torch.nn.Parameter(normal(6, V).float()), normal(N, 6).half(), ignoring()
    optimizer = torch.optim.SGD([weight], 1.0)
    loss_of = through(nt.cross_entropy)
    for scale in (1.0, 1024.0, 65536.0, 65536.0, 8.0):
        z = (x @ weight.half()).detach().requires_grad_()
        scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        scaler.scale(loss_of(z, target)).backward()
        exact = oracle.cross_entropy(z.detach().numpy(), target.numpy()).grad * scale
        assert_ulps(z.grad, exact, "float16", ULPS["float16"].grad, f"gradient times {scale}")
        optimizer.zero_grad()
        before = weight.detach().clone()
        scaler.scale(loss_of(x @ weight.half(), target)).backward()
        assert scaler.get_scale() == scale
        scaler.step(optimizer)
        step = (before - weight.detach()).numpy()
        want = x.double().numpy().T @ exact.astype(float) / scale
        np.testing.assert_allclose(step, want, atol=2e-3 * np.abs(want).max())
