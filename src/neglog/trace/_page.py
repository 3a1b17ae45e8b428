"""The interactive page: the parts in `page/` with the numbers that it opens with."""

from functools import cache
from importlib.resources import files
from typing import Any

from .._show.html import filled, fixed_parts, framed, script_json
from .._show.language import Language
from ._words import words
from .likelihood.likelihood import Likelihood
from .likelihood.page import likelihood_start
from .softmax.page import rows_start
from .softmax.rows import Rows

# In this order: a script uses only those before it.
_SCRIPTS = """
    lazy float exact row likelihood dom sight format strings_en strings_ko words formula handle plot
    presets address bars compare section steps controls lines panel curve story descent tables
    lik_plots lik_table lik_panel lik_story lik_score likelihood_tab top app
"""
_STYLES = "page parts controls stage likelihood"

_MOST = 149_500  # bytes of a page; the numbers get what the fixed parts leave


def html(subject: Rows | Likelihood, lang: Language | None = None) -> str:
    """The whole file; it opens in the language `lang` or, without one, in the browser's."""
    opens = {} if lang is None else {"lang": words(subject, lang).lang}
    fixed = _fixed()
    room = _MOST - sum(len(part.encode()) for part in fixed.values())
    return filled(fixed["page"], {**fixed, "trace": _start(subject, room, opens)})


def notebook(subject: Rows | Likelihood) -> str:
    """The page in a frame."""
    return framed(html(subject), "neglog")


@cache
def _fixed() -> dict[str, str]:
    return fixed_parts(files("neglog.trace") / "page", _SCRIPTS.split(), _STYLES.split())


def _start(subject: Rows | Likelihood, room: int, opens: dict[str, Any]) -> str:
    """The page's first state: all rows or points, or as many of the first as fit in `room`."""
    everything = len(subject.rows if isinstance(subject, Rows) else subject.data)

    def state(count: int, cut: bool = False) -> str:
        if isinstance(subject, Rows):
            start = rows_start(subject, count)
        else:
            start = likelihood_start(subject, count)
        start |= opens
        return script_json(start | {"cut": {"shown": count, "all": everything}} if cut else start)

    count = everything
    while (size := len(state(count).encode())) > room and count > 1:
        count = max(1, min(count - 1, count * room // size))
    return state(count, cut=count < everything)
