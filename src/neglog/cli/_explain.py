"""`neglog explain`: from the arguments to a trace, and from the trace to its outputs."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neglog._read.columns import Asked
from neglog._read.predictions import are_probabilities, read_row
from neglog._read.values import number
from neglog._show.extras import needs
from neglog._show.language import Sentences, check_letters
from neglog._show.words import printable
from neglog._show.written import replacing
from neglog.cli import _words_en, _words_ko
from neglog.cli._files import writable
from neglog.trace import Bernoulli, Normal, Trace, explain, explain_likelihood

MANY = 10_000  # classes, from which on the expected time is printed


def rows(options: argparse.Namespace) -> None:
    """Explain rows of logits, from --logits or from a file."""
    _check_outputs(options)
    trace, remark = _typed(options) if options.row is None else _from_file(options)
    _deliver(trace, options, remark)


def likelihood(options: argparse.Namespace) -> None:
    """Explain points under the densities of candidates."""
    if options.logits or options.row or options.id is not None or options.ignore:
        raise ValueError("explain likelihood takes --data; --logits and --row are for rows")
    if options.data is None:
        raise ValueError("give the points: --data 1,2,3")
    _check_outputs(options)
    candidates: dict[str, Normal | Bernoulli] = {}
    for option, density, parameters in (
        ("normal", Normal, ("MEAN", "SD")),
        ("bernoulli", Bernoulli, ("P",)),
    ):
        for text in getattr(options, option):
            name, _, values = text.rpartition("=")
            given = _numbers(values, f"--{option} {text}")
            if not name or len(given) != len(parameters):
                raise ValueError(f"--{option} {text}: expected NAME={','.join(parameters)}")
            if name in candidates:
                raise ValueError(f"--{option} {text}: the name is taken; choose another")
            candidates[name] = density(*given)
    if not candidates:
        raise ValueError("give candidates: --normal orange=1.5,1 or --bernoulli fair=0.5")
    _deliver(explain_likelihood(_numbers(options.data, "--data"), candidates), options)


def _typed(options: argparse.Namespace) -> tuple[Trace, str]:
    if options.id is not None or options.ignore:
        raise ValueError("--id and --ignore name columns of a file: give --row N FILE")
    if options.logits is None or options.target is None:
        raise ValueError("give --logits and --target, or --row N FILE (neglog explain --help)")
    logits = [_numbers(row, "--logits") for row in options.logits.split(";")]
    if len(logits) == 1:  # a comma in the target belongs to its name
        remark = "probabilities" if are_probabilities(logits[0]) else ""
        said = _words(options)(remark) if remark else ""
        return _explain(options, logits[0], options.target, _names(options)), said
    return _explain(options, logits, options.target.split(","), _names(options)), ""


def _from_file(options: argparse.Namespace) -> tuple[Trace, str]:
    index, path = options.row
    if not index.removeprefix("-").isdecimal():
        raise ValueError(f"--row: expected the number of a row, counted from 0, got {index!r}")
    columns = tuple(name.strip() for name in options.logits.split(",")) if options.logits else ()
    asked = Asked(columns, options.target, options.id, tuple(options.ignore))
    prediction = read_row(Path(path), int(index), asked)
    if prediction.target is None:
        raise ValueError(f"{path} has no target: give --target")
    names = _names(options) or prediction.class_names
    trace = _explain(options, prediction.logits, prediction.target, names)
    say = _words(options)
    remarks = [say("logarithms")] if prediction.were_probabilities else []
    if prediction.id is not None:
        found = printable(f"{options.id} {prediction.id}")
        remarks.insert(0, say("row", n=index, id=found))
    return trace, "\n".join(remarks)


def _explain(
    options: argparse.Namespace, logits: Any, target: Any, names: Sequence[str] | None
) -> Trace:
    if len(logits) > MANY:
        seconds = f"{len(logits) * 1e-4:.0f}"
        said = _words(options)("time", n=str(len(logits)), s=seconds)
        print(said, file=sys.stderr)
    given = [target] if isinstance(target, str | int) else target
    classes = [_class(one, names) for one in given]
    return explain(
        logits,
        classes if given is target else classes[0],
        class_names=names,
        dtype=options.dtype,
        temperature=options.temperature,
    )


def _names(options: argparse.Namespace) -> list[str] | None:
    return None if options.names is None else [n.strip() for n in options.names.split(",")]


def _class(target: str | int, names: Sequence[str] | None) -> str | int:
    """A class by its name or, if no name matches, by its index."""
    if names and target in names:
        return target
    try:
        return int(target)
    except ValueError:
        way_out = "give --names or an index"
        if names:
            more = f" and {len(names) - 12} more" if len(names) > 12 else ""
            way_out = f"the classes are {', '.join(map(printable, names[:12]))}{more}"
        raise IndexError(f"the target {target!r} is not a class: {way_out}") from None


def _numbers(text: str, option: str) -> list[float]:
    return [number(item, f"{option}: item {k}") for k, item in enumerate(text.split(","), 1)]


def _words(options: argparse.Namespace) -> Sentences:
    return Sentences(options.lang or "en", {"en": _words_en.WORDS, "ko": _words_ko.WORDS})


def _check_outputs(options: argparse.Namespace) -> None:
    """Check that everything can be written, before anything is computed."""
    if options.lang and not options.json:
        check_letters(options.lang, sys.stdout)
    if options.html and options.html == options.png:
        raise ValueError(f"--html and --png are both {options.html}: give two names")
    for option in ("html", "png"):
        path = getattr(options, option)
        if path:
            writable(path, options.force, f"--{option}")


def _deliver(trace: Trace, options: argparse.Namespace, remark: str = "") -> None:
    say = _words(options)
    if remark:
        _tell(options, f"{remark}\n")
    if options.json:
        print(json.dumps(trace.to_dict(), allow_nan=False))
    elif not (options.html or options.png or options.open):
        with needs("the text", "cli"):
            from neglog._show.terminal import console
        from neglog.trace._text import renderable

        console().print(renderable(trace.subject, say.lang))
    for path, write in ((options.html, _write_page), (options.png, _write_figure)):
        if path:
            with replacing(path) as draft:
                write(trace, draft, options)
            _tell(options, say("written", path=str(path)))
    if options.open:
        _open(trace, options)


def _tell(options: argparse.Namespace, text: str) -> None:
    """With --json, standard output holds the JSON alone."""
    print(text, file=sys.stderr if options.json else sys.stdout)


def _write_page(trace: Trace, path: Path, options: argparse.Namespace) -> None:
    path.write_text(trace.to_html(lang=options.lang), encoding="utf-8")


def _write_figure(trace: Trace, path: Path, options: argparse.Namespace) -> None:
    lang = _words(options).lang
    figure: Any = trace.plot(lang=lang)
    if lang == "ko":
        from neglog._show.figure import check_korean

        check_korean()
    figure.savefig(path, format="png", dpi=150)


def _open(trace: Trace, options: argparse.Namespace) -> None:
    """Show the page in the browser; without --html it is a temporary file, which is kept."""
    import webbrowser
    from tempfile import mkdtemp

    page = options.html
    if page is None:
        page = Path(mkdtemp(prefix="neglog-")) / "explain.html"
        _write_page(trace, page, options)
    opened = webbrowser.open(page.resolve().as_uri())
    said = "opened" if opened else "no_browser"
    _tell(options, _words(options)(said, path=str(page)))
