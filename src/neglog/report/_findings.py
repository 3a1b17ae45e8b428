"""A report's state as findings: plain values, with the names of the classes."""

from typing import TYPE_CHECKING, Any

from .._show.words import json_number
from .state.sums import Estimate
from .state.totals import uncertainty

if TYPE_CHECKING:
    from ._report import Report

SCHEMA = "neglog.report/1"
CLASSES = ("class", "target", "predicted", "suggested")  # keys whose value is a class


def findings(report: "Report") -> dict[str, Any]:
    """All findings of the rows so far.

    Raises:
        ValueError: there is no row that counts.
    """
    parts = report.parts
    if parts is None or not report.used:
        raise ValueError(f"no row counts: {report.read} were read, {report.ignored} ignored")
    frequencies = parts.by_class.nll.weight
    total = float(parts.totals.nll.total[0])
    classes = parts.by_class.findings()
    costliest = parts.confusions.of_classes()
    for line in classes["listed"]:
        line["confusion"] = costliest.get(line["class"])
    found = {
        "schema": SCHEMA,
        "input": {
            "kind": report.kind,
            "kind_reason": report.kind_reason,
            "classes": parts.classes,
            "weighted": report.weighted,
            "has_ids": report.has_ids,
            "merged_without_ids": report.merged_without_ids,
        },
        "rows": {
            "read": report.read,
            "used": report.used,
            "weight": float(parts.totals.nll.weight[0]),
            "ignored": report.ignored,
            "left_out": report.left_out,
            "left_out_rows": report.left_out_rows,
        },
        "loss": parts.totals.loss(frequencies),
        "accuracy": parts.totals.accuracy(parts.classes),
        "why": parts.temperature.findings(uncertainty(frequencies)),
        "distribution": parts.distribution.findings(),
        "classes": classes,
        "slices": parts.slices.findings(),
        "confusions": parts.confusions.findings(total),
        "worst": parts.worst.findings(),
        "calibration": parts.calibration.findings(frequencies),
        "suspects": parts.suspects.findings(parts.temperature.best().temperature.value),
    }
    named: dict[str, Any] = plain(found, report.class_names)
    return named


def plain(value: Any, names: list[str] | None) -> Any:
    """Estimates as intervals, numbers that JSON can hold, and classes with their names."""
    if isinstance(value, Estimate):
        return {
            "value": json_number(value.value),
            "low": None if value.low != value.low else json_number(value.low),
            "high": None if value.high != value.high else json_number(value.high),
        }
    if isinstance(value, dict):
        filled: dict[str, Any] = {}
        for key, item in value.items():
            if key == "class" and isinstance(item, int):
                filled |= _named(item, names)
            elif key in CLASSES and isinstance(item, int):
                filled[key] = _named(item, names)
            else:
                filled[key] = plain(item, names)
        return filled
    if isinstance(value, list | tuple):
        return [plain(item, names) for item in value]
    return json_number(value) if isinstance(value, float) else value


def _named(j: int, names: list[str] | None) -> dict[str, Any]:
    return {"class": j, "name": str(j) if names is None else names[j]}
