"""The head in PyTorch: statistics, derivatives of every kind, compilers, modules, and errors.

Long because derivatives, statistics, compilers and the module share one head.
"""

import copy
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.autograd import forward_ad, gradcheck, gradgradcheck
from torch_helpers import DTYPES, ROUTES, elsewhere, result_dtype, steady  # noqa: F401

import neglog.torch as nt
from neglog.torch import cross_entropy, linear_cross_entropy, linear_row_stats
from neglog.torch._operators import head as head_operators
from neglog.torch._operators.inputs import as_tensors

# torch's own: forward mode is written with torch.jit; Dynamo reads .grad of every input.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf"),
]

N, D, V = 4, 3, 5
TARGET = torch.tensor([0, 4, -100, 2])
CLASSES = torch.tensor([0, 4, 1, 2])
CHOSEN = torch.tensor([[0, 1], [4, 4], [2, 3], [1, 0]])
PROBS = torch.rand(N, V, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
EVERY = {"label_smoothing": 0.1, "z_loss": 0.1, "softcap": 3.0, "temperature": 1.5}
TIGHT = V * 8 * 3  # bytes: chunks of at most three rows


def head(dtype: torch.dtype = torch.float64, n: int = N) -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(2)
    shapes = ((n, D), (V, D), (V,))
    made = [torch.randn(s, dtype=torch.float64, generator=random) for s in shapes]
    hidden, weight, bias = (x.to(dtype).requires_grad_() for x in made)
    return hidden, weight, bias


def by_logits(h: Tensor, w: Tensor, b: Tensor, target: Tensor, **options: Any) -> Tensor:
    return cross_entropy(F.linear(h, w, b), target, **options)


def ours(h: Tensor, w: Tensor, b: Tensor, target: Tensor, **options: Any) -> Tensor:
    return linear_cross_entropy(h, w, target, linear_bias=b, memory=TIGHT, **options)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("target", [TARGET[1:], PROBS[1:]], ids=["classes", "probabilities"])
@pytest.mark.parametrize("options", [{}, EVERY], ids=["plain", "every option"])
def test_derivatives_of_both_orders(target: Tensor, reduction: str, options: Any) -> None:
    """Backward, forward, batched, forward over backward, and twice backward; a row is a chunk."""
    options = options | {"memory": V * 8, "reduction": reduction}

    def loss(h: Any, w: Any, b: Any) -> Tensor:
        return linear_cross_entropy(h, w, target, linear_bias=b, **options)

    h, w, b = head()  # three rows of two columns: each entry is perturbed in turn
    leaves = [x.detach().requires_grad_() for x in (h[1:, :2], w[:, :2], b)]
    assert gradcheck(loss, leaves, check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(loss, leaves, check_fwd_over_rev=True, check_batched_grad=True)


def test_a_gradient_penalty() -> None:
    """The upstream gradient depends on the weights as well; some leaves are frozen."""
    for frozen in ((), (0,), (1, 2)):
        found = []
        for function in (ours, by_logits):
            leaves = head()
            for at in frozen:
                leaves[at].requires_grad_(False)
            trained = [x for x in leaves if x.requires_grad]
            loss = function(*leaves, TARGET, z_loss=0.1) ** 2
            slopes = torch.autograd.grad(loss, trained, create_graph=True)
            found.append(torch.autograd.grad(sum(x.square().sum() for x in slopes), trained))
        torch.testing.assert_close(*found)


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_a_backward_pass_inside_of_forward_mode(reduction: str) -> None:
    """The graph was made before, and the upstream gradient depends on the head as well."""
    found = []
    for function in (ours, by_logits):
        leaves = head()
        value = (function(*leaves, TARGET, reduction=reduction, z_loss=0.1) ** 2).sum()
        with forward_ad.dual_level():
            slopes = torch.autograd.grad(value, leaves, create_graph=True)
        twice = torch.autograd.grad(sum(x.cos().sum() for x in slopes), leaves)
        found.append((*slopes, *twice))
    torch.testing.assert_close(*found)


def test_an_ignored_row_is_left_alone_by_an_infinite_upstream_gradient() -> None:
    leaves = head()
    loss = ours(*leaves, TARGET, reduction="none")
    upstream = torch.tensor([1, 1, torch.inf, 1], dtype=torch.float64)
    want = torch.autograd.grad(loss, leaves, upstream.nan_to_num(posinf=1), retain_graph=True)
    torch.testing.assert_close(torch.autograd.grad(loss, leaves, upstream), want)


@pytest.mark.parametrize("name", ["weight", "row_weight", "temperature", "target"])
def test_gradients_of_options(name: str) -> None:
    made = {"weight": (V,), "row_weight": (N,), "temperature": (), "target": (N, V)}[name]
    option = torch.rand(made, dtype=torch.float64).add(0.5).requires_grad_()
    options: dict[str, Any] = {"target": TARGET} | {name: option}
    found = []
    for function in (ours, by_logits):
        leaves = (*head(), option)
        found.append(torch.autograd.grad(function(*leaves[:3], **options), leaves))
    torch.testing.assert_close(*found)


TRANSFORMS: dict[str, Callable[..., Any]] = {
    "grad": lambda f, x: torch.func.grad(f, (0, 1, 2))(*x),
    "hessian": lambda f, x: torch.func.hessian(f, (0, 1))(*x),
    "jvp": lambda f, x: torch.func.jvp(f, x, tuple(v.cos() for v in x)),
    "vmap": lambda f, x: torch.func.vmap(f)(*(torch.stack([v, v * 2]) for v in x)),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_function_transforms(name: str) -> None:
    leaves = tuple(x.detach() for x in head())
    found = [
        TRANSFORMS[name](lambda *x, f=f: f(*x, TARGET, label_smoothing=0.1), leaves)
        for f in (ours, by_logits)
    ]
    torch.testing.assert_close(*found)


def stats(h: Tensor, w: Tensor, b: Tensor, **options: Any) -> tuple[Tensor, ...]:
    found, log_probs = linear_row_stats(
        h, w, CLASSES, linear_bias=b, chosen=CHOSEN, memory=TIGHT, **options
    )  # fmt: skip
    return *found, log_probs


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("options", [{}, {"softcap": 3.0, "temperature": 1.5}])
def test_statistics_and_chosen_classes(route: str, options: Any) -> None:
    leaves = head()
    z = F.linear(*leaves)
    want = nt.row_stats(z, CLASSES, **options)
    scaled = z if not options else 3.0 * torch.tanh(z / 1.5 / 3.0)
    want = (*want, nt.log_softmax(scaled, 1).gather(1, CHOSEN))

    def numbers(*leaves: Tensor) -> tuple[Tensor, ...]:
        return tuple(x for x in stats(*leaves, **options) if x.is_floating_point())

    if route == "func":
        have, pull = torch.func.vjp(numbers, *(x.detach() for x in leaves))
        slopes = pull(tuple(x.cos() for x in have))
    else:
        with elsewhere() if route == "device" else torch.enable_grad():
            have = numbers(*leaves)
            slopes = torch.autograd.grad(sum(x.sin().sum() for x in have), leaves)
    assert torch.equal(stats(*leaves, **options)[3], want[3])
    torch.testing.assert_close(have, (*want[:3], want[4]))
    total = sum(x.sin().sum() for x in (*want[:3], want[4]))
    torch.testing.assert_close(slopes, torch.autograd.grad(total, leaves))


def test_derivatives_of_statistics() -> None:
    def numbers(*leaves: Any) -> tuple[Tensor, ...]:
        nll, lse, entropy, _, log_probs = stats(*leaves, temperature=1.3)
        return nll, lse, entropy, log_probs

    assert gradcheck(numbers, head(), check_forward_ad=True, check_batched_grad=True)
    assert gradgradcheck(numbers, head())
    for only in range(4):  # each alone: the others' coefficients are then absent
        assert gradcheck(lambda *x, i=only: numbers(*x)[i], head())


@pytest.mark.parametrize("dtype", DTYPES)
def test_statistics_of_other_shapes_and_dtypes(dtype: torch.dtype) -> None:
    _, weight, _ = head(dtype)
    for shape in ((), (0,), (2, 3)):
        hidden = torch.linspace(-1, 1, 6 * D)[: (int(torch.Size(shape).numel()) * D)]
        hidden = hidden.view(*shape, D).to(dtype)
        target = torch.arange(6)[: torch.Size(shape).numel()].view(shape) % V
        for k in (0, 1, 4):
            chosen = torch.arange(4)[:k].expand(*shape, k)
            found, log_probs = linear_row_stats(hidden, weight, target, chosen=chosen)
            assert [tuple(x.shape) for x in found] == [shape] * 4
            assert log_probs.shape == (*shape, k)
            assert {x.dtype for x in (*found[:3], log_probs)} == {result_dtype(dtype)}
        alone = linear_row_stats(hidden, weight, target)[0]  # by panels of classes
        rtol = 1e-14 if dtype == torch.float64 else 1e-6
        torch.testing.assert_close(alone, found.nll, rtol=rtol, atol=0)


@pytest.mark.parametrize("first", [17.0, 1e30, torch.inf, -torch.inf, torch.nan])
def test_log_probabilities_keep_digits_and_edges(first: float) -> None:
    """Hidden is 0, so the bias is the logits, infinities included."""
    row, chosen = torch.tensor([first, 0.5, -torch.inf]), torch.tensor([0, 1, 2])
    found, log_probs = linear_row_stats(
        torch.zeros(1), torch.zeros(3, 1), chosen[0], linear_bias=row, chosen=chosen
    )  # fmt: skip
    want = torch.stack([-nt.cross_entropy(row, k) for k in chosen])
    torch.testing.assert_close(log_probs, want, rtol=1e-6, atol=0, equal_nan=True)
    torch.testing.assert_close(-found.nll, want[0], equal_nan=True)


@pytest.mark.parametrize("options", range(3))
def test_what_compilers_are_told_of_the_operators(options: int) -> None:
    """Schemas, shapes and derivatives, by torch's own check."""
    h, w, b = head()
    keep, warm = TARGET != -100, torch.tensor(1.5, dtype=torch.float64)
    one, two = (torch.rand(s, dtype=torch.float64).requires_grad_() for s in ((N,), (N, 2)))
    rest, coefs, wanted = (
        ((TARGET, None, None, keep, warm, None), (one, None, None, None, None), [True] * 3),
        (
            (CLASSES, None, CHOSEN, None, None, 3.0),
            (None, None, one, one, two),
            [True, False, True],
        ),
        ((None, PROBS, None, None, None, None), (None, one, None, None, None), [False, True, True]),
    )[options]
    rows = (*as_tensors(h, *rest[:5]), rest[5])
    torch.library.opcheck(head_operators.head_results, (h, w, b, TIGHT, 0.0, *rows, options == 1))
    torch.library.opcheck(
        head_operators.head_gradients,
        (h, w, b, TIGHT, 0.0, *rows, *as_tensors(h, *coefs), wanted),
    )


def compiled(function: Callable[..., Any], **settings: Any) -> Callable[..., Any]:
    torch._dynamo.reset()
    return torch.compile(function, fullgraph=True, backend="aot_eager", **settings)


@pytest.mark.parametrize("target", [TARGET, PROBS], ids=["classes", "probabilities"])
@pytest.mark.parametrize("options", [{}, EVERY | {"reduction": "none"}], ids=["mean", "none"])
@pytest.mark.parametrize("dynamic", [None, True])
def test_compiled_in_one_graph(dynamic: bool | None, options: Any, target: Tensor) -> None:
    graph, leaves = compiled(ours, dynamic=dynamic), head()
    have, want = (f(*leaves, target, **options) for f in (graph, ours))
    torch.testing.assert_close(have, want)
    pair = (torch.autograd.grad(x.sin().sum(), leaves) for x in (have, want))
    torch.testing.assert_close(*pair)


def test_compiled_statistics_and_errors() -> None:
    graph, leaves = compiled(stats), head()
    have, want = graph(*leaves), stats(*leaves)
    torch.testing.assert_close(have, want)
    pair = (torch.autograd.grad(x[4].sin().sum() + x[2].sum(), leaves) for x in (have, want))
    torch.testing.assert_close(*pair)
    h, wrong = leaves[0].view(2, 2, D), torch.tensor([[0, 1], [7, 0]])
    with pytest.raises(IndexError, match=r"target\[1, 0\] is 7, but there are 5 classes"):
        compiled(ours)(h, *leaves[1:], wrong)


@pytest.mark.parametrize("graph", [False, True], ids=["eager", "compiled"])
def test_autocast(graph: bool) -> None:
    """Autocast's dtype for products, as in torch's linear; gradients in the parameters' dtype."""
    leaves = head(torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        loss = (compiled(ours) if graph else ours)(*leaves, TARGET)
    found = torch.autograd.grad(loss, leaves)
    narrow = [x.detach().bfloat16().requires_grad_() for x in leaves]
    want = ours(*narrow, TARGET)
    assert torch.equal(loss, want)
    for have, exact in zip(found, torch.autograd.grad(want, narrow), strict=True):
        assert have.dtype == torch.float32
        assert torch.equal(have, exact.float())


def test_float64_is_left_alone_by_autocast() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        assert ours(*head(), TARGET).dtype == torch.float64


def test_a_grad_scaler_scales_and_recovers() -> None:
    found = []
    for scale in (1.0, 65536.0):
        torch.manual_seed(0)
        module = nt.LinearCrossEntropyLoss(D, V, bias=True)
        scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
        for _ in range(3):
            optimizer.zero_grad()
            scaler.scale(module(head(torch.float32)[0].detach(), TARGET)).backward()
            scaler.step(optimizer)
            scaler.update()
        found.append([x.detach().clone() for x in module.parameters()])
    torch.testing.assert_close(*found)


def module_and_input() -> tuple[nt.LinearCrossEntropyLoss, Tensor]:
    weights = torch.linspace(0.5, 2, V)
    settings: Any = {"weight": weights, "ignore_index": 2, "label_smoothing": 0.1}
    module = nt.LinearCrossEntropyLoss(D, V, bias=True, z_loss=0.1, softcap=5.0, **settings)
    return module, head(torch.float32)[0]


def test_the_module_calls_the_function() -> None:
    module, hidden = module_and_input()
    row_weight = torch.linspace(0, 1, N)
    want = linear_cross_entropy(
        hidden, module.linear.weight, CLASSES, linear_bias=module.linear.bias,
        weight=module.weight, ignore_index=2, label_smoothing=0.1, z_loss=0.1, softcap=5.0,
        row_weight=row_weight,
    )  # fmt: skip
    assert torch.equal(module(hidden, CLASSES, row_weight=row_weight), want)
    for twin in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert repr(twin) == repr(module)
        assert torch.equal(twin(hidden, CLASSES), module(hidden, CLASSES))
    assert "z_loss=0.1, temperature=1.0, softcap=5.0, memory=None" in repr(module)


@pytest.mark.skipif(not hasattr(nn, "LinearCrossEntropyLoss"), reason="this torch has none")
def test_the_module_is_torchs() -> None:
    """The same arguments, state names and numbers."""
    theirs = nn.LinearCrossEntropyLoss
    names = inspect.signature(theirs).parameters
    mine = inspect.signature(nt.LinearCrossEntropyLoss).parameters
    for name, parameter in names.items():
        assert (mine[name].default, mine[name].kind) == (parameter.default, parameter.kind)
    settings: Any = {"bias": True, "weight": torch.linspace(0.5, 2, V), "label_smoothing": 0.1}
    one, other = theirs(D, V, **settings), nt.LinearCrossEntropyLoss(D, V, **settings)
    other.load_state_dict(one.state_dict())
    one.load_state_dict(other.state_dict())
    hidden = head(torch.float32)[0]
    torch.testing.assert_close(one(hidden, TARGET), other(hidden, TARGET))


def test_a_weight_tied_to_an_embedding() -> None:
    embedding = nn.Embedding(V, D)
    module = nt.LinearCrossEntropyLoss(D, V)
    module.linear.weight = embedding.weight
    module(embedding(CLASSES), CLASSES.roll(1)).backward()
    have, embedding.weight.grad = embedding.weight.grad, None
    F.cross_entropy(F.linear(embedding(CLASSES), embedding.weight), CLASSES.roll(1)).backward()
    torch.testing.assert_close(have, embedding.weight.grad)


H, W, B = (x.detach() for x in head())
REFUSED: dict[str, tuple[type[Exception], str, Callable[[], Any]]] = {
    "turned": (ValueError, r"\(V, 3\).*got \(3, 5\); pass linear_weight.T",
               lambda: ours(H, W.T, B, TARGET)),
    "another D": (ValueError, r"linear_weight must have shape \(V, 3\).*got \(5, 2\)$",
                  lambda: ours(H, W[:, :2], B, TARGET)),
    "outputs of several axes": (ValueError, r"linear_weight must have shape \(V, 3\)",
                                lambda: ours(H, W[:, None], B, TARGET)),
    "no class": (ValueError, "at least one class", lambda: ours(H, W[:0], B[:0], TARGET)),
    "a number": (ValueError, r"input must have shape \(\.\.\., D\)",
                 lambda: ours(H[0, 0], W, B, TARGET)),
    "bias": (ValueError, r"linear_bias must have shape \(5,\).*got \(4,\)",
             lambda: ours(H, W, B[1:], TARGET)),
    "memory": (ValueError, "memory must hold one row of logits, 40 bytes for 5 classes, got 39",
               lambda: linear_cross_entropy(H, W, TARGET, memory=39)),
    "memory of text": (TypeError, "memory must be an integer",
                       lambda: linear_cross_entropy(H, W, TARGET, memory="1 GB")),  # type: ignore[arg-type]
    "dtypes": (TypeError, "linear_weight must have input's dtype, torch.float64, got torch.float32",
               lambda: ours(H, W.float(), B, TARGET)),
    "dtype of bias": (TypeError, "linear_bias must have input's dtype",
                      lambda: ours(H, W, B.half(), TARGET)),
    "devices": (ValueError, "linear_weight must have input's device, cpu, got meta",
                lambda: ours(H, W.to("meta"), B, TARGET)),
    "integers": (TypeError, "input must be float64", lambda: ours(H.long(), W, B, TARGET)),
    "a list": (TypeError, "linear_weight must be a tensor",
               lambda: linear_cross_entropy(H, W.tolist(), TARGET)),  # type: ignore[arg-type]
    "target": (IndexError, r"target\[3\] is 7, but there are 5 classes",
               lambda: ours(H, W, B, torch.tensor([0, -100, 1, 7]))),
    "target of more axes": (IndexError, r"target\[1, 0\] is 7",
                            lambda: ours(H.view(2, 2, D), W, B, torch.tensor([[0, 1], [7, 9]]))),
    "target's shape": (ValueError, r"integers of shape \(2, 2\)",
                       lambda: ours(H.view(2, 2, D), W, B, TARGET)),
    "ignored probabilities": (ValueError, "ignore_index must be None when target holds",
                              lambda: ours(H, W, B, PROBS, ignore_index=-100)),
    "chosen": (IndexError, r"chosen\[2, 1\] is 5", lambda: linear_row_stats(
        H, W, CLASSES, chosen=CHOSEN + torch.tensor([0, 2]) * (CHOSEN == 3))),
    "chosen's shape": (ValueError, r"chosen must have shape \(4, 2\).*got \(3, 2\)",
                       lambda: linear_row_stats(H, W, CLASSES, chosen=CHOSEN[1:])),
    "chosen, one a row": (ValueError, "chosen must have shape",
                          lambda: linear_row_stats(H, W, CLASSES, chosen=CLASSES)),
    "chosen floats": (TypeError, "must be classes",
                      lambda: linear_row_stats(H, W, CLASSES, chosen=CHOSEN.double())),
    "out_features": (ValueError, r"out_features must be \(\), got \(2,\)",
                     lambda: nt.LinearCrossEntropyLoss(D, V, out_features=(2,))),
    "options": (TypeError, "options must be None",
                lambda: nt.LinearCrossEntropyLoss(D, V, options=1)),  # type: ignore[arg-type]
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_refusals_say_what_would_do(what: str) -> None:
    kind, text, call = REFUSED[what]
    with pytest.raises(kind, match=text) as caught:
        call()
    assert isinstance(caught.value, RuntimeError)
