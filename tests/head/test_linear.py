"""The linear head in NumPy: the loss of hidden @ classes.T without the logits."""

from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neglog

ULP = {"float64": 2.0**-52, "float32": 2.0**-23}


def problem(seed: int, n: int, d: int, v: int, dtype: Any = np.float64) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    return {
        "hidden": random.normal(size=(n, d)).astype(dtype),
        "classes": random.normal(size=(v, d)).astype(dtype),
        "target": random.integers(0, v, n),
        "bias": random.normal(size=v).astype(dtype),
    }


def plain(given: dict[str, Any], **options: Any) -> tuple[Any, Any, Any, Any]:
    """Loss and gradients computed from all logits, in float64."""
    hidden, classes = (np.asarray(given[name], np.float64) for name in ("hidden", "classes"))
    bias = np.asarray(given["bias"], np.float64)
    target = given["target"]
    loss, grad = neglog.cross_entropy_and_grad(hidden @ classes.T + bias, target, **options)
    flat, rows = grad.reshape(-1, len(classes)), hidden.reshape(-1, hidden.shape[-1])
    return loss, grad @ classes, flat.T @ rows, flat.sum(0)


def agree(
    given: dict[str, Any], memory: int | None = None, rtol: float = 1e-12, **options: Any
) -> None:
    arguments = (given["hidden"], given["classes"], given["target"])
    loss, gradients = neglog.linear_cross_entropy_and_grad(
        *arguments, bias=given["bias"], memory=memory, **options
    )
    alone = neglog.linear_cross_entropy(*arguments, bias=given["bias"], memory=memory, **options)
    np.testing.assert_allclose(alone, loss, rtol=rtol)  # products of other shapes round otherwise
    expected = plain(given, **options)
    for ours, theirs, like in zip(
        (loss, *gradients), expected, (None, "hidden", "classes", "bias"), strict=True
    ):
        size = max(1.0, float(np.abs(theirs).max(initial=0)))
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol * size)
        if like:
            assert (ours.shape, ours.dtype) == (given[like].shape, given[like].dtype)


@st.composite
def options(draw: Any, n: int, v: int) -> dict[str, Any]:
    random = np.random.default_rng(draw(st.integers(0, 1000)))
    possible = {
        "weight": random.uniform(0.1, 2, v),
        "row_weight": random.integers(0, 3, n).astype(float),
        "ignore_index": int(random.integers(0, v)),
        "label_smoothing": 0.1,
        "z_loss": 1e-2,
        "temperature": draw(st.sampled_from([0.7, random.uniform(0.5, 2, n)])),
        "softcap": 5.0,
        "reduction": draw(st.sampled_from(["mean", "sum", "none"])),
    }
    return {name: possible[name] for name in draw(st.sets(st.sampled_from(list(possible))))}


@given(st.data(), st.integers(1, 9), st.integers(1, 6), st.integers(1, 12), st.integers(1, 4))
def test_every_option_agrees_with_the_logits(data: Any, n: int, d: int, v: int, rows: int) -> None:
    given_ = problem(data.draw(st.integers(0, 1000)), n, d, v)
    agree(given_, memory=rows * v * 8, **data.draw(options(n, v)))


@given(st.data(), st.integers(1, 6), st.integers(2, 8))
def test_probability_targets_agree_with_the_logits(data: Any, n: int, v: int) -> None:
    given_ = problem(data.draw(st.integers(0, 1000)), n, 3, v)
    given_["target"] = np.random.default_rng(n).dirichlet(np.ones(v), n)
    chosen = data.draw(options(n, v))
    agree(given_, memory=2 * v * 8, **{k: x for k, x in chosen.items() if k != "ignore_index"})


def test_hidden_may_have_any_leading_shape() -> None:
    given_ = problem(1, 6, 4, 5)
    given_["hidden"] = given_["hidden"].reshape(2, 3, 4)
    given_["target"] = given_["target"].reshape(2, 3)
    agree(given_, memory=80, reduction="none")
    one = {**given_, "hidden": given_["hidden"][0, 0], "target": given_["target"][0, 0]}
    loss = neglog.linear_cross_entropy(one["hidden"], one["classes"], one["target"])
    assert loss == pytest.approx(
        float(neglog.cross_entropy(one["classes"] @ one["hidden"], one["target"]))
    )


def test_float32_is_right_to_the_rounding_of_the_products() -> None:
    agree(problem(2, 300, 64, 500, np.float32), memory=50 * 500 * 4, rtol=2e-5)


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16], ids=str)
def test_halves_are_read_as_float32_and_their_gradients_rounded_once(dtype: Any) -> None:
    given_ = problem(3, 40, 8, 30, dtype)
    _, gradients = neglog.linear_cross_entropy_and_grad(
        given_["hidden"], given_["classes"], given_["target"], bias=given_["bias"],
        memory=7 * 30 * 4, reduction="sum",
    )  # fmt: skip
    ulp = float(ml_dtypes.finfo(dtype).eps)
    for ours, exact, name in zip(
        gradients[:2], plain(given_, reduction="sum")[1:3], ("hidden", "classes"), strict=True
    ):
        assert ours.dtype == given_[name].dtype
        np.testing.assert_allclose(ours.astype(np.float64), exact, rtol=0.51 * ulp, atol=1e-5)


def test_types_are_promoted() -> None:
    given_ = problem(4, 5, 3, 4, np.float32)
    mixed = neglog.linear_cross_entropy(
        given_["hidden"], given_["classes"].astype(np.float64), given_["target"]
    )
    assert mixed.dtype == np.float64
    half = given_["hidden"].astype(np.float16)
    assert (
        neglog.linear_cross_entropy(half, given_["classes"], given_["target"]).dtype == np.float32
    )


def test_rows_that_do_not_count_cost_nothing_and_harm_nobody() -> None:
    given_ = problem(5, 8, 4, 6)
    given_["hidden"][[1, 4]] = np.nan
    given_["target"][1], weights = -100, np.ones(8)
    weights[4] = 0
    given_["target"][4] = 99  # no class, and nobody looks
    loss, (dhidden, dclasses, _) = neglog.linear_cross_entropy_and_grad(
        given_["hidden"], given_["classes"], given_["target"], row_weight=weights
    )
    kept = [0, 2, 3, 5, 6, 7]
    expected, (dkept, dexpected, _) = neglog.linear_cross_entropy_and_grad(
        given_["hidden"][kept], given_["classes"], given_["target"][kept]
    )
    assert loss == expected
    np.testing.assert_array_equal(dhidden[kept], dkept)
    np.testing.assert_array_equal(dclasses, dexpected)
    assert not dhidden[[1, 4]].any()


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_no_row_left_is_no_loss(reduction: str) -> None:
    given_ = problem(6, 3, 4, 6)
    for hidden, target in ((given_["hidden"], [-100] * 3), (given_["hidden"][:0], [])):
        loss, gradients = neglog.linear_cross_entropy_and_grad(
            hidden, given_["classes"], target, reduction=reduction
        )
        assert np.shape(loss) == ((len(target),) if reduction == "none" else ())
        assert not np.any(loss)
        assert not gradients[0].any()
        assert not gradients[1].any()


def test_results_depend_on_chunks_only_to_the_rounding_of_products() -> None:
    given_ = problem(7, 64, 16, 40)
    arguments = (given_["hidden"], given_["classes"], given_["target"])
    whole = neglog.linear_cross_entropy_and_grad(*arguments)
    parts = neglog.linear_cross_entropy_and_grad(*arguments, memory=3 * 40 * 8)
    assert whole[0] == pytest.approx(parts[0], rel=1e-14)
    np.testing.assert_allclose(whole[1][1], parts[1][1], rtol=1e-12, atol=1e-15)


def test_threads_do_not_change_a_bit(threads: Any) -> None:
    given_ = problem(8, 200, 16, 400, np.float32)
    arguments = (given_["hidden"], given_["classes"], given_["target"])
    results = []
    for count in (1, 2, 3):
        threads(count)
        results.append(neglog.linear_cross_entropy_and_grad(*arguments))
    for loss, gradients in results[1:]:
        assert loss == results[0][0]
        np.testing.assert_array_equal(gradients[0], results[0][1][0])
        np.testing.assert_array_equal(gradients[1], results[0][1][1])


def test_nothing_of_the_callers_is_written_to() -> None:
    given_ = problem(9, 5, 3, 4)
    for array in given_.values():
        array.flags.writeable = False
    agree(given_)


# ---- statistics


def test_statistics_are_those_of_the_logits() -> None:
    given_ = problem(10, 12, 5, 9)
    logits = given_["hidden"] @ given_["classes"].T + given_["bias"]
    warmth = np.random.default_rng(0).uniform(0.5, 2, 12)
    ours = neglog.linear_row_stats(
        given_["hidden"], given_["classes"], given_["target"], bias=given_["bias"],
        temperature=warmth, softcap=4.0, memory=5 * 9 * 8,
    )  # fmt: skip
    expected = neglog.row_stats(logits, given_["target"], temperature=warmth, softcap=4.0)
    for a, b in zip(ours, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_chosen_classes_have_log_probabilities_with_all_digits() -> None:
    hidden = np.float32([[1, 0], [0, 1]])
    classes = np.float32([[17, 1], [0, 2], [0, 3]])
    chosen = np.array([[0, 2], [1, 1]])
    stats, log_p = neglog.linear_row_stats(hidden, classes, [0, 1], chosen=chosen)
    expected = neglog.log_softmax(hidden @ classes.T)[np.arange(2)[:, None], chosen]
    np.testing.assert_allclose(log_p, expected, rtol=1e-6)
    assert log_p[0, 0] == pytest.approx(-8.279875e-08)
    assert (log_p.dtype, log_p.shape) == (np.float32, (2, 2))
    assert stats.nll[0] == -log_p[0, 0]


# ---- what may be passed


@pytest.mark.parametrize(
    ("changed", "error", "said"),
    [
        ({"classes": np.ones((3, 5))}, ValueError, r"\(V, 4\).*got \(3, 5\)"),
        ({"classes": np.ones((4, 6))}, ValueError, r"pass classes\.T"),
        ({"classes": np.ones((0, 4))}, ValueError, "at least one class"),
        ({"hidden": 1.0}, ValueError, r"hidden must have shape \(\.\.\., D\)"),
        ({"hidden": [["a"]]}, TypeError, "hidden"),
        ({"bias": np.ones(5)}, ValueError, r"bias must have shape \(6,\)"),
        ({"memory": 47}, ValueError, "one row of logits, 48 bytes for 6 classes, got 47"),
        ({"memory": 1.5}, TypeError, "memory must be an integer"),
        ({"target": [0, 6]}, IndexError, r"target\[1\] is 6, but there are 6 classes"),
        ({"target": [0]}, ValueError, "target"),
        ({"reduction": "max"}, ValueError, "reduction"),
    ],
)
def test_bad_input_is_named(changed: dict[str, Any], error: type[Exception], said: str) -> None:
    given_: dict[str, Any] = {
        "hidden": np.ones((2, 4)),
        "classes": np.ones((6, 4)),
        "target": [0, 1],
    }
    given_.update(changed)
    with pytest.raises(error, match=said):
        neglog.linear_cross_entropy(**given_)


def test_a_bad_target_has_the_callers_row() -> None:
    with pytest.raises(IndexError, match=r"target\[1, 0\] is 9"):
        neglog.linear_cross_entropy(
            np.ones((2, 2, 3)), np.ones((4, 3)), [[0, 1], [9, 0]], memory=32
        )
    with pytest.raises(IndexError, match=r"chosen\[1, 0\] is -1"):
        neglog.linear_row_stats(np.ones((2, 3)), np.ones((4, 3)), [0, 0], chosen=[[0], [-1]])
