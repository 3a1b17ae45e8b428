"""Which files are meant, and which format each has."""

import glob
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, cast

from .formats.compressed import Inflated

SUFFIXES = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arrow": "arrow",
    ".arrows": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".csv": "csv",
    ".tsv": "tsv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
    ".npz": "npz",
    ".npy": "npy",
}
MAGIC = {
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff": "arrow",  # a stream
    b"PK\x03\x04": "npz",
    b"\x93NUMPY": "npy",
}
GZIP = b"\x1f\x8b"
KINDS = "Parquet, Arrow or Feather, CSV, TSV, NDJSON (these three also as .gz), NPZ or NPY"


def expand(paths: Sequence[str | Path]) -> list[Path]:
    """The files that are meant by files, folders and patterns, in the order of their names.

    Raises:
        ValueError: nothing fits.
        FileNotFoundError: there is no such file.
    """
    if not paths:
        raise ValueError("give at least one file of predictions")
    found = [file for path in paths for file in _files(path)]
    return list(dict.fromkeys(found))


def _files(path: str | Path) -> list[Path]:
    place = Path(path)
    if place.is_dir():
        return _inside(place)
    if place.exists() or not glob.has_magic(str(path)):
        return [place]
    matched = [Path(name) for name in sorted(glob.glob(str(path), recursive=True))]
    if not matched:
        raise ValueError(f"no file fits {path}")
    return [file for one in matched for file in (_inside(one) if one.is_dir() else [one])]


def _inside(folder: Path) -> list[Path]:
    """The files of predictions in a folder and in the folders below it."""
    found = sorted(
        file
        for file in folder.rglob("*")
        if file.is_file() and _suffix(file) in SUFFIXES and not _is_hidden(file, folder)
    )
    if not found:
        raise ValueError(f"the folder {folder} holds no file of predictions: {KINDS}")
    return found


def _is_hidden(file: Path, folder: Path) -> bool:
    """As Spark and others mark what is no data: _SUCCESS, .crc."""
    return any(part.startswith(("_", ".")) for part in file.relative_to(folder).parts)


def _suffix(path: Path) -> str:
    """The last suffix in small letters, without .gz."""
    name = path.name.lower().removesuffix(".gz")
    return Path(name).suffix


def kind_of(path: Path) -> str:
    """The format: what the suffix says or else the first bytes.

    Raises:
        ValueError: neither tells.
    """
    kind = SUFFIXES.get(_suffix(path))
    if kind in ("csv", "tsv", "ndjson"):
        return kind
    if path.suffix.lower() == ".gz" and kind is not None:
        raise ValueError(f"{path}: {kind} files are compressed inside: uncompress this one first")
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        raise ValueError(f"{path}: the file is empty")
    kind = kind or _by_magic(start)
    if kind is None:
        raise ValueError(f"{path}: the suffix does not say what this is: name it as {KINDS}")
    return kind


def _by_magic(start: bytes) -> str | None:
    return next((kind for magic, kind in MAGIC.items() if start.startswith(magic)), None)


def open_text(path: Path) -> tuple[IO[bytes], IO[bytes]]:
    """The bytes of a text file, and the raw file below, whose position tells the progress."""
    raw = path.open("rb")
    return (_inflated(raw) if raw.peek(2)[:2] == GZIP else raw), raw


def _inflated(raw: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], io.BufferedReader(Inflated(raw), 1 << 20))


def open_standard_input(stream: Any = None) -> tuple[IO[bytes], str]:
    """Standard input and its format by its first bytes: an Arrow stream, NDJSON or CSV."""
    raw = cast(Any, sys.stdin.buffer if stream is None else stream)
    if not hasattr(raw, "peek"):
        raw = io.BufferedReader(raw)
    if raw.peek(2)[:2] == GZIP:
        raw = _inflated(raw)
    start = raw.peek(64)[:64]
    if not start:
        raise ValueError("standard input is empty")
    kind = _by_magic(start)
    if start.startswith(b"ARROW1") or kind not in (None, "arrow"):
        raise ValueError(
            f"standard input is a file of the format {kind}, which is read from its end: give its"
            " name, or send CSV, NDJSON or an Arrow stream"
        )
    if kind is None:
        kind = "ndjson" if start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{") else "csv"
    return raw, kind
