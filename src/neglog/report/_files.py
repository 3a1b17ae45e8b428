"""Reports on files: from the columns of tables to the state."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .._engine import Array
from .._read.columns import Asked
from .._read.values import quoted, quoted_list
from .._show.extras import needs
from ._comparison import Comparison
from ._logprobs import LogprobReport
from ._report import Kind, Report

if TYPE_CHECKING:  # they load pyarrow
    from .._read.tables import Batch, LogprobBatch, Source

# Called with the rows so far, and the share of the input that they are; None: unknown.
Progress = Callable[[int, float | None], None]


def evaluate_file(
    paths: str | Path | Sequence[str | Path],
    *,
    logits: str | Sequence[str] = (),
    target: str | None = None,
    kind: Kind = "auto",
    class_names: Sequence[str] | None = None,
    ignore_index: int = -100,
    row_weight: str | None = None,
    ids: str | None = None,
    by: str | Sequence[str] = (),
    text: str | None = None,
    num_bytes: str | None = None,
    ignore: str | Sequence[str] = (),
    logprob: str | None = None,
    top_logprobs: str | None = None,
    progress: Progress | None = None,
) -> Report | LogprobReport:
    """A report on files of predictions, read a batch at a time.

    The arguments that are arrays for `evaluate` are names of columns here. Without them the usual
    names are recognised.

    Args:
        paths: Parquet, Arrow, CSV, TSV, NDJSON, NPZ or NPY files, folders or patterns of them; "-"
            is standard input.
        logits: the columns of the predictions, by name or as "logit_*", or one column of lists.
        target: the column of the classes, by number or name.
        kind: what the predictions are, as for `evaluate`.
        class_names: one for each class; by default those of the columns.
        ignore_index: rows with this target are counted, and left out.
        row_weight: the column of the weights.
        ids: the column of the rows' names.
        by: columns by which the loss is taken apart.
        text: the column of texts that are shown with rows that are listed.
        num_bytes: the column of lengths of what was predicted, for bits per byte.
        ignore: columns that are no classes, by name or pattern.
        logprob: where only the target's log-probability is known, its column: a number for each
            row, or a list with one for each token of the row's text.
        top_logprobs: the column of the largest log-probabilities beside it.
        progress: called with the number of rows so far and their share of the input (0 to 1, None
            if that is not known).

    Returns:
        A Report, or with `logprob` a LogprobReport.

    Raises:
        ValueError: the columns are not clear, or a file does not hold what it must; says where.
        OSError: a file cannot be opened.
        ModuleNotFoundError: pyarrow is missing: pip install 'neglog[report]'.

    Examples:
        >>> from pathlib import Path
        >>> from tempfile import mkdtemp
        >>> file = Path(mkdtemp()) / "pets.csv"
        >>> _ = file.write_text("logit_cat,logit_dog,label\\n2,0,cat\\n0,1,dog\\n1,0,dog\\n")
        >>> round(evaluate_file(file).to_dict()["loss"]["nll"]["value"], 4)
        0.5845
    """
    asked = Asked(
        logits=_names(logits),
        target=target,
        id=ids,
        ignore=_names(ignore),
        weight=row_weight,
        text=text,
        num_bytes=num_bytes,
        by=_names(by),
        logprob=logprob,
        top_logprobs=top_logprobs,
    )
    with needs("evaluate_file", "report"):
        from .._read.tables import open_predictions

    source = open_predictions(paths, asked, class_names=class_names, ignore_index=ignore_index)
    return report_on(source, kind=kind, ignore_index=ignore_index, progress=progress)


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def report_on(
    source: "Source",
    *,
    kind: Kind = "auto",
    ignore_index: int = -100,
    strict: bool = False,
    progress: Progress | None = None,
) -> Report | LogprobReport:
    """A report on all rows of a source; `strict` refuses a row that would be left out.

    Raises:
        ValueError: as for evaluate_file, or a row is refused.
    """
    from .._read.tables import LogprobBatch

    report: Report | LogprobReport | None = None
    for batch in source:
        with _errors_at(batch.place):
            if isinstance(batch, LogprobBatch):
                report = report or LogprobReport()
                assert isinstance(report, LogprobReport)
                _add_logprobs(report, batch)
            else:
                names = source.class_names
                report = report or Report(kind=kind, class_names=names, ignore_index=ignore_index)
                assert isinstance(report, Report)
                report.update(batch.predictions, _target(batch), **_beside(batch))
            if strict:
                _refuse_left_out(report)
        if progress is not None:
            progress(report.read, batch.progress)
    assert report is not None  # a source without rows raises
    return report


def compare_on(
    first: "Source",
    second: "Source",
    names: Sequence[str],
    *,
    kind: Kind = "auto",
    ignore_index: int = -100,
    strict: bool = False,
    progress: Progress | None = None,
) -> Comparison:
    """The comparison of two sources, which hold the same rows in the same order.

    Raises:
        ValueError: they do not; says which row differs. Or as for report_on.
    """
    classes = first.class_names
    if classes != second.class_names:
        raise ValueError(
            f"the classes of {names[0]} and {names[1]} differ: {_listed(classes)} and"
            f" {_listed(second.class_names)}"
        )
    if None not in (first.rows, second.rows) and first.rows != second.rows:
        counts = zip(names, (first.rows, second.rows), strict=True)
        raise _other_rows(*(f"{name} has {count} rows" for name, count in counts))
    comparison = Comparison(names, kind=kind, class_names=classes, ignore_index=ignore_index)
    for a, b in _in_step(first, second, names):
        row = comparison.reports[0].read
        _check_same(a, b, row, names, classes)
        with _errors_at(f"{a.place}, and {b.place}"):
            comparison.update(a.predictions, b.predictions, _target(a), **_beside(a))
            if strict:
                for report in comparison.reports:
                    _refuse_left_out(report)
        if progress is not None:
            progress(comparison.reports[0].read, a.progress)
    return comparison


def _listed(names: Sequence[str] | None) -> str:
    return "numbers" if names is None else quoted_list(names)


def _in_step(
    first: "Source", second: "Source", names: Sequence[str]
) -> Iterator[tuple["Batch", "Batch"]]:
    """Batches of the same rows, however the two files are divided."""
    sources = [iter(first), iter(second)]
    left: list[Any] = [None, None]
    rows = 0
    while True:
        for k, source in enumerate(sources):
            batch = left[k] or next(source, None)
            if batch is not None and not hasattr(batch, "predictions"):
                raise ValueError(f"{names[k]}: a comparison needs the predictions of all classes")
            left[k] = batch
        a, b = left
        if a is None or b is None:
            break
        count = min(len(a.target), len(b.target))
        yield _rows(a, slice(count)), _rows(b, slice(count))
        left = [_rows(x, slice(count, None)) if len(x.target) > count else None for x in (a, b)]
        rows += count
    if a is not b:
        short, long = names if a is None else reversed(names)
        raise _other_rows(f"{short} has {rows} rows", f"{long} has more")


def _other_rows(one: str, other: str) -> ValueError:
    return ValueError(
        f"{one}, {other}: a comparison needs the same rows in both; several files of one model are"
        " given as a folder or a quoted pattern"
    )


def _rows(batch: "Batch", some: slice) -> "Batch":
    """Some of the rows of a batch."""
    parts = ("predictions", "target", "missing", "row_weight", "ids", "text", "num_bytes")
    cut: dict[str, Any] = {
        name: None if x is None else x[some] for name in parts for x in [getattr(batch, name)]
    }
    return replace(batch, **cut, by={name: values[some] for name, values in batch.by.items()})


def _check_same(
    a: "Batch", b: "Batch", first: int, names: Sequence[str], classes: Sequence[str] | None
) -> None:
    """Raise if the rows are not the same ones, as far as targets and ids tell."""
    columns = {"target": (_target(a), _target(b))}
    if a.ids is not None and b.ids is not None:
        columns["id"] = (np.asarray(a.ids), np.asarray(b.ids))
    for what, both in columns.items():
        differ = (both[0] != both[1]) & ((both[0] == both[0]) | (both[1] == both[1]))
        if np.any(differ):
            i = int(np.argmax(differ))
            x, y = (_shown(column[i], classes if what == "target" else None) for column in both)
            raise ValueError(
                f"row {first + i} has the {what} {x} in {names[0]} and {y} in {names[1]}: a"
                " comparison needs the same rows in one order"
            )


def _shown(value: Any, classes: Sequence[str] | None) -> str:
    """A value for a message; a class by its name."""
    value = value.item() if isinstance(value, np.generic) else value
    if classes is not None and 0 <= value < len(classes):
        value = classes[int(value)]
    return quoted(value)


def _target(batch: "Batch") -> Array:
    """The classes; nan where the file has none."""
    if batch.missing is None:
        return batch.target
    return np.where(batch.missing, np.nan, batch.target)


def _beside(batch: "Batch") -> dict[str, Any]:
    return {name: getattr(batch, name) for name in ("row_weight", "ids", "by", "text", "num_bytes")}


def _add_logprobs(report: LogprobReport, batch: "LogprobBatch") -> None:
    report.update(
        batch.logprob,
        lengths=batch.lengths,
        ids=batch.ids,
        by=batch.by,
        text=batch.text,
        num_bytes=batch.num_bytes,
        listed_mass=batch.top_mass,
    )


def _refuse_left_out(report: Report | LogprobReport) -> None:
    """Raise if a row was left out. A text's first token has no log-probability: it may lack."""
    left_out = dict(report.left_out)
    if isinstance(report, LogprobReport):
        left_out.pop("missing")
    why = next((why for why, count in left_out.items() if count), None)
    if why is None:
        return
    listed = getattr(report, "left_out_rows", [])
    where = f"row {listed[0]['row']}" if listed else "a token"
    raise ValueError(f"{where} does not count: {listed[0]['why'] if listed else why} (--strict)")


@contextmanager
def _errors_at(place: str) -> Iterator[None]:
    """Errors of a batch that say where it stands."""
    try:
        yield
    except (ValueError, IndexError) as error:
        raise ValueError(f"{place}: {error}") from error
