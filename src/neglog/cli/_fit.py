"""`neglog fit`: from a table to a model in a file."""

import argparse
import shlex
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from rich.table import Table
from rich.text import Text
from sklearn.exceptions import ConvergenceWarning

from neglog import cross_entropy
from neglog._read.columns import matching, named
from neglog._read.obvious import need_target, usual_target
from neglog._read.tables.features import chosen, open_table
from neglog._read.tables.roles import Column, Roles
from neglog._read.tables.source import STDIN
from neglog._show.terminal import console
from neglog._show.words import printable
from neglog._show.written import replacing
from neglog.cli._files import free_name, writable
from neglog.cli._progress import Progress
from neglog.learn import SoftmaxRegression
from neglog.learn._tables import Measure, Recipe, add, decide
from neglog.learn._tables.data import Data, gathered

PATIENCE = 3  # steps without a better loss on the held-out rows
WATCHED = 10_000  # rows whose accuracy the live line shows where none are held out


def run(options: argparse.Namespace) -> None:
    """Fit the model and write it."""
    output = _checked_output(options)
    model = SoftmaxRegression(l2=options.l2)
    model._check_options()
    if not 0 <= options.validate < 1:
        raise ValueError(f"--validate must be a share from 0 to below 1, got {options.validate}")
    data, target = _read(options)
    held_out = data.held_out(options.validate)
    recipe = _recipe(options, data, ~held_out, target)
    with suppress(BrokenPipeError):  # the reader has seen enough, and the model is still wanted
        _introduce(data, target, recipe, int(held_out.sum()))
    fitted = Fit(model, recipe, data, held_out)
    fitted.run()
    with replacing(output) as draft:
        model.save(draft)
    fitted.show()
    screen = console()
    name = shlex.quote(str(output))
    table = "FILE" if options.file == STDIN else shlex.quote(options.file)  # "-" is read by now
    for line in (
        f"written to {output}",
        f"next: neglog predict {name} {table} -o predictions.parquet",
        "      neglog report predictions.parquet",
    ):
        screen.print(printable(line), soft_wrap=True)


def _checked_output(options: argparse.Namespace) -> Path:
    output: Path = options.output or free_name(Path("model.npz"))
    if output.resolve() == Path(options.file).resolve():
        raise ValueError(f"--output {output} is the input, too: give another name")
    writable(output, options.force)
    return output


def _read(options: argparse.Namespace) -> tuple[Data, str]:
    """All rows that have a target, and the name of its column."""
    target = ""

    def find(columns: Sequence[Column]) -> Roles:
        nonlocal target
        roles = _roles(options, columns)
        target = roles.target or ""
        return roles

    source = open_table(options.file, find, "neglog fit", "a fit")
    rows = []
    with Progress() as progress:
        try:
            for part in source:
                rows.append(part)
                progress(progress.rows + part.count, part.progress)
        except KeyboardInterrupt:
            said = f"interrupted after {progress.so_far()}; nothing was written"
            raise KeyboardInterrupt(said) from None
    return gathered(rows, target), target


def _roles(options: argparse.Namespace, columns: Sequence[Column]) -> Roles:
    """Which columns are read."""
    header = [column.name for column in columns]
    target = options.target if options.target is not None else usual_target(header)
    if target is None:
        raise need_target(header)
    named(header, target, "--target")
    ignored = {
        header[j] for pattern in options.ignore for j in matching(header, pattern, "--ignore")
    }
    wanted = _wanted(options, header)
    features = [name for name in wanted if name != target and name not in ignored]
    if not features:
        raise ValueError("no column is left as a feature")
    nested = [
        c.name for c in columns if c.name in features and c.kind in ("list", "lists", "nested")
    ]
    if nested:
        raise ValueError(
            f"column {nested[0]!r} holds lists, which are no features: leave it out with"
            f" {_ignoring(nested)}"
        )
    numbers = [c.name for c in columns if c.name in features and c.kind == "number"]
    return chosen(features, numbers, target)


def _wanted(options: argparse.Namespace, header: Sequence[str]) -> list[str]:
    if options.features is None:
        return list(header)
    patterns = [name.strip() for name in options.features.split(",") if name.strip()]
    places = [j for pattern in patterns for j in matching(header, pattern, "--features")]
    return [header[j] for j in dict.fromkeys(places)]


def _ignoring(names: Sequence[str]) -> str:
    return " ".join(f"--ignore {shlex.quote(name)}" for name in names)


def _recipe(options: argparse.Namespace, data: Data, rows: Any, target: str) -> Recipe:
    """What the rows that are fitted say of the columns."""
    measures: dict[str, Measure] = {}
    add(measures, data.part(rows))
    command = f"neglog fit {shlex.quote(options.file)} --target {shlex.quote(target)}"

    def way_out(refused: Sequence[str]) -> str:
        return f"to leave them out: {command} {_ignoring(refused)}"

    return decide(measures, options.features is not None, way_out, target)


def _introduce(data: Data, target: str, recipe: Recipe, held_out: int) -> None:
    screen = console()
    rows = f"{len(data.target) - held_out:,} rows to learn from"
    rows += f", {held_out:,} held out" if held_out else ""
    lines = [f"taking {target!r} as the target: {len(data.classes):,} classes; {rows}"]
    if data.unlabelled:
        lines.append(f"  left out, without a target: {_rows(data.unlabelled)}")
    lines += [f"  {note}" for note in recipe.notes]
    for line in lines:
        screen.print(fill(printable(line), screen.width, subsequent_indent="    "))


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


class _Stop(Exception):  # noqa: N818 - it is no error
    """The held-out rows have not become likelier for some steps."""


class Fit(Progress):
    """A model while it is fitted: its line on a terminal, its loss on rows that are held out."""

    def __init__(self, model: SoftmaxRegression, recipe: Recipe, data: Data, held_out: Any) -> None:
        super().__init__()
        self._model, self._recipe, self._data = model, recipe, data
        self._learned = data.target[~held_out]
        self._X = recipe.matrix(data.part(~held_out))
        self._watched = held_out if held_out.any() else _first(held_out)
        self._held_out = bool(held_out.any())
        self._other = recipe.matrix(data.part(self._watched))
        self._line = ""
        self._best: tuple[float, int, Any] = (np.inf, 0, None)

    def run(self) -> None:
        """Fit it; the model keeps the step that was best on the held-out rows."""
        with warnings.catch_warnings(record=True) as caught, self:
            warnings.simplefilter("always", ConvergenceWarning)
            try:
                self._model.fit(self._X, self._data.classes[self._learned], callback=self._step)
            except _Stop:
                pass
            except KeyboardInterrupt:
                said = f"interrupted after {self.rows} steps; nothing was written"
                raise KeyboardInterrupt(said) from None
        model = self._model
        if self._best[2] is not None:
            for name, value in self._best[2].items():
                setattr(model, name, value)
        model.columns_ = self._recipe
        model.feature_names_in_ = np.array(self._recipe.names, object)
        for warning in caught:
            if issubclass(warning.category, ConvergenceWarning):
                console(stderr=True).print(f"note: {warning.message}", soft_wrap=True)

    def _step(self, model: SoftmaxRegression) -> None:
        words = [f"step {model.n_iter_}", f"nll {model.nll_:.4f}", f"penalty {model.penalty_:.4f}"]
        if self._held_out or self._live is not None:
            nll, right = self._score(self._other, self._data.target[self._watched])
            words.append(f"{right:.1%} right")
            if self._held_out:
                words.append(f"held out {nll:.4f}")
                self._compare(model, nll)
        self._line = "  ".join(words)
        self(model.n_iter_, None)

    def _compare(self, model: SoftmaxRegression, nll: float) -> None:
        if nll < self._best[0]:
            names = ("coef_", "intercept_", "nll_", "penalty_", "loss_", "n_iter_")
            self._best = (nll, model.n_iter_, {name: getattr(model, name) for name in names})
        elif model.n_iter_ >= self._best[1] + PATIENCE:
            raise _Stop

    def picture(self, seconds: float) -> Text:
        return Text(self._line, no_wrap=True, overflow="ellipsis")

    def _score(self, X: Any, target: Any) -> tuple[float, float]:
        """The mean nll, and the share of rows whose likeliest class is the target."""
        logits = X @ self._model.coef_.T + self._model.intercept_
        return float(cross_entropy(logits, target)), float((logits.argmax(axis=1) == target).mean())

    def show(self) -> None:
        """The table at the end."""
        screen = console()
        table = Table(box=None, padding=(0, 3, 0, 0), header_style="")
        table.add_column("")
        for name in ("rows", "mean nll", "right"):
            table.add_column(name, justify="right")
        rows = [("fitted", self._X, self._learned)]
        if self._held_out:
            rows.append(("held out", self._other, self._data.target[self._watched]))
        for name, X, target in rows:
            nll, right = self._score(X, target)
            table.add_row(name, f"{len(target):,}", f"{nll:.4f}", f"{right:.1%}")
        share = np.bincount(self._learned) / len(self._learned)
        nll = -float(np.sum(share[share > 0] * np.log(share[share > 0])))
        table.add_row("without features", "", f"{nll:.4f}", f"{share.max():.1%}")
        steps = f"{self._model.n_iter_} steps, penalty {self._model.penalty_:.4f}"
        if self._held_out:
            steps += ", the best on the held-out rows"
        screen.print()
        screen.print(table)
        screen.print(steps)
        screen.print()


def _first(none: Any) -> Any:
    """The first rows as a mask."""
    return np.arange(len(none)) < WATCHED
