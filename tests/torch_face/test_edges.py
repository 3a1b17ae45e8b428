"""The edge table in PyTorch: by the kernels, as on another device, and inside of torch.func."""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
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

import neglog
from neglog.torch import cross_entropy, log_softmax, row_stats, softmax

E, INF, NAN = math.e, math.inf, math.nan
# name: (logits, nll of class 0, its gradient)
SPECIAL: dict[str, tuple[list[float], float, list[float]]] = {
    "-inf elsewhere": ([0, -INF, 1], math.log(1 + E), [-E / (1 + E), 0, E / (1 + E)]),
    "-inf at the target": ([-INF, 0, 1], INF, [-1, 1 / (1 + E), E / (1 + E)]),
    "only the target is finite": ([3, -INF, -INF], 0, [0, 0, 0]),
    "all -inf": ([-INF, -INF, -INF], NAN, [NAN] * 3),
    "nan at the target": ([NAN, 0, 1], NAN, [NAN] * 3),
    "nan elsewhere": ([0, 1, NAN], NAN, [NAN] * 3),
    "nan beside infinities": ([INF, NAN, -INF], NAN, [NAN] * 3),
    "+inf at the target": ([INF, 0, 1], 0, [0, 0, 0]),
    "+inf elsewhere": ([0, 1, INF], INF, [-1, 0, 1]),
    "+inf beside -inf": ([INF, -INF, -INF], 0, [0, 0, 0]),
    "two +inf": ([INF, 0, INF], NAN, [NAN] * 3),
    "gap of 17": ([17, 0, 0], 8.27987509e-08, [-8.27987475e-08, 4.13993738e-08, 4.13993738e-08]),
    "gap of 30": ([30, 0, 0], 2 * E**-30, [-2 * E**-30, E**-30, E**-30]),
    "gap of 80": ([80, 0, 0], 2 * E**-80, [-2 * E**-80, E**-80, E**-80]),
    "far miss": ([-(2.0**15), 2.0**15, 0], 2.0**16, [-1, 1, 0]),
}
ROWS = [row for row, _, _ in SPECIAL.values()]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"label_smoothing": 0.2},
    {"z_loss": 0.1},
    {"temperature": 0.7},
    {"softcap": 5.0},
    {"weight": torch.tensor([1.0, 0.0, 2.0])},
    {"label_smoothing": 0.2, "z_loss": 0.1, "temperature": 2.0, "softcap": 20.0},
]
REDUCTIONS = ("mean", "sum", "none")
every_route = pytest.mark.parametrize("route", ROUTES)
every_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)


def assert_near(actual: Tensor, expected: Any, what: str) -> None:
    """To a few roundings of each number; what is subnormal in the dtype may be 0."""
    info = torch.finfo(actual.dtype)
    torch.testing.assert_close(
        actual.double(),
        torch.as_tensor(expected, dtype=torch.float64),
        rtol=max(1e-8, 8 * info.eps),
        atol=info.tiny,
        equal_nan=True,
        msg=lambda text: f"{what}\n{text}",
    )


def losses_of(target: Tensor, **options: Any) -> Callable[[Tensor], Tensor]:
    return lambda logits: cross_entropy(logits, target, **options)


@every_route
@every_dtype
def test_special_rows_harm_no_other(route: str, dtype: torch.dtype) -> None:
    """Losses and gradients written down by hand; every row stands in one batch with the others."""
    target = torch.zeros(len(ROWS), dtype=torch.long)
    loss, grad = loss_and_grad(
        route, losses_of(target, reduction="none"), torch.tensor(ROWS, dtype=dtype)
    )
    assert loss.dtype == result_dtype(dtype)
    assert grad.dtype == dtype
    for i, (name, (_, nll, slope)) in enumerate(SPECIAL.items()):
        assert_near(loss[i], nll, name)
        assert_near(grad[i], slope, name)


@every_route
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_a_confident_row_has_a_gradient_in_half_precision(route: str, dtype: torch.dtype) -> None:
    """8.28e-8 is below float16's normal numbers: the scale of 65536 comes before the rounding."""
    logits = torch.tensor([[17.0, 0.0, 0.0], [9.0, 0.0, 0.0]], dtype=dtype)
    _, grad = loss_and_grad(
        route, losses_of(torch.tensor([0, 0]), reduction="sum"), logits, 65536.0
    )
    others = torch.tensor([[E**-17], [E**-9]], dtype=torch.float64)
    share = 65536.0 * others / (1 + 2 * others)
    exact = torch.cat((-2 * share, share, share), dim=1)
    assert (grad.double() - exact).abs().max() <= 0.51 * torch.finfo(dtype).eps * exact.abs().max()
    assert_near(grad, exact, f"{dtype}")


STATISTICS: dict[str, Callable[[Tensor], Tensor]] = {
    "softmax": lambda z: softmax(z, -1),
    "log_softmax": lambda z: log_softmax(z, -1),
    "lse": lambda z: row_stats(z, z.new_zeros(len(z), dtype=torch.long)).lse,
    "entropy": lambda z: row_stats(z, z.new_zeros(len(z), dtype=torch.long)).entropy,
}


@every_route
@pytest.mark.parametrize("name", STATISTICS)
def test_special_rows_of_the_statistics(route: str, name: str) -> None:
    """Values as in NumPy, which has tests of its own; gradients by definition, nan by the row."""
    logits = torch.tensor(ROWS, dtype=torch.float64)
    have, grad = loss_and_grad(route, STATISTICS[name], logits)
    stats = neglog.row_stats(ROWS, np.zeros(len(ROWS), int))
    values = {"softmax": neglog.softmax(ROWS), "log_softmax": neglog.log_softmax(ROWS)}
    assert_near(have, (values | stats._asdict())[name], name)
    p, log_p = (torch.from_numpy(values[each]) for each in ("softmax", "log_softmax"))
    spread = torch.from_numpy(stats.entropy)[:, None]
    slopes = {
        "softmax": 0 * p,
        "log_softmax": 1 - 3 * p,
        "lse": p,
        "entropy": torch.where(p == 0, 0.0, -p * (log_p + spread)),
    }
    slope = torch.where(p.isnan(), NAN, slopes[name])
    torch.testing.assert_close(grad, slope, rtol=1e-7, atol=1e-14, equal_nan=True)


@every_route
@every_dtype
@pytest.mark.parametrize("how", ["ignore_index", "row_weight"])
def test_a_row_left_out_is_as_if_it_were_not_there(
    route: str, dtype: torch.dtype, how: str
) -> None:
    """Whatever its logits and its options are, and with a weight of 0 whatever its target is."""
    left_out = len(ROWS)
    kept = torch.tensor([[0.5, 1.0, -2.0], [2.0, -1.0, 0.25]], dtype=dtype)
    logits = torch.cat((kept[:1], torch.tensor(ROWS, dtype=dtype), kept[1:]))
    target = torch.tensor([1, *[-100 if how == "ignore_index" else 7] * left_out, 2])
    row_weight = {}
    if how == "row_weight":
        row_weight = {"row_weight": torch.tensor([1.0, *[0.0] * left_out, 1.0])}
    for options, reduction in itertools.product(OPTIONS, REDUCTIONS):
        alone = losses_of(torch.tensor([1, 2]), reduction=reduction, **options)
        among = losses_of(target, reduction=reduction, **options, **row_weight)
        loss, grad = loss_and_grad(route, among, logits)
        few, few_grad = loss_and_grad(route, alone, kept)
        if reduction == "none":
            assert not loss[1:-1].any(), options
            loss = loss[:: left_out + 1]
        assert torch.equal(loss, few), options
        assert torch.equal(grad[:: left_out + 1], few_grad), options
        assert torch.equal(grad[1:-1], torch.zeros_like(grad[1:-1])), options


@every_route
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("shape", [(0, 3), (2, 3, 0), (4, 3), (3,)])
def test_a_mean_over_no_row_is_zero(route: str, shape: tuple[int, ...], reduction: str) -> None:
    """Nothing to sum, or nothing that counts: torch gives nan, and ends the training with it."""
    logits = torch.full(shape, NAN)
    rows = shape[:1] + shape[2:] if len(shape) > 1 else ()
    for options in OPTIONS:
        by_class = losses_of(
            torch.full(rows, -100, dtype=torch.long), reduction=reduction, **options
        )
        by_row = losses_of(
            torch.ones(shape), row_weight=torch.zeros(rows), reduction=reduction, **options
        )
        for function in (by_class, by_row):
            loss, grad = loss_and_grad(route, function, logits)
            assert torch.equal(loss, torch.tensor(0.0)), options
            assert torch.equal(grad, torch.zeros(shape)), options


@every_route
def test_a_mean_over_weights_that_cancel_is_zero(route: str) -> None:
    """There is nothing to divide by, here too; torch gives an infinity."""
    logits, target = torch.tensor([[0.5, 1.0, -2.0], [2.0, -1.0, 0.25]]), torch.tensor([0, 1])
    for weights in (
        {"weight": torch.tensor([1.0, -1.0, 3.0])},
        {"row_weight": torch.tensor([2.0, -2.0])},
        {"row_weight": torch.tensor([2.0, -2.0]), "label_smoothing": 0.1, "z_loss": 0.1},
    ):
        loss, grad = loss_and_grad(route, losses_of(target, **weights), logits)
        assert torch.equal(loss, torch.tensor(0.0))
        assert torch.equal(grad, torch.zeros(2, 3))


@every_route
@every_dtype
def test_one_class_costs_nothing(route: str, dtype: torch.dtype) -> None:
    for layout in (torch.tensor([[3.0, -7.0, 1.5]]).mT, torch.tensor([[3.0], [-7.0], [1.5]])):
        function = losses_of(torch.zeros(3, dtype=torch.long), reduction="none")
        loss, grad = loss_and_grad(route, function, layout.to(dtype))
        assert torch.equal(loss, torch.zeros(3, dtype=result_dtype(dtype)))
        assert torch.equal(grad, torch.zeros(3, 1, dtype=dtype))


@pytest.mark.parametrize("shape", [(4, 0), (0,), (0, 0), (2, 0, 3)])
def test_no_class_is_an_error(shape: tuple[int, ...]) -> None:
    rows = shape[:1] + shape[2:] if len(shape) > 1 else ()
    with pytest.raises(ValueError, match="input must have at least one class"):
        cross_entropy(torch.empty(shape), torch.zeros(rows, dtype=torch.long))


@every_route
@every_dtype
def test_zero_probability_times_infinity_is_zero(route: str, dtype: torch.dtype) -> None:
    logits = torch.tensor([[0.0, -INF, 1.0]], dtype=dtype)
    probs = torch.tensor([[0.5, 0.0, 0.5]], dtype=dtype)
    p = E / (1 + E)
    loss, grad = loss_and_grad(route, losses_of(probs), logits)
    assert_near(loss, math.log(1 + E) - 0.5, "loss")
    assert_near(grad, [[0.5 - p, 0, p - 0.5]], "gradient")
    # smoothing costs infinity there, unless the class weighs nothing
    weight = torch.tensor([1.0, 0.0, 1.0])
    smooth = losses_of(torch.tensor([2]), weight=weight, label_smoothing=0.3)
    loss, grad = loss_and_grad(route, smooth, logits)
    share = 0.7 * (math.log(1 + E) - 1) + 0.1 * (2 * math.log(1 + E) - 1)
    assert_near(loss, share, "loss with smoothing")
    assert_near(grad, [[0.9 * (1 - p) - 0.1, 0, 0.9 * p - 0.8]], "gradient with smoothing")
    loss, _ = loss_and_grad(route, losses_of(torch.tensor([2]), label_smoothing=0.3), logits)
    assert loss == INF


@every_route
@every_dtype
def test_a_probability_at_minus_infinity(route: str, dtype: torch.dtype) -> None:
    """Costs infinity, with the gradient p - t all the same."""
    logits = torch.tensor([[0.0, -INF, 1.0]], dtype=dtype)
    p = E / (1 + E)
    loss, grad = loss_and_grad(
        route, losses_of(torch.tensor([[0.5, 0.25, 0.25]], dtype=dtype)), logits
    )
    assert loss == INF
    assert_near(grad, [[1 - p - 0.5, -0.25, p - 0.25]], "gradient")
    loss, grad = loss_and_grad(route, losses_of(torch.tensor([2]), label_smoothing=0.3), logits)
    assert loss == INF
    assert_near(grad, [[1 - p - 0.1, -0.1, p - 0.8]], "gradient with smoothing")


@every_route
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_a_recorded_row_weight_of_zero(route: str, reduction: str) -> None:
    """The row counts for the derivative by its weight, and still harms no other, nor itself."""
    logits = torch.tensor([[0.0, NAN, 1.0], [0.0, 2.0, 1.0], [INF, INF, 0.0]])
    weight = torch.tensor([0.0, 1.0, 0.0], requires_grad=True)
    function = losses_of(torch.tensor([1, 1, 0]), row_weight=weight, reduction=reduction)
    loss, grad = loss_and_grad(route, function, logits)
    assert loss.isfinite().all()
    assert torch.equal(grad[::2], torch.zeros(2, 3))
    assert grad[1].isfinite().all()


@every_route
def test_a_softcap_leaves_minus_infinity(route: str) -> None:
    """Padding stays without probability, and a target there has a finite gradient."""
    logits = torch.tensor([[1.0, 0.0, -INF], [-INF, 0.0, 1.0]])
    losses = losses_of(torch.tensor([0, 0]), softcap=30.0, reduction="none")
    loss, grad = loss_and_grad(route, losses, logits)
    assert_near(loss, [0.31336126, INF], "loss")
    assert grad[0, 2] == 0
    assert grad.isfinite().all()


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("bad", [-1, -101, 5, 2**31, 2**32, 2**40, 2**63 - 1, -(2**63)])
def test_a_class_that_does_not_exist(bad: int, reduction: str) -> None:
    """On a CPU an error that names the row and the value; elsewhere nan in that row alone."""
    logits = torch.linspace(-1, 2, 60).view(2, 5, 3, 2)
    target = torch.zeros(2, 3, 2, dtype=torch.long)
    target[1, 2, 0] = bad
    for options in ({}, {"label_smoothing": 0.1}, {"weight": torch.rand(5), "temperature": 2.0}):
        function = losses_of(target, reduction=reduction, **options)
        for leaf in (logits, logits.clone().requires_grad_()):
            with pytest.raises(IndexError, match=rf"target\[1, 2, 0\] is {bad}\b") as caught:
                function(leaf)
            assert isinstance(caught.value, RuntimeError)
        for route in ("device", "func"):
            loss, grad = loss_and_grad(route, function, logits)
            rows = torch.ones(2, 3, 2, dtype=torch.bool)
            rows[1, 2, 0] = False
            grad = grad.movedim(1, -1)
            assert grad[~rows].isnan().all()
            if reduction == "none":
                assert loss[~rows].isnan().all()
                assert loss[rows].isfinite().all()
                assert grad[rows].isfinite().all()
            else:
                assert loss.isnan()


WIDTHS = [
    *(torch.int64, torch.int32, torch.int16, torch.int8),
    *(torch.uint64, torch.uint32, torch.uint16, torch.uint8),
]


@every_route
@pytest.mark.parametrize("width", WIDTHS, ids=str)
def test_classes_of_every_width(route: str, width: torch.dtype) -> None:
    logits = torch.randn(5, 4, generator=torch.Generator().manual_seed(1))
    target = torch.tensor([0, 1, 2, 3, 1])
    for options in ({}, {"ignore_index": 1}, {"weight": torch.rand(4), "label_smoothing": 0.1}):
        wide = loss_and_grad(route, losses_of(target, **options), logits)
        narrow = loss_and_grad(route, losses_of(target.to(width), **options), logits)
        assert torch.equal(wide[0], narrow[0])
        assert torch.equal(wide[1], narrow[1])


@pytest.mark.parametrize("value", [2**63 + 5, 2**64 - 1, 2**64 - 2, 2**64 - 100])
def test_unsigned_classes_do_not_wrap(value: int) -> None:
    """As int64 they would be -1, or the ignored -100."""
    logits, target = torch.zeros(2, 3), torch.tensor([0, value], dtype=torch.uint64)
    for ignore in (-100, -1, -2):
        with pytest.raises(IndexError, match=rf"target\[1\] is {value}\b"):
            cross_entropy(logits, target, ignore_index=ignore)
        function = losses_of(target, ignore_index=ignore, reduction="none")
        for route in ("device", "func"):
            assert loss_and_grad(route, function, logits)[0].isnan().tolist() == [False, True]


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
