"""Which columns of a table are what, from their names and types and from what the caller says.

The rules for columns of numbers are those of `neglog explain`; here the obvious is decided, too.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..columns import TARGETS, Asked, all_columns, choose, matching, named
from ..doubts import Unclear, as_typed, refuse_values
from ..obvious import need_target, usual_id, usual_list, usual_logits, usual_target
from ..values import quoted, quoted_list

# The first rows of some columns, as text.
Head = Callable[[Sequence[str]], Sequence[Sequence[str]]]
NESTED = ("list", "lists", "nested")  # of numbers, of lists of numbers, of something else
USUAL_LOGPROBS = ("logprob", "token_logprobs", "prompt_logprobs")


class Column(NamedTuple):
    """A column and what it holds: one of NESTED, or "number", "text" or "other", one per row."""

    name: str
    kind: str


@dataclass(frozen=True)
class Roles:
    """The columns to read. The classes are columns, or the numbers of one list."""

    classes: tuple[str, ...]
    one_list: str | None = None
    class_names: tuple[str, ...] | None = None
    target: str | None = None
    id: str | None = None
    text: str | None = None
    weight: str | None = None
    num_bytes: str | None = None
    by: tuple[str, ...] = ()
    logprob: str | None = None
    top_logprobs: str | None = None
    what: str = ""  # one line: what was taken for what
    numbers: tuple[str, ...] = ()  # those of `by` that must hold numbers

    @property
    def others(self) -> tuple[str, ...]:
        """All but the columns of the classes, each once."""
        numbers = (self.one_list, self.logprob, self.top_logprobs, self.target, self.weight)
        beside = (self.id, self.text, self.num_bytes, *self.by)
        return tuple(dict.fromkeys(name for name in (*numbers, *beside) if name is not None))


def find_roles(
    columns: Sequence[Column], head: Head, asked: Asked, class_names: Sequence[str] | None
) -> Roles:
    """What the columns are.

    Raises:
        Unclear: the names do not tell, and the caller must.
        ValueError: a name fits no column, or two.
    """
    header = [column.name for column in columns]
    for name in (asked.weight, asked.text, asked.num_bytes, *asked.by):
        if name is not None:
            named(header, name, _option(name, asked))
    if asked.id is not None:
        named(header, asked.id, "--id")
    for pattern in asked.logits:
        matching(header, pattern, "--logits")
    ignored = {j for pattern in asked.ignore for j in matching(header, pattern, "--ignore")}
    known = {asked.weight, asked.text, asked.num_bytes, *asked.by} - {asked.id, asked.target}
    free = [c for j, c in enumerate(columns) if j not in ignored and c.name not in known]
    roles = _logprobs(free, asked) or _predictions(free, head, asked, class_names)
    check_header(header, roles)
    return roles


def check_header(header: Sequence[str], roles: Roles) -> None:
    """Raise if a column that is read is missing or stands twice."""
    counts = Counter(header)
    for name in (*roles.classes, *roles.others):
        if counts[name] != 1:
            found = f"{counts[name]} columns are" if counts[name] else "no column is"
            raise ValueError(f"{found} named {quoted(name)}; {all_columns(header)}")


def _option(name: str, asked: Asked) -> str:
    options = {asked.weight: "--weight", asked.text: "--text", asked.num_bytes: "--bytes"}
    return options.get(name, "--by")


def _logprobs(free: Sequence[Column], asked: Asked) -> Roles | None:
    """The roles of a file with the log-probabilities of the targets alone; None if it is not one.

    Without being asked, that is one with a column of such a name and none of a target.
    """
    names = [column.name for column in free]
    name = asked.logprob
    if name is not None:
        named(names, name, "--logprob")
    elif asked.logits or asked.target or any(n.lower() in TARGETS for n in names):
        return None
    else:
        name = next((n for n in names if n.lower() in USUAL_LOGPROBS), None)
        if name is None or usual_logits(names):
            return None
    top = asked.top_logprobs or ("top_logprobs" if "top_logprobs" in names else None)
    if top is not None:
        named(names, top, "--top")
    key = asked.id or usual_id(names)
    said = [f"{quoted(name)} as the log-probabilities of the targets"]
    said += [f"{quoted(top)} as those of the likeliest tokens"] if top else []
    return _roles(asked, said, logprob=name, top_logprobs=top, id=key)


def _predictions(
    free: Sequence[Column], head: Head, asked: Asked, class_names: Sequence[str] | None
) -> Roles:
    names = [column.name for column in free]
    key = asked.id or usual_id([name for name in names if name != asked.target])
    lists = [column.name for column in free if column.kind == "list"]
    single = [c.name for c in free if c.kind not in NESTED and c.name != key]
    target = asked.target
    if target is not None:
        named(names, target, "--target")
    elif any(name in asked.logits for name in single):  # named one by one: all others are free
        target = usual_target([name for name in single if name not in asked.logits])
    else:
        target = usual_target(single)
    one_list = _list(names, lists, asked)
    if target is None:
        refuse_values(names)
        raise need_target([name for name in single if name not in asked.logits] or names)
    if one_list is not None:
        given = tuple(class_names) if class_names is not None else None
        said = [f"{quoted(one_list)} as the predictions, a list per row"]
        return _with_target(asked, said, target, key, one_list=one_list, class_names=given)
    return _wide(free, head, asked, target, key, class_names)


def _list(names: Sequence[str], lists: Sequence[str], asked: Asked) -> str | None:
    """The column of lists that holds the predictions; None if they are columns of numbers."""
    wanted = [name for name in asked.logits if name in lists]
    if wanted and len(asked.logits) > 1:
        raise ValueError(
            f"--logits {quoted(wanted[0])} is a column of lists: name it alone, without"
            f" {quoted_list([name for name in asked.logits if name != wanted[0]])}"
        )
    if wanted:
        return wanted[0]
    if asked.logits or usual_logits(names):
        return None
    return usual_list(lists)


def _wide(
    free: Sequence[Column],
    head: Head,
    asked: Asked,
    target: str,
    key: str | None,
    class_names: Sequence[str] | None,
) -> Roles:
    """The classes are columns of numbers."""
    names = [
        column.name
        for column in free
        if column.kind not in NESTED
        and column.name != target
        and column.name.lower() not in TARGETS
    ]
    obvious = usual_logits(names)
    patterns = asked.logits or ((obvious,) if obvious else ())
    rows = [] if patterns else head(names)
    chosen = choose(names, rows, Asked(patterns, target, key if key in names else None))
    classes = tuple(names[j] for j in chosen.classes)
    if len(classes) < 2:
        raise _too_few(names, classes)
    if class_names is not None and len(class_names) != len(classes):
        raise ValueError(f"{len(classes)} columns are classes, but class_names {len(class_names)}")
    what = patterns[0] if len(patterns) == 1 else quoted_list(classes, 3)
    return _with_target(
        asked,
        [f"{what} ({len(classes)} columns) as the classes"],
        target,
        key,
        classes=classes,
        class_names=chosen.names if class_names is None else tuple(class_names),
    )


def _too_few(names: Sequence[str], classes: Sequence[str]) -> Unclear:
    found = f"only {quoted(classes[0])} is a class" if classes else "no column is a class"
    return Unclear(
        f"{found}: at least two are needed, one column for each; {all_columns(names)}",
        [
            ("for columns", f"--logits {as_typed('logit_*')}"),
            ("for one column of lists", "--logits COLUMN"),
        ],
    )


def _with_target(
    asked: Asked, said: list[str], target: str, key: str | None, **predictions: object
) -> Roles:
    said.append(f"{quoted(target)} as the target")
    return _roles(asked, said, target=target, id=key, **predictions)


def _roles(asked: Asked, said: list[str], *, id: str | None, **roles: object) -> Roles:
    """All roles, and the line that names them."""
    for name, use in (
        (id, "the id"),
        (asked.weight, "the weight"),
        (asked.text, "the text"),
        (asked.num_bytes, "the number of bytes"),
    ):
        if name is not None:
            said.append(f"{quoted(name)} as {use}")
    if asked.by:
        said.append(f"{quoted_list(asked.by)} as slices")
    empty = dict.fromkeys(("one_list", "class_names", "target", "logprob", "top_logprobs"))
    all_roles: dict[str, object] = {"classes": (), **empty, **roles}
    return Roles(
        **all_roles,  # type: ignore[arg-type]
        id=id,
        text=asked.text,
        weight=asked.weight,
        num_bytes=asked.num_bytes,
        by=asked.by,
        what="taking " + ", ".join(said),
    )
