"""One row of an array file: a .npy, or a member of an .npz. The rows before it are skipped."""

import math
import os
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy

from .columns import Asked
from .values import MOST_CLASSES, Prediction, quoted, quoted_list

MOST_BYTES = 1 << 26  # read at once, for one row or the class names


def npy_row(path: Path, index: int, most: int) -> list[float]:
    """Row `index` of an array of logits of shape (N, V), or (V,) for a single row."""
    with path.open("rb") as file:
        return _logits(file, os.fstat(file.fileno()).st_size, index, most)


def _logits(file: IO[bytes], size: int, index: int, most: int) -> list[float]:
    header = Header.read(file, size, "logits")
    if header.dtype.kind not in "fiu":
        raise ValueError(f"logits must be floats or integers, got {header.dtype}")
    if len(header.shape) == 1:
        header = Header((1, *header.shape), False, header.dtype)
    if len(header.shape) != 2:
        raise ValueError(f"logits must have shape (rows, classes), got {header.shape}")
    rows, classes = header.shape
    if index >= rows:
        raise ValueError(f"there is no row {index}: logits has {rows} rows, counted from 0")
    if classes > most:
        raise ValueError(f"a row has {classes} classes, at most {most} are allowed")
    return [float(x) for x in header.row(file, index)]


def npz_row(path: Path, index: int, asked: Asked) -> Prediction:
    """Row `index` of `logits`, with its `target` and the `class_names` if the file has them.

    `asked` can give the logits and the target by other names, and can name an array of ids.
    """
    logits = asked.only_logits() or "logits"
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if f"{logits}.npy" not in names:
                raise ValueError(
                    f"there is no array named {logits}; choose with --logits from"
                    f" {quoted_list([name.removesuffix('.npy') for name in names])}"
                )
            if asked.id is not None and f"{asked.id}.npy" not in names:
                raise ValueError(f"--id: there is no array named {quoted(asked.id)}")
            classes = _member(archive, "class_names", names_of)
            typed = asked.target is not None and (
                f"{asked.target}.npy" not in names or asked.target in (classes or ())
            )
            target = asked.target or "target"
            return Prediction(
                _member(archive, logits, _logits, index, MOST_CLASSES),
                asked.target if typed else _member(archive, target, _target, index),
                classes,
                None if asked.id is None else _member(archive, asked.id, _id, index),
            )
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error) as error:
        raise ValueError(f"this .npz file cannot be read: {error}") from error


def _member(archive: zipfile.ZipFile, name: str, read: Callable[..., Any], *more: int) -> Any:
    """The result of `read` for an array of the archive; None if there is no such array."""
    if f"{name}.npy" not in archive.namelist():
        return None
    with archive.open(f"{name}.npy") as file:
        return read(file, archive.getinfo(f"{name}.npy").file_size, *more)


def _target(file: IO[bytes], size: int, index: int) -> int | str:
    return _entry(file, size, index, "target", "one class per row, indices or names")


def _id(file: IO[bytes], size: int, index: int) -> str:
    return str(_entry(file, size, index, "the id", "one whole number or string per row"))


def _entry(file: IO[bytes], size: int, index: int, name: str, meaning: str) -> int | str:
    """Entry `index` of an array of integers or strings."""
    header = Header.read(file, size, name)
    if header.dtype.kind not in "iuU" or len(header.shape) != 1:
        raise ValueError(f"{name} must be {meaning}, got {header.dtype} of shape {header.shape}")
    if index >= header.shape[0]:
        raise ValueError(f"there is no row {index} in {name}, which has {header.shape[0]}")
    value = header.row(file, index).item()
    return value if isinstance(value, str) else int(value)


def names_of(file: IO[bytes], size: int) -> list[str]:
    """An array of strings, the names of the classes."""
    header = Header.read(file, size, "class_names")
    if header.dtype.kind != "U" or len(header.shape) != 1:
        raise ValueError(
            f"class_names must be a list of strings, got {header.dtype} of shape {header.shape}"
        )
    return [str(name) for name in header.take(file, header.shape[0])]


@dataclass(frozen=True)
class Header:
    """The header of an array file; reading it leaves the file at its first number."""

    shape: tuple[int, ...]
    by_column: bool
    dtype: np.dtype[Any]

    @classmethod
    def read(cls, file: IO[bytes], size: int, name: str, objects: bool = False) -> "Header":
        """Read the header, and check that a file of `size` bytes can hold the array.

        With `objects`, an array of Python objects has a header, too.
        """
        try:
            version = npy.read_magic(file)
            reader = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            header = cls(*reader(file))
        except (ValueError, EOFError) as error:
            raise ValueError(f"{name} is not an array file that can be read: {error}") from error
        if header.dtype.hasobject and objects:
            return header
        if header.dtype.hasobject:
            raise ValueError(f"{name} holds Python objects, which are never loaded; save numbers")
        announced = math.prod(header.shape) * header.dtype.itemsize
        if min(header.shape, default=0) < 0 or announced > size - file.tell():
            raise ValueError(
                f"{name} claims shape {header.shape} of {header.dtype}, which is more than the file"
                " holds: it is truncated or corrupt"
            )
        return header

    def entries(self) -> int:
        """Numbers in an entry of the first axis."""
        return math.prod(self.shape[1:])

    def row(self, file: IO[bytes], index: int) -> Any:
        """Entry `index` of the first axis."""
        rows, entry = self.shape[0], self.entries()
        if not self.by_column:
            self._skip(file, index * entry)
            taken = self.take(file, entry)
            return taken if self.shape[1:] else taken[0]
        numbers = []
        self._skip(file, index)
        for _ in range(entry):
            numbers.append(self.take(file, 1)[0])
            self._skip(file, rows - 1)
        return np.array(numbers) if self.shape[1:] else numbers[0]

    def take(self, file: IO[bytes], count: int) -> Any:
        """The next numbers of the file."""
        size = count * self.dtype.itemsize
        if size > MOST_BYTES:
            raise ValueError(f"one row takes {size} bytes, at most {MOST_BYTES} are allowed")
        data = file.read(size)
        if len(data) < size:
            raise ValueError("the file ends in the middle of its numbers: it is truncated")
        return np.frombuffer(data, self.dtype, count)

    def _skip(self, file: IO[bytes], count: int) -> None:
        file.seek(count * self.dtype.itemsize, 1)
