"""`neglog explain --row`: what separates columns, what stands in the header, and wide tables."""

import math
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rich", reason="needs the extra cli")

from command_helpers import asks_fixture, folder_fixture, nll_fixture, table  # noqa: F401

from neglog._read.columns import Asked
from neglog._read.predictions import read_row

NLL = math.log1p(math.exp(-1))  # of the logits 2 and 1, target 0: 0.3133


@pytest.mark.parametrize(
    ("name", "separator"), [("p.csv", ";"), ("p.csv", "\t"), ("p.csv", "|"), ("p.tsv", ",")]
)
def test_the_only_separator_of_the_header_counts(
    nll: Any, folder: Path, name: str, separator: str
) -> None:
    header = [f'"cat{separator} tom"', "dog", "label"]
    table(folder, separator.join(header), separator.join("210"), name=name)
    assert nll("0", name) == pytest.approx(NLL)


def test_separators_in_doubt(nll: Any, asks: Any, folder: Path) -> None:
    assert nll("0", table(folder, "cat;tom,dog,label", "2,1,0")) == pytest.approx(NLL)
    two = table(folder, "cat;dog|horse", "1;2;3")
    message = asks("explain", "--row", "0", two, "--target", "0")
    assert "more than one separator, ';' and '|': separate the columns by ','" in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"cat;dog\n1,5;2\n", "is '1,5': expected a number, inf, -inf or nan; write decimals with"),
        (b"\xef\xbb\xbfcat;dog\n" + b"1,5;2,5\n" * 3, "is '1,5': expected a number, inf, -inf or "),
        (b"cat dog\n2 1\n", "column 'cat dog' is '2 1': expected a number"),
        (b"cat,dog,note\n2,1,x\n", "if it is no class, leave it out with --ignore"),
        (b"cat,dog\n1_0,2\n", "is '1_0': expected a number"),
        ("cat,dog\n2,1\n".encode("utf-16"), "this is not UTF-8 text; save it as UTF-8"),
        (b"2.0,1.0\n0.5,1.5\n", "the first line holds numbers, '2.0', '1.0', but must hold the n"),
        (b"2.0,1.0,cat\n0.5,1.5,dog\n", "the first line holds numbers, '2.0', '1.0', 'cat', but"),
        (b"5,4,2\n4,2,8\n", "the first line holds numbers, '5', '4', '2', but must hold"),
    ],
)
def test_a_table_that_others_would_read_says_the_way_out(
    asks: Any, folder: Path, content: bytes, message: str
) -> None:
    (folder / "p.csv").write_bytes(content)
    assert message in asks("explain", "--row", "0", "p.csv", "--target", "0")


def test_the_header_that_savetxt_writes(nll: Any, folder: Path) -> None:
    with (folder / "p.csv").open("w") as file:
        np.savetxt(file, [[2.0, 1.0], [0.5, 1.5]], delimiter=",", header="cat,dog")
    assert nll("0", "p.csv", "--target", "cat") == pytest.approx(NLL)


def test_classes_named_by_numbers(nll: Any, folder: Path) -> None:
    assert nll("0", table(folder, "0,1,label", "2,1,0")) == pytest.approx(NLL)
    assert nll("0", table(folder, "3,5,label", "2,1,3")) == pytest.approx(NLL)


# ---- large tables


def test_the_name_of_a_file_moves_no_cursor(asks: Any, folder: Path) -> None:
    path = table(folder, "cat,dog", "x,1", name="\x1b[2J.csv")
    assert r"\x1b[2J.csv: line 2" in asks("explain", "--row", "0", path, "--target", "0")


def test_a_wide_table_is_read(folder: Path) -> None:
    wide = 30_000
    header = ",".join(f"c{j}" for j in range(wide))
    path = table(folder, header + ",label", *[",".join(["1.5"] * wide) + ",c7"] * 20)
    row = read_row(Path(path), 19)
    assert (len(row.logits), row.target) == (wide, "c7")
    assert len(read_row(Path(path), 0, Asked(logits=("c*",))).logits) == wide


def test_rows_that_are_too_long_are_not_held(folder: Path) -> None:
    path = table(folder, "cat,dog", *["," * 2_000_000] * 12, "2,1")
    tracemalloc.start()
    try:
        assert read_row(Path(path), 12).logits == [2, 1]
        assert tracemalloc.get_traced_memory()[1] < 60_000_000, "one such row takes 34 MB"
    finally:
        tracemalloc.stop()


def test_a_header_of_nothing_but_separators_is_refused(asks: Any, folder: Path) -> None:
    table(folder, "," * 300_000, "1")
    assert "300001 columns, at most" in asks("explain", "--row", "0", "p.csv", "--target", "0")
