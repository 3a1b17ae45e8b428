"""The arguments of `update`, as arrays of one length."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .. import _engine
from .._contract import check_shape, refuse_class
from .._engine import Array
from .._numpy._arrays import as_array, as_floats, as_integers, as_logits, as_weights
from .._read.tables.batch import Strings
from .state.rows import Coded

KINDS = ("logits", "probabilities", "log-probabilities")  # as the engine numbers them
PER_ROW = "one per row of the predictions"
TOLERANCE = 0.01  # of a sum of probabilities, which a file may have rounded
REASONS = ("neither", "sums to 1", "log-sum-exp is 0")


class Arrays(NamedTuple):
    """Arguments of one call, checked; a row of `missing` has no target."""

    predictions: Array  # (N, V)
    target: Array  # (N,) int64
    missing: Array | None
    row_weight: Array | None
    ids: Any  # (N,) array or Strings
    by: Mapping[str, Coded]
    text: Any
    num_bytes: Array | None

    def part(self, rows: slice) -> "Arrays":
        """Some of the rows."""
        by = {name: Coded(c.values, c.codes[rows]) for name, c in self.by.items()}
        cut: dict[str, Any] = self._asdict() | {"by": by}
        for name in set(self._fields) - {"by"}:
            cut[name] = None if cut[name] is None else cut[name][rows]
        return Arrays(**cut)


def arrays(
    predictions: npt.ArrayLike,
    target: Any,
    class_names: Sequence[str] | None,
    row_weight: Any,
    ids: Any,
    by: Mapping[str, Any] | None,
    text: Any,
    num_bytes: Any,
) -> Arrays:
    """Check the arguments of `update`."""
    array, _ = as_floats("predictions", predictions)
    if array.ndim != 2 or not array.shape[1]:
        raise ValueError(f"predictions must have shape (N, V), V >= 1, got {array.shape}")
    rows = array.shape[:1]
    classes, missing = _classes(target, rows, class_names)

    def weights(name: str, value: Any) -> Array | None:
        return None if value is None else as_weights(name, value, rows, PER_ROW)

    return Arrays(
        as_logits(array, 1) if array.strides[1] == array.itemsize else np.ascontiguousarray(array),
        classes,
        missing,
        weights("row_weight", row_weight),
        column("ids", ids, rows),
        columns(by, rows),
        column("text", text, rows),
        weights("num_bytes", num_bytes),
    )


def _classes(
    target: Any, rows: tuple[int, ...], class_names: Sequence[str] | None
) -> tuple[Array, Array | None]:
    """int64 classes, and which rows have none: nan in an array of floats, None among names."""
    given = target if isinstance(target, np.ndarray) else np.asarray(target)
    missing = None
    if given.dtype.kind in "OUS" and class_names is not None:
        given, missing = _by_name(given, class_names)
    elif given.dtype.kind == "f":
        missing = np.isnan(given)
        whole = np.where(missing, 0, given)
        if (whole != np.floor(whole)).any():
            raise ValueError("target must be classes: whole numbers, nan where there is none")
        given = whole.astype(np.int64)
    else:
        given = as_integers("target", as_array("target", target))
    check_shape("target", given.shape, rows, PER_ROW)
    classes: Array = np.ascontiguousarray(given, np.int64)
    return classes, missing


def _by_name(given: Array, class_names: Sequence[str]) -> tuple[Array, Array]:
    """Names of classes as their numbers."""
    number: dict[Any, int] = {name: j for j, name in enumerate(class_names)}
    found = np.empty(len(given), np.int64)
    missing = np.zeros(len(given), bool)
    for i, name in enumerate(given.tolist()):
        missing[i] = name is None or name != name
        if not missing[i] and name not in number:
            raise ValueError(f"target of row {i} is {name!r}, which is not among class_names")
        found[i] = number.get(name, 0)
    return found, missing


def check_targets(
    target: Array, missing: Array | None, num_classes: int, ignore_index: int
) -> Array:
    """Which rows count as far as their target says; IndexError for one that is no class."""
    checked = target if missing is None else np.where(missing, ignore_index, target)
    bad, ignored = _engine.scan_targets(checked, num_classes, ignore_index)
    if bad >= 0:
        refuse_class("target", (bad,), target[bad], num_classes)
    counted: Array = checked != ignore_index if ignored else np.ones(len(target), bool)
    return counted


def column(name: str, value: Any, rows: tuple[int, ...]) -> Any:
    """A column of any values."""
    if value is None:
        return None
    # Strings of a file stay as they are: most of a million ids are never looked at.
    known = isinstance(value, np.ndarray | Strings)
    found = value if known else np.asarray(value, dtype=object)
    check_shape(name, found.shape, rows, PER_ROW)
    return found


def columns(by: Mapping[str, Any] | None, rows: tuple[int, ...]) -> dict[str, Coded]:
    """Columns of few values each."""
    return {name: _coded(name, values, rows) for name, values in (by or {}).items()}


def _coded(name: str, values: Any, rows: tuple[int, ...]) -> Coded:
    if isinstance(values, Coded):
        check_shape(f"by[{name!r}]", values.codes.shape, rows, PER_ROW)
        return values
    column = np.asarray(values)
    check_shape(f"by[{name!r}]", column.shape, rows, PER_ROW)
    if column.dtype.kind in "OUS":
        number: dict[str, int] = {}
        codes = [number.setdefault(str(value), len(number)) for value in column.tolist()]
        return Coded(list(number), np.array(codes, np.int64))
    found, codes_of = np.unique(column, return_inverse=True)
    return Coded([str(value) for value in found.tolist()], codes_of)


def kind_of(predictions: Array) -> tuple[str, str]:
    """What the first batch looks like, and why."""
    code = _engine.input_kind(predictions)
    return KINDS[code], REASONS[code]


def as_logarithms(predictions: Array, first: int) -> Array:
    """Probabilities as logits: their logarithms, -inf for 0."""
    bad = (predictions < 0) | (predictions > 1 + TOLERANCE)
    if bad.any():
        i, j = map(int, np.argwhere(bad)[0])
        raise ValueError(
            f"predictions[{first + i}, {j}] is {predictions[i, j]}, which is no probability: give"
            " kind='logits' if these are logits"
        )
    with np.errstate(divide="ignore"):
        logarithms: Array = np.log(predictions)
    return logarithms


def check_sums(lse: Array, first: int) -> None:
    """Probabilities that do not sum to 1 are none, or some of the classes are missing."""
    far = np.abs(np.expm1(lse)) > TOLERANCE  # False for nan, which is counted as such
    if far.any():
        row = int(far.argmax())
        raise ValueError(
            f"the probabilities of row {first + row} sum to {np.exp(lse[row]):.4g}, not to 1: is a"
            " class missing? Give kind='logits' if these are logits"
        )
