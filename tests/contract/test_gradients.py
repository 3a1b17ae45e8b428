"""Invariants of loss and gradient: each change of the input has an exact consequence."""

from typing import Any

import numpy as np
import oracle
import pytest
from budgets import ULPS
from checks import assert_identical, assert_rows_sum_to_zero, assert_ulps, dtype_of
from hypothesis import given, settings
from hypothesis import strategies as st

# none; each option that changes the gradient's formula; all of them
OPTIONS = (
    {},
    {"label_smoothing": 0.3},
    {"z_loss": 0.1},
    {"temperature": 0.5},
    {"softcap": 3.0},
    {"weight": [0.5, 1.0, 2.0, 0.25, 4.0], "row_weight": [1.0, 0.5, 2.0, 0.25]},
    {"label_smoothing": 0.3, "z_loss": 0.1, "temperature": 2.0, "softcap": 3.0,
     "weight": [0.5, 1.0, 2.0, 0.25, 4.0], "row_weight": [1.0, 0.5, 2.0, 0.25]},
)  # fmt: skip


def small(seed: int = 0) -> tuple[Any, Any]:
    return np.random.default_rng(seed).standard_normal((4, 5)) * 2, np.array([0, 4, 2, 2])


def numerical_gradient(z: Any, target: Any, options: dict[str, Any], reduction: str) -> Any:
    """Central differences of order 4 of the exact loss: truncation h^4 = 1e-16, rounding 1e-15."""
    h, grad = np.longdouble(1e-4), np.empty(z.shape, np.longdouble)
    for place in np.ndindex(*z.shape):

        def at(step: int, place: tuple[int, ...] = place) -> np.longdouble:
            moved = oracle.wide(z).copy()
            moved[place] += step * h
            return oracle.cross_entropy(moved, target, reduction=reduction, **options).loss

        grad[place] = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)
    return grad


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "+".join(o) or "none")
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("dense", [False, True], ids=["classes", "probabilities"])
def test_the_gradient_is_the_derivative(
    face: Any, options: dict[str, Any], reduction: str, dense: bool
) -> None:
    z, target = small()
    target = np.random.default_rng(1).dirichlet(np.ones(5), 4) if dense else target
    _, grad = face.cross_entropy_and_grad(
        face.array(z), face.array(target), reduction=reduction, **options
    )
    slope = numerical_gradient(z, target, options, reduction).astype(float)
    np.testing.assert_allclose(face.numpy(grad), slope, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("width", [2, 10, 100, 9000])
def test_rows_of_the_gradient_sum_to_zero(face: Any, dtype: str, width: int) -> None:
    z = (np.random.default_rng(width).standard_normal((5, width)) * 8).astype(np.float32)
    z = z.astype(dtype_of(dtype))
    _, grad = face.cross_entropy_and_grad(face.array(z), np.arange(5) % width, reduction="sum")
    exact = oracle.cross_entropy(z, np.arange(5) % width, reduction="sum")
    assert_rows_sum_to_zero(face.numpy(grad), exact.grad_size, dtype, ULPS[dtype].grad)


def test_weights_are_linear(face: Any) -> None:
    """Factors of two scale loss and gradient exactly; the loss is additive in the weights."""
    z, target = small()
    w = np.array([0.5, 1.0, 2.0, 0.25, 4.0])
    total = lambda **k: [  # noqa: E731
        face.numpy(x)
        for x in face.cross_entropy_and_grad(face.array(z), target, reduction="sum", **k)
    ]
    loss, grad = total(weight=w)
    for doubled in (total(weight=2 * w), total(weight=w, row_weight=np.full(4, 2.0))):
        assert_identical(doubled[0], 2 * loss, "loss")
        assert_identical(doubled[1], 2 * grad, "gradient")
    more = total(weight=w + 3)
    both = total(weight=np.full(5, 3.0))
    np.testing.assert_allclose(more[0], loss + both[0], rtol=1e-14)
    np.testing.assert_allclose(more[1], grad + both[1], rtol=1e-13)
    mean = face.numpy(face.cross_entropy(face.array(z), target, weight=w))
    assert_identical(
        face.numpy(face.cross_entropy(face.array(z), target, weight=8 * w)), mean, "mean"
    )


@settings(max_examples=60)
@given(st.data())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.filterwarnings("ignore::neglog.InputKindWarning")  # quarters may sum to 1
def test_a_constant_added_to_a_row_changes_nothing(
    face: Any, dtype: str, data: st.DataObject
) -> None:
    """Quarters shifted by whole numbers are exact, so the exact answer does not change."""
    quarters = data.draw(st.lists(st.integers(-400, 400), min_size=2, max_size=40))
    shift = data.draw(st.sampled_from([0.0, -4096.0, -64.0, 2.0, 88.0, 1024.0, 32768.0]))
    z = np.array([quarters], dtype) / 4
    target = np.array([data.draw(st.integers(0, len(quarters) - 1))])
    loss, grad = face.cross_entropy_and_grad(z + np.array(shift, dtype), target)
    exact = oracle.cross_entropy(z, target)
    limit, by = ULPS[dtype], f"shifted by {shift}"
    assert_ulps(face.numpy(loss), exact.loss, dtype, limit.nll, f"loss, {by}")
    assert_ulps(face.numpy(grad), exact.grad, dtype, limit.grad, f"gradient, {by}")


@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("width", [2, 5, 64, 300])
def test_permuted_classes_permute_the_gradient(face: Any, dtype: str, width: int) -> None:
    """Sums in another order: equal within the promised error, not bit for bit."""
    rng = np.random.default_rng(width)
    z = (rng.standard_normal((6, width)) * 5).astype(np.float32).astype(dtype_of(dtype))
    target, order = rng.integers(0, width, 6), rng.permutation(width)
    where = np.argsort(order)
    exact = oracle.cross_entropy(z, target)
    loss, grad = face.cross_entropy_and_grad(face.array(z[:, order]), where[target])
    result = face.numpy(loss).dtype
    assert_ulps(face.numpy(loss), exact.loss, result, ULPS[dtype].nll, "loss")
    assert_ulps(face.numpy(grad)[:, where], exact.grad, dtype, ULPS[dtype].grad, "gradient")


@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("width", [2, 10, 33, 9000])
def test_rows_do_not_know_their_neighbours(face: Any, dtype: str, width: int) -> None:
    """Split over calls, reversed or doubled, every row keeps its bits."""
    z = (np.random.default_rng(width).standard_normal((16, width)) * 4).astype(np.float32)
    z, target = z.astype(dtype_of(dtype)), np.arange(16) % width
    call = lambda rows, **k: [  # noqa: E731
        face.numpy(x) for x in face.cross_entropy_and_grad(face.array(z[rows]), target[rows], **k)
    ]
    loss, grad = call(slice(None), reduction="none")
    for cut in (1, 5, 8, 15):
        parts = [call(rows, reduction="none") for rows in (slice(0, cut), slice(cut, 16))]
        assert_identical(np.concatenate([p[0] for p in parts]), loss, f"loss cut at {cut}")
        assert_identical(np.concatenate([p[1] for p in parts]), grad, f"gradient cut at {cut}")
    assert_identical(call(slice(None, None, -1), reduction="none")[1][::-1], grad, "reversed")
    twice = np.r_[0:16, 0:16]
    mean, mean_grad = call(slice(None))
    doubled, doubled_grad = call(twice)
    assert_identical(doubled, mean, "mean of the doubled batch")
    if dtype in ("float32", "float64"):  # halves are below float16's smallest normal number
        assert_identical(doubled_grad[:16], mean_grad / 2, "gradient of the doubled batch")


@pytest.mark.parametrize("dtype", list(ULPS))
def test_a_perfect_prediction_costs_nothing(face: Any, dtype: str) -> None:
    z = np.zeros((3, 5), dtype_of(dtype))
    z[np.arange(3), [0, 2, 4]] = 1000
    loss, grad = face.cross_entropy_and_grad(face.array(z), np.array([0, 2, 4]))
    assert face.numpy(loss) == 0
    assert not np.signbit(face.numpy(loss))
    assert (face.numpy(grad).astype(float) == 0).all()
    worst = face.numpy(face.cross_entropy(face.array(z), np.array([1, 1, 1]), reduction="none"))
    assert (worst == 1000).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_loss_and_gradient_tell_the_same_story(face: Any, dtype: str) -> None:
    """At the target p - 1 = expm1(-nll), from a near-certain hit to a far miss."""
    z = np.zeros((60, 3), dtype)
    z[:, 0] = np.linspace(-30, 60, 60)
    loss, grad = face.cross_entropy_and_grad(face.array(z), np.zeros(60, int), reduction="none")
    story = np.expm1(-oracle.wide(face.numpy(loss)))
    limits = ULPS[dtype]
    # a loss one ulp off moves its exponential by as many ulps as the loss is large, at most
    both = limits.nll * 61 + limits.grad
    assert_ulps(face.numpy(grad)[:, 0], story, dtype, both, "p - 1 against expm1(-nll)")
    p = face.numpy(face.softmax(face.array(z)))[:, 0]
    assert_ulps(p, np.exp(-oracle.wide(face.numpy(loss))), dtype, both, "p against exp(-nll)")
