"""A fitted model as one .npz file, without pickle: arrays of numbers, and one of JSON text.

Nothing is evaluated when a file is read, and no memory is taken for more than it holds: entries are
not compressed, and the shape of each array must fit the bytes that are there.
"""

import json
import math
import zipfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from tokenize import TokenError
from typing import TYPE_CHECKING, Any

import numpy as np

from neglog._engine import Array
from neglog._show.written import replacing

if TYPE_CHECKING:  # it loads pyarrow
    from ._tables import Recipe

FORMAT = 1  # a newer version that older ones cannot read has a larger number
NAME = "neglog.model"
FLOATS = ("<f8", "<f4")
ENTRIES = {"about": ("|u1",), "classes": ("<i8", "|b1"), "coef": FLOATS, "intercept": FLOATS}
FITTED = ("nll_", "penalty_", "loss_", "n_iter_")
DAMAGE: tuple[type[Exception], ...] = (ValueError, LookupError, TypeError, AttributeError)
DAMAGE += (EOFError, OSError, SyntaxError, RuntimeError, MemoryError)
DAMAGE += (TokenError, zipfile.BadZipFile)


def save(model: Any, path: Path, overwrite: bool) -> None:
    """Write the model.

    Raises:
        FileExistsError: there is such a file, and `overwrite` is false.
        ValueError: a class or a setting is nothing that a file without pickle can hold.
    """
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists: give overwrite=True to replace it")
    arrays = {"coef": model.coef_, "intercept": model.intercept_}
    about = {
        NAME: FORMAT,
        "kind": type(model).__name__,
        "version": version("neglog"),
        "settings": {name: _plain(name, value) for name, value in model.get_params().items()},
        "fitted": {name: _plain(name, getattr(model, name, None)) for name in FITTED},
        "features": _names(model),
        "table": _table(getattr(model, "columns_", None)),
    }
    labels = np.asarray(model.classes_)
    if labels.dtype.kind in "biu":
        arrays["classes"] = labels if labels.dtype.kind == "b" else labels.astype(np.int64)
    else:
        about["classes"] = {"strings": labels.dtype.kind == "U", "names": _texts(labels)}
    arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    with replacing(path) as draft, draft.open("wb") as file:
        np.savez(
            file, allow_pickle=False, **{k: np.ascontiguousarray(x) for k, x in arrays.items()}
        )


def load(kind: type, path: Path) -> Any:
    """The model in a file.

    Raises:
        ValueError: the file holds none, is damaged, or comes from a newer version.
        OSError: the file cannot be opened.
    """
    complaint = f"{path} does not hold a {kind.__name__} of neglog"
    with path.open("rb") as file:
        try:
            arrays = _arrays(file, path.stat().st_size)
            about = json.loads(bytes(arrays.pop("about")))
            _check_version(about, kind)
            return _filled(kind, about, arrays)
        except DAMAGE as error:
            raise ValueError(f"{complaint}: {error or type(error).__name__}") from error


def _plain(name: str, value: Any) -> Any:
    """A setting as JSON; a dictionary, whose keys may be numbers, as pairs."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(name, x) for x in value]
    if isinstance(value, Mapping):
        return {"pairs": [[_plain(name, x) for x in pair] for pair in value.items()]}
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError(f"{name} is {value!r}: a model's file holds numbers, strings and dictionaries")


def _names(model: Any) -> list[str] | None:
    names = getattr(model, "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


def _texts(labels: Array) -> list[str]:
    if labels.dtype.kind not in "OU" or not all(isinstance(x, str) for x in labels.tolist()):
        raise ValueError(
            f"the classes are {labels[:3].tolist()}...: a model's file holds integers or strings"
        )
    return [str(label) for label in labels]


def _table(recipe: "Recipe | None") -> Any:
    if recipe is None:
        return None
    return {
        "target": recipe.target,
        "scaled": [[c.name, c.mean, c.scale, c.missing, c.kind] for c in recipe.scaled],
        "one_hot": [[c.name, list(c.values), c.missing] for c in recipe.one_hot],
    }


def _arrays(file: Any, size: int) -> dict[str, Array]:
    """The arrays of the file, none larger than the file is."""
    arrays: dict[str, Array] = {}
    with zipfile.ZipFile(file) as archive:
        for entry in archive.infolist():
            name = entry.filename.removesuffix(".npy")
            if name not in ENTRIES or name in arrays:
                raise ValueError(f"there is an entry {entry.filename[:40]!r}")
            if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > size:
                raise ValueError(f"the entry {name!r} is compressed")
            with archive.open(entry) as stream:
                arrays[name] = _array(stream, name, entry.file_size)
    missing = [name for name in ("about", "coef", "intercept") if name not in arrays]
    if missing:
        raise ValueError(f"there is no entry {missing[0]!r}")
    return arrays


def _array(stream: Any, name: str, size: int) -> Array:
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError(f"{name} has another format of arrays")
    shape, in_columns, dtype = np.lib.format.read_array_header_1_0(stream)
    left = size - stream.tell()
    if dtype.str not in ENTRIES[name] or in_columns:
        raise ValueError(f"{name} has the dtype {dtype}")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != left:
        raise ValueError(f"{name} has {left} bytes for the shape {shape} of {dtype}")
    return np.frombuffer(stream.read(left), dtype).reshape(shape).copy()


def _check_version(about: Any, kind: type) -> None:
    if not isinstance(about, dict) or not isinstance(about.get(NAME), int):
        raise ValueError("it is no model's file")
    if about[NAME] > FORMAT:
        raise ValueError(
            f"it was written by neglog {str(about.get('version'))[:20]}, which is newer than this"
            f" one, {version('neglog')}: upgrade neglog"
        )
    if about["kind"] != kind.__name__:
        raise ValueError(f"it holds a {str(about['kind'])[:40]}")


def _filled(kind: type, about: dict[str, Any], arrays: dict[str, Array]) -> Any:
    """The model, each part of which is checked against the others."""
    settings = {name: _setting(value) for name, value in about["settings"].items()}
    model = kind(**settings)
    model._check_options()
    coef, intercept = arrays["coef"], arrays["intercept"]
    labels = _classes(about, arrays)
    if coef.ndim != 2:
        raise ValueError(f"coef has the shape {coef.shape}")
    if not (len(coef) == len(labels) >= 2 and intercept.shape == labels.shape):
        raise ValueError(f"{len(labels)} classes have {len(coef)} rows of coefficients")
    if not (np.isfinite(coef).all() and np.isfinite(intercept).all()):
        raise ValueError("a coefficient is not finite")
    model.classes_, model.coef_, model.intercept_ = labels, coef, intercept
    model.n_features_in_ = coef.shape[1]
    for name in FITTED:
        value = about["fitted"][name]
        if value is not None:
            setattr(model, name, int(value) if name == "n_iter_" else float(value))
    _name_features(model, about)
    return model


def _setting(value: Any) -> Any:
    if isinstance(value, list):
        return [_setting(x) for x in value]
    if isinstance(value, dict):
        return {_setting(key): _setting(x) for key, x in value["pairs"]}
    if not (value is None or isinstance(value, str | int | float)):
        raise ValueError(f"a setting is {str(value)[:40]}")
    return value


def _classes(about: dict[str, Any], arrays: dict[str, Array]) -> Array:
    if "classes" in arrays:
        labels = arrays["classes"]
    else:
        names = _strings(about["classes"]["names"], "classes")
        labels = np.array(names, str if about["classes"]["strings"] else object)
    if labels.ndim != 1 or len(set(labels.tolist())) < len(labels):
        raise ValueError("the classes are no list of different labels")
    return labels


def _name_features(model: Any, about: dict[str, Any]) -> None:
    width = model.n_features_in_
    if about["features"] is not None:
        names = _strings(about["features"], "features")
        if len(names) != width:
            raise ValueError(f"{len(names)} names for {width} features")
        model.feature_names_in_ = np.array(names, object)
    if about["table"] is not None:
        from ._tables import recipe_of

        model.columns_ = recipe_of(about["table"])
        if len(model.columns_.names) != width:
            raise ValueError(f"the columns give {len(model.columns_.names)} features, not {width}")


def _strings(values: Any, what: str) -> list[str]:
    if not (isinstance(values, list) and all(isinstance(value, str) for value in values)):
        raise ValueError(f"{what} are no list of texts")
    return values
