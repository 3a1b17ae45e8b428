"""What is taken for what without being asked, and what is asked about."""

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="needs the extra report")

import pyarrow as pa
from pyarrow import parquet as pq
from report_helpers.table_files import batches, joined

from neglog._read.columns import Asked
from neglog._read.tables import open_predictions


def csv(folder: Path, header: str, *rows: str) -> Path:
    path = folder / "p.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


# header, first row, and what is said; the commonest files need no option.
OBVIOUS = [
    (
        "y_true,logit_0,logit_1",
        "1,2,3",
        "logit_* (2 columns) as the classes, 'y_true' as the target",
    ),
    ("label,prob_a,prob_b", "b,.5,.5", "prob_* (2 columns) as the classes, 'label' as the target"),
    ("target,p_a,p_b", "a,.5,.5", "p_* (2 columns) as the classes, 'target' as the target"),
    (
        "id,cat,dog,label",
        "7,2,1.5,dog",
        "'cat', 'dog' (2 columns) as the classes, 'label' as the target, 'id' as the id",
    ),
    (
        ",cat,dog,y_true",
        "0,2,1.5,dog",
        "'cat', 'dog' (2 columns) as the classes, 'y_true' as the target, '' as the id",
    ),
    (
        "Unnamed: 0,0,1,2,labels",
        "5,1,2,3,0",
        "'0', '1', '2' (3 columns) as the classes, 'labels' as the target, 'Unnamed: 0' as the id",
    ),
    # The logits say more than the probabilities; other columns need no answer beside them.
    (
        "prob_a,prob_b,logit_a,logit_b,y,y_pred,epoch",
        ".5,.5,1,1,a,a,3",
        "logit_* (2 columns) as the classes, 'y' as the target",
    ),
    # A property of the row is no target where something else is one.
    (
        "logit_a,logit_b,category,label",
        "1,2,x,a",
        "logit_* (2 columns) as the classes, 'label' as the target",
    ),
]


@pytest.mark.parametrize(("header", "row", "said"), OBVIOUS)
def test_the_obvious_needs_no_option(header: str, row: str, said: str, tmp_path: Path) -> None:
    source = open_predictions(csv(tmp_path, header, row))
    assert source.what == f"taking {said}"
    assert [len(batch.target) for batch in source] == [1]


# header, row, asked, part of the question, the two likeliest commands
UNCLEAR: list[tuple[str, str, Asked, str, list[str]]] = [
    (
        "logit_a,logit_b,label,y_true",
        "1,2,a,a",
        Asked(),
        "the target may be any of 'label', 'y_true'",
        ["--target label", "--target y_true"],
    ),
    (
        "logit_a,logit_b,truth",
        "1,2,a",
        Asked(),
        "no column has a usual name of the target",
        ["--target truth", "--target logit_a"],
    ),
    (
        "cat,dog,label,y_pred",
        "2,1,dog,0",
        Asked(),
        "'y_pred': a name for something else",
        ["--ignore y_pred", "--logits cat,dog"],
    ),
    ("p,label", ".5,1", Asked(), "only 'p' is a class", ["--logits 'logit_*'", "--logits COLUMN"]),
]


@pytest.mark.parametrize(("header", "row", "asked", "question", "ways"), UNCLEAR)
def test_the_unclear_is_refused_with_two_commands(
    header: str, row: str, asked: Asked, question: str, ways: list[str], tmp_path: Path
) -> None:
    path = csv(tmp_path, header, row)
    with pytest.raises(ValueError, match="neglog report") as caught:
        open_predictions(path, asked)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert question in message
    for way in ways:
        assert f": neglog report {shlex.quote(str(path))} {way}\n" in f"{message}\n"


@pytest.mark.parametrize("flag", ["ignore", "logits"])
def test_what_the_question_offers_works(flag: str, tmp_path: Path) -> None:
    path = csv(tmp_path, "cat,dog,label,y_pred", "2,1,dog,0")
    asked = Asked(ignore=("y_pred",)) if flag == "ignore" else Asked(logits=("cat", "dog"))
    got = joined(batches(path, asked))
    np.testing.assert_array_equal(got["predictions"], [[2, 1]])
    assert got["target"].tolist() == [1]


def test_lists(tmp_path: Path) -> None:
    table = {"embedding": [[1.0, 2.0]], "Logits": [[3.0, 4.0, 5.0]], "label": [1]}
    path = tmp_path / "p.parquet"
    pq.write_table(pa.table(table), path)
    source = open_predictions(path)
    assert (
        source.what == "taking 'Logits' as the predictions, a list per row, 'label' as the target"
    )
    assert source.rows == 1
    np.testing.assert_array_equal(joined(list(source))["predictions"], [[3, 4, 5]])
    assert joined(batches(path, Asked(logits=("embedding",))))["predictions"].shape == (1, 2)
    pq.write_table(pa.table({"one": [[1.0]], "two": [[1.0]], "label": [1]}), path)
    with pytest.raises(ValueError, match=r"may be any of 'one', 'two'\n.*--logits one\n.*two"):
        open_predictions(path)


def test_the_index_that_pandas_writes(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame({"cat": [2.0, 1], "dog": [0.5, 3]}, index=["x", "y"])
    frame.assign(label=["dog", "cat"]).to_parquet(tmp_path / "p.parquet")
    source = open_predictions(tmp_path / "p.parquet")
    assert "'__index_level_0__' as the id" in source.what
    assert joined(list(source))["ids"] == ["x", "y"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked(target="truth"), "--target: no column is named 'truth'"),
        (Asked(id="key"), "--id: no column is named 'key'"),
        (Asked(weight="w"), "--weight: no column is named 'w'"),
        (Asked(by=("lang",)), "--by: no column is named 'lang'"),
        (Asked(text="t"), "--text: no column is named 't'"),
        (Asked(num_bytes="n"), "--bytes: no column is named 'n'"),
        (Asked(logits=("z_*",)), "--logits: no column fits 'z_*'"),
        (Asked(ignore=("q*",)), "--ignore: no column fits 'q*'"),
        (Asked(logprob="lp"), "--logprob: no column is named 'lp'"),
    ],
)
def test_a_missing_column_is_named(asked: Asked, said: str, tmp_path: Path) -> None:
    path = csv(tmp_path, "logit_a,logit_b,label", "1,2,a")
    with pytest.raises(
        ValueError, match=r"the columns are 'logit_a', 'logit_b', 'label'"
    ) as caught:
        open_predictions(path, asked)
    assert said in str(caught.value)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_doubled_column_is_named(suffix: str, tmp_path: Path) -> None:
    path = csv(tmp_path, "logit_a,logit_b,logit_a,label", "1,2,3,a")
    if suffix == "parquet":
        path = tmp_path / "p.parquet"
        columns: list[Any] = [[1.0], [2.0], [3.0], ["a"]]
        names = ["logit_a", "logit_b", "logit_a", "label"]
        pq.write_table(pa.Table.from_arrays(list(map(pa.array, columns)), names), path)
    with pytest.raises(ValueError, match=r"2 columns are named 'logit_a'"):
        open_predictions(path)


def test_a_doubled_column_that_nobody_reads_does_no_harm(tmp_path: Path) -> None:
    path = csv(tmp_path, "logit_a,logit_b,note,note,label", "1,2,3,4,a")
    assert joined(batches(path))["target"].tolist() == [0]


def test_a_later_file_with_other_columns(tmp_path: Path) -> None:
    csv(tmp_path, "logit_a,logit_b,label", "1,2,a").rename(tmp_path / "a.csv")
    csv(tmp_path, "label,logit_b,logit_a,more", "a,2,1,x").rename(tmp_path / "b.csv")
    np.testing.assert_array_equal(joined(batches(tmp_path))["predictions"], [[1, 2], [1, 2]])
    csv(tmp_path, "logit_a,logit_c,label", "1,2,a").rename(tmp_path / "c.csv")
    with pytest.raises(ValueError, match=r"c\.csv: no column is named 'logit_b'"):
        batches(tmp_path)
