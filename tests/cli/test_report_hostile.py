"""`neglog report` on files that are broken, empty, enormous or malicious: one message, exit 2."""

import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rich", reason="needs the extra cli")
pytest.importorskip("pyarrow", reason="needs the extra report")

import pyarrow as pa
from command_helpers import folder_fixture  # noqa: F401
from pyarrow import feather, parquet
from report_helpers.files import as_csv, pets, ran_fixture, refused_fixture  # noqa: F401

pytestmark = pytest.mark.usefixtures("folder")

DATA = pets()
HEADER = "logit_cat,logit_dog,label"
ROWS = ["1.5,0.5,cat", "0.25,1.75,dog", "2.5,-1.5,cat"]


def table(*rows: str, header: str = HEADER, name: str = "p.csv") -> str:
    Path(name).write_text("\n".join([header, *(rows or ROWS)]) + "\n", encoding="utf-8")
    return name


def raw(content: bytes, name: str = "p.csv") -> str:
    Path(name).write_bytes(content)
    return name


def lines(*rows: Any) -> str:
    text = "\n".join(map(json.dumps, rows))
    return raw(text.encode(), "p.jsonl")


def as_parquet(columns: dict[str, Any], name: str = "p.parquet") -> str:
    parquet.write_table(pa.table(columns), name)
    return name


def whole_parquet() -> str:
    return as_parquet(
        {"logit_cat": np.ones(5000), "logit_dog": np.arange(5000.0), "label": [0] * 5000}
    )


def truncated(path: str, keep: float) -> str:
    content = Path(path).read_bytes()
    return raw(content[: int(len(content) * keep)], path)


def damaged(path: str) -> str:
    content = bytearray(Path(path).read_bytes())
    middle = len(content) // 4
    content[middle : middle + 400] = bytes(400)
    return raw(bytes(content), path)


def as_feather() -> str:
    feather.write_feather(
        pa.table({"logit_cat": np.ones(5000), "logit_dog": [0.0] * 5000, "label": [0] * 5000}),
        "p.feather",
    )
    return "p.feather"


def cut_gzip() -> str:
    return truncated(raw(gzip.compress(Path(as_csv("p.csv", DATA)).read_bytes()), "p.csv.gz"), 0.5)


def bomb() -> str:
    """6 MB of equal lines in 6 kB; a real one goes on."""
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress(f"{HEADER}\n".encode()), packer.compress(b"1,2,0\n" * 1_000_000)]
    return raw(b"".join([*parts, packer.flush()]), "p.csv.gz")


def one_line() -> str:
    """A line of 20 MB that takes no space on the disk."""
    with Path("p.csv").open("wb") as file:
        file.write(f"{HEADER}\n1,2,".encode())
        file.truncate(20_000_000)
    return "p.csv"


HOSTILE: dict[str, tuple[Callable[[], Any], str]] = {
    "no file": (lambda: "nothing.csv", "No such file"),
    "no file fits": (lambda: "part-*.csv", "no file fits part-*.csv"),
    "an empty folder": (
        lambda: (Path("empty").mkdir(), "empty")[1],
        "holds no file of predictions",
    ),
    "an empty file": (lambda: raw(b""), "p.csv"),
    "a header without rows": (lambda: raw(f"{HEADER}\n".encode()), "no rows"),
    "another suffix": (lambda: raw(b"hello", "p.xyz"), "the suffix does not say what this is"),
    "bytes that are no text": (lambda: raw(b"\xff\xfe\x00\x01" * 50), "p.csv"),
    "a column twice": (
        lambda: table(header="logit_cat,logit_cat,label"),
        "2 columns are named 'logit_cat'",
    ),
    "a short row": (lambda: table(*ROWS, "1.5,2.5"), "p.csv"),
    "a long row": (lambda: table(*ROWS, "1.5,2.5,cat,more"), "p.csv"),
    "a word for a number": (lambda: table(*ROWS, "1.5,much,cat"), "much"),
    "decimal commas": (lambda: table('"1,5","2,5",cat', '"0,5","1,5",dog'), "p.csv"),
    "a label that is no class": (
        lambda: table(*ROWS, "1.5,2.5,bird"),
        "row 3, column 'label': 'bird' is no class",
    ),
    "a number outside the classes": (lambda: table(*ROWS, "1.5,2.5,7"), "'7' is no class"),
    "no target": (
        lambda: table("1.5,0.5", header="logit_cat,logit_dog"),
        "neglog report p.csv --target",
    ),
    "two targets": (
        lambda: table("1.5,0.5,cat,dog", header=f"{HEADER},y_true"),
        "neglog report p.csv --target",
    ),
    "ragged lists": (
        lambda: lines({"logits": [1, 2], "label": 0}, {"logits": [1, 2, 3], "label": 0}),
        "row 1",
    ),
    "lists of text": (lambda: lines({"logits": ["a", "b"], "label": 0}), "p.jsonl"),
    "a line that is no JSON": (
        lambda: raw(b'{"logits": [1, 2], "label": 0}\n{"logits": [1', "p.jsonl"),
        "p.jsonl",
    ),
    "probabilities that sum to 2": (
        lambda: table("0.5,0.5,cat", *["1,1,dog"] * 3),
        "sum to 2, not to 1",
    ),
    "a truncated Parquet file": (lambda: truncated(whole_parquet(), 0.6), "truncated or damaged"),
    "a damaged Parquet file": (lambda: damaged(whole_parquet()), "p.parquet"),
    "a truncated Feather file": (lambda: truncated(as_feather(), 0.6), "truncated or damaged"),
    "text as Parquet": (lambda: raw(b"logit_a,logit_b\n1,2\n" * 9, "p.parquet"), "p.parquet"),
    "a truncated gzip file": (cut_gzip, "truncated"),
    "a gzip bomb": (bomb, "compressed bytes become more than"),
    "an endless line": (one_line, "line 2 is longer than 10,000,000 bytes"),
    "a zip that is no NPZ": (lambda: raw(b"PK\x03\x04" + bytes(99), "p.npz"), "p.npz"),
    "pickles in an NPZ": (
        lambda: (np.savez("p.npz", logits=np.array([{}, {}], object), label=[0, 1]), "p.npz")[1],
        "p.npz",
    ),
    "nothing but nan": (lambda: table(*["nan,nan,cat"] * 3), "no row counts: 3 were read"),
    "a negative weight": (
        lambda: table("1,2,cat,-1", header=f"{HEADER},w"),
        "expected a number of at",
    ),
}
OPTIONS = {
    "probabilities that sum to 2": ("--kind", "probabilities"),
    "a negative weight": ("--weight", "w"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_one_message(
    what: str, refused: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "neglog._read.tables.formats.compressed.FREE", 1_000_000
    )  # of 100 times as much
    monkeypatch.setattr("neglog._read.tables.formats.compressed.MOST_RATIO", 500)
    monkeypatch.setattr("neglog._read.tables.formats.blocks.LONGEST_LINE", 10_000_000)
    make, message = HOSTILE[what]
    said = refused(make(), *OPTIONS.get(what, ()), "--json", "r.json")
    assert message in said
    assert len(said) < 1000
    assert not Path("r.json").exists()


@pytest.mark.parametrize(
    "name",
    ["<script>alert(1)</script>", "\x1b[2J\x1b]0;owned\x07", '=HYPERLINK("x")', "가" * 30_000],
)
def test_a_hostile_name_of_a_class_is_text(name: str, ran: Any) -> None:
    rows = {"logits": [[1.5, 0.5], [0.25, 1.75]], "label": [name, "dog"], "id": [name, name]}
    wide = as_parquet(
        {
            f"logit_{name}": [1.5, 0.5],
            "logit_dog": [0.5, 1.75],
            **{k: rows[k] for k in ("label", "id")},
        }
    )
    done = ran(wide, "--html", "r.html", "--json", "r.json", "--by", "id")
    assert (done.code, done.err) == (0, "")
    page = Path("r.html").read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "\x1b" not in page
    assert len(page) < 500_000
    found = json.loads(Path("r.json").read_text())
    assert name in {line["name"] for line in found["classes"]["listed"]}
    shown = ran(wide, "--id", "id", "--by", "id").out
    assert shown.replace("\n", "").isprintable()
    assert max(map(len, shown.splitlines()[1:])) <= 80
