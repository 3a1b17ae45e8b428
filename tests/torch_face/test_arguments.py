"""Arguments in PyTorch: refused ones, devices, dtypes, layouts and kinds of tensors."""

import itertools
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch_helpers import (  # noqa: F401
    DTYPES,
    ROUTES,
    elsewhere,
    loss_and_grad,
    result_dtype,
    steady,
)
from torch_helpers.edges import INF, NAN, OPTIONS, REDUCTIONS, every_dtype, every_route, losses_of

from neglog.torch import cross_entropy

# Arguments that replace good ones: logits (4, 5), target (4,).
Z, T = torch.linspace(-1, 2, 20).view(4, 5), torch.tensor([0, 1, 2, 4])


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"input": Z.numpy()}, TypeError, "input must be a tensor.*torch.as_tensor"),
    ({"input": None}, TypeError, "input must be a tensor"),
    ({"input": Z.long()}, TypeError, r"input must be float64.*int64.*torch.float32"),
    ({"input": Z.bool()}, TypeError, r"input must be float64.*bool"),
    ({"input": Z.to(torch.complex64)}, TypeError, r"input must be float64.*complex64"),
    ({"input": Z.to(torch.float8_e4m3fn)}, TypeError, r"input must be float64.*float8"),
    (
        {"input": torch.tensor(1.0), "target": torch.tensor(0)},
        ValueError,
        r"input must have a class axis.*\(V,\)",
    ),
    ({"input": Z.to_sparse()}, (TypeError, ValueError), "input must.*to_dense"),  # type: ignore[list-item]
    ({"target": T.tolist()}, TypeError, "target must be a tensor.*torch.as_tensor"),
    ({"target": T.bool()}, TypeError, r"target must be classes.*bool.*torch.int64"),
    ({"target": Z.bool()}, TypeError, r"target must be classes.*bool"),
    ({"target": T.to(torch.complex64)}, TypeError, r"target must be classes.*complex64"),
    ({"target": T.float()}, ValueError, r"floats of shape \(4,\).*int64"),
    ({"target": Z.long()}, ValueError, r"integers of shape \(4, 5\).*one-hot"),
    ({"target": T[:3]}, ValueError, r"target must be.*\(4,\).*\(4, 5\).*got.*\(3,\)"),
    ({"target": T[:, None]}, ValueError, r"got.*\(4, 1\).*reshape\(\(4,\)\)"),
    ({"target": torch.tensor(1)}, ValueError, r"target must be.*\(4,\).*got.*\(\)"),
    ({"target": Z[:, :4]}, ValueError, r"target must be.*floats of shape \(4, 4\)"),
    ({"weight": [1.0] * 5}, TypeError, "weight must be a tensor"),
    ({"weight": torch.ones(4)}, ValueError, r"weight must have shape \(5,\).*\(4,\)"),
    ({"weight": torch.ones(1, 5)}, ValueError, r"weight must have shape.*reshape\(\(5,\)\)"),
    ({"weight": torch.tensor(1.0)}, ValueError, r"weight must have shape \(5,\).*\(\)"),
    ({"weight": torch.ones(5) * 1j}, TypeError, "weight must be real.*complex64"),
    ({"row_weight": [1.0] * 4}, TypeError, "row_weight must be a tensor"),
    ({"row_weight": 2.0}, TypeError, "row_weight must be a tensor"),
    ({"row_weight": torch.ones(5)}, ValueError, r"row_weight must have shape \(4,\).*\(5,\)"),
    ({"row_weight": torch.ones(4, 1)}, ValueError, r"row_weight.*reshape\(\(4,\)\)"),
    ({"temperature": 0.0}, ValueError, "temperature must be finite and above 0"),
    ({"temperature": INF}, ValueError, "temperature must be finite and above 0"),
    ({"temperature": "1"}, TypeError, "temperature must be a real number"),
    ({"temperature": torch.ones(5)}, ValueError, r"temperature must have shape \(4,\)"),
    ({"temperature": torch.tensor(1j)}, TypeError, "temperature must be real"),
    ({"softcap": 0.0}, ValueError, "softcap must be finite and above 0.*None"),
    ({"z_loss": -1.0}, ValueError, "z_loss must be finite and not negative"),
    ({"z_loss": NAN}, ValueError, "z_loss must be finite and not negative"),
    ({"label_smoothing": 1.5}, ValueError, r"label_smoothing must lie in \[0, 1\], got 1.5"),
    ({"label_smoothing": "a"}, TypeError, "label_smoothing must be a real number"),
    ({"ignore_index": 1.5}, TypeError, "ignore_index must be an integer"),
    ({"ignore_index": None}, TypeError, "ignore_index must be an integer"),
    ({"ignore_index": 2**63}, ValueError, "ignore_index must fit"),
    ({"reduction": "avg"}, ValueError, "reduction must be.*'avg'"),
    ({"reduction": None}, ValueError, "reduction must be.*None"),
    (
        {"target": Z.softmax(1), "ignore_index": 1},
        ValueError,
        "ignore_index must not be a class.*row_weight",
    ),
]


@pytest.mark.parametrize(("changed", "kind", "words"), BAD, ids=[words for *_, words in BAD])
def test_errors_name_the_argument_and_the_way_out(
    changed: dict[str, Any], kind: type[Exception], words: str
) -> None:
    """Always what torch's users catch, too; and of torch's own kind, where it refuses as well."""
    arguments = {"input": Z, "target": T} | changed
    with pytest.raises(kind, match=f"(?s){words}") as caught:
        cross_entropy(**arguments)
    assert isinstance(caught.value, RuntimeError)
    if not set(arguments) & {"row_weight", "temperature", "softcap", "z_loss"}:
        with pytest.raises(Exception) as theirs:  # noqa: PT011
            F.cross_entropy(**arguments)
        kinds = (RuntimeError, ValueError, TypeError, IndexError)
        expected = next(each for each in kinds if isinstance(theirs.value, each))
        assert isinstance(caught.value, expected)


META = torch.device("meta")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"input": Z.to(META)}, "target must be on the device of the logits, meta, got cpu"),
        ({"target": T.to(META)}, r"target must be on.*cpu, got meta; pass target.to\('cpu'\)"),
        ({"weight": torch.ones(5, device=META)}, "weight must be on the device.*got meta"),
        ({"row_weight": torch.ones(4, device=META)}, "row_weight must be on the device.*meta"),
        ({"temperature": torch.ones(4, device=META)}, "temperature must be on the device.*meta"),
        ({"temperature": torch.ones((), device=META)}, "temperature must be on the device.*meta"),
        ({"target": Z.softmax(1).to(META)}, "target must be on the device of the logits"),
    ],
)
def test_mixed_devices(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        cross_entropy(**{"input": Z, "target": T} | changed)
    assert isinstance(caught.value, RuntimeError)


@pytest.mark.parametrize("dense", [False, True], ids=["classes", "probabilities"])
@pytest.mark.parametrize("shape", [(5,), (2, 5, 3, 2), (0, 5)])
@pytest.mark.parametrize("fake", [False, True], ids=["meta", "FakeTensor"])
def test_shapes_without_values(fake: bool, shape: tuple[int, ...], dense: bool) -> None:
    """Nothing looks at a value, which on a GPU would wait for it."""
    rows = shape[:1] + shape[2:] if len(shape) > 1 else ()
    device = "cpu" if fake else "meta"
    with FakeTensorMode() if fake else torch.device("meta"):
        per_row = torch.ones(rows, device=device)
        options = [
            *({k: v for k, v in each.items() if k != "weight"} for each in OPTIONS),
            {"weight": torch.ones(5, device=device), "row_weight": per_row, "temperature": per_row},
        ]
        for dtype, reduction, option in itertools.product(DTYPES[1::2], REDUCTIONS, options):
            logits = torch.empty(shape, dtype=dtype, device=device, requires_grad=True)
            target = torch.zeros(rows, dtype=torch.long, device=device)
            if dense:
                target = torch.empty(shape, dtype=dtype, device=device)
            loss = cross_entropy(logits, target, reduction=reduction, **option)
            assert loss.shape == (rows if reduction == "none" else ()), option
            assert loss.dtype == result_dtype(dtype), option
            assert loss.device == logits.device
            loss.sum().backward()
            assert logits.grad.shape == shape, option
            assert logits.grad.dtype == dtype, option


@pytest.mark.parametrize("size", [4, 600])
def test_the_default_device_is_not_the_inputs(size: int) -> None:
    """Whoever makes tensors on a GPU by default may still have this loss's on the CPU."""
    logits = torch.randn(size, 1000, generator=torch.Generator().manual_seed(2), requires_grad=True)
    target = torch.zeros(size, dtype=torch.long)
    for option in OPTIONS:
        if "weight" in option:
            continue
        (want,) = torch.autograd.grad(cross_entropy(logits, target, **option), logits)
        with torch.device("meta"):
            (have,) = torch.autograd.grad(cross_entropy(logits, target, **option), logits)
        assert torch.equal(have, want), option


@every_route
@pytest.mark.parametrize("default", [torch.float64, torch.bfloat16], ids=str)
def test_the_default_dtype_is_not_the_inputs(default: torch.dtype, route: str) -> None:
    for option in OPTIONS:
        function = losses_of(torch.tensor([0, 1, -100, 2]), **option)
        want = loss_and_grad(route, function, Z[:, :3])
        torch.set_default_dtype(default)
        try:
            have = loss_and_grad(route, function, Z[:, :3])
        finally:
            torch.set_default_dtype(torch.float32)
        torch.testing.assert_close(have, want)


@pytest.mark.parametrize(
    ("average", "reduce"), [(a, r) for a in (None, True, False) for r in (None, True, False)]
)
def test_the_old_words_for_a_reduction(average: bool | None, reduce: bool | None) -> None:
    """size_average and reduce, in torch's positions, with torch's warning."""
    arguments = (Z, T, None, average, -100, reduce)
    if average is reduce is None:
        assert torch.equal(cross_entropy(*arguments), cross_entropy(Z, T))
        return
    with pytest.warns(UserWarning, match="size_average and reduce args") as theirs:
        expected = F.cross_entropy(*arguments)
    with pytest.warns(UserWarning, match="size_average and reduce args") as ours:
        loss = cross_entropy(*arguments)
    assert str(ours[0].message) == str(theirs[0].message)
    torch.testing.assert_close(loss, expected)


@pytest.mark.parametrize("cast", [torch.bfloat16, torch.float16], ids=str)
@every_dtype
def test_autocast(dtype: torch.dtype, cast: torch.dtype) -> None:
    """The dtypes of torch's results, and no precision lost to 16 bits on any route."""
    logits, probs = Z.to(dtype), Z.softmax(1).to(dtype)
    for target, reduction in itertools.product((T, probs), REDUCTIONS):
        plain = cross_entropy(logits, target, reduction=reduction)
        function = losses_of(target, reduction=reduction)
        with torch.autocast("cpu", dtype=cast):
            theirs = F.cross_entropy(logits, target, reduction=reduction)
            assert torch.equal(cross_entropy(logits, target, reduction=reduction), plain)
            composed, grad = loss_and_grad("func", function, logits)
        assert plain.dtype == theirs.dtype
        assert grad.dtype == dtype
        torch.testing.assert_close(composed, plain)


@pytest.mark.parametrize("of_probs", DTYPES, ids=str)
@pytest.mark.parametrize("of_logits", DTYPES, ids=str)
def test_logits_and_probabilities_of_two_dtypes(
    of_logits: torch.dtype, of_probs: torch.dtype
) -> None:
    """The wider one, as in torch, but float32 at least; gradients each in its own."""
    logits, probs = (x.clone().requires_grad_() for x in (Z.to(of_logits), Z.exp().to(of_probs)))
    for weight in (None, torch.ones(5, dtype=of_logits)):
        loss = cross_entropy(logits, probs, weight)
        theirs = F.cross_entropy(logits, probs, weight)
        assert loss.dtype == torch.promote_types(theirs.dtype, torch.float32)
        grads = torch.autograd.grad(loss, (logits, probs))
        assert [grad.dtype for grad in grads] == [of_logits, of_probs]
        exact = F.cross_entropy(logits.double(), probs.double())
        torch.testing.assert_close(loss.double(), exact, rtol=1e-5, atol=0)


class Labelled(Tensor):
    """A tensor of a class of its own, as images and masks are in many libraries."""


def test_tensors_of_other_kinds() -> None:
    """A subclass, a negated view, inference mode: the same numbers, and torch's type."""
    want = cross_entropy(Z, T)
    loss = cross_entropy(Z.as_subclass(Labelled), T)
    assert type(loss) is type(F.cross_entropy(Z.as_subclass(Labelled), T))
    assert torch.equal(loss.as_subclass(Tensor), want)
    negated = torch.complex(Z, -Z).conj().imag
    assert negated.is_neg()
    assert torch.equal(cross_entropy(negated, T), want)
    with torch.inference_mode():
        assert torch.equal(cross_entropy(Z.clone(), T.clone()), want)
        inside = Z.clone()
    assert torch.equal(cross_entropy(inside, T), want)
    with elsewhere():
        loss = cross_entropy(Z, T)
    torch.testing.assert_close(loss, want)
