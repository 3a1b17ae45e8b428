"""The report: rows in, findings out; states of it merge."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from .. import _engine
from .._engine import Array
from .._engine.scores import scores
from ._findings import findings, plain
from ._inputs import Arrays, arrays, as_logarithms, check_sums, check_targets, kind_of
from ._kept import Kept
from .state.lists import LONGEST_ID, cut, moved
from .state.parts import Parts
from .state.rows import Rows

AT_ONCE = 1 << 20  # logits: few enough for the second cache, enough for all cores
MOST_LEFT_OUT = 20  # rows that are listed

Kind = Literal["auto", "logits", "log-probabilities", "probabilities"]


class Report(Kept):
    """How unhappy a model is with the truth, where, and why: a state of fixed size.

    Rows come by `update`, in any number of calls, and states of parts of the rows by `merge`; the
    findings are the same for every split (sums to 1e-12, counts and lists exactly).

    Args:
        kind: what the predictions are. "auto" looks at the first rows: probabilities lie in [0, 1]
            and sum to 1, the log-sum-exp of log-probabilities is 0, everything else is logits.
        class_names: one for each class.
        ignore_index: rows with this target are counted, and left out.

    Examples:
        >>> import numpy as np
        >>> report = Report(class_names=["cat", "dog"])
        >>> report.update(np.array([[2.0, 0.0], [0.0, 1.0], [1.0, 0.0]]), [0, 1, 1])
        >>> nll = report.to_dict()["loss"]["nll"]
        >>> round(nll["value"], 4)
        0.5845

    Differs from torchmetrics and evidently: exact for logits, per row, class and slice, with
    intervals, and of fixed size.
    """

    def __init__(
        self,
        *,
        kind: Kind = "auto",
        class_names: Sequence[str] | None = None,
        ignore_index: int = -100,
    ) -> None:
        kinds = get_args(Kind)
        if kind not in kinds:
            raise ValueError(f"kind must be one of {', '.join(kinds)}, got {kind!r}")
        super().__init__()
        self.kind: str = kind
        self.kind_reason = "given"
        self.class_names = None if class_names is None else [str(name) for name in class_names]
        self.ignore_index = ignore_index
        self.ignored = 0
        self.left_out_rows: list[dict[str, Any]] = []
        self.weighted = False
        self.parts: Parts | None = None

    def update(
        self,
        predictions: npt.ArrayLike,
        target: Any,
        *,
        row_weight: npt.ArrayLike | None = None,
        ids: Any = None,
        by: Mapping[str, Any] | None = None,
        text: Any = None,
        num_bytes: npt.ArrayLike | None = None,
    ) -> None:
        """Add rows.

        Args:
            predictions: shape (N, V); float16, bfloat16, float32, float64 or integers.
            target: N classes, by number or, with class_names, by name; nan or None is missing.
            row_weight: N weights; a row of weight 0 is ignored.
            ids: N names of rows.
            by: columns of N values each, by which the loss is taken apart: {"lang": [...]}.
            text: N texts, shown with rows that are listed.
            num_bytes: N lengths of what was predicted, for bits per byte.

        Raises:
            TypeError: an argument is not what it must be.
            ValueError: a shape does not fit, probabilities do not sum to 1, or more than 10,000
                values in a column of `by`.
            IndexError: a target is no class; names the first such row.
        """
        given = arrays(predictions, target, self.class_names, row_weight, ids, by, text, num_bytes)
        parts = self._parts(given.predictions.shape[1])
        for rows in self._rows(given):
            if len(rows.nll):
                parts.add(rows)

    def _rows(self, given: Arrays) -> Iterator[Rows]:
        """The rows that count, few enough for the cache at a time; the others are counted here."""
        count, classes = given.predictions.shape
        counted = check_targets(given.target, given.missing, classes, self.ignore_index)
        self.weighted |= given.row_weight is not None
        self.has_ids |= given.ids is not None
        if count and self.kind == "auto":
            self.kind, self.kind_reason = kind_of(given.predictions)
        step = max(AT_ONCE // classes, 1)
        for first in range(0, count, step):
            some = slice(first, first + step)
            yield self._evaluated(given.part(some), counted[some])

    def _parts(self, classes: int) -> Parts:
        """The parts of the state, made once the number of classes is known."""
        if self.class_names is not None and len(self.class_names) != classes:
            raise ValueError(
                f"predictions have {classes} classes, class_names {len(self.class_names)} names"
            )
        if self.parts is None:
            self.parts = Parts(classes)
        if self.parts.classes != classes:
            raise ValueError(
                f"predictions must have {self.parts.classes} classes, as before, got {classes}"
            )
        return self.parts

    def _evaluated(self, given: Arrays, counted: Array) -> Rows:
        """What the engine says of rows that are few enough for the cache."""
        logits = given.predictions
        if self.kind == "probabilities":
            logits = as_logarithms(logits, self.read)
        target = given.target if counted.all() else np.where(counted, given.target, 0)
        found = _engine.run_rows(logits, target, lse=True, entropy=True, argmax=True)
        nll, lse, spread, top = found.nll, found.lse, found.entropy, found.argmax
        assert nll is not None
        assert lse is not None
        assert spread is not None
        assert top is not None
        if self.kind == "probabilities":
            check_sums(lse, self.read)
        used, weight = self._used(given, counted, nll, lse)
        row = np.arange(self.read, self.read + len(nll))
        self.read += len(nll)
        if used is not None:
            given, logits, target = given.part(used), logits[used], target[used]
            nll, lse, spread, top, row = (x[used] for x in (nll, lse, spread, top, row))
            weight = None if weight is None else weight[used]
        parts = self._parts(logits.shape[1])
        scored = scores(
            *(logits, target),
            weight=weight,
            from_nll=parts.suspects.from_nll,
            classes=parts.calibration.classes,
        )
        return Rows(
            logits=logits,
            target=target,
            weight=weight,
            row=row,
            nll=nll,
            lse=lse,
            entropy=spread,
            predicted=top,
            scores=scored,
            ids=given.ids,
            text=given.text,
            by=given.by,
            num_bytes=given.num_bytes,
        )

    def _used(
        self, given: Arrays, counted: Array, nll: Array, lse: Array
    ) -> tuple[Any, Array | None]:
        """The places of the rows that count, None for all of them; and their weights."""
        weight = given.row_weight
        ignored = ~counted if weight is None else ~counted | (weight == 0)
        missing = np.zeros(len(nll), bool) if given.missing is None else given.missing
        finite = np.isfinite(nll) & np.isfinite(lse)
        self.ignored += int((ignored & ~missing).sum())
        if finite.all() and not ignored.any():
            return None, weight
        broken = ~ignored & ~finite
        for why, those in (
            ("missing", missing),
            ("not finite", broken & ~(np.isfinite(lse) & (nll == np.inf))),
            ("probability 0", broken & np.isfinite(lse) & (nll == np.inf)),
        ):
            self._leave_out(why, np.flatnonzero(those), given.ids)
        return np.flatnonzero(finite & ~ignored), weight

    def _leave_out(self, why: str, at: Array, ids: Any) -> None:
        self.left_out[why] += len(at)
        more = [
            {
                "row": self.read + int(i),
                "id": None if ids is None else cut(ids[i], LONGEST_ID),
                "why": why,
            }
            for i in at[:MOST_LEFT_OUT]
        ]
        self._list_left_out(more)

    def _list_left_out(self, more: list[dict[str, Any]]) -> None:
        every = sorted([*self.left_out_rows, *more], key=lambda entry: int(entry["row"]))
        self.left_out_rows = every[:MOST_LEFT_OUT]

    def merge(self, other: "Report") -> None:
        """Add the rows of another report, which come after these.

        Raises:
            ValueError: the other has other classes, or predictions of another kind.
        """
        if other.parts is None:
            return
        if self.kind == "auto":  # without rows so far
            self.kind, self.kind_reason = other.kind, other.kind_reason
        for name in ("kind", "class_names", "ignore_index"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if mine != theirs != "auto":
                raise ValueError(f"{name} must be the same in both reports: {mine!r}, {theirs!r}")
        parts = self._parts(other.parts.classes)
        parts.merge(other.parts, self.read)
        self._list_left_out(moved(other.left_out_rows, self.read))
        self.weighted |= other.weighted
        self.ignored += other.ignored
        self._count(other)

    @property
    def used(self) -> int:
        """The number of rows that count."""
        return 0 if self.parts is None else int(self.parts.totals.nll.rows[0])

    def to_dict(self) -> dict[str, Any]:
        """The findings as plain values, ready for JSON; nan and infinities are strings."""
        return findings(self)

    def suspects(self) -> list[dict[str, Any]]:
        """Rows whose label looks wrong, the most suspicious first.

        Those of `to_dict()["suspects"]`, as many as its `count`, and then more, as far as they are
        kept: p-values up to 0.1 or, of N > 10,000 rows, up to 1,000 / N.
        """
        if self.parts is None or not self.used:
            return []
        temperature = self.parts.temperature.best().temperature.value
        ranked: list[dict[str, Any]] = plain(
            self.parts.suspects.ranked(temperature), self.class_names
        )
        return ranked
