"""Which columns of a table are classes, which one is the target, and which one names the row.

A column that is taken for a class and is none changes every probability, and nothing looks wrong.
So columns are classes if the caller names them, or if nothing about them speaks against it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from .doubts import WHOLE, doubt_by_name, example, refuse_doubtful
from .values import is_number, quoted, quoted_list

TARGETS = ("target", "label")  # columns that are the target unless another one is named


@dataclass(frozen=True)
class Asked:
    """What the caller says of the columns; * and ? in `logits` and `ignore` stand for any letters.

    `target` is a column or, where one row is explained and no column outside the classes has that
    name, a class. `logprob` names the log-probabilities of the targets alone.
    """

    logits: tuple[str, ...] = ()
    target: str | None = None
    id: str | None = None
    ignore: tuple[str, ...] = ()
    weight: str | None = None
    text: str | None = None
    num_bytes: str | None = None
    by: tuple[str, ...] = ()
    logprob: str | None = None
    top_logprobs: str | None = None

    def only_logits(self) -> str | None:
        """The one name of the logits where they are one thing, not columns."""
        if len(self.logits) > 1:
            raise ValueError(f"--logits must be one name here, got {quoted_list(self.logits)}")
        return self.logits[0] if self.logits else None


@dataclass(frozen=True)
class Columns:
    """The places of the classes, the target and the id in a row.

    A target that is typed has no place; it is `typed`.
    """

    classes: tuple[int, ...]
    names: tuple[str, ...]  # of the classes
    target: int | None
    typed: str | None
    id: int | None


def choose(header: Sequence[str], rows: Sequence[Sequence[str]], asked: Asked) -> Columns:
    """The columns of a table with this header; `rows` are the first of its rows.

    Raises:
        ValueError: a name fits no column, or a column may or may not be a class; the message
            lists the columns in question and the options that decide.
    """
    key = None if asked.id is None else named(header, asked.id, "--id")
    ignored = {j for pattern in asked.ignore for j in matching(header, pattern, "--ignore")}
    rest = {j: name for j, name in enumerate(header) if j != key and j not in ignored}
    meant = _column_meant(rest, rows, asked)
    if asked.logits:
        chosen = _asked_classes(header, asked.logits)
        classes = {j: name for j, name in chosen.items() if j in rest and header[j] != meant}
        target = _target({j: name for j, name in rest.items() if j not in classes}, meant)
    else:
        target = _target(rest, meant)
        classes = {
            j: name for j, name in rest.items() if j != target and name.lower() not in TARGETS
        }
        given = {"--id": asked.id is not None, "--target": bool(asked.target) or target is not None}
        refuse_doubtful(classes, rows, given)
    typed = asked.target if meant is None else None
    place = target if typed is None else None
    return Columns(tuple(classes), tuple(classes.values()), place, typed, key)


def named(header: Sequence[str], name: str, option: str) -> int:
    """The first column of this name."""
    if name not in header:
        raise ValueError(f"{option}: no column is named {quoted(name)}; {all_columns(header)}")
    return header.index(name)


def matching(header: Sequence[str], pattern: str, option: str) -> list[int]:
    """The columns of this name or else, with * and ?, those that the pattern fits."""
    found = [j for j, name in enumerate(header) if name == pattern] or [
        j for j, name in enumerate(header) if fnmatchcase(name, pattern)
    ]
    if not found:
        raise ValueError(f"{option}: no column fits {quoted(pattern)}; {all_columns(header)}")
    return found


def all_columns(header: Sequence[str]) -> str:
    """For a message: the columns that there are."""
    return f"the columns are {quoted_list(header)}"


def _asked_classes(header: Sequence[str], patterns: Sequence[str]) -> dict[int, str]:
    """Columns in the order asked for; a class's name is what the one * of its pattern stands for.

    A target's column is a class only by its full name.
    """
    names: dict[int, str] = {}
    for pattern in patterns:
        before, star, after = pattern.partition("*")
        short = star and not re.search(r"[*?[]", before + after)
        for j in matching(header, pattern, "--logits"):
            name = header[j]
            if name == pattern or name.lower() not in TARGETS:
                inner = name[len(before) : len(name) - len(after)] if short else ""
                names.setdefault(j, inner or name)
    if len(set(names.values())) < len(names):  # cat_z and cat_p by two patterns
        return {j: header[j] for j in names}
    return names


def _target(names: Mapping[int, str], meant: str | None) -> int | None:
    """The target's column among these."""
    found = [j for j, name in names.items() if name == meant]
    found = found or [j for j, name in names.items() if name.lower() in TARGETS]
    if len(found) > 1:
        raise ValueError(
            f"more than one column is named {' or '.join(TARGETS)}: name it with --target COLUMN,"
            " or leave the other out with --ignore COLUMN"
        )
    return found[0] if found else None


def _column_meant(
    names: Mapping[int, str], rows: Sequence[Sequence[str]], asked: Asked
) -> str | None:
    """--target if it is the name of a column that holds targets, None if it is a class.

    A column of targets holds classes: names, or whole numbers below the number of the other
    columns. A column of logits holds numbers.
    """
    wanted = asked.target
    places = [j for j, name in names.items() if name == wanted]
    if wanted is None or not places or wanted in asked.logits:
        return None
    outside = asked.logits and not any(fnmatchcase(wanted, pattern) for pattern in asked.logits)
    doubt = doubt_by_name(wanted)
    usual = doubt is not None and doubt.option == "--target"
    values = [row[places[0]].strip() for row in rows]
    if outside or usual or not all(map(is_number, values)):
        return wanted
    likely = [name for name in names.values() if doubt_by_name(name) is None]
    if not all(WHOLE.fullmatch(x) and int(x) < len(likely) - 1 for x in values):
        return None
    raise ValueError(
        f"--target {quoted(wanted)} may be a class or the column of the targets: name the classes"
        f" with --logits, such as --logits {example(list(names.values()))}"
    )
