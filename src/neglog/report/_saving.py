"""A report's state as JSON: plain values, and arrays as base64 of their bytes.

Nothing is evaluated when a file is read: every array must have the dtype and, where the number of
classes fixes it, the shape that a new state of this version has.
"""

import base64
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._engine import Array
from .._show.written import replacing
from .state.parts import Parts
from .state.slices import Column

if TYPE_CHECKING:
    from ._kept import Kept
    from ._logprobs import LogprobReport
    from ._report import Report

SCHEMA = "neglog.state/2"
MOST_CLASSES = 1 << 24


def save(report: "Kept", path: Path) -> None:
    """Write the state to a new file or over an old one, whole or not at all."""
    with replacing(path) as draft:
        draft.write_text(json.dumps(packed(report)), encoding="utf-8")


def load(path: Path, kind: "type[Kept] | None" = None) -> "Report | LogprobReport":
    """Read a state from a file; of this class, or of the one that the file names.

    Raises:
        ValueError: the file does not hold one.
    """
    return parsed(path.read_bytes(), f"{path} does not hold a report's state", kind)


def parsed(
    text: str | bytes, complaint: str, kind: "type[Kept] | None" = None
) -> "Report | LogprobReport":
    """The report of a state as text; an error begins with the complaint."""
    try:
        return unpacked(json.loads(text), kind)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{complaint}: {error}") from error


def packed(report: "Kept") -> dict[str, Any]:
    """The state as plain values."""
    return {"schema": SCHEMA, "kind": type(report).__name__, "report": _plain(report)}


def unpacked(data: dict[str, Any], kind: "type[Kept] | None") -> "Report | LogprobReport":
    """The report of these plain values."""
    from ._logprobs import LogprobReport
    from ._report import Report

    if data.get("schema") != SCHEMA:
        raise ValueError(f"expected the schema {SCHEMA!r}, got {data.get('schema')!r}")
    known = {each.__name__: each for each in (Report, LogprobReport) if kind in (None, each)}
    if data["kind"] not in known:
        raise ValueError(f"it is a {data['kind']}, expected a {' or '.join(known)}")
    report = known[data["kind"]]()
    _fill(report, data["report"])
    if report.used:
        report.to_dict()  # whatever does not fit together shows here
    return report


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        little = value.astype(value.dtype.newbyteorder("<"), copy=False)
        return {
            "dtype": value.dtype.name,
            "shape": list(value.shape),
            "bytes": base64.b64encode(little.tobytes()).decode(),
        }
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if hasattr(value, "__dict__"):
        return {name: _plain(item) for name, item in value.__getstate__().items()}
    return value


def _fill(part: Any, data: dict[str, Any]) -> None:
    """Set the attributes of a new part to those of the file."""
    for name, fresh in vars(part).items():
        setattr(part, name, _filled(fresh, data[name], name))


def _filled(fresh: Any, data: Any, name: str) -> Any:
    """The value in the file, of the kind that a new part has here."""
    if isinstance(fresh, np.ndarray):
        return _array(fresh, data, name)
    if isinstance(fresh, list) and fresh:
        return [_filled(old, new, name) for old, new in zip(fresh, data, strict=True)]
    if name == "parts":
        return None if data is None else _parts(data)
    if name == "columns":
        return {key: _column(key, value) for key, value in data.items()}
    if hasattr(fresh, "__dict__"):
        _fill(fresh, data)
        return fresh
    if fresh is not None and type(fresh) is not type(data):
        raise ValueError(f"{name} is {type(data).__name__}, expected {type(fresh).__name__}")
    return data


def _array(fresh: Array, data: dict[str, Any], name: str) -> Array:
    """An array of the new part's dtype and shape; an axis of length 0 may have grown."""
    shape = tuple(int(n) for n in data["shape"])
    raw = base64.b64decode(data["bytes"], validate=True)
    fits = len(shape) == fresh.ndim and all(
        n == m or (m == 0 and n >= 0) for n, m in zip(shape, fresh.shape, strict=True)
    )
    expected = math.prod(shape) * fresh.itemsize
    if data["dtype"] != fresh.dtype.name or not fits or len(raw) != expected:
        raise ValueError(
            f"{name} has {data['dtype']} {shape} in {len(raw)} bytes, expected"
            f" {fresh.dtype.name} {fresh.shape}"
        )
    little = np.frombuffer(raw, fresh.dtype.newbyteorder("<")).reshape(shape)
    return little.astype(fresh.dtype)


def _parts(data: dict[str, Any]) -> Parts:
    classes = data["classes"]
    if not (isinstance(classes, int) and 0 < classes <= MOST_CLASSES):
        raise ValueError(f"the number of classes is {classes!r}")
    parts = Parts(classes)
    _fill(parts, data)
    return parts


def _column(name: str, data: dict[str, Any]) -> Column:
    column = Column(name)
    _fill(column, data)
    return column
