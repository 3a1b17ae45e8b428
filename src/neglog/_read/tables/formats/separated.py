"""CSV and TSV: Arrow's parser for each block, and Python's where that one stops."""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import IO, Any

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from ...separated import MOST_COLUMNS, separator, without_blank_lines
from ...values import number, quoted
from ..roles import Column, Roles
from ..table import HEAD, JOINED
from .blocks import Block
from .text import NULLS, TextFile, decoded

OUTCOMES = pa.dictionary(pa.int32(), pa.string())


WIDE = 64  # columns per row of a block from which on Arrow is slower: it takes 50 us a column


class SeparatedTable(TextFile):
    """One CSV or TSV file."""

    class_names: Sequence[str] | None = None
    rows: int | None = None

    def __init__(self, file: IO[bytes], raw: IO[bytes] | None, usual: str) -> None:
        super().__init__(file, raw, quotes=True)
        lines = (decoded(line, k) for k, line in enumerate(io.BytesIO(self.first.data), 1))
        blank, text = without_blank_lines(lines)
        line = next(text, "")
        self._separator = separator(line, usual)
        reader = csv.reader(chain([line], text), delimiter=self._separator, strict=True)
        # np.savetxt puts "# " before the header.
        self._header = [name.strip().removeprefix("# ") for name in next(reader, [])]
        if not self._header:
            raise ValueError("the file is empty: a header with the names of the columns is needed")
        if len(self._header) > MOST_COLUMNS:
            raise ValueError(
                f"the header has {len(self._header)} columns, at most {MOST_COLUMNS} are read"
            )
        self._place = {name: j for j, name in reversed(list(enumerate(self._header)))}  # the first
        self._lines = blank + reader.line_num
        fits = len(self._header)
        self._head = [row for row in islice(filter(None, reader), HEAD) if len(row) == fits]
        self.columns = [Column(name, "text") for name in self._header]

    def head(self, names: Sequence[str]) -> list[list[str]]:
        places = [self._place[name] for name in names]
        return [[row[j] for j in places] for row in self._head]

    def batches(self, roles: Roles) -> Iterator[Any]:
        skipped = sum(map(len, islice(io.BytesIO(self.first.data), self._lines)))
        for block in self.rest(skipped, self._lines):
            wide = block.data.count(b"\n") * WIDE < len(self._header)
            unclosed = (
                block.data.count(b'"') % 2
            )  # Arrow takes what follows for a part of the value
            if wide or unclosed:
                yield self._row_by_row(block, roles, "a double quote may not be closed")
                continue
            try:
                yield self._parsed(block, roles)
            except pa.ArrowException as error:
                yield self._row_by_row(block, roles, str(error))

    def _types(self, roles: Roles) -> dict[str, Any]:
        """What each wanted column must hold."""
        types = dict.fromkeys(roles.others, pa.string())
        types |= dict.fromkeys([name for name in (roles.target, *roles.by) if name], OUTCOMES)
        numbers = (roles.weight, roles.num_bytes, roles.logprob, *roles.numbers)
        types |= dict.fromkeys([*roles.classes, *filter(None, numbers)], pa.float64())
        return types

    def _parsed(self, block: Block, roles: Roles) -> Any:
        types = self._types(roles)
        places = {name: str(self._place[name]) for name in types}
        table = arrow_csv.read_csv(
            pa.BufferReader(block.data),
            read_options=arrow_csv.ReadOptions(
                column_names=[str(j) for j in range(len(self._header))],  # names may stand twice
                block_size=len(block.data) + 1,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self._separator, newlines_in_values=True
            ),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=list(places.values()),
                column_types={places[name]: kind for name, kind in types.items()},
                null_values=NULLS,
            ),
        )
        columns = [column.combine_chunks() for column in table.columns]
        return pa.record_batch(columns, names=list(types))

    def _row_by_row(self, block: Block, roles: Roles, why: str) -> Any:
        """What Arrow does not read, Python may; if not, it knows the line and the column."""
        all_types = self._types(roles)
        types = {name: all_types[name] for name in roles.others}
        classes = [(self._place[name], name) for name in roles.classes]
        others = [(self._place[n], n, kind == pa.float64()) for n, kind in types.items()]
        logits: list[list[float | None]] = []
        values: dict[str, list[Any]] = {name: [] for name in types}
        text = io.StringIO(decoded(block.data, block.line), newline="")
        reader = csv.reader(text, delimiter=self._separator, strict=True)
        try:
            for row in filter(None, reader):
                where = f"line {block.line + reader.line_num - 1}"
                if len(row) != len(self._header):
                    raise ValueError(
                        f"{where} has {len(row)} values, the header {len(self._header)} names"
                    )
                logits.append([_number(row[j], where, name) for j, name in classes])
                for j, name, is_number in others:
                    values[name].append(_number(row[j], where, name) if is_number else row[j])
        except csv.Error as error:
            line = block.line + reader.line_num - 1
            raise ValueError(f"line {line}: {error} ({why[:200]})") from error
        columns = [pa.array(values[n], kind) for n, kind in types.items()]
        if not classes:
            return pa.record_batch(columns, list(types))
        return pa.record_batch([_lists(logits, len(classes)), *columns], [JOINED, *types])


def _lists(rows: list[list[float | None]], classes: int) -> Any:
    """Rows of numbers as one column; a row with a null is null."""
    numbers = pa.array(np.array(rows, np.float64).ravel())
    mask = pa.array([None in row for row in rows], pa.bool_())
    return pa.FixedSizeListArray.from_arrays(numbers, classes, mask=mask)


def _number(text: str, where: str, name: str) -> float | None:
    try:
        if "_" not in text:
            return float(text)
    except ValueError:
        pass
    if text in NULLS:
        return None
    return number(text, f"{where}, column {quoted(name)}")
