"""X as an array: scikit-learn's checks, and a number that is none is told with its column."""

from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.utils.validation import validate_data


def validated(model: Any, X: Any, *y: Any, reset: bool = True) -> Any:
    """X, or X and y: dense or CSR, float32 or float64.

    Raises:
        ValueError: scikit-learn's; where X holds nan or inf, with the column and the row.
    """
    options: dict[str, Any] = {"accept_sparse": "csr", "dtype": [np.float64, np.float32]}
    if y:
        options["multi_output"] = True
    try:
        return validate_data(model, X, *y, reset=reset, **options)
    except ValueError as error:
        where = _not_finite(X) if "X contains" in str(error) else None
        if where is None:
            raise
        first = str(error).partition("\n")[0].rstrip(".")
        raise ValueError(f"{first}: {where}; leave such rows out, or fill in the number") from None


def _not_finite(X: Any) -> str | None:
    """The first number of X that is nan or inf, and where; None: X is no table of numbers."""
    names = getattr(X, "columns", None)
    try:
        rows: Any = csr_array(X) if issparse(X) else np.asarray(X, np.float64)
    except (TypeError, ValueError):
        return None
    if issparse(rows):
        bad = np.flatnonzero(~np.isfinite(rows.data))[:1]
        row, column = np.searchsorted(rows.indptr, bad, side="right") - 1, rows.indices[bad]
        value = rows.data[bad]
    else:
        bad = np.argwhere(~np.isfinite(rows))[:1]
        row, column = bad[:, 0], bad[:, 1]
        value = rows[row, column]
    if not len(value):
        return None
    name = repr(names[column[0]]) if names is not None else str(column[0])
    return f"column {name} has {value[0]} in row {row[0]}"
