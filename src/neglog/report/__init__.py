"""The report on a model's predictions: how unhappy it is, where, and why."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt

from ._comparison import Comparison
from ._files import evaluate_file
from ._logprobs import LogprobReport
from ._report import Kind, Report

__all__ = ["Comparison", "LogprobReport", "Report", "evaluate", "evaluate_file"]


def evaluate(
    predictions: npt.ArrayLike,
    target: Any,
    *,
    kind: Kind = "auto",
    class_names: Sequence[str] | None = None,
    ignore_index: int = -100,
    row_weight: npt.ArrayLike | None = None,
    ids: Any = None,
    by: Mapping[str, Any] | None = None,
    text: Any = None,
    num_bytes: npt.ArrayLike | None = None,
) -> Report:
    """A report on these rows: `Report(...)` and one `update`.

    Args:
        predictions: shape (N, V); float16, bfloat16, float32, float64 or integers.
        target: N classes, by number or, with class_names, by name; nan or None is missing.
        kind: what the predictions are; "auto" looks at the first rows.
        class_names: one for each class.
        ignore_index: rows with this target are counted, and left out.
        row_weight: N weights; a row of weight 0 is ignored.
        ids: N names of rows.
        by: columns of N values each, by which the loss is taken apart: {"lang": [...]}.
        text: N texts, shown with rows that are listed.
        num_bytes: N lengths of what was predicted, for bits per byte.

    Returns:
        A Report, which takes more rows by `update`.

    Raises:
        TypeError: an argument is not what it must be.
        ValueError: a shape does not fit, or probabilities do not sum to 1.
        IndexError: a target is no class; names the first such row.

    Examples:
        >>> report = evaluate([[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]], [0, 1, 1])
        >>> round(report.to_dict()["accuracy"]["top1"]["value"], 4)
        0.6667

    Differs from scikit-learn's `log_loss`: nothing is clipped, and the loss is said by row, class
    and slice, with intervals.
    """
    report = Report(kind=kind, class_names=class_names, ignore_index=ignore_index)
    report.update(
        predictions,
        target,
        row_weight=row_weight,
        ids=ids,
        by=by,
        text=text,
        num_bytes=num_bytes,
    )
    return report
