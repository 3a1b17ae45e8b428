"""A report on texts of which only the log-probability of each token that came is known."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .._contract import check_shape
from .._engine import Array
from .._numpy._arrays import as_floats, as_integers, as_weights
from ._findings import SCHEMA, plain
from ._inputs import column, columns
from ._kept import Kept
from .state.distribution import Distribution
from .state.lists import LONGEST_ID, LONGEST_TEXT, MOST_LISTED, cut, foremost, moved
from .state.slices import Slices
from .state.sums import Moments
from .state.totals import in_bits, perplexity

MISSING = ("accuracy", "why", "classes", "confusions", "calibration", "suspects")


class Documents(NamedTuple):
    """Some documents: the nll of their tokens, and sums by document."""

    nll: Array  # (tokens,) nan where there is none
    used: Array  # (tokens,) where it is finite
    of: Array  # (tokens,) the document
    token: Array  # (tokens,) the place in the document
    total: Array  # (documents,)
    tokens: Array  # (documents,) float64

    @classmethod
    def of_logprobs(cls, logprobs: npt.ArrayLike, lengths: npt.ArrayLike | None) -> "Documents":
        """Check the log-probabilities, and take them apart by document."""
        values, _ = as_floats("logprobs", logprobs)
        sizes = as_integers("lengths", np.ones(len(values), int) if lengths is None else lengths)
        if values.ndim != 1 or (sizes < 0).any() or sizes.sum() != len(values):
            raise ValueError(
                f"lengths must sum to the number of logprobs, {values.shape}, got {sizes.sum()}"
            )
        nll = -values.astype(np.float64) + 0.0
        if (nll < 0).any():
            bad = int((nll < 0).argmax())
            raise ValueError(
                f"logprobs[{bad}] is {values[bad]}, above 0, and so no log-probability: for logits"
                " of all classes use Report"
            )
        of = np.repeat(np.arange(len(sizes)), sizes)
        used = np.isfinite(nll)
        total = np.bincount(of[used], nll[used], len(sizes))
        count = np.bincount(of[used], minlength=len(sizes)).astype(float)
        token = np.arange(len(nll)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return cls(nll, used, of, token, total, count)


class LogprobReport(Kept):
    """How unhappy a language model is with texts, from the log-probabilities of their tokens.

    What vLLM's `prompt_logprobs`, lm-eval's samples and inspect_ai keep: the logits are gone, and
    with them entropy, calibration and accuracy; whether a temperature was applied cannot be known.
    The tokens of one document depend on each other, so intervals are those of a mean over
    documents.

    Examples:
        >>> report = LogprobReport()
        >>> report.update([-0.1, -2.3, -0.7], lengths=[2, 1], num_bytes=[9, 4])
        >>> found = report.to_dict()["loss"]
        >>> round(found["nll"]["value"], 4), round(found["bits_per_byte"]["value"], 4)
        (1.0333, 0.344)
    """

    def __init__(self) -> None:
        super().__init__()
        self.tokens_read = 0
        self.nll = Moments()
        self.per_byte = Moments()
        self.unlisted_mass = Moments()
        self.distribution = Distribution()
        self.slices = Slices()
        self.worst: list[dict[str, Any]] = []
        self.documents: list[dict[str, Any]] = []

    def update(
        self,
        logprobs: npt.ArrayLike,
        *,
        lengths: npt.ArrayLike | None = None,
        ids: Any = None,
        by: Mapping[str, Any] | None = None,
        text: Any = None,
        num_bytes: npt.ArrayLike | None = None,
        listed_mass: npt.ArrayLike | None = None,
    ) -> None:
        """Add whole documents.

        Args:
            logprobs: the log-probabilities of all tokens, document after document, in nats; nan
                where there is none, as for the first token of a text.
            lengths: the number of tokens of each of the D documents; without it, 1 for each.
            ids: D names of documents.
            by: columns of D values each, by which the loss is taken apart.
            text: D texts, shown with what is listed.
            num_bytes: D lengths in bytes, for bits per byte.
            listed_mass: for each token, the sum of the probabilities that are known.

        Raises:
            ValueError: a log-probability is above 0, or a shape does not fit.
        """
        these = Documents.of_logprobs(logprobs, lengths)
        shape = these.total.shape
        names, texts = column("ids", ids, shape), column("text", text, shape)
        self.has_ids |= ids is not None
        self.left_out["missing"] += int(np.isnan(these.nll).sum())
        self.left_out["probability 0"] += int((these.nll == np.inf).sum())
        self.nll.add(these.total, per=these.tokens)
        if num_bytes is not None:
            size = as_weights("num_bytes", num_bytes, shape, "one per document")
            self.per_byte.add(these.total, per=size)
        if listed_mass is not None:
            mass, _ = as_floats("listed_mass", listed_mass)
            check_shape("listed_mass", mass.shape, these.nll.shape, "one per token")
            self.unlisted_mass.add(np.clip(1 - mass.astype(np.float64), 0, 1))
        self.distribution.add(these.nll[these.used], None)
        self.slices.add(columns(by, shape), these.total, None, per=these.tokens)
        self._list(these, names, texts)
        self.read += len(these.total)
        self.tokens_read += len(these.nll)

    def _list(self, these: Documents, names: Any, texts: Any) -> None:
        """Take the tokens and the documents with the largest nll into the lists."""
        cuts = (
            None if names is None else [cut(name, LONGEST_ID) for name in np.asarray(names, object)]
        )
        rank = np.arange(len(these.total))
        if cuts is not None:
            rank[sorted(range(len(cuts)), key=lambda d: (cuts[d] or "", d))] = np.arange(len(cuts))

        def entry(document: int, **more: Any) -> dict[str, Any]:
            return {
                "row": self.read + document,
                "id": None if cuts is None else cuts[document],
                "text": None if texts is None else cut(texts[document], LONGEST_TEXT),
                **more,
            }

        at = np.flatnonzero(these.used)
        at = at[np.lexsort((these.token[at], rank[these.of[at]], -these.nll[at]))][:MOST_LISTED]
        tokens = [
            entry(int(these.of[i]), token=int(these.token[i]), nll=float(these.nll[i]))
            for i in at.tolist()
        ]
        self.worst = foremost([*self.worst, *tokens], MOST_LISTED)
        at = np.flatnonzero(these.tokens)
        at = at[np.lexsort((rank[at], -these.total[at]))][:MOST_LISTED]
        listed = [
            entry(d, nll=float(these.total[d]), tokens=int(these.tokens[d])) for d in at.tolist()
        ]
        self.documents = foremost([*self.documents, *listed], MOST_LISTED)

    def merge(self, other: "LogprobReport") -> None:
        """Add the documents of another report, which come after these."""
        for name in ("nll", "per_byte", "unlisted_mass", "distribution", "slices"):
            getattr(self, name).merge(getattr(other, name))
        for name in ("worst", "documents"):
            more = moved(getattr(other, name), self.read)
            setattr(self, name, foremost([*getattr(self, name), *more], MOST_LISTED))
        self.tokens_read += other.tokens_read
        self._count(other)

    @property
    def used(self) -> int:
        """The number of tokens that count."""
        return int(self.nll.weight[0])

    def to_dict(self) -> dict[str, Any]:
        """The findings as plain values; what needs more than log-probabilities is named."""
        if not self.used:
            raise ValueError(f"no token counts: {self.tokens_read} were read")
        nll = self.nll.mean()
        has_bytes = self.per_byte.weight[0] > 0
        slices = self.slices.findings()
        for table in slices.values():
            for line in table["listed"]:
                line["accuracy"] = None
        loss = dict.fromkeys(("baseline", "skill", "entropy", "min_entropy", "one_vs_rest"))
        found: dict[str, Any] = {
            "schema": SCHEMA,
            "input": {
                "kind": "target log-probabilities",
                "kind_reason": "given",
                "classes": None,
                "weighted": False,
                "has_ids": self.has_ids,
                "merged_without_ids": self.merged_without_ids,
            },
            "rows": {
                "read": self.tokens_read,
                "used": self.used,
                "weight": float(self.used),
                "ignored": 0,
                "left_out": self.left_out,
                "left_out_rows": [],
            },
            "loss": {
                "nll": nll,
                "bits": nll.through(in_bits),
                "perplexity": nll.through(perplexity),
                "total": float(self.nll.total[0]),
                "bits_per_byte": self.per_byte.mean().through(in_bits) if has_bytes else None,
                **loss,
            },
            **dict.fromkeys(MISSING),
            "missing": list(MISSING),
            "distribution": self.distribution.findings(),
            "slices": slices,
            "worst": self.worst,
            "documents": {"count": self.read, "listed": self.documents},
            "missing_mass": self.unlisted_mass.mean() if self.unlisted_mass.rows[0] else None,
        }
        named: dict[str, Any] = plain(found, None)
        return named
