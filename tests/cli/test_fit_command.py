"""`neglog fit`, then `neglog predict`: a table becomes a model, and predictions for the report."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rich", reason="needs the extra cli")
pytest.importorskip("pyarrow", reason="needs the extra report")
pytest.importorskip("sklearn", reason="needs the extra learn")

import pyarrow as pa
from command_helpers import NEGLOG, folder_fixture, neglog, said_fixture  # noqa: F401
from pyarrow import csv, feather, parquet

from neglog.cli import main
from neglog.learn import SoftmaxRegression

pytestmark = pytest.mark.usefixtures("folder")


def flowers(rows: int = 300, seed: int = 0) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    size = random.normal(5, 2, rows)
    colour = random.choice(["red", "blue"], rows)
    score = np.stack([-size / 2, np.where(colour == "red", 1.5, -1), size / 2 - 3], axis=1)
    species = np.array(["iris", "rose", "tulip"])[
        (score + random.gumbel(size=score.shape)).argmax(1)
    ]
    return {
        "id": [f"flower {j}" for j in range(rows)],
        "size": [None if j % 50 == 7 else float(x) for j, x in enumerate(size)],
        "colour": colour.tolist(),
        "garden": ["north"] * rows,
        "species": species.tolist(),
    }


def write(name: str, columns: dict[str, Any]) -> str:
    table = pa.table(columns)
    if name.endswith(".csv"):
        csv.write_csv(table, name)
    elif name.endswith(".ndjson"):
        Path(name).write_text("\n".join(map(json.dumps, table.to_pylist())), encoding="utf-8")
    elif name.endswith(".feather"):
        feather.write_feather(table, name)
    else:
        parquet.write_table(table, name)
    return name


@pytest.fixture(name="no")
def no_fixture(capsys: pytest.CaptureFixture[str]) -> Any:
    """Run a command that must refuse with one message and write nothing; its message."""

    def run(*arguments: str) -> str:
        before = sorted(Path().rglob("*"))
        assert main(arguments) == 2
        printed = capsys.readouterr()
        assert printed.err.startswith("neglog: ")
        assert "Traceback" not in printed.err
        assert sorted(Path().rglob("*")) == before
        return printed.err.removeprefix("neglog: ")

    return run


FIT = ("fit", "f.parquet", "--target", "species")


@pytest.mark.parametrize("kind", ["parquet", "csv", "feather", "ndjson"])
def test_fit_predict_report(kind: str, said: Any) -> None:
    file = write(f"f.{kind}", flowers())
    text = said("fit", file, "--target", "species", "--l2", "0.01")
    for line in (
        "taking 'species' as the target: 3 classes; 300 rows to learn from",
        "  numbers, scaled: size",
        "  categories, one-hot: colour (2)",
        "  missing values, each a feature of its own: size (2.0%)",
        "  left out, the same in every row: garden",
        "  left out, a name for an index: id",
        "written to model.npz",
        f"next: neglog predict model.npz f.{kind} -o predictions.parquet",
    ):
        assert f"{line}\n" in text
    text = said("predict", "model.npz", file)
    assert text == (
        "300 rows, 3 classes\n  columns that the model does not need: 1\n"
        "written to predictions.parquet\nnext: neglog report predictions.parquet\n"
    )
    found = json.loads(
        said("report", "predictions.parquet", "--json", "r.json") and Path("r.json").read_text()
    )
    model = SoftmaxRegression.load("model.npz")
    assert found["loss"]["nll"]["value"] == pytest.approx(model.nll_, rel=1e-6)
    assert model.l2 == 0.01
    written = parquet.read_table("predictions.parquet")
    assert written.column_names == ["id", "target", "logit_iris", "logit_rose", "logit_tulip"]
    assert written["id"][3].as_py() == "flower 3"


def test_the_fit_is_that_of_python(said: Any) -> None:
    write("f.parquet", flowers())
    said(*FIT, "--features", "size,colour")
    model = SoftmaxRegression.load("model.npz")
    X = model.columns_.matrix_of(pa.table(flowers()))
    same = SoftmaxRegression().fit(X, flowers()["species"])
    np.testing.assert_allclose(model.coef_, same.coef_, rtol=1e-12)


def test_rows_are_held_out(said: Any) -> None:
    write("f.parquet", flowers(2000))
    text = said(*FIT, "--validate", "0.25")
    assert ", 499 held out" in text or ", 5" in text
    assert "held out" in text.split("mean nll")[1]
    assert "the best on the held-out rows" in text


def test_rows_without_a_target_are_left_out(said: Any) -> None:
    data = flowers()
    data["species"][:3] = [None] * 3
    write("f.parquet", data)
    assert "  left out, without a target: 3 rows\n" in said(*FIT)


def test_a_file_with_other_columns_and_values(said: Any, no: Any) -> None:
    write("f.parquet", flowers())
    said(*FIT)
    new = {name: flowers()[name] for name in ("colour", "size", "species")}
    new["colour"][:5] = ["green"] * 5
    new["species"][5:7] = ["orchid"] * 2
    new["species"][7] = None
    text = said("predict", "model.npz", write("new.csv", new), "-o", "p.csv")
    assert (
        "  'colour': rows with a category that the fit has not seen, which counts for no class: 5"
        in text
    )
    assert "  2 labels are not among the classes, 'iris', 'rose', 'tulip'" in text
    assert "  rows without a label: 1" in text
    del new["species"]
    text = said("predict", "model.npz", write("n.parquet", new), "-o", "q.parquet")
    assert "  the file has no target: a report needs one, --target COLUMN" in text
    assert "neglog report" not in text
    del new["size"]
    message = no("predict", "model.npz", write("n.parquet", new), "-o", "z.parquet")
    assert message.startswith("n.parquet: no column is named 'size', which the model needs; the ")


def test_many_classes_are_one_column_of_lists(said: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neglog.cli._predict.MOST_COLUMNS", 2)
    write("f.parquet", flowers())
    said(*FIT)
    said("predict", "model.npz", "f.parquet")
    table = parquet.read_table("predictions.parquet")
    assert table.column_names == ["id", "target", "logits"]
    assert table.schema.field("logits").type == pa.list_(pa.float32(), 3)
    said("report", "predictions.parquet", "--json", "r.json")
    found = json.loads(Path("r.json").read_text())
    nll = SoftmaxRegression.load("model.npz").nll_
    assert found["loss"]["nll"]["value"] == pytest.approx(nll, rel=1e-6)


def test_numbers_are_classes(said: Any) -> None:
    data = flowers()
    data["species"] = [{"iris": 3, "rose": 1, "tulip": 2}[name] for name in data["species"]]
    write("f.csv", data)
    said("fit", "f.csv", "--target", "species")
    assert SoftmaxRegression.load("model.npz").classes_.tolist() == [1, 2, 3]
    said("predict", "model.npz", "f.csv")
    said("report", "predictions.parquet", "--json", "r.json")
    assert json.loads(Path("r.json").read_text())["rows"]["used"] == 300


BAD = {
    "no such target": ({}, ("--target", "colur"), "--target: no column is named 'colur'"),
    "one class": ({"species": ["a"] * 300}, (), "column 'species' has one class only, 'a'"),
    "no class": ({"species": [None] * 300}, (), "column 'species' is empty in every row"),
    "fractions": ({"species": [0.5, 1.5] * 150}, (), "needs names or whole numbers, and 0.5"),
    "no classes": ({"species": list(range(300))}, (), "300 different values in 300 rows"),
    "infinite": ({"size": [1.0, float("inf")] * 150}, (), "row 1, column 'size' is inf"),
    "all missing": ({"size": [None] * 300}, (), "'size': empty in every row"),
    "lists": ({"size": [[1.0]] * 300}, (), "column 'size' holds lists"),
    "texts": (
        {"size": [f"t{j // 2}" for j in range(3000)], "species": ["a", "b", "c"] * 1000},
        ("--features", "size"),
        "'size': 1,500 different texts",
    ),
    "no such feature": ({}, ("--features", "x"), "--features: no column fits 'x'"),
    "nothing left": ({}, ("--features", "species"), "no column is left as a feature"),
    "l2": ({}, ("--l2", "-1"), "l2 must be a finite number >= 0, got -1"),
    "validate": ({}, ("--validate", "1"), "--validate must be a share from 0 to below 1, got 1"),
    "no folder": ({}, ("-o", "no/m.npz"), "there is no folder no for m.npz"),
    "the input": ({}, ("-o", "f.parquet"), "--output f.parquet is the input, too"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_message(what: str, no: Any) -> None:
    change, options, message = BAD[what]
    data = flowers() | change
    rows = len(data["species"])
    write("f.parquet", {name: column for name, column in data.items() if len(column) == rows})
    assert message in no(*FIT, *options)


def test_no_rows(no: Any) -> None:
    write("f.parquet", {name: pa.array(x)[:0] for name, x in flowers().items()})
    assert no(*FIT) == "f.parquet: no rows; a fit needs at least one\n"


def test_a_file_that_exists_stays(no: Any, said: Any) -> None:
    write("f.parquet", flowers())
    Path("m.npz").write_text("old")
    assert no(*FIT, "-o", "m.npz").startswith("m.npz exists: give --force to replace it")
    said(*FIT, "-o", "m.npz", "--force")
    Path("p.parquet").write_text("old")
    predict = ("predict", "m.npz", "f.parquet", "-o", "p.parquet")
    assert no(*predict).startswith("p.parquet exists: give --force")
    said(*predict, "--force")
    assert "is an input, too" in no("predict", "m.npz", "f.parquet", "-o", "f.parquet")
    assert "name it .parquet" in no("predict", "m.npz", "f.parquet", "-o", "p.xlsx")
    assert "p.parquet does not hold a SoftmaxRegression" in no("predict", "p.parquet", "f.parquet")


def test_a_full_disk_leaves_nothing(folder: Path) -> None:
    write("f.parquet", flowers())
    full = (
        "import resource, neglog.cli._fit\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))\n{NEGLOG}"
    )
    run = neglog(*FIT, "-o", "m.npz", cwd=folder, code=full)
    assert (run.returncode, run.stderr) == (2, "neglog: [Errno 27] File too large: 'm.npz'\n")
    assert [path.name for path in folder.iterdir()] == ["f.parquet"]


@pytest.mark.parametrize("command", ["fit", "predict"])
def test_an_interruption_writes_nothing(
    command: str, said: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write("f.parquet", flowers())
    said(*FIT)

    def stop(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("neglog.cli._fit.Fit._step", stop)
    monkeypatch.setattr("neglog.cli._predict.Prediction.batches", stop)
    arguments = [*FIT, "-o", "n.npz"] if command == "fit" else ["predict", "model.npz", "f.parquet"]
    assert main(arguments) == 130
    assert "interrupted after" in capsys.readouterr().err
    assert sorted(path.name for path in Path().iterdir()) == ["f.parquet", "model.npz"]
