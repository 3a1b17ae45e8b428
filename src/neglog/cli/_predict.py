"""`neglog predict`: a model's logits for the rows of a table, a batch at a time."""

import argparse
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import csv, ipc, parquet

from neglog._read.columns import all_columns, named
from neglog._read.obvious import usual_id
from neglog._read.tables.batch import rows_at_once
from neglog._read.tables.features import Rows, Texts, chosen, open_table, settled
from neglog._read.tables.roles import Column, Roles
from neglog._read.tables.source import Source
from neglog._read.values import quoted, quoted_list
from neglog._show.terminal import console
from neglog._show.words import printable
from neglog._show.written import replacing
from neglog.cli._files import free_name, writable
from neglog.cli._progress import Progress
from neglog.learn import SoftmaxRegression
from neglog.learn._tables import Recipe, Scaled
from neglog.learn._tables.data import codes_among

MOST_COLUMNS = 1024  # classes up to which each has a column; above, one column holds lists
KINDS = (".parquet", ".pq", ".arrow", ".feather", ".csv")


def run(options: argparse.Namespace) -> None:
    """Read the model and the table, and write the predictions."""
    output: Path = options.output or free_name(Path("predictions.parquet"))
    if output.suffix.lower() not in KINDS:
        raise ValueError(f"--output {output}: name it {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    for taken in (Path(options.file), options.model):
        if output.resolve() == taken.resolve():
            raise ValueError(f"--output {output} is an input, too: give another name")
    writable(output, options.force)
    model = SoftmaxRegression.load(options.model)
    prediction = Prediction(model, options)
    source = prediction.source
    with Progress() as progress, replacing(output) as draft:
        try:
            with prediction.writer(draft, output) as write:
                for rows in source:
                    for batch in prediction.batches(rows):
                        write(batch)
                    progress(progress.rows + rows.count, rows.progress)
        except KeyboardInterrupt:
            said = f"interrupted after {progress.so_far()}; nothing was written"
            raise KeyboardInterrupt(said) from None
    screen = console()
    for line in [*prediction.said(progress.rows), f"written to {output}"]:
        screen.print(printable(line), soft_wrap=True)
    if prediction.target is not None:
        screen.print(printable(f"next: neglog report {shlex.quote(str(output))}"), soft_wrap=True)


class Prediction:
    """What is written for each row, and what is counted on the way."""

    def __init__(self, model: SoftmaxRegression, options: argparse.Namespace) -> None:
        self._model, self._options = model, options
        self._recipe = _recipe(model, options.model)
        self._names = [str(label) for label in model.classes_.tolist()]
        self._wide = len(self._names) <= MOST_COLUMNS
        self._new: Counter[str] = Counter()
        self._gaps = self._no_class = 0
        self.target: str | None = None
        self.key: str | None = None
        self._extra = 0
        self.source: Source = open_table(
            options.file, self._roles, f"neglog predict {options.model}", "a prediction"
        )

    def _roles(self, columns: Sequence[Column]) -> Roles:
        header = [column.name for column in columns]
        needed = self._recipe.columns
        lost = [name for name in needed if name not in header]
        if lost:
            raise ValueError(
                f"no column is named {quoted_list(lost)}, which the model needs;"
                f" {all_columns(header)}"
            )
        self.target = self._options.target
        if self.target is None and self._recipe.target in header:
            self.target = self._recipe.target
        for name, option in ((self.target, "--target"), (self._options.id, "--id")):
            if name is not None:
                named(header, name, option)
        free = [name for name in header if name not in needed and name != self.target]
        self.key = self._options.id or usual_id(free)
        self._extra = len(free) - (self.key in free)
        numbers = [column.name for column in self._recipe.scaled if column.kind == "number"]
        return chosen(needed, numbers, self.target, self.key)

    def _schema(self) -> Any:
        fields = [] if self.key is None else [("id", pa.string())]
        if self.target is not None:
            fields.append(("target", pa.string() if self._wide else pa.int64()))
        if self._wide:
            fields += [(f"logit_{name}", pa.float32()) for name in self._names]
        else:
            fields.append(("logits", pa.list_(pa.float32(), len(self._names))))
        return pa.schema(fields)

    @contextmanager
    def writer(self, draft: Path, output: Path) -> Iterator[Any]:
        """A function that writes a record batch to the draft, in the format of the output."""
        kind, schema = output.suffix.lower(), self._schema()
        if kind == ".csv":
            if not self._wide:
                raise ValueError(
                    f"{output}: more than {MOST_COLUMNS} classes need Parquet or Arrow"
                )
            with csv.CSVWriter(draft, schema) as file:
                yield file.write_batch
        elif kind in (".arrow", ".feather"):
            with ipc.new_file(draft, schema) as file:
                yield file.write_batch
        else:
            with parquet.ParquetWriter(draft, schema, compression="zstd") as file:
                yield file.write_batch

    def batches(self, rows: Rows) -> Iterator[Any]:
        """Record batches of bounded size."""
        columns = dict(rows.columns)
        for column in self._recipe.scaled:
            if isinstance(columns[column.name], Texts):
                columns[column.name] = settled(columns[column.name])
        X = self._recipe.matrix(columns, self._new)
        at_once = rows_at_once(8 * len(self._names))
        labels = self._labels(rows)
        for start in range(0, rows.count, at_once):
            some = slice(start, start + at_once)
            logits = X[some] @ self._model.coef_.T + self._model.intercept_
            yield self._batch(logits.astype(np.float32), labels, rows.ids, some)

    def _labels(self, rows: Rows) -> Any:
        """(n,) names or numbers of the classes; null where there is none."""
        if rows.target is None:
            return None
        codes, no_class = codes_among(rows.target, self._model.classes_)
        self._no_class += no_class
        self._gaps += int((codes < 0).sum()) - no_class
        numbers = pa.array(codes, mask=codes < 0)
        if not self._wide:
            return numbers
        return pa.array(self._names).take(numbers)

    def _batch(self, logits: Any, labels: Any, ids: Any, some: slice) -> Any:
        columns = []
        if self.key is not None:
            columns.append(pa.array([None if x is None else str(x) for x in np.asarray(ids[some])]))
        if labels is not None:
            columns.append(labels[some])
        if self._wide:
            columns += [pa.array(column) for column in np.ascontiguousarray(logits.T)]
        else:
            columns.append(pa.FixedSizeListArray.from_arrays(logits.ravel(), logits.shape[1]))
        return pa.record_batch(columns, schema=self._schema())

    def said(self, rows: int) -> list[str]:
        """What a reader must know of the rows."""
        lines = [f"{rows:,} rows, {len(self._names):,} classes"]
        if self.target is None:
            lines.append("  the file has no target: a report needs one, --target COLUMN")
        if self._no_class:
            classes = quoted_list(self._names, 3)
            labels = f"{self._no_class:,} label{'s are' if self._no_class != 1 else ' is'}"
            lines.append(f"  {labels} not among the classes, {classes}")
        if self._gaps:
            lines.append(f"  rows without a label: {self._gaps:,}")
        for name, count in self._new.items():
            lines.append(
                f"  {quoted(name)}: rows with a category that the fit has not seen, which counts"
                f" for no class: {count:,}"
            )
        if self._extra:
            lines.append(f"  columns that the model does not need: {self._extra:,}")
        return lines


def _recipe(model: SoftmaxRegression, path: Path) -> Recipe:
    """How the model reads a table; one that was fitted on a frame of numbers takes them plain."""
    if hasattr(model, "columns_"):
        return model.columns_  # type: ignore[no-any-return]
    if not hasattr(model, "feature_names_in_"):
        raise ValueError(
            f"{path} was fitted on an array, whose columns have no names: fit it on a table"
        )
    return Recipe(tuple(Scaled(str(name), 0.0, 1.0, False) for name in model.feature_names_in_), ())
