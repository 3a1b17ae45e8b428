"""The worst error of each library on the hard rows, in ulp, against exact answers."""

from collections.abc import Callable
from typing import Any

import budgets
import cases
import numpy as np
import oracle

from bench.cases import Case, dtype_named
from bench.peers import Calls, UnavailableError, to_numpy

Errors = dict[str, dict[str, float]]


def worst(dtype: str, peers: dict[str, Callable[[Case], Calls]]) -> Errors:
    """peer -> {"nll": ulp, "gradient": ulp}; one row at a time, so that the mean loss is its nll.

    The nll is measured in ulp of the dtype in which we promise it (float32 for half inputs), the
    gradient in ulp of the input's; entries below the smallest normal number are left out.
    """
    errors: Errors = {}
    for row in cases.hard_rows(dtype_named(dtype)):
        known = oracle.rows(row.logits[None])
        for target in row.targets:
            exact = oracle.cross_entropy(row.logits[None], [target], known=known)
            case = Case.row(row.logits, target)
            for name in peers.keys() - {"copy"}:
                _take(errors, name, peers[name], case, exact)
    return {name: errors[name] for name in peers if name in errors}


def _take(errors: Errors, name: str, peer: Callable[[Case], Calls], case: Case, exact: Any) -> None:
    try:
        nll, grad = peer(case).gradient()
    except UnavailableError:
        return
    seen = errors.setdefault(name, {"nll": 0.0, "gradient": 0.0})
    off = oracle.ulp_error(to_numpy(nll), exact.loss, budgets.RESULT_DTYPE[case.dtype])
    seen["nll"] = max(seen["nll"], float(off))
    normal = np.abs(exact.grad) >= oracle.smallest_normal(case.logits.dtype)
    off = oracle.ulp_error(to_numpy(grad)[normal], exact.grad[normal], case.logits.dtype)
    seen["gradient"] = max(seen["gradient"], float(off.max(initial=0)))
