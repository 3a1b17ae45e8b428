"""NPZ and NPY: each array is a column, a matrix a column of lists. Nothing is unpickled."""

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

from ...arrays import Header, names_of
from ...values import quoted
from ..batch import Array, rows_at_once
from ..roles import Column, Roles
from .compressed import check_ratio

NAMES = "class_names"
BROKEN = (zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error, EOFError)


class ArrayTable:
    """One NPZ file, or an NPY file of logits with an NPY file of targets."""

    def __init__(self, path: Path, target: str | None = None) -> None:
        self._path = path
        self._files = {"logits": path}
        if target is not None:
            self._files[target] = Path(target)
        self._archive: zipfile.ZipFile | None = None
        self._headers: dict[str, Header] = {}
        self.rows: int | None = None
        self._done = 0
        if path.suffix.lower() != ".npy":
            self._archive = zipfile.ZipFile(path)
        try:
            self._look()
        except BaseException:
            self.close()
            raise

    def _look(self) -> None:
        """The headers of all arrays; one of Python objects may be one that nobody asks for."""
        names = list(self._files)
        if self._archive is not None:
            names = [n.removesuffix(".npy") for n in self._archive.namelist() if n.endswith(".npy")]
        self._headers = {name: self._header(name) for name in names}
        self.class_names = self._names()
        self.columns = [
            Column(name, _kind(header)) for name, header in self._headers.items() if name != NAMES
        ]

    def _open(self, name: str) -> tuple[IO[bytes], int]:
        if self._archive is None:
            path = self._files[name]
            return path.open("rb"), path.stat().st_size
        info = self._archive.getinfo(f"{name}.npy")
        check_ratio(info.file_size, info.compress_size)
        return self._archive.open(info), info.file_size

    def _header(self, name: str) -> Header:
        file, size = self._open(name)
        with file:
            return Header.read(file, size, quoted(name), objects=True)

    def _names(self) -> Sequence[str] | None:
        if NAMES not in self._headers:
            return None
        file, size = self._open(NAMES)
        with file:
            return names_of(file, size)

    def head(self, names: Sequence[str]) -> list[list[str]]:
        return []  # arrays are chosen by their names

    def batches(self, roles: Roles) -> Iterator[Any]:
        wanted = [*roles.classes, *roles.others]
        headers = {name: self._headers[name] for name in wanted}
        self.rows = self._length(headers)
        at_once = rows_at_once(
            max(header.entries() * header.dtype.itemsize for header in headers.values())
        )
        with ExitStack() as stack:
            files = {}
            for name in wanted:
                file, size = self._open(name)
                files[name] = stack.enter_context(file)
                Header.read(file, size, quoted(name))
            for start in range(0, self.rows, at_once):
                rows = min(at_once, self.rows - start)
                arrays = [self._take(files[n], headers[n], n, start, rows) for n in wanted]
                self._done = start + rows
                yield pa.record_batch([_column(array) for array in arrays], wanted)

    def _length(self, headers: dict[str, Header]) -> int:
        """The number of rows, which all arrays share."""
        lengths = {name: (*header.shape, 0)[0] for name, header in headers.items()}
        if len(set(lengths.values())) > 1:
            listed = " and ".join(f"{quoted(name)} {count}" for name, count in lengths.items())
            raise ValueError(f"the arrays have different numbers of rows: {listed}")
        return next(iter(lengths.values()))

    def _take(self, file: IO[bytes], header: Header, name: str, start: int, rows: int) -> Array:
        """The next rows of an array."""
        if not header.by_column or len(header.shape) == 1:
            array = header.take(file, rows * header.entries())
            return np.asarray(array).reshape(rows, *header.shape[1:])
        if self._archive is not None:
            raise ValueError(
                f"{quoted(name)} is stored column by column, which cannot be read row by row:"
                f" save np.ascontiguousarray({name})"
            )
        whole = np.load(self._files[name], mmap_mode="r", allow_pickle=False)
        return np.ascontiguousarray(whole[start : start + rows])

    def progress(self) -> float | None:
        return self._done / max(self.rows or 0, 1)

    def close(self) -> None:
        if self._archive is not None:
            self._archive.close()


def _kind(header: Header) -> str:
    kind, axes = header.dtype.kind, len(header.shape)
    if axes == 1:
        return "number" if kind in "iuf" else "text" if kind == "U" else "other"
    return "list" if axes == 2 and kind in "iufO" else "nested"  # objects are refused when read


def _column(array: Array) -> Any:
    """An Arrow array on the memory of this one."""
    if array.dtype.byteorder == ">":
        array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype.kind == "U":
        return pa.array(array.tolist(), pa.string())
    if array.dtype.kind == "b":
        return pa.array(array)
    if array.ndim == 1:
        return pa.array(array)
    return pa.FixedSizeListArray.from_arrays(pa.array(array.ravel()), array.shape[1])
