"""The page: one HTML file that holds all it needs, computes by itself and asks nobody.

`page/` has its parts. They are put together here, with the trace's numbers as JSON; the script's
hash stands in the page's own security policy, so that nothing else can run in it.
"""

import base64
import hashlib
import html as markup
import json
import re
from functools import cache, partial
from importlib.resources import files
from typing import Any

import numpy as np

from ._dict import number
from ._likelihood import Candidate, Likelihood
from ._row import Row, shown
from ._rows import Rows
from ._view import log_sum_exp, plain

# In this order: a script uses only what stands before it.
_SCRIPTS = """
    float exact row likelihood dom format strings_en strings_ko words formula handle plot presets
    address bars compare section steps controls panel curve descent tables
    lik_panel lik_plots lik_table likelihood_tab top app
"""
_STYLES = "page parts controls"

_MOST = 149_500  # bytes of a page; what the fixed parts leave of them is for the numbers
_CANDIDATES, _NAME = 6, 60


def html(subject: Rows | Likelihood) -> str:
    """The whole file."""
    fixed = _fixed()
    room = _MOST - sum(len(part.encode()) for part in fixed.values())
    parts = {**fixed, "trace": _start(subject, room)}
    # In one go, so that no name can pass for a place to fill.
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], fixed["page"])


def notebook(subject: Rows | Likelihood) -> str:
    """The page in a frame: its style and its script stay inside, and the notebook's outside."""
    return (
        f'<iframe srcdoc="{markup.escape(html(subject))}" sandbox="allow-scripts" title="neglog" '
        'style="width: 100%; height: 900px; border: 0" loading="lazy"></iframe>'
    )


@cache
def _fixed() -> dict[str, str]:
    """The frame, script, its hash, style: the same in every page."""
    script = '"use strict";\n' + "".join(
        _tight(_lean(_read(f"{name}.js"))) for name in _SCRIPTS.split()
    )
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    style = "".join(_lean(_read(f"{name}.css")) for name in _STYLES.split())
    style = re.sub(r"\s*([{};,])\s*", r"\1", style)
    page = _read("page.html")
    return {"page": page, "script": script, "hash": f"sha256-{digest}", "style": style}


def _read(name: str) -> str:
    return (files("neglog.trace") / "page" / name).read_text("utf-8")


def _lean(source: str) -> str:
    """Without indentation, empty lines and comments: an eighth of the file."""
    return re.sub(r"^\s*(//.*|/\*[\s\S]*?\*/)?\n|^ +", "", source, flags=re.MULTILINE)


def _tight(script: str) -> str:
    """Without the spaces around signs, on lines where no text and no pattern can hold one."""
    bare = (
        line if re.search("[\"'`/]", line) else re.sub(" ?([=<>?:,{}()&|*;]+) ?", r"\1", line)
        for line in script.split("\n")
    )
    return "\n".join(bare)


def _start(subject: Rows | Likelihood, room: int) -> str:
    """What the page opens with: all rows or points, or the first of them that fill its room."""
    if isinstance(subject, Rows):
        make, everything = partial(_softmax, subject), len(subject.rows)
    else:
        make, everything = partial(_likelihood, subject), len(subject.data)
    count = everything
    while (size := len(_json(make(count)).encode())) > room and count > 1:
        count = max(1, min(count - 1, count * room // size))
    cut = {} if count == everything else {"cut": {"shown": count, "all": everything}}
    return _json(make(count) | cut)


def _json(start: dict[str, Any]) -> str:
    """JSON that ends no script element and opens no comment."""
    compact = json.dumps(start, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return compact.replace("<", "\\u003c")


def _softmax(subject: Rows, count: int) -> dict[str, Any]:
    names = _names(subject)
    rows = [_row(row, names, subject.temperature) for row in subject.rows[:count]]
    return {
        "tab": "softmax",
        "dtype": subject.dtype,
        "T": subject.temperature,
        "names": rows[0].get("names", names),
        "rows": rows,
    }


def _names(subject: Rows) -> list[Any]:
    """The classes' names; where nobody gave any, one in each of the page's languages."""
    if not subject.are_named:
        return [{"en": f"class {j}", "ko": f"클래스 {j}"} for j in subject.class_names]
    return [_short(name) for name in subject.class_names]


def _short(name: str) -> str:
    name = plain(name)
    return name if len(name) <= _NAME else f"{name[: _NAME - 1]}…"


def _row(row: Row, names: list[Any], temperature: float) -> dict[str, Any]:
    """The row's logits and target; of many classes those that are shown, the others as one."""
    classes, others = shown(row)
    if not others:
        return {"z": [number(z) for z in row.given], "y": row.target}
    together = temperature * log_sum_exp([row.given[j] / temperature for j in others])
    return {
        "z": [number(z) for z in [*(row.given[j] for j in classes), together]],
        "y": classes.index(row.target),
        "names": [names[j] for j in classes],
        "others": len(others),
    }


def _likelihood(subject: Likelihood, count: int) -> dict[str, Any]:
    best = subject.best_first()[:_CANDIDATES]
    kept = [_candidate(c, subject, count) for c in subject.candidates if c in best]
    return {"tab": "likelihood", "data": subject.data[:count], "candidates": kept}


def _candidate(candidate: Candidate, subject: Likelihood, count: int) -> dict[str, Any]:
    known = {"name": _short(candidate.name), "family": candidate.family}
    if candidate.family != "other":
        return known | dict(candidate.parameters)
    # A density that the page does not know goes with it as a table: where it is drawn, and exactly
    # at the points.
    with np.errstate(divide="ignore"):
        drawn = np.log(candidate.density_at)
    table = dict(zip(subject.at[::3], drawn[::3].tolist(), strict=True))
    table |= dict(zip(subject.data[:count], candidate.log_density, strict=False))
    places = sorted(table)
    return known | {
        "at": [float(f"{x:.9g}") for x in places],
        "log_density": [number(float(f"{table[x]:.9g}")) for x in places],
    }
