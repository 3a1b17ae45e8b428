"""Files of language models: the log-probability of each token, with or without the top k."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="needs the extra report")

import pyarrow as pa
from pyarrow import parquet as pq
from report_helpers.table_files import batches

from neglog._read.columns import Asked
from neglog._read.tables import LogprobBatch, logprobs, open_predictions

DOCUMENTS = {
    "doc": ["a", "b", "c"],
    "token_logprobs": [[None, -0.5, -2.0], [], [-1.0]],
    "top_logprobs": [[[], [-0.5, -1.0], [-1.5]], [], [[-1.0, -1.0]]],
    "text": ["x y z", "", "w"],
    "size": [5, 0, 1],
}


def written(folder: Path, suffix: str) -> Path:
    path = folder / f"p.{suffix}"
    table = pa.table(DOCUMENTS)
    if suffix == "parquet":
        pq.write_table(table, path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in table.to_pylist()))
    return path


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_lists_of_tokens(suffix: str, tmp_path: Path) -> None:
    asked = Asked(id="doc", text="text", num_bytes="size")
    source = open_predictions(written(tmp_path, suffix), asked)
    assert source.what == (
        "taking 'token_logprobs' as the log-probabilities of the targets, 'top_logprobs' as those"
        " of the likeliest tokens, 'doc' as the id, 'text' as the text, 'size' as the number of"
        " bytes"
    )
    [batch] = list(source)
    assert isinstance(batch, LogprobBatch)
    np.testing.assert_array_equal(batch.logprob, [np.nan, -0.5, -2, -1])
    assert batch.missing is not None
    assert batch.missing.tolist() == [True, False, False, False]
    assert batch.document.tolist() == [0, 0, 0, 2]
    assert batch.token.tolist() == [0, 1, 2, 0]
    mass = [np.nan, math.exp(-0.5) + math.exp(-1), math.exp(-1.5), 2 * math.exp(-1)]
    assert batch.top_mass is not None
    np.testing.assert_allclose(batch.top_mass, mass, rtol=1e-15)
    assert (batch.first, np.asarray(batch.ids).tolist()) == (0, ["a", "b", "c"])
    assert batch.text[2] == "w"
    assert batch.num_bytes is not None
    assert batch.num_bytes.tolist() == [5, 0, 1]


def test_a_number_per_row(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("word,logprob\nx,-1.5\ny,\nz,-inf\n")
    [batch] = batches(tmp_path / "p.csv", Asked(id="word"))
    np.testing.assert_array_equal(batch.logprob, [-1.5, np.nan, -np.inf])
    assert batch.document.tolist() == [0, 1, 2]
    assert batch.top_mass is None


def test_documents_are_split_by_their_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logprobs, "MOST_BYTES", 64 * 10)
    lengths = [3, 3, 3, 3, 25, 1, 10]
    table = pa.table({"lp": [[-1.0 - j] * n for j, n in enumerate(lengths)], "n": range(7)})
    pq.write_table(table, tmp_path / "p.parquet")
    found = batches(tmp_path / "p.parquet", Asked(logprob="lp", id="n"))
    assert [len(b.logprob) for b in found] == [9, 3, 25, 1, 10]
    assert [b.first for b in found] == [0, 3, 4, 5, 6]
    document = np.concatenate([b.document for b in found])
    np.testing.assert_array_equal(np.bincount(document), lengths)
    np.testing.assert_array_equal(np.concatenate([b.logprob for b in found]), -1.0 - document)
    assert [list(b.ids) for b in found] == [[0, 1, 2], [3], [4], [5], [6]]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"lp": [[-1.0], [-1.0, 0.5]]}, "row 1, column 'lp': 0.5 is no log-probability"),
        ({"lp": ["x", "y"]}, "column 'lp': expected numbers or lists of numbers, got the type"),
        ({"lp": [["x"], ["y"]]}, "column 'lp': expected lists of numbers, got lists of"),
        ({"lp": [[-1.0], [-1.0]], "top_logprobs": [[[-1.0]], [[-1.0], [-1.0]]]},
         "row 1, column 'top_logprobs': 2 lists for 1 tokens"),
        ({"lp": [-1.0, -1.0], "top_logprobs": [-1.0, -1.0]},
         "column 'top_logprobs': expected a list of numbers for each token"),
    ],
)  # fmt: skip
def test_what_is_no_log_probability(columns: dict[str, object], said: str, tmp_path: Path) -> None:
    pq.write_table(pa.table(columns), tmp_path / "p.parquet")
    with pytest.raises(ValueError, match=r"p\.parquet, ") as caught:
        batches(tmp_path / "p.parquet", Asked(logprob="lp"))
    assert said in str(caught.value)
