"""All combinations of the options of cross_entropy, and the check of one of them."""

import functools
import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import oracle
from budgets import RESULT_DTYPE, ULPS
from checks import assert_ulps, dtype_of

N = 6
AXES = (-1, 0, 1)  # as stored; classes first (a copy is needed); classes in the middle of 3

# None and one value that changes something, of each option; both kinds where there are two.
PRODUCT = {
    "weights": ("none", "class", "row", "both"),
    "ignore": ("none", "some", "all"),
    "label_smoothing": (0.0, 0.2),
    "z_loss": (0.0, 0.05),
    "temperature": ("one", "number", "row"),
    "softcap": (None, 4.0),
    "reduction": ("mean", "sum", "none"),
}


class Batch(NamedTuple):
    """The arrays that the options choose from; the class axis last."""

    logits: Any  # (N, V) of the dtype
    classes: Any  # (N,)
    probs: Any  # (N, V), rows that do not sum to 1 among them
    weight: Any  # (V,)
    row_weight: Any  # (N,), one of them 0
    temperature: Any  # (N,)


def batch(width: int, dtype: np.dtype[Any], seed: int = 5) -> Batch:
    rng = np.random.default_rng([seed, width])
    logits = (rng.standard_normal((N, width)) * 3).astype(np.float32).astype(dtype)
    probs = rng.dirichlet(np.ones(width), N).astype(np.float32)
    probs[0] *= 2
    probs[1] = np.arange(width) == width - 1
    # quarters, so that float32 and half kernels lose nothing when they store them
    weight = rng.integers(1, 9, width) / 4
    row_weight = np.array([1, 0.5, 0, 2, 1, 0.25])
    warm = np.array([0.5, 1, 2, 0.7, 3, 1])
    return Batch(logits, rng.integers(0, width - 1, N), probs, weight, row_weight, warm)


def all_choices(**fixed: Any) -> Iterator[dict[str, Any]]:
    table = PRODUCT | {name: (value,) for name, value in fixed.items()}
    for values in itertools.product(*table.values()):
        yield dict(zip(table, values, strict=True))


def arguments(b: Batch, choice: dict[str, Any], dense: bool) -> tuple[Any, Any, dict[str, Any]]:
    """Logits (N, V), target and options of one combination; what is skipped holds nan."""
    logits, target = b.logits.copy(), (b.probs if dense else b.classes).copy()
    options = {name: choice[name] for name in ("label_smoothing", "z_loss", "softcap", "reduction")}
    if choice["weights"] in ("class", "both"):
        options["weight"] = b.weight
    if choice["weights"] in ("row", "both"):
        options["row_weight"] = b.row_weight
        logits[b.row_weight == 0, 0] = np.nan
    if choice["temperature"] != "one":
        options["temperature"] = 0.7 if choice["temperature"] == "number" else b.temperature
    if choice["ignore"] == "some":
        target[[1, 4]] = -100
        logits[4] = -np.inf
    if choice["ignore"] == "all":  # a class of its own as ignore_index, as for padding
        target[:], options["ignore_index"] = logits.shape[1] - 1, logits.shape[1] - 1
    return logits, target, options


def turned(array: Any, axis: int) -> Any:
    """(N, V) as (N, V), (V, N) or (2, V, N / 2): the same rows along another axis."""
    if axis == 1:
        return np.moveaxis(array.reshape(2, -1, array.shape[1]), 2, 1)
    return np.moveaxis(array, 1, axis)


def rows_turned(array: Any, axis: int) -> Any:
    return array.reshape(2, -1) if axis == 1 else array


def slack(dtype: str, options: dict[str, Any], logits: Any) -> float:
    """Further ulps that a softcap costs float64, which has no wider type for tanh.

    z / T, 1 / c and tanh are rounded; that moves every gap by half an ulp of itself, and so p by
    half an ulp for each unit of the largest gap. A temperature alone costs nothing.
    """
    if options.get("softcap") is None or dtype != "float64":
        return 0.0
    finite = np.where(np.isfinite(logits), logits, 0)
    return float(np.ptp(finite) / np.min(options.get("temperature", 1.0)) / 2)


def known_rows(logits: Any, options: dict[str, Any]) -> oracle.Rows:
    """The oracle's rows; most combinations share them, so the last few are kept."""
    warm = np.atleast_1d(options.get("temperature", 1.0))
    return _rows(logits.tobytes(), logits.dtype, logits.shape, tuple(warm), options["softcap"])


@functools.lru_cache(8)
def _rows(
    content: bytes, dtype: Any, shape: Any, warm: tuple[float, ...], softcap: float | None
) -> oracle.Rows:
    return oracle.rows(np.frombuffer(content, dtype).reshape(shape), np.array(warm), softcap)


def check(face: Any, b: Batch, choice: dict[str, Any], axis: int, dense: bool) -> None:
    """Loss, and loss with gradient, of one combination along one axis."""
    logits, target, options = arguments(b, choice, dense)
    name = logits.dtype.name
    exact = oracle.cross_entropy(logits, target, known=known_rows(logits, options), **options)
    more = slack(name, options, logits)
    given = {
        key: face.array(rows_turned(value, axis)) if key in ("row_weight", "temperature")
        and np.ndim(value) else value for key, value in options.items()
    }  # fmt: skip
    z = face.array(turned(logits, axis))
    t = face.array(turned(target, axis) if dense else rows_turned(target, axis))
    alone = face.numpy(face.cross_entropy(z, t, axis=axis, **given))
    loss, grad = map(face.numpy, face.cross_entropy_and_grad(z, t, axis=axis, **given))
    each = options["reduction"] == "none"
    want = rows_turned(exact.loss, axis) if each else exact.loss
    size = rows_turned(exact.loss_size, axis) if each else exact.loss_size
    limit, result = ULPS[name], RESULT_DTYPE[name]
    assert (alone.dtype, loss.dtype, grad.dtype) == (result, result, logits.dtype)
    for value, what in ((alone, "loss alone"), (loss, "loss")):
        assert_ulps(value, want, result, limit.nll + more, what, size=size)
    assert_ulps(grad, turned(exact.grad, axis), name, limit.grad + more, "gradient",
                size=turned(exact.grad_size, axis))  # fmt: skip


def every_nth(n: int, turn: int, **fixed: Any) -> list[tuple[int, dict[str, Any]]]:
    """Every n-th combination and its number; where to start goes round with the turn."""
    return list(enumerate(all_choices(**fixed)))[turn % n :: n]


def check_all(face: Any, dtype: str, width: int, dense: bool, n: int = 1, **fixed: Any) -> None:
    b = batch(width, dtype_of(dtype))
    turn = list(ULPS).index(dtype) + width
    for number, choice in every_nth(n, turn, **fixed):
        axis = AXES[(number + turn) % 3]
        try:
            check(face, b, choice, axis, dense)
        except Exception as error:
            error.add_note(f"with {choice}, axis {axis}")
            raise
