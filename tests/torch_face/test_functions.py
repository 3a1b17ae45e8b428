"""The functions of `neglog.torch` beside cross_entropy: what is special to torch.

tests/contract/test_functions.py and test_layer.py check their numbers in four dtypes for every
face. Here: torch's conventions, derivatives, tails of gradients, and other devices.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch_helpers import DTYPES, ROUTES, elsewhere, loss_and_grad
from torch_helpers.functions import INF, NAN, cases, normal, outcome, total

import neglog.torch as nt

# torch's own rules for forward derivatives are scripted at their first use.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")


def assert_as_torch(ours: Callable[..., Tensor], torchs: Callable[..., Tensor], *args: Any) -> None:
    """The same dtype, shape, warnings at the same line, values nearly; an error for an error."""
    have, want = (outcome(functools.partial(f, *args)) for f in (ours, torchs))
    if have == "an error" or want == "an error":
        assert have == want, args
        return
    assert have[:3] == want[:3], args
    torch.testing.assert_close(have[3], want[3], rtol=1e-2, atol=1e-3, equal_nan=True)


# no axis; one; what dim=None means: 0 for three axes, else 1; more; nothing in them
SHAPES = ((), (3,), (2, 3), (2, 3, 4), (2, 1, 3, 2), (0, 3), (3, 0), (0,), (2, 0, 3))


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_along_every_axis_as_torch(name: str) -> None:
    for shape in SHAPES:
        z = normal(*shape)
        for dim in (None, *range(-len(shape) - 2, len(shape) + 2)):
            assert_as_torch(getattr(nt, name), getattr(F, name), z, dim)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_in_every_dtype_as_torch(name: str) -> None:
    """Input dtypes and `dtype=`; integers are accepted if `dtype=` is given."""
    for given in (*DTYPES, torch.int64, torch.bool, torch.complex64):
        z = normal(3, 4, scale=2).to(given)
        for asked in (None, *DTYPES, torch.int64):
            if not given.is_complex or asked is None:
                assert_as_torch(getattr(nt, name), getattr(F, name), z, 1, 3, asked)


def test_logsumexp_along_every_axis_as_torch() -> None:
    for shape in SHAPES:
        z = normal(*shape)
        for dim in (0, -1, 1, (0,), (0, 1), (-1, 0), (0, 0), [1], (2, 0), (0, 1, 2), 1.0, None):
            for keepdim in (False, True):
                assert_as_torch(nt.logsumexp, torch.logsumexp, z, dim, keepdim)
    assert nt.logsumexp(normal(2, 3), ()).shape == ()
    assert nt.logsumexp(normal(2, 3), (), keepdim=True).shape == (1, 1)


def test_integers_are_computed_in_the_default_dtype() -> None:
    for given in (torch.int64, torch.uint8, torch.int16, torch.bool):
        z = torch.tensor([[0, 1, 5], [3, 3, 1]]).to(given)
        assert_as_torch(nt.logsumexp, torch.logsumexp, z, 1)
        assert_as_torch(nt.sigmoid, torch.sigmoid, z)
        assert nt.log_sigmoid(z).dtype == torch.float32
    assert nt.logsumexp(torch.tensor([0, 255], dtype=torch.uint8), 0) == 255


def test_logsumexp_of_infinities() -> None:
    """All -inf gives -inf, a +inf gives +inf, and nan stays nan."""
    table = torch.tensor(
        [[-INF, -INF], [INF, INF], [INF, 1], [INF, -INF], [NAN, INF], [NAN, -INF], [0, 0]],
        dtype=torch.float64,
    )
    want = torch.tensor([-INF, INF, INF, INF, NAN, NAN, math.log(2)], dtype=torch.float64)
    slopes = torch.tensor(
        [[0, 0], [0, 0], [1, 0], [1, 0], [NAN, NAN], [NAN, NAN], [0.5, 0.5]], dtype=torch.float64
    )
    for route in ROUTES:
        have, grad = loss_and_grad(route, lambda z: nt.logsumexp(z, 1), table)
        torch.testing.assert_close(have, want, equal_nan=True, msg=route)
        torch.testing.assert_close(grad, slopes, equal_nan=True, msg=route)


@pytest.mark.parametrize("name", cases())
def test_derivatives(name: str) -> None:
    """First and second, forward, backward, batched; each of several results alone."""
    function, inputs = cases()[name]
    leaves = tuple(x.requires_grad_() for x in inputs)
    every_route = {"check_batched_grad": True, "fast_mode": True}
    assert torch.autograd.gradcheck(function, leaves, check_forward_ad=True, **every_route)
    assert torch.autograd.gradgradcheck(function, leaves, check_fwd_over_rev=True, **every_route)


@pytest.mark.parametrize("name", cases())
def test_torch_func(name: str) -> None:
    """grad, vmap and hessian agree with the kernels' backward pass."""
    function, inputs = cases()[name]
    leaves = [x.clone().requires_grad_() for x in inputs]
    exact = torch.autograd.grad(total(function(*leaves)), leaves)
    twice = [torch.stack([x, 2 * x]) for x in inputs]
    for at, want in enumerate(exact):
        one = torch.func.grad(lambda *x: total(function(*x)), argnums=at)
        torch.testing.assert_close(one(*inputs), want, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(torch.func.vmap(one)(*twice)[0], want, rtol=1e-10, atol=1e-12)
        forward = torch.func.hessian(lambda *x: total(function(*x)), argnums=at)(*inputs)
        backward = torch.func.jacrev(one, argnums=at)(*inputs)
        torch.testing.assert_close(forward, backward, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", cases())
def test_other_devices(name: str) -> None:
    """The composition gives the kernels' numbers and gradients."""
    function, inputs = cases()[name]
    leaves = [x.clone().requires_grad_() for x in inputs]
    want = function(*leaves)
    slopes = torch.autograd.grad(total(want), leaves)
    with elsewhere():
        have = function(*leaves)
        grads = torch.autograd.grad(total(have), leaves)
    torch.testing.assert_close(have, want, rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(grads, slopes, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("route", ROUTES)
def test_classes_outside_of_a_mask_do_not_matter(route: str) -> None:
    """Nan and inf there change nothing, and their derivative is 0; what is no mask is refused."""
    z, some = normal(3, 4), torch.tensor([[True, True, False, True]])
    spoiled = z.clone()
    spoiled[:, 2] = torch.tensor([NAN, INF, 7.0])
    y = torch.tensor([0, 3, 1])
    for function in (
        lambda z, **o: nt.softmax(z, 1, **o),
        lambda z, **o: nt.logsumexp(z, 1, **o),
        lambda z, **o: nt.cross_entropy(z, y, **o),
    ):
        bare, slopes = loss_and_grad(route, function, z.masked_fill(~some, -INF))
        have, grad = loss_and_grad(route, lambda z, f=function: f(z, where=some), spoiled)
        torch.testing.assert_close(have, bare, rtol=0, atol=0)
        torch.testing.assert_close(grad, slopes, rtol=0, atol=0)
        for bad, error in ((some.double(), TypeError), (some[:, :3], ValueError)):
            with pytest.raises(error, match="where must"):
                function(z, where=bad)
    with pytest.raises(ValueError, match="label_smoothing must be 0 with where"):
        nt.cross_entropy(z, y, label_smoothing=0.1, where=some)
