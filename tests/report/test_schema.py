"""The findings are what the schema of the JSON says, and the schema says no more."""

import json
from importlib.resources import files
from typing import Any

import fastjsonschema
import numpy as np
import pytest
from report_helpers.tables import made_up

from neglog.report import Comparison, LogprobReport, Report, evaluate

SCHEMA = json.loads(files("neglog.report").joinpath("schema.json").read_text(encoding="utf-8"))
TABLE = made_up(300, 7)


def check(findings: Any, name: str) -> None:
    """Against one definition, so that the message says where they differ."""
    whole = {**SCHEMA, "oneOf": [{"$ref": f"#/definitions/{name}"}]}
    fastjsonschema.compile(whole)(json.loads(json.dumps(findings, allow_nan=False)))


def compared() -> Comparison:
    comparison = Comparison(["a", "b"])
    beside = {name: TABLE[name] for name in ("ids", "text", "by", "row_weight", "num_bytes")}
    other = TABLE["predictions"] * np.float32(0.5)
    comparison.update(TABLE["predictions"], other, TABLE["target"], **beside)
    return comparison


def tokens(**more: Any) -> LogprobReport:
    report = LogprobReport()
    report.update([float("nan"), -0.1, -2.3, -0.7], lengths=[3, 1], **more)
    return report


FOUND = {
    "everything": ("report", lambda: evaluate(**TABLE)),
    "nothing more than the rows": ("report", lambda: evaluate(np.eye(3), [0, 1, 2])),
    "one row": ("report", lambda: evaluate([[2.0, 1.0]], [0])),
    "one class": ("report", lambda: evaluate([[2.0], [1.0]], [0, 0])),
    "one class of three": ("report", lambda: evaluate([[2.0, 1, 1], [1.0, 3, 4]], [0, 0])),
    "probabilities": ("report", lambda: evaluate([[0.25, 0.75], [1.0, 0.0]], [0, 1])),
    "a huge loss": ("report", lambda: evaluate([[0.0, 1e6], [1e6, 0.0]], [0, 1])),
    "no loss": ("report", lambda: evaluate([[0.0, 1e6], [1e6, 0.0]], [1, 0])),
    "many classes": ("report", lambda: evaluate(**made_up(200, 1100))),
    "tokens": ("report", tokens),
    "all of tokens": (
        "report",
        lambda: tokens(ids=["a", "b"], text=["x", "y"], by={"l": [1, 2]}, num_bytes=[3, 4],
                       listed_mass=[1, 0.9, 0.5, 0.25]),
    ),
    "a comparison": ("comparison", compared),
}  # fmt: skip


@pytest.mark.parametrize("what", FOUND)
def test_findings_follow_the_schema(what: str) -> None:
    name, make = FOUND[what]
    check(make().to_dict(), name)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("loss", "nll"), 0.5),
        (("loss", "nll", "value"), "much"),
        (("rows", "read"), 1.5),
        (("worst", 0, "target"), "cat"),
        (("schema",), "neglog.report/2"),
        (("input", "kind"), "logit"),
        (("more",), 1),
        (("classes", "listed", 0, "more"), 1),
    ],
)
def test_other_findings_do_not(path: tuple[Any, ...], value: Any) -> None:
    findings = evaluate(**TABLE).to_dict()
    place: Any = findings
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(fastjsonschema.JsonSchemaException):
        check(findings, "report")


def test_every_definition_is_used() -> None:
    text = json.dumps(SCHEMA)
    unused = [name for name in SCHEMA["definitions"] if f'"#/definitions/{name}"' not in text]
    assert unused == []


def test_a_report_is_no_comparison() -> None:
    with pytest.raises(fastjsonschema.JsonSchemaException):
        check(Report.to_dict(evaluate(**TABLE)), "comparison")
