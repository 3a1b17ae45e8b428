"""Every sample input of PyTorch's own databases, forward and backward, against torch in float64.

Documented differences that come up: losses of half-precision logits are float32 (`known_dtype`); a
mean over no row is 0, not nan (`is_mean_over_nothing`); the gradient of logsumexp at an infinity is
a number, not nan (`differentiable`).
"""

import functools
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch_helpers import DTYPES, result_dtype, steady  # noqa: F401

import neglog.torch

# Operator and variant: sample inputs in float64 and float32, and in the two halves, as many as
# there were when this was written. A database that goes empty must not pass.
OPERATORS = {
    ("nn.functional.cross_entropy", ""): (21, 21),
    ("nn.functional.nll_loss", ""): (61, 61),
    ("nn.functional.binary_cross_entropy_with_logits", ""): (26, 26),
    ("softmax", ""): (7, 7),
    ("softmax", "with_dtype"): (7, 7),
    ("log_softmax", ""): (7, 7),
    ("log_softmax", "with_dtype"): (7, 7),
    ("logsumexp", ""): (18, 8),
}
# Module: sample inputs, and inputs that it must refuse.
MODULES = {
    "CrossEntropyLoss": (105, 7),
    "NLLLoss": (28, 1),
    "BCEWithLogitsLoss": (6, 0),
    "Softmax": (3, 0),
    "LogSoftmax": (4, 0),
}
CRITERIA = {"NLLLoss": 3, "BCEWithLogitsLoss": 3}  # what common_nn has beyond those

Arguments = dict[int | str, Any]  # by position or by name


@functools.cache
def databases() -> tuple[dict[tuple[str, str], Any], dict[str, Any], list[dict[str, Any]]]:
    """Operators, modules and criteria; loading takes seconds, so the first test does it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_methods_invocations import op_db
        from torch.testing._internal.common_modules import module_db
        from torch.testing._internal.common_nn import criterion_tests
    operators = {(op.name, op.variant_test_name): op for op in op_db}
    modules = {module.name.removeprefix("nn."): module for module in module_db}
    return operators, modules, criterion_tests


def arguments_of(*args: Any, **options: Any) -> Arguments:
    return {**dict(enumerate(args)), **options}


def apply(function: Callable[..., Any], arguments: Arguments) -> Any:
    positional = [value for key, value in arguments.items() if isinstance(key, int)]
    named = {key: value for key, value in arguments.items() if isinstance(key, str)}
    return function(*positional, **named)


def known_dtype(name: str, arguments: Arguments) -> torch.dtype:
    """As documented: losses of half-precision logits are float32, all else is as in torch."""
    given: torch.dtype = arguments.get("dtype", arguments[0].dtype)
    lossy = name.startswith(("cross_entropy", "binary", "CrossEntropy", "BCE"))
    return result_dtype(given) if lossy else given


def is_float(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point()


def differentiable(function: str, arguments: Arguments) -> list[int | str]:
    """The tensors for which torch itself has a derivative."""
    soft = function in ("cross_entropy", "CrossEntropyLoss") and is_float(arguments.get(1))
    if function == "logsumexp" and arguments[0].isinf().any():
        return []  # torch's is nan; ours is p, which is known here
    return [
        key
        for key, value in arguments.items()
        if is_float(value) and (isinstance(key, int) or (key == "weight" and soft))
    ]


def is_mean_over_nothing(arguments: Arguments) -> bool:
    """Whether every row is ignored: the mean is then 0, as documented, and nan in torch."""
    target, ignored = arguments.get(1), arguments.get("ignore_index", -100)
    classes = isinstance(target, Tensor) and not target.is_floating_point()
    mean = arguments.get("reduction", "mean") == "mean"
    return classes and mean and bool((target == ignored).all())


def copied(arguments: Arguments, leaves: list[int | str], dtype: torch.dtype | None) -> Arguments:
    """Copies, in this dtype if given, with the same strides; leaves require a gradient."""
    copies = {}
    for key, value in arguments.items():
        if is_float(value):
            gaps = not value.is_contiguous()
            value = value.detach().to(dtype or value.dtype, copy=True)
            value = torch.stack([value, value], -1)[..., 0] if gaps else value
            value.requires_grad_(key in leaves)
        copies[key] = dtype if key == "dtype" and dtype else value
    return copies


def assert_close(actual: Tensor, exact: Tensor, offset: float, what: str) -> None:
    """16 roundings of the largest number around, in the dtype of the result.

    Weights in the samples are negative, too: a sum of three may cancel, and no digits are promised
    of what is left. The float64 answer rounds lse, which costs it the digits of a common offset.
    """
    size = max(1.0, float(exact.detach().abs().max()) if exact.numel() else 0.0)
    limit = 16 * torch.finfo(actual.dtype).eps * size + 4 * torch.finfo(exact.dtype).eps * offset
    torch.testing.assert_close(
        actual.double(), exact, rtol=0, atol=limit, msg=lambda text: f"{what}: {text}"
    )


def check(
    ours: Callable[..., Tensor],
    torchs: Callable[..., Tensor],
    arguments: Arguments,
    dtype: torch.dtype,
    leaves: list[int | str],
) -> None:
    """The same result and the same gradients, for a random upstream gradient."""
    have, wide = copied(arguments, leaves, None), copied(arguments, leaves, torch.float64)
    result, exact = apply(ours, have), apply(torchs, wide)
    assert result.dtype == dtype
    assert result.shape == exact.shape
    if is_mean_over_nothing(arguments):
        assert exact.isnan()
        exact = wide[0].sum() * 0
    finite = wide[0].detach()[wide[0].isfinite()].abs()
    offset = float(finite.max()) if finite.numel() else 0.0
    assert_close(result, exact, offset, "result")
    if not leaves:
        return
    upstream = torch.randn(result.shape, dtype=torch.float64).to(dtype)
    grads = torch.autograd.grad(result, [have[key] for key in leaves], upstream)
    best = torch.autograd.grad(exact, [wide[key] for key in leaves], upstream.double())
    for key, grad, want in zip(leaves, grads, best, strict=True):
        assert grad.dtype == have[key].dtype
        assert_close(grad, want, offset, f"gradient of {key}")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize(("name", "variant"), OPERATORS)
def test_operators(name: str, variant: str, dtype: torch.dtype) -> None:
    """As given, and with other strides."""
    op, function = databases()[0][name, variant], name.rpartition(".")[2]
    torch.manual_seed(0)
    samples = list(op.reference_inputs("cpu", dtype, requires_grad=True))
    assert len(samples) >= OPERATORS[name, variant][dtype.itemsize == 2]
    for sample in [each for one in samples for each in (one, one.noncontiguous())]:
        arguments = arguments_of(sample.input, *sample.args, **sample.kwargs)
        leaves = differentiable(function, arguments)
        known = known_dtype(function, arguments)
        check(getattr(neglog.torch, function), op.op, arguments, known, leaves)


Z, T = torch.randn(4, 5), torch.tensor([0, 1, 2, 4])
# The database has no bad inputs for these operators, so these are ours.
BAD: list[tuple[str, Arguments]] = [
    *((name, {0: Z, 1: dim}) for name in ("softmax", "log_softmax") for dim in (2, -3, "0")),
    *((name, {0: Z.long(), 1: 0}) for name in ("softmax", "log_softmax")),
    ("logsumexp", {0: Z.tolist(), 1: 0}),
    *(("logsumexp", {0: Z, 1: dim}) for dim in (2, -3, (0, 0), (0, 2), "0", 1.5)),
    ("nll_loss", {0: Z, 1: T[:3]}),
    ("nll_loss", {0: Z, 1: T[:, None]}),
    ("nll_loss", {0: Z, 1: T.float()}),
    ("nll_loss", {0: Z, 1: T.bool()}),
    ("nll_loss", {0: Z, 1: T + 1}),
    ("nll_loss", {0: Z, 1: T - 1}),
    ("nll_loss", {0: Z, 1: T.tolist()}),
    ("nll_loss", {0: Z.long(), 1: T}),
    ("nll_loss", {0: Z, 1: T, "weight": torch.ones(4)}),
    ("nll_loss", {0: Z, 1: T, "weight": torch.ones(1, 5)}),
    ("nll_loss", {0: Z, 1: T, "reduction": "avg"}),
    ("nll_loss", {0: torch.tensor(1.0), 1: torch.tensor(0)}),
    ("nll_loss", {0: torch.randn(2, 5, 3), 1: torch.zeros(2, 4, dtype=torch.long)}),
    ("binary_cross_entropy_with_logits", {0: Z, 1: Z[:3]}),
    ("binary_cross_entropy_with_logits", {0: Z, 1: Z[:, :1]}),
    ("binary_cross_entropy_with_logits", {0: Z, 1: Z, "weight": torch.ones(3)}),
    ("binary_cross_entropy_with_logits", {0: Z, 1: Z, "pos_weight": torch.ones(3)}),
    ("binary_cross_entropy_with_logits", {0: Z, 1: Z, "reduction": "avg"}),
]


@pytest.mark.parametrize(("name", "arguments"), BAD)
def test_operators_refuse_what_torch_refuses(name: str, arguments: Arguments) -> None:
    """With an exception that code which catches torch's also catches."""
    theirs = torch.logsumexp if name == "logsumexp" else getattr(torch.nn.functional, name)
    with pytest.raises((RuntimeError, ValueError, TypeError, IndexError)) as expected:
        apply(theirs, arguments)
    kinds = (IndexError, TypeError, ValueError, RuntimeError)
    kind = next(each for each in kinds if isinstance(expected.value, each))
    with pytest.raises(kind) as found:
        apply(getattr(neglog.torch, name), arguments)
    assert isinstance(found.value, RuntimeError)


def modules_of(name: str, constructor: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Our module and torch's with the same settings, and the inputs to call them with."""

    def build(home: Any) -> Callable[..., Any]:
        def call(*inputs: Any, **settings: Any) -> Any:
            return getattr(home, name)(*constructor.args, **settings)(*inputs)

        return call

    return build(neglog.torch), build(torch.nn)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", MODULES)
def test_modules(name: str, dtype: torch.dtype) -> None:
    """Constructed and called as the database says; in float64 against its own reference, too."""
    module = databases()[1][name]
    torch.manual_seed(0)
    samples = list(module.module_inputs_func(module, "cpu", dtype, True, True))
    assert len(samples) >= MODULES[name][0]
    for sample in samples:
        settings, inputs = sample.constructor_input, sample.forward_input
        assert not inputs.kwargs
        arguments = arguments_of(*inputs.args, **settings.kwargs)
        leaves = differentiable(name, arguments)
        ours, torchs = modules_of(name, settings)
        check(ours, torchs, arguments, known_dtype(name, arguments), leaves)
        if dtype == torch.float64 and not is_mean_over_nothing(arguments):
            built = getattr(neglog.torch, name)(*settings.args, **settings.kwargs)
            plain = [each.detach() for each in inputs.args]
            reference = sample.reference_fn(built, *plain)
            torch.testing.assert_close(built(*plain), reference, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", MODULES)
def test_modules_refuse_what_torch_refuses(name: str) -> None:
    """With an exception of the same type."""
    module = databases()[1][name]
    torch.manual_seed(0)
    make = module.module_error_inputs_func
    bad = list(make(module, "cpu", torch.float32, True, True)) if make else []
    assert len(bad) >= MODULES[name][1]
    for each in bad:
        settings = each.module_error_input.constructor_input
        inputs = each.module_error_input.forward_input
        for call in modules_of(name, settings):
            with pytest.raises(each.error_type):
                call(*inputs.args, **settings.kwargs)


@pytest.mark.parametrize("name", CRITERIA)
def test_criteria_without_a_batch(name: str) -> None:
    """A single row, as in `torch.testing._internal.common_nn`."""
    entries = [each for each in databases()[2] if each["fullname"].startswith(f"{name}_")]
    assert len(entries) >= CRITERIA[name]
    for entry in entries:
        torch.manual_seed(0)
        theirs = entry["constructor"]()
        ours = getattr(neglog.torch, name)(reduction=theirs.reduction)
        inputs = entry["input_fn"]() if "input_fn" in entry else torch.randn(entry["input_size"])
        target = entry["target_fn"]()
        torch.testing.assert_close(ours(inputs, target), theirs(inputs, target))
