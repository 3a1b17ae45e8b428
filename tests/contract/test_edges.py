"""The edge table: infinities, nan, empty input, one class, and the denominators of a mean."""

from typing import Any

import numpy as np
import oracle
import pytest
from budgets import RESULT_DTYPE, ULPS
from checks import assert_identical, assert_ulps, dtype_of
from combinations import Batch, all_choices, check

BEYOND_SEGMENT = 9000  # rows are summed by segments of 8192 classes
SPECIAL = {
    "all -inf": [-np.inf] * 4,
    "nan first": [np.nan, 1, 2, 3],
    "nan last": [1, 2, 3, np.nan],
    "nan beside -inf": [-np.inf, np.nan, 0, -np.inf],
    "two +inf": [np.inf, 0, np.inf, 1],
    "one +inf, the target": [np.inf, 0, 1, 2],
    "one +inf, not the target": [0, 1, np.inf, 2],
    "-inf, not the target": [0, -np.inf, 1, 2],
    "-inf, the target": [-np.inf, 0, 1, 2],
    "only the target is finite": [3, -np.inf, -np.inf, -np.inf],
    "largest and smallest": [1e4, -1e4, 0, 0],
    "ordinary": [0, 1, 2, 3],
}


# 4: as it is; 40 and 9000: the special logits at the end of a long row of -inf, in another vector
# and another segment than the first class
@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("width", [4, 40, BEYOND_SEGMENT])
def test_special_rows_harm_no_other(face: Any, dtype: str, width: int) -> None:
    """All special rows in one batch, with each option that acts on a row."""
    rows = np.full((len(SPECIAL), width), -np.inf)
    rows[:, -4:] = list(SPECIAL.values())
    fixed: dict[str, Any] = {"ignore": "none", "reduction": "none", "weights": "none"}
    if width == BEYOND_SEGMENT:  # infinities are slow in 80 bits: smoothing alone will do
        fixed |= {"softcap": None, "z_loss": 0.0, "temperature": "one"}
    for number, choice in enumerate(c for c in all_choices(**fixed) if c["temperature"] != "row"):
        keep = np.ones(len(rows), bool)
        if (
            choice["softcap"] or choice["z_loss"]
        ):  # c tanh(inf) = c and inf * 0: nothing is promised
            keep = ~np.isposinf(rows).any(axis=1)
        if choice["softcap"]:  # a target at -inf: only finite, see the test below
            keep &= rows[:, -4] != -np.inf
        target = np.full(keep.sum(), width - 4)
        b = Batch(rows[keep].astype(dtype_of(dtype)), target, None, None, None, None)
        try:
            check(face, b, choice, -(number % 2), dense=False)
        except AssertionError as error:
            error.add_note(f"with {choice}, rows {np.array(list(SPECIAL))[keep]}")
            raise


@pytest.mark.parametrize("dtype", list(ULPS))
def test_special_rows_by_hand(face: Any, dtype: str) -> None:
    """The same without the oracle: losses, lse, entropy and gradients worked out by hand."""
    inf, nan = np.inf, np.nan
    rows = {  # name: (nll, lse, entropy, gradient)
        "all -inf": (nan, nan, nan, [nan] * 4),
        "nan last": (nan, nan, nan, [nan] * 4),
        "two +inf": (nan, nan, nan, [nan] * 4),
        "one +inf, the target": (0, inf, 0, [0, 0, 0, 0]),
        "one +inf, not the target": (inf, inf, 0, [-1, 0, 1, 0]),
        "only the target is finite": (0, 3, 0, [0, 0, 0, 0]),
    }
    z = face.array(np.array([SPECIAL[name] for name in rows], dtype_of(dtype)))
    target = np.zeros(len(rows), int)
    loss, grad = map(face.numpy, face.cross_entropy_and_grad(z, target, reduction="none"))
    stats = face.row_stats(z, target)
    for i, (name, (nll, lse, entropy, slope)) in enumerate(rows.items()):
        seen = (loss[i], face.numpy(stats.lse)[i], face.numpy(stats.entropy)[i])
        np.testing.assert_array_equal(np.array(seen, float), [nll, lse, entropy], err_msg=name)
        np.testing.assert_array_equal(grad[i].astype(float), slope, err_msg=name)
        p = np.add(slope, [1, 0, 0, 0])
        np.testing.assert_array_equal(face.numpy(face.softmax(z))[i].astype(float), p, err_msg=name)


@pytest.mark.parametrize("softcap", [None, 5.0])
def test_a_target_at_minus_infinity_has_a_finite_gradient(face: Any, softcap: float | None) -> None:
    z = face.array(np.array([[-np.inf, 0.0, 1.0]]))
    loss, grad = face.cross_entropy_and_grad(z, np.array([0]), softcap=softcap)
    assert face.numpy(loss) == np.inf
    assert np.isfinite(face.numpy(grad)).all()


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.filterwarnings("ignore::neglog.InputKindWarning")  # a single 1 is a distribution
def test_one_class_costs_nothing(face: Any, dtype: str, reduction: str) -> None:
    z = np.array([[3.0], [-7.0], [1.0]], dtype_of(dtype))
    loss, grad = face.cross_entropy_and_grad(face.array(z), np.zeros(3, int), reduction=reduction)
    zero = np.zeros(3 if reduction == "none" else (), RESULT_DTYPE[dtype])
    assert_identical(face.numpy(loss), zero, "loss, and +0 not -0")
    assert_identical(np.abs(face.numpy(grad)), np.zeros_like(z), "gradient")


@pytest.mark.parametrize("shape", [(0, 5), (2, 0, 5), (0, 1)])
@pytest.mark.parametrize("dense", [False, True], ids=["classes", "probabilities"])
def test_no_rows(face: Any, shape: tuple[int, ...], dense: bool) -> None:
    """A mean over no rows is 0, not nan; reduction "none" gives an empty array."""
    z = np.zeros(shape, np.float32)
    target = z if dense else np.zeros(shape[:-1], int)
    for reduction in ("mean", "sum"):
        loss, grad = face.cross_entropy_and_grad(face.array(z), target, reduction=reduction)
        assert_identical(face.numpy(loss), np.float32(0), reduction)
        assert face.numpy(grad).shape == shape
    assert (
        face.numpy(face.cross_entropy(face.array(z), target, reduction="none")).shape == shape[:-1]
    )
    assert face.numpy(face.softmax(face.array(z))).shape == shape
    assert face.numpy(face.logsumexp(face.array(z))).shape == shape[:-1]


def test_one_row_without_a_batch(face: Any) -> None:
    """(V,) logits and a single target: a number, and a gradient of (V,)."""
    z = np.array([2.0, 0.5, -1.0])
    loss, grad = face.cross_entropy_and_grad(face.array(z), 1)
    many, grads = face.cross_entropy_and_grad(face.array(z[None]), np.array([1]))
    assert_identical(face.numpy(loss), face.numpy(many), "loss")
    assert_identical(face.numpy(grad), face.numpy(grads)[0], "gradient")
    assert face.numpy(face.cross_entropy(face.array(z), 1, reduction="none")).shape == ()


def test_zero_probability_times_infinity_is_zero(face: Any) -> None:
    z = np.array([[0.0, -np.inf, 1.0]])
    t = np.array([[0.5, 0.0, 0.5]])
    loss, grad = face.cross_entropy_and_grad(face.array(z), face.array(t))
    assert_ulps(
        face.numpy(loss), np.logaddexp(0, 1, dtype=np.longdouble) - 0.5, np.float64, 3, "loss"
    )
    assert face.numpy(grad)[0, 1] == 0
    # a class whose weight is 0 too, under smoothing
    w = np.array([1.0, 0.0, 1.0])
    loss = face.cross_entropy(face.array(z), np.array([2]), weight=w, label_smoothing=0.1)
    assert np.isfinite(face.numpy(loss))
    # the target's own weight is 0, its nll inf: what smoothing and z-loss add is left
    for options in ({"label_smoothing": 0.1}, {"z_loss": 0.1}):
        exact = oracle.cross_entropy(z, [1], weight=w, reduction="sum", **options)
        loss, grad = face.cross_entropy_and_grad(
            face.array(z), np.array([1]), weight=w, reduction="sum", **options
        )
        assert_ulps(face.numpy(loss), exact.loss, np.float64, 3, f"{options}")
        assert_ulps(face.numpy(grad), exact.grad, np.float64, 8, f"{options}", size=exact.grad_size)


def test_what_is_below_the_smallest_normal_number_is_0(face: Any) -> None:
    """As the documents say; the loss is float64 until it is rounded, and keeps such a number."""
    z = np.array([[100.0, 0.0]], np.float32)
    assert face.numpy(face.softmax(face.array(z))).tolist() == [[1, 0]]
    loss, grad = face.cross_entropy_and_grad(face.array(z), np.array([0]))
    assert np.abs(face.numpy(grad)).tolist() == [[0, 0]]
    assert float(face.numpy(loss)) == np.float32(np.exp(-100.0)) > 0


def test_a_cap_before_the_temperature_is_a_cap_divided_by_it(face: Any) -> None:
    """c tanh(z/c) / T is (c/T) tanh((z/T) / (c/T))."""
    z, t = np.random.default_rng(8).standard_normal((6, 9)) * 9, np.arange(6)
    c, warmth = 4.0, 0.7
    ours = face.cross_entropy(face.array(z), t, temperature=warmth, softcap=c / warmth)
    theirs = face.cross_entropy(face.array(c * np.tanh(z / c) / warmth), t)
    assert float(face.numpy(ours)) == pytest.approx(float(face.numpy(theirs)), rel=1e-14)
    other = face.cross_entropy(face.array(z), t, temperature=warmth, softcap=c)
    assert abs(float(face.numpy(other)) - float(face.numpy(theirs))) > 0.1


def test_mean_divides_by_the_weights_in_use(face: Any) -> None:
    """Worked out by hand: three rows of two equal logits cost log 2 each, whatever the weights."""
    z, log2 = np.zeros((3, 2)), np.log(2)
    z -= 1  # logits that are not probabilities, nor their logarithms
    t = np.array([0, 1, 1])
    w, own = np.array([1.0, 3.0]), np.array([2.0, 1.0, 0.0])
    mean = lambda **k: float(face.numpy(face.cross_entropy(face.array(z), t, **k)))  # noqa: E731
    assert mean(weight=w) == pytest.approx(log2, rel=1e-15)
    assert mean(weight=w, row_weight=own) == pytest.approx(log2, rel=1e-15)
    # z-loss: times the caller's row weight, not the class weight, over the same denominator
    lse2 = (log2 - 1) ** 2
    with_z = log2 + 0.5 * lse2 * (2 + 1) / (2 * 1 + 1 * 3)
    assert mean(weight=w, row_weight=own, z_loss=0.5) == pytest.approx(with_z, rel=1e-14)
    probs = np.eye(2)[t]
    dense = face.cross_entropy(face.array(z), face.array(probs), weight=w, row_weight=own)
    # with probabilities the class weights do not enter the denominator
    assert float(face.numpy(dense)) == pytest.approx(log2 * (2 * 1 + 1 * 3) / 3, rel=1e-14)
