"""Defects found in released libraries, one test each: the row and the right answer."""

from typing import Any

import cases
import numpy as np
import oracle
import pytest
from budgets import RESULT_DTYPE, ULPS
from checks import assert_identical, assert_ulps, dtype_of
from combinations import slack


def integers(defect: cases.Defect) -> Any:
    return pytest.mark.needs("integer logits") if np.dtype(defect.dtype).kind == "u" else ()


@pytest.mark.parametrize(
    "defect", [pytest.param(d, id=d.name, marks=integers(d)) for d in cases.DEFECTS]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_seen_elsewhere(face: Any, defect: cases.Defect, dtype: str) -> None:
    """The loss to the 8 digits written down, then loss and gradient to the promised ulp."""
    logits = np.array(defect.logits, dtype if defect.dtype == "float32" else defect.dtype)
    target = np.array(defect.target)
    z, t = face.array(logits), face.array(target)
    loss, grad = face.cross_entropy_and_grad(z, t, reduction="none", **defect.options)
    np.testing.assert_allclose(face.numpy(loss), defect.nll, rtol=1e-7, err_msg=defect.seen)
    many = np.atleast_2d(logits)
    dense = target.dtype.kind == "f"
    rows = target[None] if dense else target.reshape(len(many))
    exact = oracle.cross_entropy(many, rows, reduction="none", **defect.options)
    name = face.numpy(grad).dtype.name
    more = slack(name, defect.options, logits)
    assert_ulps(np.reshape(face.numpy(loss), len(many)), exact.loss, name,
                ULPS[name].nll + more, defect.seen)  # fmt: skip
    assert_ulps(np.reshape(face.numpy(grad), many.shape), exact.grad, name, ULPS[name].grad + more,
                defect.seen, size=exact.grad_size if dense or defect.options else None)  # fmt: skip


@pytest.mark.parametrize("width", cases.PADDED_WIDTHS)
@pytest.mark.parametrize("dtype", list(ULPS))
def test_no_padded_column_adds_to_the_sum(face: Any, width: int, dtype: str) -> None:
    """All logits at -40: a column of padding at 0 would be the whole sum."""
    z = np.full((2, width), -40.0, dtype_of(dtype))
    exact = oracle.cross_entropy(z, [0, width - 1], reduction="none")
    loss, grad = face.cross_entropy_and_grad(
        face.array(z), np.array([0, width - 1]), reduction="none"
    )
    assert_ulps(face.numpy(loss), exact.loss, RESULT_DTYPE[dtype], ULPS[dtype].nll, "loss")
    assert_ulps(face.numpy(grad), exact.grad, dtype, ULPS[dtype].grad, "gradient")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_a_mean_of_half_rows_is_not_a_half(face: Any, dtype: str) -> None:
    """The sum of 70000 losses of log 8 is beyond 65504, and a 16-bit loss has three digits."""
    z = np.full((70000, 8), 1.5, dtype_of(dtype))
    t = np.arange(70000) % 8
    for reduction, exact in (("mean", np.log(8)), ("sum", 70000 * np.log(8))):
        loss = face.numpy(face.cross_entropy(face.array(z), t, reduction=reduction))
        assert loss.dtype == np.float32
        assert_ulps(loss, exact, "float32", ULPS[dtype].nll, reduction)


@pytest.mark.parametrize("width", [2, 10, 130])  # side by side in the lanes, and one at a time
def test_more_rows_than_16_bits_count(face: Any, width: int) -> None:
    z = np.random.default_rng(1).standard_normal((70000, width)).astype(np.float32)
    t = np.arange(70000) % width
    loss, grad = face.cross_entropy_and_grad(face.array(z), t, reduction="none")
    tail = slice(65530, 65545)
    exact = oracle.cross_entropy(z[tail], t[tail], reduction="none")
    assert_ulps(face.numpy(loss)[tail], exact.loss, "float32", ULPS["float32"].nll, "loss")
    assert_ulps(face.numpy(grad)[tail], exact.grad, "float32", ULPS["float32"].grad, "gradient")


@pytest.mark.parametrize(
    "function", ["cross_entropy", "cross_entropy_and_grad", "row_stats", "softmax"]
)
@pytest.mark.parametrize("dtype", list(ULPS))
def test_the_callers_arrays_are_not_written_to(face: Any, function: str, dtype: str) -> None:
    z = (
        np.random.default_rng(2)
        .standard_normal((40, 33))
        .astype(np.float32)
        .astype(dtype_of(dtype))
    )
    arrays = [z, np.arange(40) % 33, np.linspace(1, 2, 33), np.linspace(1, 2, 40)]
    before = [a.tobytes() for a in arrays]
    options = {"weight": arrays[2], "row_weight": arrays[3], "label_smoothing": 0.1, "z_loss": 0.1}
    target = [] if function == "softmax" else [arrays[1]]
    getattr(face, function)(z, *target, **(options if "entropy" in function else {}))
    assert [a.tobytes() for a in arrays] == before


def test_nothing_is_kept_from_the_first_call(face: Any) -> None:
    """With a cached target, a second call with other targets returned 0.0134 instead of 5.0134."""
    z = face.array(np.array([[5.0, 0.0, -1.0], [5.0, 0.0, -1.0]]))
    for target in ([0, 0], [1, 1], [2, 0], [0, 0]):
        loss, grad = face.cross_entropy_and_grad(z, np.array(target), reduction="none")
        exact = oracle.cross_entropy(face.numpy(z), target, reduction="none")
        assert_ulps(face.numpy(loss), exact.loss, "float64", ULPS["float64"].nll, str(target))
        assert_ulps(face.numpy(grad), exact.grad, "float64", ULPS["float64"].grad, str(target))


def test_micro_batches_add_up_to_the_batch(face: Any) -> None:
    """A mean of means gives tokens of short batches more weight; sums over one count do not."""
    rng = np.random.default_rng(3)
    z, t = rng.standard_normal((100, 7)), rng.integers(0, 7, 100)
    t[rng.uniform(size=100) < 0.6] = -100
    count = (t != -100).sum()
    parts = [slice(0, 10), slice(10, 70), slice(70, 100)]
    pairs = [face.cross_entropy_and_grad(face.array(z[s]), t[s], reduction="sum") for s in parts]
    loss, grad = face.cross_entropy_and_grad(face.array(z), t)
    total = sum(float(face.numpy(part)) for part, _ in pairs) / count
    assert total == pytest.approx(float(face.numpy(loss)), rel=1e-15 * 4)
    stacked = np.concatenate([face.numpy(g) for _, g in pairs]) / count
    np.testing.assert_allclose(stacked, face.numpy(grad), rtol=1e-14)


@pytest.mark.parametrize("function", ["cross_entropy", "cross_entropy_and_grad", "row_stats"])
def test_probabilities_where_logits_are_meant(face: Any, function: str) -> None:
    """The most frequent mistake: the loss of softmax(softmax(z))."""
    z = np.random.default_rng(4).standard_normal((20, 5)) * 2
    t = np.arange(20) % 5
    call = getattr(face, function)
    for wrong in (face.softmax(face.array(z)), face.softmax(face.array(z.astype(np.float32)))):
        with pytest.warns(face.InputKindWarning, match="logits"):
            call(wrong, t)
        logs = face.array(np.log(face.numpy(wrong)))
        with pytest.warns(face.InputKindWarning, match="nll_loss.*same loss and does not warn"):
            loss = call(logs, t)
        if function == "cross_entropy":
            np.testing.assert_allclose(face.nll_loss(logs, t), loss, rtol=1e-6)
    call(face.array(z), t)  # warnings are errors: logits give none
    call(face.array(np.abs(z)), t)
    call(face.array(-np.abs(z)), t)


@pytest.mark.parametrize("used", [0, 3])
def test_one_class_predicted_and_others_never(face: Any, used: int) -> None:
    """A class that never occurs, and a column that is always the largest."""
    z = np.zeros((9, 4)) + 20.0 * (np.arange(4) == used)
    t = np.full(9, used)
    loss, grad = face.cross_entropy_and_grad(face.array(z), t, weight=np.array([1.0, 1, 1, 1]))
    exact = oracle.cross_entropy(z, t)
    assert_ulps(face.numpy(loss), exact.loss, "float64", ULPS["float64"].nll, "loss")
    assert_ulps(face.numpy(grad), exact.grad, "float64", ULPS["float64"].grad, "gradient")
    stats = face.row_stats(face.array(z), t)
    assert_identical(face.numpy(stats.argmax), np.full(9, used, np.int64), "argmax")
