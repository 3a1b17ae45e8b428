"""`python -m bench.documents`: the kept run is written into the documents, between their markers.

A table stands between <!--table NAME--> and <!--/table-->, a figure of a sentence between
<!--figure NAME--> and <!--/-->. Nothing that is measured is typed by hand.
"""

import re
from pathlib import Path

from bench import ROOT
from bench.documents.figures import figure
from bench.documents.summary import summary
from bench.documents.table import TABLES
from bench.documents.words import ENGLISH, KOREAN, Words
from bench.lookup import Run, kept_run

TABLE = re.compile(r"(<!--table ([\w-]+)-->\n)(?:.*?\n)??(<!--/table-->)", re.S)
FIGURE = re.compile(r"(<!--figure ([\w-]+)-->)(.*?)(<!--/-->)", re.S)
CODE = re.compile(r"^```.*?^```|`[^`\n]+`|^    .*?$", re.M | re.S)
# A number with the unit of something measured; 2048 x 32768 is a shape.
UNITS = "[mµun]?s|KiB|MiB|GiB|[kMG]B(?:/s)?|ulp|%|times|배|초"
MEASURED = re.compile(rf"\d[\d.,]*[ \u00a0]?(?:x(?! ?\d)|{UNITS})(?![a-zA-Z])")
README = {"README.md": ENGLISH, "README.ko.md": KOREAN}


def documents() -> dict[Path, Words]:
    """Every document that shows something measured."""
    found = {ROOT / name: words for name, words in README.items()}
    for language, words in (("en", ENGLISH), ("ko", KOREAN)):
        for name in ("benchmarks.md", "coming-from-torch.md"):
            path = ROOT / "docs" / language / name
            if path.exists():
                found[path] = words
    return found


def updated(text: str, run: Run, words: Words) -> str:
    """The text with its tables and figures written anew."""

    def table(found: re.Match[str]) -> str:
        begin, name, end = found.groups()
        if name != "summary" and name not in TABLES:
            raise ValueError(f"there is no table {name!r}; there are summary, {', '.join(TABLES)}")
        made = summary(run, words) if name == "summary" else TABLES[name](run, words)
        return f"{begin}{made}\n{end}"

    if broken := re.search(r"^ *<!--figure.*", text, re.M):  # Markdown would end the paragraph
        raise ValueError(f"a line must not begin with a figure's marker: {broken[0]}")
    text = TABLE.sub(table, text)
    return FIGURE.sub(lambda found: found[1] + figure(run, found[2]) + found[4], text)


def unmarked(text: str) -> list[str]:
    """What looks measured and stands in no marker and in no code."""
    for known in (TABLE, FIGURE, CODE):
        text = known.sub("", text)
    return MEASURED.findall(text)


def update() -> None:
    run = kept_run()
    for path, words in documents().items():
        text = path.read_text(encoding="utf-8")
        new = updated(text, run, words)
        if new != text:
            path.write_text(new, encoding="utf-8")
            print(f"wrote the tables and figures of {path.relative_to(ROOT)}")
