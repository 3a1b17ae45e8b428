"""The page: the findings as one HTML file, whose rows open in the page of `explain`."""

import re
import shlex
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from ...._show.html import filled, fixed_parts, script_json
from ...._show.language import Language
from ....trace import explain
from ..words import Words

if TYPE_CHECKING:
    from ...findings import Finding, Findings

DTYPES = ("float16", "bfloat16", "float32", "float64")


def html(findings: "Findings", lang: Language) -> str:
    """The whole file."""
    say = Words(lang)
    page, policy = _explain_page() if findings.findings else ("", "'none'")
    fixed = _fixed()
    remarks = "".join(
        f"<p>{escape(one)}</p>" for one in [*say.remarks(findings), say.calls(findings)]
    )
    parts = {
        "language": lang,
        "title": escape(say("title")),
        "headline": escape(say.headline(findings)),
        "remarks": f'<div class="remarks">{remarks}</div>',
        "body": "".join(_article(finding, say) for finding in findings),
        "skip": escape(say("skip")),
        "foot": escape(say("foot")),
        "explain": script_json(page),
        "explain_hash": policy.strip("'"),
    }
    return filled(fixed["page"], fixed | parts)


@cache
def _fixed() -> dict[str, str]:
    return fixed_parts(files(__package__), ["open"], ["page"])


@cache
def _explain_page() -> tuple[str, str]:
    """The page of `explain`, and the hash of its script: what opens it must allow that, too."""
    page = explain([2, 1, 0], 0).to_html()
    found = re.search(r"script-src '(sha256-[^']+)'", page)
    assert found is not None
    return page, found[1]


def _article(finding: "Finding", say: Words) -> str:
    lines = {
        "row": escape(say.row(finding.row)),
        "expected": escape(say.result(finding.expected)),
        "got": escape(say.result(finding.got)),
        "mend": f"<code>{escape(say.fix(finding))}</code>",
    }
    rows = "".join(f"<dt>{escape(say(key))}</dt><dd>{text}</dd>" for key, text in lines.items())
    return (
        f'<article class="{finding.grade}" id="{finding.code}"><h2>'
        f'<span class="grade">{escape(say.grade(finding))}</span>{finding.code}</h2>'
        f"<p>{escape(say.sentence(finding))}</p><dl>{rows}</dl>"
        f"{_opener(finding.row, say)}</article>"
    )


def _opener(row: dict[str, Any], say: Words) -> str:
    """A button that opens the row in `explain`, and the command that does the same."""
    width = len(row["logits"][0])
    if row["kind"] != "logits" or not all(0 <= y < width for y in row["target"]):
        return ""
    dtype = row["dtype"] if row["dtype"] in DTYPES else "float64"
    logits = [",".join(f"{z:.9g}" for z in one) for one in row["logits"]]
    targets = [str(y) for y in row["target"]]
    fragment = f"z={';'.join(logits)}&y={';'.join(targets)}&dtype={dtype}&lang={say.lang}"
    given = shlex.quote(";".join(logits))
    command = f"neglog explain --logits={given} --target {','.join(targets)} --dtype {dtype}"
    return (
        f'<p><button hidden data-row="{escape(fragment)}">{escape(say("explain"))}</button></p>'
        f'<p class="command">{escape(say("explain.command"))} <code>{escape(command)}</code></p>'
    )
