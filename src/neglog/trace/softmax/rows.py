"""Rows of logits: checks of the arguments, and the totals of the batch."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from ..._contract import as_integer, as_number, as_positive
from ..._numpy._arrays import as_array
from .exact import exact_sum_and_mean
from .floats import TYPES, Type, column
from .kernels import kernel_losses
from .row import Row, explain_row
from .steps import Step


@dataclass(frozen=True)
class Rows:
    """A batch, row by row and step by step; `total` and `mean` are those of the nll."""

    dtype: str
    temperature: float
    class_names: tuple[str, ...]
    rows: tuple[Row, ...]
    total: Step
    mean: Step

    @property
    def are_named(self) -> bool:
        """Whether the classes were given names; otherwise their numbers are their names."""
        return self.class_names != as_names(None, len(self.class_names))


def explain_rows(
    logits: Any, target: Any, class_names: Sequence[str] | None, dtype: Any, temperature: Any
) -> Rows:
    """Check the arguments and explain each row."""
    kind = as_type(dtype)
    divisor = as_positive("temperature", temperature, "1.0")
    table = as_table(logits)
    names = as_names(class_names, len(table[0]))
    targets = as_targets(target, len(table), names, class_names is not None)
    rows = tuple(explain_row(kind, row, y, divisor) for row, y in zip(table, targets, strict=True))
    total, mean = _batch(kind, rows, divisor)
    return Rows(kind.name, divisor, names, rows, total, mean)


def as_type(dtype: Any) -> Type:
    """One of the four types, from its name or a dtype."""
    name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", str(dtype))
    if name.removeprefix("torch.") not in TYPES:
        raise ValueError(f"dtype must be one of {', '.join(TYPES)}, got {dtype!r}")
    return TYPES[name.removeprefix("torch.")]


def as_table(logits: Any) -> list[tuple[float, ...]]:
    """Rows as tuples of floats; arrays and tensors of any library have tolist, frames have not."""
    values = logits.tolist() if hasattr(logits, "tolist") else logits
    if not (_is_list(values) or np.isscalar(values)):
        values = as_array("logits", values).tolist()
    if not _is_list(values) or not values:
        raise ValueError(
            f"logits must be one number per class or a list of such rows, got {values!r}"
        )
    if not _is_list(values[0]):
        return [tuple(as_number(f"logits[{j}]", z) for j, z in enumerate(values))]
    table = [_as_row(i, row) for i, row in enumerate(values)]
    for i, row in enumerate(table):
        if len(row) != len(table[0]):
            raise ValueError(
                f"logits must have the same number of classes in every row: "
                f"logits[0] has {len(table[0])}, "
                f"logits[{i}] has {len(row)}"
            )
    return table


def _as_row(i: int, row: Any) -> tuple[float, ...]:
    row = row.tolist() if hasattr(row, "tolist") else row
    if not _is_list(row) or not row:
        raise ValueError(f"logits[{i}] must be one number per class, got {row!r}")
    return tuple(as_number(f"logits[{i}][{j}]", z) for j, z in enumerate(row))


def _is_list(values: Any) -> bool:
    return isinstance(values, Sequence) and not isinstance(values, str | bytes)


def as_names(class_names: Any, num_classes: int) -> tuple[str, ...]:
    """The class names; without names, the classes' numbers."""
    if class_names is None:
        return tuple(map(str, range(num_classes)))
    if isinstance(class_names, str) or not all(isinstance(name, str) for name in class_names):
        raise TypeError(f"class_names must be a list of strings, got {class_names!r}")
    if len(class_names) != num_classes:
        raise ValueError(
            f"class_names must name {num_classes} classes, one for each logit of a row, "
            f"got {len(class_names)}"
        )
    if len(set(class_names)) < num_classes:
        twice = next(name for name, count in Counter(class_names).items() if count > 1)
        raise ValueError(f"class_names must differ from each other, got {twice!r} twice")
    return tuple(class_names)


def as_targets(target: Any, n: int, names: tuple[str, ...], named: bool) -> list[int]:
    """One class per row: its number or, if the classes have names, its name."""
    values = target.tolist() if hasattr(target, "tolist") else target
    alone = not _is_list(values)
    values = [values] if alone else values
    if len(values) != n:
        raise ValueError(f"target must be one class for each of {n} rows, got {len(values)}")
    return [
        _as_class("target" if alone else f"target[{i}]", y, names, named)
        for i, y in enumerate(values)
    ]


def _as_class(where: str, value: Any, names: tuple[str, ...], named: bool) -> int:
    if isinstance(value, str):
        if not named:
            raise TypeError(
                f"{where} must be the number of a class, got {value!r}; or give class_names"
            )
        if value not in names:
            raise IndexError(f"{where} is {value!r}, which is not in class_names")
        return names.index(value)
    index = as_integer(where, value)
    if not 0 <= index < len(names):
        raise IndexError(f"{where} is {index}, but the classes are 0 to {len(names) - 1}")
    return index


def _batch(kind: Type, rows: tuple[Row, ...], temperature: float) -> tuple[Step, Step]:
    """Sum and mean of the rows' nll: the cross-entropy is the mean."""
    steps = [row.steps["nll"] for row in rows]
    logits = np.array([row.steps["logits"].neglog.values for row in rows])
    computed = kernel_losses(kind, logits, [row.target for row in rows], temperature)
    with np.errstate(all="ignore"):
        naive, shifted = (
            kind.total(np.array([getattr(step, name).values[0] for step in steps]))
            for name in ("naive", "shifted")
        )
        total = (naive, shifted, computed.sum())
        mean = (naive / len(rows), shifted / len(rows), computed.mean())
    sums = exact_sum_and_mean([step.exact[0] for step in steps])
    return (
        _number(kind, "sum", "sum of the rows' nll", "sum_i -log p_i", total, sums[0]),
        _number(kind, "mean", "cross-entropy", "NLL / N", mean, sums[1]),
    )


def _number(
    kind: Type, name: str, title: str, formula: str, values: tuple[Any, ...], exact: Decimal
) -> Step:
    naive, shifted, neglog = (column(kind, kind.round(x), (exact,)) for x in values)
    return Step(name, title, formula, (), neglog, (exact,), naive, shifted)
