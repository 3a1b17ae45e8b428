"""Reports made in parts, as Ray, Dask and Spark make them: rows to states, states to one report.

    partition -> `states` -> state --+
    partition -> `states` -> state --+-- `merged` -> Report
    partition -> `states` -> state --+

A state is a text of bounded size (2 MB for 3 classes, 40 MB for 1,000: partitions should be
larger). A task gives it back as a whole or not at all, so one that dies and is tried again counts
once. Nothing is guessed from values, because each partition sees only its own: the caller says what
the columns are and what the predictions are. A cluster that runs a task on each core starts its
workers with NEGLOG_NUM_THREADS=1.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal, get_args

from .._read.columns import Asked
from .._read.doubts import Unclear
from .._show.extras import needs
from ._files import _names, report_on
from ._logprobs import LogprobReport
from ._report import Report
from ._saving import packed, parsed

if TYPE_CHECKING:
    import pyarrow as pa

    from .._read.tables import Batch, LogprobBatch

__all__ = ["evaluate_dask", "merged", "states"]

Kind = Literal["logits", "log-probabilities", "probabilities"]

KINDS = get_args(Kind)
AT_ONCE = 8  # states that one task merges


def states(
    batches: "Iterable[pa.RecordBatch | pa.Table]",
    *,
    kind: Kind,
    logits: str | Sequence[str] = (),
    target: str | None = None,
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
) -> "Iterator[pa.RecordBatch]":
    """The state of a report on one partition: what Spark's `mapInArrow` calls on each.

    Args:
        batches: record batches or tables of Arrow, read one at a time.
        kind: what the predictions are. Not "auto": two partitions might look different.
        logits: the columns of the predictions, by name or as "logit_*", or one column of lists.
        target: the column of the classes, by number or name.
        class_names: one for each class; by default those of the columns.
        ignore_index: rows with this target are counted, and left out.
        row_weight: the column of the weights.
        ids: the column of the rows' names. With it, the order of the partitions does not matter.
        by: columns by which the loss is taken apart.
        text: the column of texts that are shown with rows that are listed.
        num_bytes: the column of lengths of what was predicted, for bits per byte.
        ignore: columns that are no classes, by name or pattern.
        logprob: instead of logits and target, the column of the targets' log-probabilities.
        top_logprobs: the column of the largest log-probabilities beside it.

    Returns:
        One record batch with one row and the column `state`, a string; for no rows, too.

    Raises:
        ValueError: the columns are not named, or a value is not what it must be.

    Examples:
        >>> from functools import partial
        >>> import pyarrow as pa
        >>> table = pa.table({"logit_a": [2.0, 0.0], "logit_b": [0.0, 1.0], "y": [0, 0]})
        >>> state = partial(states, kind="logits", logits="logit_*", target="y")
        >>> parts = [*state(table[:1].to_batches()), *state(table[1:].to_batches())]
        >>> round(merged(parts).to_dict()["loss"]["nll"]["value"], 4)
        0.7201
    """
    if kind not in KINDS:
        raise ValueError(
            f"kind must be one of {', '.join(KINDS)}, got {kind!r}: each partition would find out"
            " for itself, and two might disagree"
        )
    if logprob is None and not (logits and target):
        raise ValueError(
            "logits and target must name their columns, such as logits='logit_*', target='label'"
            " (or logprob its own): each partition would have to guess"
        )
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
    return _states(batches, asked, kind, class_names, ignore_index)


def _states(*arguments: Any) -> "Iterator[pa.RecordBatch]":
    """Apart from `states`, so that wrong arguments are refused when it is called."""
    import pyarrow as pa

    yield pa.record_batch({"state": [_text(_report(*arguments))]})


@dataclass
class _Partition:
    """Rows of one partition, as `report_on` reads a source."""

    class_names: Sequence[str] | None
    batches: "Iterator[Batch | LogprobBatch]"

    def __iter__(self) -> "Iterator[Batch | LogprobBatch]":
        return self.batches


def _report(
    batches: Iterable[Any],
    asked: Asked,
    kind: Kind,
    class_names: Sequence[str] | None,
    ignore_index: int,
) -> Report | LogprobReport:
    """The report on these Arrow batches; of no rows, one that says nothing of the classes."""
    from .._read.tables.convert import Converter
    from .._read.tables.logprobs import LogprobConverter
    from .._read.tables.roles import find_roles
    from .._read.tables.table import arrow_columns

    rows = (part for some in batches for part in _parts(some) if part.num_rows)
    first = next(rows, None)
    if first is None:
        return LogprobReport() if asked.logprob else Report(kind=kind, ignore_index=ignore_index)
    try:
        roles = find_roles(arrow_columns(first.schema), lambda names: [], asked, class_names)
    except Unclear as error:
        raise ValueError(error.question) from error
    convert: Any = Converter(roles, ignore_index)
    if roles.logprob is not None:
        convert = LogprobConverter(roles)

    def converted() -> "Iterator[Batch | LogprobBatch]":
        row = 0
        for part in chain([first], rows):
            yield from convert(part, "the partition", row, None)
            row += part.num_rows

    source: Any = _Partition(roles.class_names, converted())
    return report_on(source, kind=kind, ignore_index=ignore_index)


def _parts(some: Any) -> list[Any]:
    """The record batches of what a cluster hands over: Arrow's or a data frame."""
    import pyarrow as pa

    if isinstance(some, pa.RecordBatch):
        return [some]
    if not isinstance(some, pa.Table):
        some = pa.Table.from_pandas(some, preserve_index=False)
    parts: list[Any] = some.to_batches()
    return parts


def merged(states: Iterable[Any]) -> Report | LogprobReport:
    """One report from the states of all partitions, in the order of their rows.

    Args:
        states: texts, or batches or tables with a column `state` of them, as `states` gives them.

    Returns:
        The report. Merges go by pairs of equal size, so few states are in memory at a time.

    Raises:
        ValueError: a state is damaged, or two are of different classes or kinds.

    Examples: see `states`.
    """
    waiting: list[tuple[int, Report | LogprobReport]] = []  # each twice the size of the next
    for text in (text for some in states for text in _texts(some)):
        size, report = 1, _loaded(text)
        while waiting and waiting[-1][0] == size:
            report = _joined(waiting.pop()[1], report)
            size *= 2
        waiting.append((size, report))
    if not waiting:
        raise ValueError("no state: a report needs at least one")
    _, report = waiting.pop()
    while waiting:
        report = _joined(waiting.pop()[1], report)
    return report


def _joined(one: Any, later: Any) -> Any:
    """Both reports; one without rows does not know its classes, and has no say."""
    if not one.read:
        return later
    if later.read:
        one.merge(later)
    return one


def _text(report: Report | LogprobReport) -> str:
    return json.dumps(packed(report))


def _loaded(text: str | bytes) -> Report | LogprobReport:
    return parsed(text, "a state is damaged")


def _texts(some: Any) -> list[Any]:
    return [some] if isinstance(some, str | bytes) else some["state"].to_pylist()


def evaluate_dask(partitions: Any, *, kind: Kind, **asked: Any) -> Report | LogprobReport:
    """A report on a Dask DataFrame or bag: states and merges on the workers, one comes back.

    Args:
        partitions: a DataFrame, a bag of Arrow tables, or a sequence of delayed frames or tables,
            with no more columns than are needed: all are read. In a frame of pandas, nan means
            missing.
        kind: what the predictions are, as for `states`.
        asked: which columns are what, as for `states`.

    Returns:
        The report, the same as of all rows on one machine.

    Raises:
        ValueError: as for `states`.
        ModuleNotFoundError: Dask is missing: pip install 'neglog[dask]'.

    Examples: examples/report_dask.py
    """
    with needs("evaluate_dask", "dask"):
        from dask.delayed import delayed
    states((), kind=kind, **asked)  # wrong arguments are refused here, not on a worker
    parts = partitions.to_delayed() if hasattr(partitions, "to_delayed") else list(partitions)
    level = [delayed(_state)(part, kind=kind, **asked) for part in parts]
    while len(level) > 1:
        level = [
            delayed(_merged_state)(level[k : k + AT_ONCE]) for k in range(0, len(level), AT_ONCE)
        ]
    if not level:
        raise ValueError("partitions: there is none; a report needs at least one")
    return _loaded(level[0].compute())


def _state(part: Any, **asked: Any) -> str:
    """The state of one partition: a frame, a table, or a list of them."""
    (found,) = states(part if isinstance(part, list) else [part], **asked)
    text: str = found["state"][0].as_py()
    return text


def _merged_state(level: Sequence[str]) -> str:
    return _text(merged(level))
