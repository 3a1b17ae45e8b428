"""The edge table in PyTorch: by the kernels, as on another device, and inside of torch.func.

Long because every row of the edge table is one test, and all share its special rows.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch_helpers import (  # noqa: F401
    DTYPES,
    ROUTES,
    elsewhere,
    loss_and_grad,
    result_dtype,
    steady,
)
from torch_helpers.edges import (
    INF,
    NAN,
    OPTIONS,
    REDUCTIONS,
    E,
    every_dtype,
    every_route,
    losses_of,
)

import neglog
from neglog.torch import cross_entropy, log_softmax, row_stats, softmax

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


def assert_near(actual: Tensor, expected: Any, what: str) -> None:
    """Within a few roundings of each number; subnormal numbers may be 0."""
    info = torch.finfo(actual.dtype)
    torch.testing.assert_close(
        actual.double(),
        torch.as_tensor(expected, dtype=torch.float64),
        rtol=max(1e-8, 8 * info.eps),
        atol=info.tiny,
        equal_nan=True,
        msg=lambda text: f"{what}\n{text}",
    )


@every_route
@every_dtype
def test_special_rows_harm_no_other(route: str, dtype: torch.dtype) -> None:
    """Losses and gradients worked out by hand; all rows are in one batch."""
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
    """Values as in NumPy, which has its own tests; gradients by definition, nan per row."""
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
    """For any logits and options; with a weight of 0, for any target."""
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
    """No row, or no row that counts: torch gives nan, which ends a training."""
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
    """The divisor is 0 here as well; torch gives an infinity."""
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
    """The loss is infinite; the gradient is p - t."""
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
    """The derivative with respect to the weight exists, and no other number is affected."""
    logits = torch.tensor([[0.0, NAN, 1.0], [0.0, 2.0, 1.0], [INF, INF, 0.0]])
    weight = torch.tensor([0.0, 1.0, 0.0], requires_grad=True)
    function = losses_of(torch.tensor([1, 1, 0]), row_weight=weight, reduction=reduction)
    loss, grad = loss_and_grad(route, function, logits)
    assert loss.isfinite().all()
    assert torch.equal(grad[::2], torch.zeros(2, 3))
    assert grad[1].isfinite().all()


@every_route
def test_a_softcap_leaves_minus_infinity(route: str) -> None:
    """Padding keeps the probability 0, and a target there has a finite gradient."""
    logits = torch.tensor([[1.0, 0.0, -INF], [-INF, 0.0, 1.0]])
    losses = losses_of(torch.tensor([0, 0]), softcap=30.0, reduction="none")
    loss, grad = loss_and_grad(route, losses, logits)
    assert_near(loss, [0.31336126, INF], "loss")
    assert grad[0, 2] == 0
    assert grad.isfinite().all()


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("bad", [-1, -101, 5, 2**31, 2**32, 2**40, 2**63 - 1, -(2**63)])
def test_a_class_that_does_not_exist(bad: int, reduction: str) -> None:
    """On a CPU, an error that names the row and the value; elsewhere nan in that row only."""
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
    """As int64 they would be -1, or -100, which is ignored."""
    logits, target = torch.zeros(2, 3), torch.tensor([0, value], dtype=torch.uint64)
    for ignore in (-100, -1, -2):
        with pytest.raises(IndexError, match=rf"target\[1\] is {value}\b"):
            cross_entropy(logits, target, ignore_index=ignore)
        function = losses_of(target, ignore_index=ignore, reduction="none")
        for route in ("device", "func"):
            assert loss_and_grad(route, function, logits)[0].isnan().tolist() == [False, True]
