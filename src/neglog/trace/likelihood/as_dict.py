"""A likelihood as JSON can hold it."""

from typing import Any

from ..._show.words import json_number
from .likelihood import Candidate, Curve, Likelihood


def likelihood_dict(subject: Likelihood) -> dict[str, Any]:
    """Numbers, strings, lists and dicts, without literals that JSON lacks."""
    return {
        "kind": "likelihood",
        "data": list(subject.data),
        "candidates": {c.name: _candidate(c) for c in subject.candidates},
        "winner": list(subject.winner),
        "curve": None if subject.curve is None else _curve(subject.curve),
        "probability": {
            "at": list(subject.at),
            "density": {c.name: [json_number(x) for x in c.density_at] for c in subject.candidates},
        },
    }


def _candidate(candidate: Candidate) -> dict[str, Any]:
    return {
        "family": candidate.family,
        "parameters": dict(candidate.parameters),
        "density": [json_number(x) for x in candidate.density],
        "log_density": [json_number(x) for x in candidate.log_density],
        "product": [json_number(x) for x in candidate.product],
        "underflow_at": candidate.underflow_at,
        "exact_product": json_number(candidate.exact_product),
        "log_likelihood": json_number(candidate.log_likelihood),
    }


def _curve(curve: Curve) -> dict[str, Any]:
    return {
        "family": curve.family,
        "parameter": curve.parameter,
        "at": list(curve.at),
        "likelihood": [json_number(x) for x in curve.likelihood],
        "log_likelihood": [json_number(x) for x in curve.log_likelihood],
        "best": dict(curve.best),
        "best_log_likelihood": json_number(curve.best_log_likelihood),
    }
