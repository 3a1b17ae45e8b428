"""Derivatives in PyTorch: of every order, by everything, asked for in every way.

Long because all kinds of derivatives share one class of problems.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch.autograd import forward_ad, gradcheck, gradgradcheck
from torch.autograd.functional import jacobian
from torch.func import (
    functional_call,
    grad,
    hessian,
    jacfwd,
    jacrev,
    jvp,
    linearize,
    vjp,
    vmap,
)
from torch_helpers import by_torch, steady  # noqa: F401

from neglog.torch import cross_entropy

# torch's own: forward mode is written with torch.jit, and `linearize` keeps constants in a graph.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Attempted to insert a get_attr Node:UserWarning"),
]

V, IGNORED = 4, -100
SHAPES = {(V,): (), (3, V): (3,), (2, V, 2, 1): (2, 2, 1)}  # logits: one number a row
TARGETS = ("classes", "ignored", "probabilities")
REDUCTIONS = ("mean", "sum", "none")
OPTIONS: list[dict[str, Any]] = [
    {},
    {"label_smoothing": 0.2},
    {"softcap": 3.0},
    {"z_loss": 0.1},
    {"temperature": 1.7},
    {"label_smoothing": 0.3, "softcap": 2.0, "z_loss": 0.1, "temperature": 0.8},
]
# What a gradient is asked for besides the logits (and the probabilities).
BY = ((), ("weight",), ("row_weight",), ("temperature",), ("weight", "row_weight", "temperatures"))


class Case:
    """Tensors of one problem, in float64, and the loss as a function of those differentiated by."""

    def __init__(self, shape: tuple[int, ...], target: str, **options: Any):
        self.random = torch.Generator().manual_seed(sum(shape))
        self.options, self.rows = options, SHAPES.get(shape, shape[:1] + shape[2:])
        self.leaves = {"logits": self._leaf(torch.randn, shape)}
        self.classes = shape[min(1, len(shape) - 1)]
        self.target = torch.randint(0, self.classes, self.rows, generator=self.random)
        if target == "ignored":
            self.target.view(-1)[0] = IGNORED
        if target == "probabilities":
            self.leaves["target"] = self._leaf(torch.rand, shape)

    def _leaf(
        self, make: Callable[..., Tensor], shape: tuple[int, ...], low: float = 0.0
    ) -> Tensor:
        numbers = make(shape, dtype=torch.float64, generator=self.random)
        return (numbers + low).requires_grad_()

    def by(self, *names: str) -> "Case":
        """Ask for a gradient by these, too; temperatures are one a row."""
        for name in names:
            shape = {"weight": (self.classes,), "temperature": ()}.get(name, self.rows)
            self.leaves[name] = self._leaf(torch.rand, shape, 0.5)
        return self

    def loss(self, function: Callable[..., Tensor] = cross_entropy) -> Callable[..., Tensor]:
        def call(*values: Tensor) -> Tensor:
            given = dict(zip(self.leaves, values, strict=True))
            logits, target = given.pop("logits"), given.pop("target", self.target)
            if "temperatures" in given:
                given["temperature"] = given.pop("temperatures")
            return function(logits, target, **self.options, **given)

        return call

    @property
    def values(self) -> tuple[Tensor, ...]:
        return tuple(self.leaves.values())

    @property
    def plain_values(self) -> tuple[Tensor, ...]:
        return tuple(value.detach() for value in self.values)


def cases(shape: tuple[int, ...], target: str, reduction: str) -> Iterator[Case]:
    for option, names in itertools.product(OPTIONS, BY):
        if not ("temperature" in option and any("temp" in name for name in names)):
            yield Case(shape, target, reduction=reduction, **option).by(*names)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_first_and_second_derivatives(shape: tuple[int, ...], target: str, reduction: str) -> None:
    """By the logits, probabilities, class weights, row weights and temperatures, every option."""
    for case in cases(shape, target, reduction):
        try:
            assert gradcheck(case.loss(), case.values, fast_mode=True)
            if len(shape) == 2:
                assert gradgradcheck(case.loss(), case.values, fast_mode=True)
        except Exception as error:
            error.add_note(f"by {list(case.leaves)} with {case.options}")
            raise


@pytest.mark.parametrize("name", ["weight", "row_weight"])
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_derivatives_at_a_weight_of_zero(name: str, reduction: str) -> None:
    """What a row would cost is known where it still counts nothing: weights are learned from 0."""
    for option, share in itertools.product(({}, OPTIONS[-1]), (0.0, 1.0)):
        case = Case((3, V), "classes", reduction=reduction, **option).by(name)
        if reduction == "mean" and not share:
            continue  # over no row at all
        with torch.no_grad():
            case.leaves[name].mul_(share)[case.target[0] if name == "weight" else 0] = 0
        have = torch.autograd.grad(case.loss()(*case.values).sum(), case.values)
        want = torch.autograd.grad(case.loss(by_torch)(*case.values).sum(), case.values)
        torch.testing.assert_close(have, want, rtol=1e-10, atol=1e-12)
        by_func = TRANSFORMS["grad"](case.loss(), case.plain_values)
        torch.testing.assert_close(by_func, want, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("option", [{}, {"z_loss": 0.1}, {"softcap": 3.0, "z_loss": 0.1}])
@pytest.mark.parametrize("names", [("temperature",), ("temperatures", "row_weight")])
def test_a_masked_class_is_as_if_it_were_not_there(
    names: tuple[str, ...], option: dict[str, float]
) -> None:
    """A logit of -inf has no part in any derivative, of the first order and of the second."""
    case = Case((3, V), "classes", reduction="sum", **option).by(*names)
    masked = torch.tensor([False, True, False, False])
    case.target = torch.tensor([0, 2, 3])
    with_mask = case.loss(
        lambda z, t, **k: cross_entropy(z.masked_fill(masked, -torch.inf), t, **k)
    )
    without = case.loss(lambda z, t, **k: by_torch(z[:, ~masked], (t - 1).clamp(0), **k))
    for transform in (TRANSFORMS["grad"], TRANSFORMS["hessian"]):
        want = transform(without, case.plain_values)
        have = transform(with_mask, case.plain_values)
        torch.testing.assert_close(have, want, rtol=1e-9, atol=1e-12)
    slopes = torch.autograd.grad(with_mask(*case.values), case.values, create_graph=True)
    want = TRANSFORMS["grad"](without, case.plain_values)
    torch.testing.assert_close(slopes, want, rtol=1e-9, atol=1e-12)
    twice = torch.autograd.grad(sum(slope.cos().sum() for slope in slopes), case.values)
    exact = grad(lambda *v: sum(x.cos().sum() for x in TRANSFORMS["grad"](without, v)), (0, 1))
    torch.testing.assert_close(twice[:2], exact(*case.plain_values), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_derivatives_of_every_kind(target: str, reduction: str) -> None:
    """Forward mode, batches of gradients, forward over reverse: each entry, not a projection."""
    for option in ({}, OPTIONS[-1]):
        names = ("weight", "row_weight") if option else ()
        case = Case((3, V), target, reduction=reduction, **option).by(*names)
        kinds = {"check_batched_grad": True}
        assert gradcheck(
            case.loss(),
            case.values,
            check_forward_ad=True,
            check_batched_forward_grad=True,
            **kinds,
        )
        assert gradgradcheck(case.loss(), case.values, check_fwd_over_rev=True, **kinds)


OF_THE_LOGITS: list[Callable[[Tensor, Tensor], Tensor]] = [
    lambda loss, logits: loss**2,
    lambda loss, logits: (1 - torch.exp(-loss)) ** 2 * loss,  # the focal loss
    lambda loss, logits: loss * logits.exp().sum(),
]


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("outer", range(len(OF_THE_LOGITS)))
def test_an_upstream_gradient_that_depends_on_the_logits(outer: int, reduction: str) -> None:
    """Its own way to the logits is counted once, in the second derivative and in the third."""
    for option in ({}, {"label_smoothing": 0.2}, OPTIONS[-1]):
        case = Case((3, V), "ignored", reduction=reduction, **option)
        loss = case.loss()
        assert gradgradcheck(lambda z, loss=loss: OF_THE_LOGITS[outer](loss(z), z), case.values)
    assert gradgradcheck(
        lambda z: cross_entropy(z, case.target, row_weight=z[:, 0].exp(), reduction=reduction),
        case.values,
    )


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_third_derivatives(reduction: str) -> None:
    for option in ({}, OPTIONS[-1]):
        case = Case((2, V), "classes", reduction=reduction, **option)
        found = []
        for function in (cross_entropy, by_torch):
            value = case.loss(function)(*case.values) ** 2
            for _ in range(3):
                (slope,) = torch.autograd.grad(value, case.values, create_graph=True)
                value = (slope * torch.linspace(-1, 2, slope.numel()).view_as(slope)).sum()
            found.append(slope)
        torch.testing.assert_close(*found, rtol=1e-9, atol=1e-11)


TRANSFORMS: dict[str, Callable[..., Any]] = {
    "grad": lambda f, x: grad(lambda *v: f(*v).sum(), tuple(range(len(x))))(*x),
    "hessian": lambda f, x: hessian(lambda *v: f(*v).sum(), tuple(range(len(x))))(*x),
    "jacrev": lambda f, x: jacrev(f, tuple(range(len(x))))(*x),
    "jacfwd": lambda f, x: jacfwd(f, tuple(range(len(x))))(*x),
    "jvp": lambda f, x: jvp(f, x, tuple(v.cos() for v in x)),
    "vjp": lambda f, x: (lambda out, pull: pull(out.cos()))(*vjp(f, *x)),
    "jacobian": lambda f, x: jacobian(f, x),
    "jacobian, vectorized": lambda f, x: jacobian(f, x, vectorize=True),
    "jacobian, forward": lambda f, x: jacobian(f, x, vectorize=True, strategy="forward-mode"),
    "hessian of autograd": lambda f, x: torch.autograd.functional.hessian(
        lambda *v: f(*v).sum(), x, vectorize=True
    ),
    "vmap": lambda f, x: vmap(f)(*stacked(x)),
    "vmap of the logits": lambda f, x: vmap(lambda z: f(z, *x[1:]))(stacked(x)[0]),
    "vmap of grad": lambda f, x: vmap(grad(lambda *v: f(*v).sum()))(*stacked(x)),
    "vmap of all but the logits": lambda f, x: (
        x[1:] and vmap(lambda *v: grad(lambda z: f(z, *v).sum())(x[0]))(*stacked(x)[1:])
    ),
}


def stacked(values: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(torch.stack([value, value * 0.5, value * 1.5]) for value in values)


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("target", TARGETS)
def test_function_transforms(name: str, target: str) -> None:
    """torch.func and autograd.functional, with the numbers of torch's own operators."""
    for shape, reduction in (((V,), "mean"), ((3, V), "mean"), ((3, V), "none")):
        for case in (
            Case(shape, target, reduction=reduction),
            Case(shape, target, reduction=reduction, label_smoothing=0.1).by("weight"),
            Case(shape, target, reduction=reduction, **OPTIONS[3]).by(*BY[-1]),
        ):
            have = TRANSFORMS[name](case.loss(), case.plain_values)
            want = TRANSFORMS[name](case.loss(by_torch), case.plain_values)
            torch.testing.assert_close(have, want, rtol=1e-9, atol=1e-12)


def test_linearize() -> None:
    """Traces what jvp computes, and runs it again for another direction."""
    case = Case((3, V), "classes", reduction="none", label_smoothing=0.1)
    value, push = linearize(case.loss(), *case.plain_values)
    for direction in (case.plain_values[0].cos(), torch.ones(3, V, dtype=torch.float64)):
        want = jvp(case.loss(), case.plain_values, (direction,))
        torch.testing.assert_close((value, push(direction)), want)


def test_gradients_of_each_sample() -> None:
    """The usual recipe: vmap over grad of a model called by its parameters."""
    model = torch.nn.Linear(6, V).double()
    parameters = {name: value.detach() for name, value in model.named_parameters()}
    inputs, target = torch.randn(5, 6, dtype=torch.float64), torch.tensor([0, 1, 2, 3, 0])

    def loss(weights: Any, x: Tensor, y: Tensor, function: Callable[..., Tensor]) -> Tensor:
        return function(functional_call(model, weights, (x[None],)), y[None])

    def each(function: Callable[..., Tensor]) -> Any:
        one = grad(lambda weights, x, y: loss(weights, x, y, function))
        return vmap(one, (None, 0, 0))(parameters, inputs, target)

    torch.testing.assert_close(each(cross_entropy), each(F.cross_entropy))


def test_transforms_inside_of_a_graph() -> None:
    """torch.func on the inside, an ordinary backward pass on the outside, and the reverse."""
    case = Case((3, V), "ignored")
    (z,) = case.values
    for function in (cross_entropy, F.cross_entropy):
        inner = grad(lambda a, f=function: f(z * a, case.target))(torch.tensor(2.0).double())
        (found,) = torch.autograd.grad(inner, z)
        loss = function(z, case.target, reduction="none")
        pull = vmap(lambda u, out=loss: torch.autograd.grad(out, z, u, retain_graph=True)[0])
        found = torch.stack((found, *pull(torch.eye(3, dtype=torch.float64))))
        if function is cross_entropy:
            ours = found
    torch.testing.assert_close(ours, found)


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_dual_upstream_gradient_keeps_its_tangent(reduction: str) -> None:
    """Forward mode that begins after the loss: only the backward pass is inside of it."""
    case = Case((3, V), "ignored", reduction=reduction)
    found = []
    for function in (cross_entropy, by_torch):
        loss = case.loss(function)(*case.values)
        with forward_ad.dual_level():
            upstream = forward_ad.make_dual(torch.ones_like(loss) * 2, torch.ones_like(loss) * 3)
            (slope,) = torch.autograd.grad(loss, case.values, upstream)
            found.append(forward_ad.unpack_dual(slope))
    assert found[0].tangent is not None
    torch.testing.assert_close(tuple(found[0]), tuple(found[1]))


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_backward_pass_inside_of_forward_mode(reduction: str) -> None:
    """Of a graph made before, with an upstream gradient that depends on the logits, too."""
    case = Case((3, V), "ignored", reduction=reduction, label_smoothing=0.1)
    found = []
    for function in (cross_entropy, by_torch):
        value = (case.loss(function)(*case.values) ** 2).sum()
        with forward_ad.dual_level():
            (slope,) = torch.autograd.grad(value, case.values, create_graph=True)
        (twice,) = torch.autograd.grad(slope.cos().sum(), case.values)
        found.append((slope, twice))
    torch.testing.assert_close(*found, rtol=1e-9, atol=1e-12)
