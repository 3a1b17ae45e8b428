"""`neglog report`: from the options to a report, and from the report to its outputs."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from neglog._read.columns import Asked
from neglog._read.tables import Source, open_predictions
from neglog._show.language import check_letters
from neglog._show.terminal import console
from neglog._show.words import printable
from neglog._show.written import replacing
from neglog.cli import _conditions
from neglog.cli._files import writable
from neglog.cli._progress import Progress
from neglog.report import Comparison, LogprobReport, Report
from neglog.report._files import compare_on, report_on
from neglog.report._saving import load
from neglog.report.show import to_console, to_html

COLUMNS = ("logits", "target", "weight", "id", "text", "bytes", "by", "ignore", "logprob", "top")
STDOUT = "-"
STATE = b'{"schema": "neglog.state/'
Found = Report | LogprobReport | Comparison


def run(options: argparse.Namespace) -> int:
    """Make the report, write it, and return the exit code."""
    conditions = [_conditions.parse(text) for text in options.fail_if]
    _check_outputs(options)
    found = _merged(options) if options.merge else _read(options)
    findings = found.to_dict()
    _deliver(found, findings, options)
    holding = [said for c in conditions if (said := c.holds(findings))]
    for said in holding:
        print(f"neglog: {printable(said)}", file=sys.stderr)
    return 3 if holding else 0


def _check_outputs(options: argparse.Namespace) -> None:
    """Check that everything can be written, before anything is read."""
    taken: dict[Path, str] = {Path(name).resolve(): "an input" for name in options.files}
    for option, path in _outputs(options).items():
        if path.resolve() in taken:
            raise ValueError(f"{option} {path} is {taken[path.resolve()]}, too: give another name")
        taken[path.resolve()] = "an output"
        writable(path, options.force, option)
    if not _outputs(options) and options.json is None:
        check_letters(options.lang, sys.stdout)


def _outputs(options: argparse.Namespace) -> dict[str, Path]:
    """The files to write, by option."""
    given = {"--html": options.html, "--json": options.json, "--save": options.save}
    return {option: Path(path) for option, path in given.items() if path not in (None, STDOUT)}


def _merged(options: argparse.Namespace) -> Report | LogprobReport:
    """The report of several states."""
    given = [f"--{name}" for name in COLUMNS if getattr(options, name)]
    given += ["--kind"] if options.kind != "auto" else []
    if given:
        raise ValueError(f"{given[0]} is for files of predictions; --merge reads states")
    first, *others = (Path(name) for name in options.files)
    report = load(first)
    for path in others:
        other = load(path)
        if type(other) is not type(report):
            raise ValueError(f"{path} is about other predictions than {first}: they do not merge")
        try:
            report.merge(other)  # type: ignore[arg-type]
        except ValueError as error:
            raise ValueError(f"{path} does not merge with {first}: {error}") from error
    return report


def _read(options: argparse.Namespace) -> Found:
    """The report on a file, or the comparison of two."""
    if len(options.files) > 2:
        raise ValueError(
            f"expected one file, or two to compare, got {len(options.files)}: several files of one"
            " model are given as a folder or a quoted pattern, states with --merge"
        )
    if options.save and len(options.files) == 2:
        raise ValueError("--save is for the state of one report, not for a comparison")
    if options.top and not options.logprob:
        raise ValueError("--top belongs to --logprob: name the column of the targets'")
    for name in options.files:
        _refuse_state(name)
    asked = Asked(
        logits=tuple(name.strip() for name in (options.logits or "").split(",") if name.strip()),
        target=options.target,
        id=options.id,
        ignore=tuple(options.ignore),
        weight=options.weight,
        text=options.text,
        num_bytes=options.bytes,
        by=tuple(options.by),
        logprob=options.logprob,
        top_logprobs=options.top,
    )
    sources = [open_predictions(name, asked) for name in options.files]
    for what in dict.fromkeys(source.what for source in sources):
        _tell(options, printable(what))
    return _watched(options, sources)


def _refuse_state(name: str) -> None:
    """A saved state looks like a file of JSON, and its numbers like none."""
    path = Path(name)
    if path.is_file():
        with path.open("rb") as file:
            if file.read(len(STATE)) == STATE:
                raise ValueError(f"{path} is a saved state: give --merge to read it")


def _two_names(files: Sequence[str]) -> list[str]:
    short = [Path(name).name for name in files]
    return short if short[0] != short[1] else list(files)


def _watched(options: argparse.Namespace, sources: Sequence[Source]) -> Found:
    """The report; a terminal shows the progress, and an interruption says how far it came."""
    settings: dict[str, Any] = {"kind": options.kind, "strict": options.strict}
    with Progress() as progress:
        try:
            if len(sources) == 1:
                return report_on(sources[0], **settings, progress=progress)
            names = _two_names(options.files)
            return compare_on(sources[0], sources[1], names, **settings, progress=progress)
        except KeyboardInterrupt:
            said = f"interrupted after {progress.so_far()}; nothing was written"
            raise KeyboardInterrupt(said) from None


def _deliver(found: Found, findings: dict[str, Any], options: argparse.Namespace) -> None:
    writers: dict[str, Callable[[Path], Any]] = {
        "--html": lambda path: _write(path, to_html(findings, options.lang)),
        "--json": lambda path: _write(path, json.dumps(findings, allow_nan=False)),
        "--save": lambda path: found.save(path),  # type: ignore[union-attr]
    }
    outputs = _outputs(options)
    for option, path in outputs.items():
        with replacing(path) as draft:
            writers[option](draft)
        _tell(options, f"written to {path}")
    if options.json == STDOUT:
        print(json.dumps(findings, allow_nan=False))
    elif not outputs:
        console().print(to_console(findings, options.lang))


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _tell(options: argparse.Namespace, text: str) -> None:
    """With --json -, standard output holds the JSON alone."""
    print(text, file=sys.stderr if options.json == STDOUT else sys.stdout)
