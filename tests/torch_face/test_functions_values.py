"""The functions of neglog.torch: digits, infinities, weights, dtypes and devices.

Long because eleven functions are each compared with exact numbers.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import oracle
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from budgets import ULPS
from checks import assert_ulps
from oracle import LD
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch_helpers import ROUTES, loss_and_grad
from torch_helpers.functions import BCE, INF, NAN, cases, normal, outcome, total, uniform

import neglog
import neglog.torch as nt

# torch's own rules for forward derivatives are scripted at their first use.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")


HALVES = (torch.float16, torch.bfloat16)


# The whole compiler but its last step, C++, which takes ten seconds a function.
COMPILED: Any = {"fullgraph": True, "dynamic": True, "backend": "aot_eager"}


def exact_slopes(z: Any, y: Any) -> dict[str, tuple[Any, Any]]:
    """Gradients of a batch of rows by their logits, each written without a cancellation, and the
    sizes of their terms."""
    r = oracle.rows(z)
    hot = np.arange(z.shape[1]) == np.asarray(y)[:, None]
    top = np.arange(z.shape[1]) == z.argmax(axis=1)[:, None]
    nll = np.where(hot, -r.complement, r.p)
    # d/dz_k of -sum log(1 - p_j) is, with odds q = p / (1 - p),  p_k (1 - sum of the other q)
    odds = np.where(hot, LD(0), r.p / r.complement)
    others = np.stack([np.delete(odds, k, 1).sum(1) for k in range(z.shape[1])], axis=1)
    rest = nll + r.p * (np.where(hot, LD(0), LD(1)) - others)
    entropy, p_y = oracle.entropy(r)[:, None], np.where(hot, r.p, LD(0)).sum(axis=1, keepdims=True)
    return {
        "min_entropy": (np.where(top, -r.complement, r.p),) * 2,
        "one_vs_rest_nll": (rest, np.abs(nll) + r.p * (1 + others)),
        "kl_divergence": (nll, nll),
        "entropy": (-r.p * (r.log_p + entropy), r.p * (entropy - r.log_p)),
        "logsumexp": (r.p, r.p),
        "log_softmax": (nll, nll),
        "softmax": (-p_y * nll, -p_y * nll),
    }


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
@pytest.mark.parametrize("gap", [0.5, 5.0, 17.0, 30.0, 80.0, 600.0])
def test_gradients_keep_their_digits_in_the_tail(
    route: str, dtype: torch.dtype, gap: float
) -> None:
    """For right and wrong targets; p - 1 would be 0 at the largest class."""
    z = torch.tensor([[gap, 0.25, 0.0, -0.5], [0.25, gap, 0.0, -0.5]], dtype=dtype)
    y = torch.tensor([0, 0])
    hot = F.one_hot(y, 4)
    functions: dict[str, Callable[[Tensor], Tensor]] = {
        "min_entropy": nt.min_entropy,
        "one_vs_rest_nll": lambda z: nt.one_vs_rest_nll(z, y, "none"),
        "kl_divergence": lambda z: nt.kl_divergence(hot, z),
        "entropy": nt.entropy,
        "logsumexp": lambda z: nt.logsumexp(z, 1),
        "log_softmax": lambda z: nt.nll_loss(nt.log_softmax(z, 1), y, reduction="none"),
        "softmax": lambda z: nt.softmax(z, 1)[:, 0],
    }
    name = str(dtype).removeprefix("torch.")
    for which, (exact, size) in exact_slopes(z.numpy(), y).items():
        _, have = loss_and_grad(route, functions[which], z)
        if route != "kernels":
            size = size * (1 + gap)  # the composition rounds a gap, and what is exp of it by more
        assert_ulps(have.numpy(), exact, name, ULPS[name].grad, which, size=size)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_sigmoids_keep_their_digits(route: str, dtype: torch.dtype) -> None:
    """Values and derivatives on both sides; the derivative of torch's sigmoid is 0 from 17 on."""
    z = torch.cat((torch.linspace(-85, 85, 341), torch.tensor([0.0, 1e-6, -1e-6]))).to(dtype)
    name, other = str(dtype).removeprefix("torch."), oracle.sigmoid(-z.numpy())
    for function, exact, slope in (
        (nt.sigmoid, oracle.sigmoid(z.numpy()), oracle.sigmoid(z.numpy()) * other),
        (nt.log_sigmoid, -oracle.softplus(-oracle.wide(z.numpy())), other),
    ):
        have, grad = loss_and_grad(route, function, z)
        assert_ulps(have.numpy(), exact, name, ULPS[name].grad, "value")
        assert_ulps(grad.numpy(), slope, name, ULPS[name].grad, "derivative")


def test_kl_divergence_of_distributions_that_nearly_agree() -> None:
    """Never negative, and accurate where log t - log p would have no digits left."""
    z = normal(50, 8)
    near = (nt.softmax(z, 1) * (1 + 1e-9 * normal(50, 8, seed=9))).double()
    have = nt.kl_divergence(near, z)
    t, p = oracle.wide(near.numpy()), oracle.rows(z.numpy()).p
    exact = (t * (np.log1p((t - p) / p)) - (t - p)).sum(axis=1)
    assert (have >= 0).all()
    np.testing.assert_allclose(have.numpy(), exact.astype(float), rtol=1e-6)
    assert (nt.kl_divergence(nt.softmax(z, 1), z) < 1e-30).all()


def test_kl_divergence_at_zeros() -> None:
    """t = 0 costs nothing for any p; t > 0 with p = 0 costs inf, with a finite gradient."""
    t = torch.tensor([[0.5, 0.5, 0.0], [0.5, 0.25, 0.25]], requires_grad=True)
    z = torch.tensor([[0.0, 0.0, -INF], [0.0, 0.0, -INF]], requires_grad=True)
    loss = nt.kl_divergence(t, z)
    assert loss.tolist() == [0.0, INF]
    by_t, by_z = torch.autograd.grad(loss.sum(), (t, z))
    torch.testing.assert_close(by_t[0], torch.zeros(3))
    torch.testing.assert_close(by_z, torch.tensor([[0, 0, 0], [0, 0.25, -0.25]]))


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("shape", [(5,), (6, 5), (3, 5, 2), (2, 5, 2, 2)])
def test_nll_loss_is_torchs(route: str, reduction: str, shape: tuple[int, ...]) -> None:
    rows = shape[:1] + shape[2:] if len(shape) > 1 else ()
    log_p = F.log_softmax(normal(*shape), min(1, len(shape) - 1))
    target = torch.randint(0, 5, rows, generator=torch.Generator().manual_seed(3))
    for weight in (None, uniform(5) - 0.5):  # torch's weights may be negative
        for ignored in (-100, int(target.reshape(-1)[0]) if rows else 4):
            options: Any = {"weight": weight, "ignore_index": ignored, "reduction": reduction}
            have = loss_and_grad(route, lambda x, o=options: nt.nll_loss(x, target, **o), log_p)
            want = loss_and_grad("kernels", lambda x, o=options: F.nll_loss(x, target, **o), log_p)
            torch.testing.assert_close(have, want, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("route", ROUTES)
def test_nll_loss_where_torch_has_no_number(route: str) -> None:
    """A mean over nothing is 0; ignored rows affect no other; targets of every integer dtype."""
    log_p = torch.tensor([[NAN, INF], [-0.25, -1.5]])
    loss, grad = loss_and_grad(route, lambda x: nt.nll_loss(x, torch.tensor([-100, 1])), log_p)
    assert loss == 1.5
    assert grad.tolist() == [[0, 0], [0, -1]]
    w = torch.ones(2, requires_grad=True)
    nt.nll_loss(log_p, torch.tensor([-100, 1]), w, reduction="sum").backward()
    assert w.grad is not None
    assert w.grad.tolist() == [0, 1.5]
    loss, grad = loss_and_grad(route, lambda x: nt.nll_loss(x, torch.tensor([-100, -100])), log_p)
    assert loss == 0
    assert not grad.any()
    assert nt.nll_loss(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long)) == 0
    for width in ("uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64"):
        assert nt.nll_loss(log_p[1:], torch.tensor([1]).to(getattr(torch, width))) == 1.5


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_binary_is_torchs(route: str, reduction: str) -> None:
    """With weights of every shape that broadcasts."""
    for shape, spread in (((), ()), ((4,), (1,)), ((2, 3), (3,)), ((2, 4, 3), (4, 1))):
        z, t = normal(*shape, scale=3), uniform(*shape)
        w, q = uniform(*spread, seed=7), uniform(*spread, seed=8)
        for options in ({}, {"weight": w}, {"pos_weight": q}, {"weight": w, "pos_weight": q}):
            options["reduction"] = reduction
            torchs = functools.partial(F.binary_cross_entropy_with_logits, target=t, **options)
            have = loss_and_grad(route, functools.partial(BCE, target=t, **options), z)
            want = loss_and_grad("kernels", torchs, z)
            torch.testing.assert_close(have, want, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("route", ROUTES)
def test_binary_keeps_both_tails(route: str) -> None:
    """Both classes are alike, right infinities cost nothing, weight 0 leaves an element out."""
    z = torch.tensor([40.0, -40.0, 40.0, -40.0, INF, -INF, INF, -INF, NAN])
    t = torch.tensor([1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, NAN])
    w = torch.tensor([1.0] * 8 + [0.0])
    small = math.exp(-40)
    loss, grad = loss_and_grad(route, lambda z: BCE(z, t, w, reduction="none"), z)
    exact = torch.tensor([small, small, 40, 40, 0, 0, INF, INF, 0])
    torch.testing.assert_close(loss, exact, rtol=1e-6, atol=0)
    assert not loss.signbit().any()
    slopes = torch.tensor([-small, small, 1, -1, 0, 0, 1, -1, 0])
    torch.testing.assert_close(grad, slopes, rtol=1e-6, atol=0)
    loss, _ = loss_and_grad(route, lambda z: BCE(z, t, w, pos_weight=0 * w, reduction="none"), z)
    assert loss.isfinite().tolist() == [True] * 6 + [False, True, True]
    assert BCE(z[:0], z[:0]) == 0


@pytest.mark.parametrize("route", ROUTES)
def test_losses_are_summed_in_float64(route: str) -> None:
    """A million losses, each 2^-24 of the first: in float32 their sum would be lost."""
    z = torch.full((2**20 + 1,), -math.log(2.0**24)).float()
    z[0] = 1.0
    loss, _ = loss_and_grad(route, lambda z: BCE(z, 0 * z, reduction="sum"), z)
    exact = F.softplus(z.double()).sum()
    assert abs(loss.double() - exact) < 1e-6 * exact
    log_p = -F.softplus(z)[:, None]
    have = nt.nll_loss(log_p, torch.zeros(len(z), dtype=torch.long), reduction="sum")
    assert abs(have.double() - exact) < 1e-6 * exact


@pytest.mark.parametrize("route", ROUTES)
def test_an_element_of_weight_0_may_be_learnt(route: str) -> None:
    """Its loss is 0, and the derivative by the weight is the loss without it."""
    w = torch.tensor([0.0, 2.0])
    z, t = torch.tensor([0.0, 0.0]), torch.tensor([1.0, 1.0])
    _, grad = loss_and_grad(route, lambda w: BCE(z, t, w, reduction="sum"), w)
    torch.testing.assert_close(grad, torch.full((2,), math.log(2.0)))


def test_binary_backward_twice_and_with_any_upstream() -> None:
    z, t = normal(3, 4).requires_grad_(), uniform(3, 4)
    loss = BCE(z, t, reduction="none")
    for upstream in (normal(3, 4, seed=5), normal(3, 4, seed=6)):
        (have,) = torch.autograd.grad(loss, z, upstream, retain_graph=True)
        torch.testing.assert_close(have, upstream * (z.sigmoid() - t))
    t.mul_(0.5)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.sum().backward()


@pytest.mark.parametrize("dtype", HALVES, ids=str)
def test_halves(dtype: torch.dtype) -> None:
    """Losses and statistics are float32, what torch gives in the input's dtype stays in it, and
    every gradient comes back in it, rounded once."""
    z, y, t = normal(3, 4, scale=3).to(dtype), torch.tensor([0, 3, 1]), uniform(3, 4).to(dtype)
    functions: dict[str, tuple[Callable[[Tensor], Tensor], torch.dtype]] = {
        "logsumexp": (lambda z: nt.logsumexp(z, 1), dtype),
        "sigmoid": (nt.sigmoid, dtype),
        "log_sigmoid": (nt.log_sigmoid, dtype),
        "nll_loss": (lambda z: nt.nll_loss(z, y), dtype),
        "entropy": (nt.entropy, torch.float32),
        "min_entropy": (nt.min_entropy, torch.float32),
        "nll": (lambda z: nt.row_stats(z, y).nll, torch.float32),
        "lse": (lambda z: nt.row_stats(z, y, temperature=0.5).lse, torch.float32),
        "kl_divergence": (lambda z: nt.kl_divergence(t, z), torch.float32),
        "one_vs_rest_nll": (lambda z: nt.one_vs_rest_nll(z, y), torch.float32),
        "binary": (lambda z: BCE(z, t), torch.float32),
    }
    for name, (function, kind) in functions.items():
        for route in ROUTES:
            have, grad = loss_and_grad(route, function, z)
            exact, slope = loss_and_grad("kernels", function, z.double())
            assert (have.dtype, grad.dtype) == (kind, dtype), name
            for got, want in ((have, exact), (grad, slope)):
                limit = 2 * torch.finfo(got.dtype).eps * want.abs().clamp(min=1)
                assert ((got.double() - want).abs() <= limit).all(), (name, route)


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_autocast_as_torch(device: str) -> None:
    """nll_loss and the binary loss are float32; softmax and logsumexp only off the CPU."""
    with FakeTensorMode():
        half = torch.zeros(3, 4, dtype=torch.float16, device=device)
        y = torch.zeros(3, dtype=torch.long, device=device)
        pairs: list[tuple[Callable[..., Tensor], Callable[..., Tensor], tuple[Any, ...]]] = []
        for z in (half, half.float(), half.double()):
            pairs += [(nt.softmax, F.softmax, (z, 1)), (nt.log_softmax, F.log_softmax, (z, 1))]
            pairs += [(nt.softmax, F.softmax, (z, 1, 3, torch.float64))]
            pairs += [(nt.logsumexp, torch.logsumexp, (z, 1)), (nt.nll_loss, F.nll_loss, (z, y))]
            pairs += [(BCE, F.binary_cross_entropy_with_logits, (z, z))]
            pairs += [(nt.sigmoid, torch.sigmoid, (z,)), (nt.log_sigmoid, F.logsigmoid, (z,))]
        torch.set_autocast_enabled(device, True)
        try:
            for ours, torchs, args in pairs:
                assert ours(*args).dtype == torchs(*args).dtype, (ours, args)
                assert ours(*args).device == args[0].device
        finally:
            torch.set_autocast_enabled(device, False)


def test_a_default_device_changes_nothing() -> None:
    for name, (function, inputs) in cases().items():
        leaves = [x.clone().requires_grad_() for x in inputs]
        want = function(*leaves)
        with torch.device("meta"):
            have = function(*leaves)
            grads = torch.autograd.grad(total(have), leaves)
        torch.testing.assert_close(have, want, msg=name)
        torch.testing.assert_close(grads, torch.autograd.grad(total(want), leaves), msg=name)


def test_meta_tensors_give_shapes() -> None:
    """No value is read, so nothing waits for a GPU."""
    z, cube, y = (torch.empty(s, device="meta") for s in ((3, 4), (2, 4, 3), (3,)))
    y, w = y.long(), torch.empty(4, device="meta")
    for kind in (torch.float32, torch.float16):
        z = z.to(kind)
        for have, shape in (
            (nt.softmax(cube, 1), (2, 4, 3)),
            (nt.logsumexp(cube, (0, 2)), (4,)),
            (nt.entropy(cube, 1), (2, 3)),
            (nt.min_entropy(cube, 1), (2, 3)),
            (nt.kl_divergence(cube, cube, 1), (2, 3)),
            (nt.row_stats(z, y, temperature=torch.empty(3, device="meta")).entropy, (3,)),
            (nt.row_stats(w, torch.empty((), dtype=torch.long, device="meta")).argmax, ()),
            (nt.one_vs_rest_nll(z, y, "none"), (3,)),
            (nt.nll_loss(z, y, w), ()),
            (nt.nll_loss(z, y, reduction="none"), (3,)),
            (BCE(z, z, w, pos_weight=w, reduction="none"), (3, 4)),
            (nt.sigmoid(z), (3, 4)),
        ):
            assert (have.shape, have.device.type) == (shape, "meta")


def test_a_class_that_is_none() -> None:
    """On a CPU, an error that names the row; elsewhere nan in that row, and no read outside."""
    z = normal(2, 3)
    for bad in (3, -1, 2**40):
        y = torch.tensor([1, bad])
        functions: dict[str, Callable[[Tensor], Tensor]] = {
            "row_stats": lambda z, y=y: nt.row_stats(z, y).nll,  # type: ignore[misc]
            "one_vs_rest_nll": lambda z, y=y: nt.one_vs_rest_nll(z, y, "none"),  # type: ignore[misc]
            "nll_loss": lambda z, y=y: nt.nll_loss(z, y, reduction="none"),  # type: ignore[misc]
        }
        for name, function in functions.items():
            with pytest.raises(IndexError, match=rf"target\[1\] is {bad}"):
                function(z)
            for route in ("device", "func"):
                have, grad = loss_and_grad(route, function, z)
                assert have.isnan().tolist() == [False, True], (name, route)
                assert grad.isnan().any(1).tolist() == [False, True], (name, route)


Z, Y, W = torch.zeros(2, 3) - 1, torch.tensor([0, 1]), torch.ones(3)


REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "no tensor": (lambda: nt.softmax([1.0], 0), TypeError, "input must be a tensor"),
    "no such axis": (lambda: nt.logsumexp(Z, 2), IndexError, r"dim must be in -2\.\.1"),
    "no axis": (lambda: nt.entropy(torch.tensor(1.0)), ValueError, "class axis"),
    "no class": (lambda: nt.min_entropy(torch.zeros(2, 0)), ValueError, "at least one class"),
    "an axis that is text": (lambda: nt.softmax(Z, "1"), TypeError, "dim must be an integer"),
    "an axis twice": (lambda: nt.logsumexp(Z, (0, -2)), ValueError, "name an axis once"),
    "complex logits": (lambda: nt.sigmoid(Z + 0j), TypeError, "float64, float32"),
    "target of floats": (lambda: nt.row_stats(Z, Y.float()), TypeError, "target"),
    "target of a shape": (lambda: nt.nll_loss(Z, Y[:, None]), ValueError, r"target.*\(2,\)"),
    "weight of a shape": (lambda: nt.nll_loss(Z, Y, W[:2]), ValueError, "weight"),
    "ignored nothing": (lambda: nt.nll_loss(Z, Y, ignore_index=None), TypeError, "ignore_index"),
    "reduction": (lambda: nt.one_vs_rest_nll(Z, Y, "all"), ValueError, "reduction"),
    "temperature": (lambda: nt.row_stats(Z, Y, temperature=0.0), ValueError, "temperature"),
    "softcap": (lambda: nt.row_stats(Z, Y, softcap=-1.0), ValueError, "softcap"),
    "two shapes": (lambda: nt.kl_divergence(Z[0], Z), ValueError, "target_probs"),
    "complex share": (lambda: nt.kl_divergence(Z + 0j, Z), TypeError, "target_probs"),
    "binary shapes": (lambda: BCE(Z, W), ValueError, "target must have shape"),
    "binary weight": (lambda: BCE(Z, Z, W[:2]), ValueError, "weight must broadcast"),
    "binary weight above": (lambda: BCE(Z, Z, torch.ones(4, 2, 3)), ValueError, "broadcast"),
    "binary factor": (lambda: BCE(Z, Z, pos_weight=[1.0]), TypeError, "pos_weight"),
    "binary complex": (lambda: BCE(Z, Z + 0j), TypeError, "target must be real"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(name: str) -> None:
    """The error says what was expected, and is of a type that torch's users catch."""
    call, kind, text = REFUSED[name]
    with pytest.raises(kind, match=text) as caught:
        call()
    assert isinstance(caught.value, RuntimeError)


def test_inputs_are_warned_of() -> None:
    p = torch.tensor([[0.25, 0.75], [0.5, 0.5]])
    for function in (nt.row_stats, nt.one_vs_rest_nll):
        with pytest.warns(neglog.InputKindWarning, match="look like probabilities") as caught:
            function(p, torch.tensor([0, 1]))
        assert caught[0].filename == __file__


def test_torchs_old_arguments() -> None:
    """size_average and reduce have torch's meaning and its warning."""
    log_p = F.log_softmax(normal(2, 3), 1)
    for average in (None, True, False):
        for reduce in (None, True, False):
            old: Any = {"size_average": average, "reduce": reduce}
            for ours, torchs, other in (
                (nt.nll_loss, F.nll_loss, Y),
                (BCE, F.binary_cross_entropy_with_logits, uniform(2, 3)),
            ):
                calls = [functools.partial(f, log_p, other, **old) for f in (ours, torchs)]
                have, want = map(outcome, calls)
                assert [said[0] for said in have[2]] == [said[0] for said in want[2]]
                torch.testing.assert_close(have[3], want[3])


FAMILIES: dict[str, Callable[[Tensor, Tensor, Tensor], tuple[Tensor, ...]]] = {
    "activations": lambda z, t, y: (nt.softmax(z, 1), nt.logsumexp(z, (0, 1)), nt.sigmoid(z)),
    "statistics": lambda z, t, y: (*nt.row_stats(z, y)[:3], nt.kl_divergence(t, z)),
    "likelihood": lambda z, t, y: (
        nt.nll_loss(nt.log_softmax(z, 1), y, ignore_index=1),
        nt.one_vs_rest_nll(z, y),
        nt.min_entropy(z),
    ),
    "binary": lambda z, t, y: (BCE(z, t, t[0], pos_weight=t[:, :1], reduction="none"),),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_compiled_in_one_graph(family: str) -> None:
    """The same numbers and gradients, also for more rows than at compile time."""
    function, compiled = FAMILIES[family], torch.compile(FAMILIES[family], **COMPILED)
    for n in (4, 6, 9):
        z, t = normal(n, 5), uniform(n, 5)
        y, leaves = torch.arange(n) % 5, (z.requires_grad_(), t.requires_grad_())
        want, have = function(z, t, y), compiled(z, t, y)
        torch.testing.assert_close(have, want, rtol=1e-10, atol=1e-12)
        grads = [
            torch.autograd.grad(total(x), leaves, allow_unused=True, materialize_grads=True)
            for x in (have, want)
        ]
        torch.testing.assert_close(*grads, rtol=1e-9, atol=1e-11)
