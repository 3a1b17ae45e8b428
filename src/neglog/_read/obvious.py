"""What the names of columns say without a doubt: the target, the index, the columns of classes."""

import re
from collections.abc import Sequence

from .columns import TARGETS, all_columns
from .doubts import UNNAMED, Unclear, as_typed, doubt_by_name
from .values import quoted_list

# Beginnings of the classes' columns; of two that a table has, the first holds more: from logits
# follow the probabilities, and from their logarithms no probability is lost.
STEMS: tuple[str, ...] = ("logit", "logits", "log_prob", "log_probs", "logprob", "logprobs")
STEMS += ("prob", "probs", "proba", "probability", "p")
STEM = re.compile(rf"({'|'.join(STEMS)})[_. -](?=.)", re.IGNORECASE)
# Usual names of a list with one number for each class.
LISTS: tuple[str, ...] = ("logits", "logit", "log_probs", "logprobs", "log_probabilities")
LISTS += ("probabilities", "probs", "prob", "pred_probs", "proba", "predictions", "scores")
# Usual names of a target that also name a property of the row, which is the target only if no
# other column is.
WEAK = {"actual", "answer", "category", "category_id", "class", "class_id", "observed", "outcome"}


def usual_target(names: Sequence[str]) -> str | None:
    """The target's column by its name; None if no column has a usual one.

    Raises:
        Unclear: several columns have one.
    """
    usual = [name for name in names if name.lower() in TARGETS or _option(name) == "--target"]
    strong = [name for name in usual if name.lower() not in WEAK] or usual
    if len(strong) > 1:
        raise Unclear(
            f"the target may be any of {quoted_list(strong)}",
            [(f"for {as_typed(name)}", f"--target {as_typed(name)}") for name in strong[:2]],
        )
    return strong[0] if strong else None


def usual_id(names: Sequence[str]) -> str | None:
    """The column that names the rows: a table's index, or the only one with such a name."""
    unnamed = [name for name in names if UNNAMED.fullmatch(name.lower())]
    usual = [name for name in names if _option(name) == "--id"]
    if unnamed:
        return unnamed[0]
    return usual[0] if len(usual) == 1 else None


def usual_logits(names: Sequence[str]) -> str | None:
    """The pattern of the classes' columns, such as logit_*; None if fewer than two have one."""
    stems = [match[0] for name in names if (match := STEM.match(name))]
    several = [stem for stem in dict.fromkeys(stems) if stems.count(stem) > 1]
    rank = {stem: STEMS.index(stem[:-1].lower()) for stem in several}
    return f"{min(rank, key=rank.__getitem__)}*" if rank else None


def usual_list(names: Sequence[str]) -> str | None:
    """The column of lists with one number for each class; `names` are all that hold lists."""
    usual = [name for wanted in LISTS for name in names if name.lower() == wanted]
    if len(names) < 2 or usual:
        return next(iter(usual or names), None)
    raise Unclear(
        f"the logits may be any of {quoted_list(names)}",
        [(f"for {as_typed(name)}", f"--logits {as_typed(name)}") for name in names[:2]],
    )


def need_target(names: Sequence[str]) -> Unclear:
    """The question for the target where no name tells; the last columns are the likeliest."""
    return Unclear(
        f"no column has a usual name of the target: name it; {all_columns(names)}",
        [
            ("such as", f"--target {as_typed(name)}")
            for name in dict.fromkeys([*names[-1:], *names[:1]])
        ],
    )


def _option(name: str) -> str | None:
    doubt = doubt_by_name(name)
    return None if doubt is None else doubt.option
