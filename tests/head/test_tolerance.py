"""The head with grad_tolerance: what is left out of the gradient, and what is put in its place.

`expected` does the same with all logits in float64: entries of G = dL/dlogits of at most t units
are left out, and a matrix of rank one for each sign, with the same row and class sums, stands in:
one for each group of rows that point the same way. Of little memory there is one group.
"""

import itertools
import math
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import neglog

N, V, T = 40, 1300, 1e-3
MANY = 8  # groups of rows with a remainder each, where the memory is ample
FLAT = slice(N // 2, N)  # rows that are nearly uniform, where a test asks for some

Array = NDArray[Any]
Given = dict[str, Any]


class Expected(NamedTuple):
    """Gradients and what HeadInfo says of them, in float64; rows are flat."""

    dhidden: Array
    dclasses: Array
    dbias: Array
    kept: Array  # (N, V) bool
    used: Array  # (N,) bool, the rows that count
    dropped: Array  # (N,) in units of the row
    bound: Array  # (N,)


def peaked(seed: int = 0, dtype: Any = np.float64, flat: slice | None = None, n: int = N) -> Given:
    """Logits of deviation 10, so that few classes have nearly all of the mass; half are right."""
    random = np.random.default_rng(seed)
    hidden, classes = random.normal(size=(n, 12)), 3 * random.normal(size=(V, 12))
    bias = random.normal(size=V)
    if flat is not None:
        hidden[flat] *= 1e-3
        bias *= 1e-3
    right, guess = (hidden @ classes.T + bias).argmax(1), random.integers(0, V, n)
    made = {"hidden": hidden, "classes": classes, "bias": bias}
    target = np.where(random.random(n) < 0.5, right, guess)
    return {name: x.astype(dtype) for name, x in made.items()} | {"target": target}


def units(problem: Given, options: dict[str, Any]) -> Array:
    """What p - y is multiplied by in each row: its entries are compared with t of this."""
    target, a = problem["target"], options.get("label_smoothing", 0.0)
    own = np.ones(problem["hidden"].size // problem["hidden"].shape[-1])
    if "row_weight" in options:
        own = options["row_weight"].reshape(-1)
    weight = options.get("weight", np.ones(V))
    if target.dtype.kind in "iu":
        flat = target.reshape(-1)
        own = own * (flat != options.get("ignore_index", -100))
        divisor = own * weight[np.where(own > 0, flat, 0)]
        each = (1 - a) * divisor + a * own * weight.mean()
    else:
        divisor, each = own, own * (((1 - a) * target + a / V) @ weight)
    total = divisor.sum() if options.get("reduction", "mean") == "mean" else 1.0
    return each / total / np.asarray(options.get("temperature", 1.0)).reshape(-1)


def grouped(hidden: Array, used: Array, groups: int) -> Array:
    """Of every row the one among a few, evenly chosen, that it points along with most."""
    rows = np.flatnonzero(used)
    centres = hidden[rows[np.arange(groups) * len(rows) // groups]]
    nearest: Array = (hidden @ centres.T / np.linalg.norm(centres, axis=1)).argmax(1)
    return nearest


def slopes(problem: Given, options: dict[str, Any]) -> Array:
    """G, the gradient by the logits (N, V), from the definition."""
    hidden, classes, bias = (problem[x].astype(np.float64) for x in ("hidden", "classes", "bias"))
    target = problem["target"].reshape(-1, *problem["target"].shape[hidden.ndim - 1 :])
    flat = {k: x.reshape(-1) if isinstance(x, np.ndarray) else x for k, x in options.items()}
    logits = hidden.reshape(-1, hidden.shape[-1]) @ classes.T + bias
    return oracle.cross_entropy(logits, target, **flat).grad.astype(np.float64)


def expected(
    problem: Given,
    t: float,
    dense: Any = slice(0),
    groups: int = MANY,
    grad: Array | None = None,
    **options: Any,
) -> Expected:
    """The mathematics, with every logit; in the rows `dense` nothing is left out."""
    grad = slopes(problem, options) if grad is None else grad
    hidden, classes = (problem[x].astype(np.float64) for x in ("hidden", "classes"))
    hidden = hidden.reshape(-1, hidden.shape[-1])
    unit = np.broadcast_to(units(problem, options), len(hidden))
    kept = np.abs(grad) > t * unit[:, None]
    kept[dense] = True
    near, left_out = np.where(kept, grad, 0), np.where(kept, 0, grad)
    dhidden, dclasses = near @ classes, near.T @ hidden
    for group, sign in itertools.product(range(groups), (1, -1)):
        rows = grouped(hidden, unit != 0, groups) == group
        left = np.maximum(sign * left_out[rows], 0)
        by_row, by_class, total = left.sum(1), left.sum(0), left.sum()
        if total:
            dhidden[rows] += sign * np.outer(by_row, by_class @ classes / total)
            dclasses += sign * np.outer(by_class / total, by_row @ hidden[rows])
    mass = np.abs(left_out).sum(1)
    furthest = np.linalg.norm(classes - classes.mean(0), axis=1).max()
    dropped = np.divide(mass, unit, out=np.zeros_like(mass), where=unit != 0)
    return Expected(
        dhidden, dclasses, grad.sum(0), kept, unit != 0, dropped, 2 * mass * furthest
    )  # fmt: skip


def solve(problem: Given, t: float = T, **options: Any) -> tuple[Any, Any, Any]:
    """Loss, gradients, and the info of the call."""
    info = neglog.HeadInfo()
    loss, gradients = neglog.linear_cross_entropy_and_grad(
        problem["hidden"], problem["classes"], problem["target"], bias=problem.get("bias"),
        grad_tolerance=t, info=info, **options,
    )  # fmt: skip
    return loss, gradients, info


def exact(problem: Given, **options: Any) -> tuple[Any, Any]:
    """The same call without grad_tolerance."""
    return neglog.linear_cross_entropy_and_grad(
        problem["hidden"], problem["classes"], problem["target"], bias=problem.get("bias"),
        **options,
    )  # fmt: skip


def rows_of(count: int, itemsize: int = 8) -> int:
    """Memory for chunks of so many rows, with room for the entries that are kept."""
    return count * V * itemsize * 5 // 4


def assert_near(have: Any, want: Any, rtol: float) -> None:
    """Relative to the norm of all that is wanted."""
    for a, b in zip(have, want, strict=True):
        error = np.linalg.norm(np.asarray(a, np.float64).reshape(b.shape) - b)
        assert error <= rtol * np.linalg.norm(b)


def assert_info(info: Any, want: Expected, rtol: float) -> None:
    assert info.kept == pytest.approx(want.kept[want.used].mean(), rel=rtol)
    assert info.mean_dropped == pytest.approx(want.dropped[want.used].mean(), rel=rtol)
    assert info.largest_dropped == pytest.approx(want.dropped.max(), rel=rtol)
    np.testing.assert_allclose(info.bound.reshape(-1), want.bound, rtol=rtol, atol=1e-300)


PER_ROW = np.random.default_rng(1).uniform(0.5, 1.5, N)
ROW_WEIGHT = np.random.default_rng(2).integers(0, 4, N) / 2.0
OPTIONS: dict[str, dict[str, Any]] = {
    "mean": {},
    "sum": {"reduction": "sum"},
    "none": {"reduction": "none"},
    "class weights": {"weight": np.linspace(0, 2, V)},
    "row weights": {"row_weight": ROW_WEIGHT},
    "ignored": {"ignore_index": 7},
    "smoothing": {"label_smoothing": 0.1},
    "z-loss": {"z_loss": 1e-2},
    "cold": {"temperature": 0.7},
    "a temperature a row": {"temperature": PER_ROW},
    "softcap": {"softcap": 20.0},
    "all": {
        "weight": np.linspace(0.1, 2, V),
        "row_weight": ROW_WEIGHT,
        "ignore_index": 7,
        "label_smoothing": 0.1,
        "z_loss": 1e-2,
        "temperature": PER_ROW,
        "softcap": 30.0,
        "reduction": "sum",
    },
}


@pytest.mark.parametrize("soft", [False, True], ids=["classes", "probabilities"])
@pytest.mark.parametrize("name", OPTIONS)
def test_the_result_is_that_of_the_mathematics(name: str, soft: bool) -> None:
    """Whatever the chunks: one of all rows, a few, one a row. The loss is exact."""
    problem, options = peaked(), dict(OPTIONS[name])
    if "ignore_index" in options:
        problem["target"][::5] = 7
    if soft:
        options.pop("ignore_index", None)
        chosen = np.random.default_rng(3).dirichlet(np.ones(5), N)
        classes = np.random.default_rng(3).integers(0, V, (N, 5))
        problem["target"] = np.zeros((N, V))
        np.put_along_axis(problem["target"], classes, chosen, 1)
    chunks = [(None, MANY), (rows_of(15), 1), (rows_of(1), 1)]
    grad = slopes(problem, options)
    for memory, groups in chunks if name == "all" else chunks[:2]:
        want = expected(problem, T, groups=groups, grad=grad, **options)
        assert want.kept[want.used].mean(1).max() < 1 / 16, "no chunk takes the dense way"
        loss, gradients, info = solve(problem, memory=memory, **options)
        plain = exact(problem, memory=memory, **options)
        np.testing.assert_allclose(loss, plain[0], rtol=1e-13)
        assert_near(gradients, want[:3], 1e-10)
        assert_info(info, want, 1e-9)
        with pytest.raises(AssertionError):
            assert_near(gradients[:2], plain[1][:2], 1e-6)  # something was left out


@pytest.mark.parametrize(
    ("dtype", "rtol"), [(np.float32, 1e-4), (np.float16, 1e-3), (ml_dtypes.bfloat16, 5e-3)], ids=str
)
def test_other_dtypes(dtype: Any, rtol: float) -> None:
    """A gradient of halves is rounded once."""
    problem = peaked(1, dtype)
    grad = slopes(problem, {"reduction": "sum"})
    for memory, groups in ((None, MANY), (rows_of(7, 4), 1)):
        want = expected(problem, T, groups=groups, grad=grad, reduction="sum")
        _, gradients, info = solve(problem, memory=memory, reduction="sum")
        assert_near(gradients, want[:3], rtol)
        assert_info(info, want, 1e-3)
        assert {x.dtype for x in gradients} == {np.dtype(dtype)}
        assert info.bound.dtype == np.float64


def test_mixed_types_and_layouts() -> None:
    problem = peaked(2)
    want = expected(problem, T)
    spread = np.zeros((N, 24))
    spread[:, ::2] = problem["hidden"]
    turned = {"hidden": spread[:, ::2], "classes": np.asfortranarray(problem["classes"])}
    _, gradients, _ = solve(problem | turned)
    assert_near(gradients, want[:3], 1e-10)
    problem["hidden"] = problem["hidden"].astype(np.float32)
    _, gradients, _ = solve(problem)
    assert [x.dtype.name for x in gradients] == ["float32", "float64", "float64"]
    assert_near(gradients, expected(problem, T)[:3], 1e-7)


def test_hidden_may_have_any_leading_shape() -> None:
    problem = peaked(3)
    want = expected(problem, T, groups=1)
    problem["hidden"] = problem["hidden"].reshape(2, 20, -1)
    problem["target"] = problem["target"].reshape(2, 20)
    _, gradients, info = solve(problem, memory=rows_of(9))
    assert gradients[0].shape == problem["hidden"].shape
    assert info.bound.shape == (2, 20)
    assert_near(gradients, want[:3], 1e-10)
    assert_info(info, want, 1e-9)
    one = {**problem, "hidden": problem["hidden"][0, 0], "target": problem["target"][0, 0]}
    _, gradients, info = solve(one)
    assert gradients[0].shape == (12,)
    assert info.bound.shape == ()


def test_nothing_of_the_callers_is_written_to() -> None:
    problem = peaked(4)
    before = {name: array.copy() for name, array in problem.items()}
    for array in problem.values():
        array.flags.writeable = False
    solve(problem)
    assert all(np.array_equal(before[name], problem[name]) for name in problem)


# ---- where much would be kept


def test_a_flat_problem_is_exact() -> None:
    problem = peaked(5, flat=slice(None))
    for memory in (None, rows_of(8)):
        _, gradients, info = solve(problem, 1 / V, memory=memory)
        assert_near(gradients, exact(problem, memory=memory)[1], 1e-14)
        assert (info.kept, info.mean_dropped, info.largest_dropped) == (1, 0, 0)
        np.testing.assert_array_equal(info.bound, np.zeros(N))


def test_a_flat_chunk_is_exact_among_others_that_are_not() -> None:
    problem = peaked(6, flat=FLAT)
    want = expected(problem, 1 / V, dense=FLAT, groups=1)
    assert want.kept[: FLAT.start].mean() < 0.1
    _, gradients, info = solve(problem, 1 / V, memory=rows_of(10))
    assert_near(gradients, want[:3], 1e-10)
    assert_info(info, want, 1e-9)
    assert not info.bound[FLAT].any()


@pytest.mark.parametrize("some_flat", [False, True])
def test_groups_and_chunks_need_not_agree(some_flat: bool) -> None:
    """Two groups, put one after the other, in three chunks; those with flat rows are exact."""
    n, chunks = 200, 3
    flat = slice(n // 2, n) if some_flat else None
    problem, t = peaked(18, flat=flat, n=n), 1 / V
    if some_flat:
        problem["hidden"][flat] += 5e-3 * problem["classes"][0]  # so that they are of one group
    group = grouped(problem["hidden"], np.ones(n, bool), 2)
    order, grad = np.argsort(group, kind="stable"), slopes(problem, {})
    kept = expected(problem, t, grad=grad).kept
    dense = np.zeros(n, bool)
    for k in range(chunks):
        part = order[n * k // chunks : n * (k + 1) // chunks]
        shares = [kept[part[group[part] == g]].mean() for g in np.unique(group[part])]
        dense[part] = max(shares) > 1 / 16
    assert dense.any() == some_flat
    assert not dense.all()
    want = expected(problem, t, dense, groups=2, grad=grad)
    _, gradients, info = solve(problem, t, memory=100 * V * 8)
    assert_near(gradients, want[:3], 1e-10)
    assert_info(info, want, 1e-9)


# ---- what stays exact


@pytest.mark.parametrize("t", [1e-6, 1e-3, 0.1, 0.999])
@pytest.mark.parametrize("name", ["mean", "all"])
def test_row_and_class_sums_are_exact(name: str, t: float) -> None:
    """A column of ones in hidden makes one of dclasses the class sums; in classes, the row sums."""
    problem, options = peaked(7), OPTIONS[name] | {"z_loss": 1e-2}
    problem["hidden"][:, 0], problem["classes"][:, 1] = 1, 1
    _, (dhidden, dclasses, dbias), _ = solve(problem, t, memory=rows_of(20), **options)
    want = expected(problem, 0, **options)
    size = np.abs(want.dbias).max()
    np.testing.assert_allclose(dbias, want.dbias, rtol=1e-12, atol=1e-13 * size)
    np.testing.assert_allclose(dclasses[:, 0], want.dbias, rtol=1e-10, atol=1e-12 * size)
    sums = want.dhidden[:, 1]
    assert np.abs(sums).max() > 1e-4, "the z-loss makes them something"
    np.testing.assert_allclose(dhidden[:, 1], sums, rtol=1e-10, atol=1e-12 * np.abs(sums).max())


def test_without_tolerance_not_a_bit_changes() -> None:
    problem = peaked(8, np.float32)
    for options in OPTIONS.values():
        loss, gradients, info = solve(problem, 0.0, **options)
        plain = exact(problem, **options)
        np.testing.assert_array_equal(loss, plain[0])
        for have, want in zip(gradients, plain[1], strict=True):
            np.testing.assert_array_equal(have, want)
        assert (info.kept, info.mean_dropped, info.largest_dropped) == (1, 0, 0)
        assert info.bound.shape == (N,)
        assert not info.bound.any()


def test_less_tolerance_is_less_error() -> None:
    problem = peaked(9)
    _, want = exact(problem)
    found = []
    for t in (1e-1, 1e-2, 1e-3, 1e-5, 1e-7):
        _, have, info = solve(problem, t)
        pairs = zip(have[:2], want[:2], strict=True)
        errors = [np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in pairs]
        found.append((*errors, info.mean_dropped, info.largest_dropped, -info.kept))
    for larger, smaller in itertools.pairwise(found):
        assert all(a > b for a, b in zip(larger, smaller, strict=True))
    assert max(found[-1][:2]) < 1e-6


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_smallest_tolerance_keeps_all_that_is_not_zero(dtype: Any) -> None:
    """Also below the smallest float32; and of logits so far apart that most probabilities are 0."""
    problem, kept = peaked(10, dtype), []
    for scale in (1, 300):
        problem["hidden"] = problem["hidden"] * dtype(scale)
        _, gradients, info = solve(problem, 1e-300)
        assert_near(gradients, exact(problem)[1], 2e-6 if dtype == np.float32 else 1e-13)
        assert info.largest_dropped < 1e-290
        kept.append(info.kept)
    assert kept[0] == 1
    assert 0 < kept[1] < 0.1


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_no_row_left(reduction: str) -> None:
    problem = peaked(11)
    nobody = problem | {"target": np.full(N, -100)}
    nothing = problem | {"hidden": problem["hidden"][:0], "target": problem["target"][:0]}
    for empty in (nobody, nothing):
        loss, gradients, info = solve(empty, reduction=reduction)
        assert not np.any(loss)
        assert not any(x.any() for x in gradients)
        assert (info.kept, info.mean_dropped, info.largest_dropped) == (1, 0, 0)
        assert info.bound.shape == empty["target"].shape
        assert not info.bound.any()


def test_rows_that_do_not_count_harm_nobody() -> None:
    problem, left_out = peaked(12), [3, 30]
    problem["target"][left_out] = -100
    grad = slopes(problem, {})
    clean = {groups: expected(problem, T, groups=groups, grad=grad) for groups in (1, MANY)}
    for wrong, groups in itertools.product((np.nan, np.inf), clean):
        problem["hidden"][left_out] = wrong
        _, gradients, info = solve(problem, memory=rows_of(11) if groups == 1 else None)
        assert_near(gradients, clean[groups][:3], 1e-10)
        assert_info(info, clean[groups], 1e-9)
        assert not gradients[0][left_out].any()
        assert not info.bound[left_out].any()


@pytest.mark.parametrize("what", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("t", [T, 0.5])
def test_what_is_no_number_reaches_the_gradients(what: float, t: float) -> None:
    problem = peaked(13)
    problem["hidden"][5, 2] = what
    with np.errstate(invalid="ignore"):
        _, (dhidden, dclasses, dbias), _ = solve(problem, t)
    assert np.isnan(dhidden[5]).all()
    assert np.isfinite(np.delete(dhidden, 5, 0)).all()
    assert np.isnan(dclasses).all()
    assert np.isnan(dbias).all()


@pytest.mark.parametrize("gap", [30.0, 200.0, 2000.0])
def test_a_confident_model_divides_by_nothing(gap: float) -> None:
    """All is left out; at a gap of 2000 all that is left out is 0."""
    random = np.random.default_rng(14)
    classes, target = random.normal(size=(V, 12)), random.integers(0, V, N)
    classes /= np.linalg.norm(classes, axis=1, keepdims=True)
    problem = {"hidden": gap * classes[target], "classes": classes, "bias": np.zeros(V),
               "target": target}  # fmt: skip
    want = expected(problem, T)
    _, gradients, info = solve(problem)
    assert_near(gradients, want[:3], 1e-9)
    assert all(np.abs(x).max() < 1e-2 * gap for x in gradients)
    assert info.kept == want.kept.mean()
    np.testing.assert_allclose(info.bound, want.bound, rtol=1e-9, atol=1e-300)


def test_threads_do_not_change_a_bit(threads: Any) -> None:
    problem, results = peaked(15, np.float32, FLAT), []
    for count in (1, 2, 3):
        threads(count)
        results.append(solve(problem, 1e-4, memory=rows_of(10, 4)))
    for loss, gradients, info in results[1:]:
        assert loss == results[0][0]
        for have, want in zip(gradients, results[0][1], strict=True):
            np.testing.assert_array_equal(have, want)
        np.testing.assert_array_equal(info.bound, results[0][2].bound)
        assert info.mean_dropped == results[0][2].mean_dropped


# ---- how far off, and what may be passed


@settings(max_examples=60)
@given(st.data(), st.integers(1, 8), st.integers(1, 5), st.integers(1, 40))
def test_no_row_is_further_off_than_the_bound(data: Any, n: int, d: int, v: int) -> None:
    random = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    spread = data.draw(st.sampled_from([0.1, 3.0, 30.0]))
    problem = {
        "hidden": spread * random.normal(size=(n, d)),
        "classes": random.normal(size=(v, d)) + 5,
        "target": random.integers(0, v, n),
        "bias": random.normal(size=v),
    }
    if data.draw(st.booleans()):
        problem["target"] = random.dirichlet(np.ones(v), n)
    possible = {
        "weight": random.uniform(0.1, 2, v),
        "row_weight": random.integers(0, 3, n).astype(float),
        "label_smoothing": 0.1,
        "z_loss": 1e-2,
        "temperature": random.uniform(0.5, 2, n),
        "softcap": 5.0,
        "reduction": data.draw(st.sampled_from(["mean", "sum", "none"])),
    }
    options = {k: possible[k] for k in data.draw(st.sets(st.sampled_from(list(possible))))}
    t = data.draw(st.sampled_from([1e-6, 1e-3, 0.1, 0.9]))
    _, have, info = solve(problem, t, memory=data.draw(st.integers(1, 4)) * v * 10, **options)
    _, want = exact(problem, **options)
    off = np.linalg.norm(have[0] - want[0], axis=1)
    rounding = 1e-13 * np.abs(problem["classes"]).sum()
    assert (off <= info.bound * (1 + 1e-12) + rounding).all()
    assert 0 <= info.kept <= 1
    assert 0 <= info.mean_dropped <= info.largest_dropped


def test_the_bound_is_not_absurd() -> None:
    for t in (1e-5, T):
        problem = peaked(16)
        _, have, info = solve(problem, t)
        off = np.linalg.norm(have[0] - exact(problem)[1][0], axis=1)
        assert (off <= info.bound).all()
        assert info.bound.max() < 1e4 * off.max()
        assert np.median(info.bound) < 1e4 * np.median(off)


def test_info_is_of_the_last_call_and_can_be_read() -> None:
    problem, info = peaked(17), neglog.HeadInfo()
    arguments: Any = (problem["hidden"], problem["classes"], problem["target"])
    neglog.linear_cross_entropy_and_grad(*arguments, grad_tolerance=T, info=info)
    kept, said = info.kept, repr(info)
    assert 0 < kept < 0.1
    for name in ("HeadInfo", "kept", "mean_dropped", "largest_dropped"):
        assert name in said
    assert len(said) < 300, "not every row's bound"
    neglog.linear_cross_entropy_and_grad(*arguments, grad_tolerance=0.5, info=info)
    assert info.kept < kept
    neglog.linear_cross_entropy_and_grad(*arguments, info=info)
    assert info.kept == 1
    assert not info.bound.any()


@pytest.mark.parametrize("t", [-0.1, -1e-300, 1, 1.0, 2, math.inf, -math.inf, math.nan])
def test_a_tolerance_that_is_no_share_is_refused(t: float) -> None:
    with pytest.raises(ValueError, match="grad_tolerance"):
        solve(peaked(), t)


@pytest.mark.parametrize("t", ["0.1", None, True, [0.1], 1j, np.array([0.1, 0.2])], ids=repr)
def test_a_tolerance_that_is_no_number_is_refused(t: Any) -> None:
    with pytest.raises(TypeError, match="grad_tolerance"):
        solve(peaked(), t)


@pytest.mark.parametrize("info", [{}, 1, "info", neglog.HeadInfo], ids=repr)
@pytest.mark.parametrize("t", [0.0, T])
def test_an_info_of_another_type_is_refused(info: Any, t: float) -> None:
    problem = peaked()
    with pytest.raises(TypeError, match="info"):
        neglog.linear_cross_entropy_and_grad(
            problem["hidden"], problem["classes"], problem["target"], grad_tolerance=t, info=info
        )
