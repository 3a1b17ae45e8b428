"""Problems for the head with grad_tolerance, and their solution with all logits in float64.

`expected` leaves out entries of G = dL/dlogits of at most t units and replaces them by a matrix of
rank one for each sign with the same row and class sums, one for each group of rows that point in
similar directions. With little memory there is one group.
"""

import itertools
from typing import Any, NamedTuple

import numpy as np
import oracle
import pytest
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
