"""Columns that may be no classes, by their names and numbers, and the question about them."""

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from .values import is_number, quoted, quoted_list

MOST_SHOWN = 8  # columns in a message
FEWEST = 3  # rows that a column's numbers are judged by; in two rows anything is a pattern


class Doubt(NamedTuple):
    """Why a column may be no class, and the option that says what it is."""

    why: str
    option: str


class Unclear(ValueError):  # noqa: N818 - it is a question
    """A question about the columns, and the ways to answer it: what for, and which options."""

    def __init__(self, question: str, ways: Sequence[tuple[str, str]]) -> None:
        self.question, self.ways = question, ways
        super().__init__(self.asked())

    def asked(self, command: str = "") -> str:
        """The question, with command lines if the start of the command is given."""
        start = f"{command} " if command else ""
        return "\n  ".join([self.question, *(f"{what}: {start}{way}" for what, way in self.ways)])


# Names that pandas, scikit-learn, Hugging Face, R and usual scripts give to what is not a class,
# with _ for spaces, points and hyphens.
USUAL = {
    name: Doubt(why, option)
    for why, option, names in (
        (
            "a name for the target",
            "--target",
            "actual answer category category_id class class_id class_label correct_label gold"
            " gold_label ground_truth gt label label_id label_idx label_ids labels observed outcome"
            " target targets true_class true_label y y_test y_true y_val ytrue",
        ),
        (
            "a name for an index",
            "--id",
            "date datetime example example_id file file_name filename guid id ids idx image_id"
            " index index_id item_id level_0 line line_number obs path record_id row row_id"
            " row_number rowid rownames row_names sample sample_id time timestamp uid user_id uuid",
        ),
        (
            "a name for something else",
            "--ignore",
            "accuracy argmax batch batch_idx confidence correct entropy epoch fold fold_id group"
            " group_id is_correct log_loss logloss loss max_prob nll partition perplexity pred"
            " pred_label predicted predicted_class predicted_label prediction predictions preds"
            " prob probability sample_weight score seed set split step subset top1 weight y_hat"
            " y_pred y_prob y_score yhat",
        ),
    )
    for name in names.split()
}
JOINED = str.maketrans(" .-", "___")
UNNAMED = re.compile(r"|unnamed: \d+|__index_level_\d+__|\.\.\.\d+")  # pandas, pyarrow, readr
WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
DECIMAL = re.compile(r"[+-]?[0-9]*[.eE]")


def refuse_doubtful(
    classes: Mapping[int, str], rows: Sequence[Sequence[str]], given: Mapping[str, bool]
) -> None:
    """Raise if a column among these may be something other than a class."""
    refuse_values(list(classes.values()))
    doubts = dict(_doubts(classes, rows))
    if doubts:
        listed = [f"{quoted(classes[j])}: {doubt.why}" for j, doubt in doubts.items()]
        more = [f"and {len(doubts) - MOST_SHOWN} more"] if len(doubts) > MOST_SHOWN else []
        flags = _flags([(classes[j], doubt.option) for j, doubt in doubts.items()], given)
        likely = [name for j, name in classes.items() if j not in doubts]
        raise Unclear(
            "\n  ".join(["some columns may not be classes", *listed[:MOST_SHOWN], *more]),
            [
                ("to leave them out", flags),
                ("to name the classes instead", f"--logits {example(likely)}"),
            ],
        )


def refuse_values(names: Sequence[str]) -> None:
    """Raise if the first line of a table holds a row instead of names."""
    if _are_values(names):
        raise ValueError(
            f"the first line holds numbers, {quoted_list(names, 3)}, but must hold the names of the"
            " columns: put such a line before it"
        )


def _are_values(names: Sequence[str]) -> bool:
    """Whether the first line holds a row: decimals, or whole numbers that do not ascend."""
    whole = [name for name in names if WHOLE.fullmatch(name)]
    if len(whole) == len(names):
        return any(int(a) >= int(b) for a, b in pairwise(names))
    return any(DECIMAL.match(name) and is_number(name) for name in names)


def _doubts(
    classes: Mapping[int, str], rows: Sequence[Sequence[str]]
) -> Iterator[tuple[int, Doubt]]:
    """The places of doubtful columns, and the doubts."""
    values = {j: [row[j].strip() for row in rows] for j in classes}
    by_name = {j: doubt for j, name in classes.items() if (doubt := doubt_by_name(name))}
    few = len(rows) < FEWEST
    if few and not by_name:
        return
    whole = {j for j in classes if not few and all(map(WHOLE.fullmatch, values[j]))}
    others = [x for j in classes if j not in whole for x in values[j] if is_number(x)]
    mixed = bool(others) and not any(map(WHOLE.fullmatch, others))  # two dtypes: 4 and 4.0
    for j in classes:
        doubt = by_name.get(j) or _doubt_by_values(values[j], j in whole, mixed)
        if doubt is not None:
            yield j, doubt


def doubt_by_name(name: str) -> Doubt | None:
    """The doubt that the name of a column raises."""
    if UNNAMED.fullmatch(name.lower()):
        return Doubt("unnamed, as an index is", "--ignore")
    return USUAL.get(name.lower().translate(JOINED))


def _doubt_by_values(values: Sequence[str], whole: bool, mixed: bool) -> Doubt | None:
    if values and not any(is_number(x.replace(",", ".", 1)) for x in values):  # not 1,5
        return Doubt(f"text, {quoted(values[0])}", "--ignore")
    if whole and all(int(b) - int(a) == 1 for a, b in pairwise(values)):
        return Doubt(f"counts {', '.join(values[:FEWEST])}, ...", "--ignore")
    return Doubt("whole numbers among fractions", "--ignore") if whole and mixed else None


def _flags(doubts: Sequence[tuple[str, str]], given: Mapping[str, bool]) -> str:
    """Options that say what the columns are: one target, one id, the others ignored."""
    used = {option for option, is_given in given.items() if is_given}
    flags: list[str] = []
    for name, option in doubts[:MOST_SHOWN]:
        flags.append(f"{'--ignore' if option in used else option} {as_typed(name)}")
        used |= {option} - {"--ignore"}
    return " ".join(flags) + (" ..." if len(doubts) > MOST_SHOWN else "")


def as_typed(name: str) -> str:
    """A name as it is typed in a shell; a placeholder if it cannot be typed."""
    return shlex.quote(name) if name.isprintable() and len(name) <= 40 else "COLUMN"


def example(names: Sequence[str]) -> str:
    """What --logits takes for these names: the pattern of most, or the names themselves."""
    stems = [match[0] for name in names if (match := re.match(r"[A-Za-z]+[_. -]", name))]
    [(stem, count)] = Counter(stems).most_common(1) or [("", 0)]
    if count > 1:
        return shlex.quote(f"{stem}*")
    together = ",".join(names[:MOST_SHOWN])
    fits = together.isprintable() and len(names) <= MOST_SHOWN and len(together) <= 40
    return shlex.quote(together) if names and fits else "COLUMN,COLUMN,..."
