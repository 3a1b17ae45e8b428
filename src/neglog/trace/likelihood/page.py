"""What the page needs to show a likelihood."""

from typing import Any

import numpy as np

from ..._show.words import json_number, printable, shortened
from .likelihood import Candidate, Likelihood

_CANDIDATES, _NAME = 6, 60


def likelihood_start(subject: Likelihood, count: int) -> dict[str, Any]:
    """The page's first state with the first `count` points and the best candidates."""
    best = subject.best_first()[:_CANDIDATES]
    kept = [_candidate(c, subject, count) for c in subject.candidates if c in best]
    return {"tab": "likelihood", "data": subject.data[:count], "candidates": kept}


def _candidate(candidate: Candidate, subject: Likelihood, count: int) -> dict[str, Any]:
    start = {"name": shortened(printable(candidate.name), _NAME), "family": candidate.family}
    if candidate.family != "other":
        return start | dict(candidate.parameters)
    # The page cannot compute densities of other libraries, so it gets a table: the places where
    # they are drawn, and the exact values at the points.
    with np.errstate(divide="ignore"):
        drawn = np.log(candidate.density_at)
    table = dict(zip(subject.at[::3], drawn[::3].tolist(), strict=True))
    table |= dict(zip(subject.data[:count], candidate.log_density, strict=False))
    places = sorted(table)
    return start | {
        "at": [float(f"{x:.9g}") for x in places],
        "log_density": [json_number(float(f"{table[x]:.9g}")) for x in places],
    }
