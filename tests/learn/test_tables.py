"""Columns of tables as features: scikit-learn's transformers are the oracle."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="needs the extra learn")
pytest.importorskip("pyarrow", reason="needs the extra report")
pytest.importorskip("pandas")

import pandas
import pyarrow as pa
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from neglog._read.tables.features import Dates, Texts, feature, joined, of_table, settled, taken
from neglog._read.tables.place import Place
from neglog.learn import SoftmaxRegression
from neglog.learn._tables import Measure, Recipe, add, decide

PLACE = Place("t.parquet", 0, "x")


def table(rows: int = 200, seed: int = 0) -> Any:
    random = np.random.default_rng(seed)
    size = random.normal(1e3, 5, rows)
    size[random.random(rows) < 0.1] = np.nan
    return pandas.DataFrame(
        {
            "size": size,
            "count": random.integers(0, 9, rows),
            "colour": pandas.Series(random.choice(["red", "blue", "grün"], rows), dtype="str"),
            "shape": pandas.Series(random.choice(["round", "flat", None], rows), dtype="str"),
            "flag": random.random(rows) < 0.5,
        }
    )


def recipe(frame: Any, named: bool = False) -> Recipe:
    """Measured in three parts of unlike length."""
    measures: dict[str, Measure] = {}
    for part in (frame[:7], frame[7:8], frame[8:]):
        add(measures, of_table(part, list(frame.columns), PLACE))
    return decide(measures, named, lambda names: f"without {names}")


def test_features_equal_those_of_scikit_learn() -> None:
    frame = table()
    found = recipe(frame)
    numbers, texts = ["size", "count", "flag"], ["colour", "shape"]
    oracle = ColumnTransformer(
        [
            ("number", make_pipeline(SimpleImputer(), StandardScaler()), numbers),
            ("text", OneHotEncoder(sparse_output=False), texts),
        ]
    )
    plain = frame.assign(
        colour=frame["colour"].astype(object),
        shape=frame["shape"].astype(object).where(frame["shape"].notna(), "~"),  # sorts last
        flag=frame["flag"].astype(float),
    )
    expected = oracle.fit_transform(plain)
    X = found.matrix_of(frame)
    # StandardScaler divides by the deviation after imputing; ours by that of the known numbers.
    known = frame["size"].dropna()
    expected[:, 0] *= np.sqrt(len(known) / len(frame))
    assert X.shape == (200, 3 + 1 + 3 + 3)
    np.testing.assert_allclose(X[:, :3], expected[:, :3], atol=1e-9)
    np.testing.assert_array_equal(X[:, 3], frame["size"].isna())
    np.testing.assert_array_equal(X[:, 4:], expected[:, 3:])
    assert found.names[:5] == ["size", "count", "flag", "size is missing", "colour=blue"]
    assert found.names[-1] == "shape is missing"


def test_many_categories_are_sparse() -> None:
    frame = pandas.DataFrame({"a": [f"v{j % 90}" for j in range(300)], "b": np.arange(300) % 7.0})
    found = recipe(frame)
    X = found.matrix_of(frame)
    assert X.format == "csr"
    assert X.shape == (300, 91)
    small = recipe(frame.assign(a="v" + (frame["b"] % 3).astype(str)))
    assert isinstance(small.matrix_of(frame.assign(a="v0.0")), np.ndarray)


def test_new_categories_are_counted_and_count_for_no_class() -> None:
    found = recipe(pandas.DataFrame({"a": ["x", "y", "x", "y"]}))
    unknown: Counter[str] = Counter()
    columns = of_table(pandas.DataFrame({"a": ["x", "z", None, "w", "z"]}), ["a"], PLACE)
    X = found.matrix(columns, unknown)
    assert X.tolist() == [[1, 0], [0, 0], [0, 0], [0, 0], [0, 0]]
    assert unknown == {"a": 3}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"a": [1, 2, 1, 5], "b": [3, 3, 3, 3]}, "left out, the same in every row: b"),
        ({"a": [1, 2, 1, 5], "b": [7, 8, 9, 10]}, "left out, it counts the rows: b"),
        ({"a": [1, 2, 1, 5], "uuid": [7, 7, 9, 9]}, "left out, a name for an index: uuid"),
        ({"a": [1, 2, 1, 5], "b": list("wxyz")}, "left out, another text in each row: b"),
        ({"a": [1, None, 1, 5]}, "missing values, each a feature of its own: a (25.0%)"),
        (
            {"a": pandas.to_datetime(["2020-01-01", "2021-01-01", "2020-01-01", None])},
            "dates, as days since 1970: a",
        ),
    ],
)
def test_what_is_decided_is_said(columns: Any, said: str) -> None:
    assert said in recipe(pandas.DataFrame(columns)).notes


def test_an_id_that_is_named_is_a_feature() -> None:
    frame = pandas.DataFrame({"uuid": [7.0, 7, 9, 9]})
    assert recipe(frame, named=True).columns == ("uuid",)
    with pytest.raises(ValueError, match="no column is left as a feature"):
        recipe(frame)


@pytest.mark.parametrize(
    ("column", "why"),
    [
        ([f"text {j}" for j in range(1001)] * 2, "'a': 1,001 different texts, and at most 1,000"),
        ([None] * 4, "'a': empty in every row"),
        ([float("nan")] * 4, "'a': empty in every row"),
    ],
)
def test_what_is_no_feature_is_refused_with_the_way_out(column: Any, why: str) -> None:
    with pytest.raises(ValueError, match=f"(?s){why}.*without \\['a'\\]"):
        recipe(pandas.DataFrame({"a": column}))


def test_an_infinite_number_is_named() -> None:
    with pytest.raises(ValueError, match=r"t\.parquet, row 1, column 'x' is -inf"):
        feature(pa.array([1.0, -np.inf]), PLACE)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([1, None], pa.int32()), [1, np.nan]),
        (pa.array([True, None]), [1, np.nan]),
        (pa.array([1.5], pa.float16()), [1.5]),
        (pa.array([None, None]), [np.nan, np.nan]),
        (pa.array([1, 1, None]).dictionary_encode(), [1, 1, np.nan]),
    ],
)
def test_what_counts_as_a_number(array: Any, expected: Any) -> None:
    np.testing.assert_array_equal(feature(array, PLACE), expected)


def test_texts_that_stand_for_nothing_are_missing() -> None:
    """A file of text cannot say it otherwise."""
    found = feature(pa.array(["", "a", "NA", None, "b", "a"]).dictionary_encode(), PLACE)
    assert found.codes.tolist() == [-1, 0, -1, -1, 1, 0]
    assert found.values == ["a", "b"]


def test_what_is_no_feature_at_all() -> None:
    with pytest.raises(ValueError, match="expected numbers, texts or dates, got the type list"):
        feature(pa.array([[1.0]]), PLACE)


@pytest.mark.parametrize("zone", [None, "UTC"])
def test_dates_are_days(zone: Any) -> None:
    column = pa.array([0, 43_200, None], pa.timestamp("s", zone))
    np.testing.assert_array_equal(feature(column, PLACE).days, [0, 0.5, np.nan])
    end = "Z" if zone else ""
    texts = Texts(np.array([1, 0, -1]), [f"1970-01-01T12:00:00{end}", f"1970-01-02T00:00:00{end}"])
    np.testing.assert_array_equal(settled(texts).days, [1, 0.5, np.nan])


def test_texts_settle_as_numbers_only_if_all_are() -> None:
    np.testing.assert_array_equal(
        settled(Texts(np.array([0, 1, -1, 0]), ["1e3", "-2"])), [1000, -2, np.nan, 1000]
    )
    assert isinstance(settled(Texts(np.array([0, 1]), ["1", "x"])), Texts)


def test_parts_join() -> None:
    parts = [Texts(np.array([0, -1]), ["a"]), Texts(np.array([1, 0]), ["b", "a"])]
    whole = joined(parts)
    assert [whole.values[c] if c >= 0 else None for c in whole.codes] == ["a", None, "a", "b"]
    assert taken(whole, np.array([2, 3])).codes.tolist() == [0, 1]
    assert joined([Dates(np.ones(1)), Dates(np.zeros(1))]).days.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("fitted", "given"), [([1.0, 2, 1], ["x", "y", "x"]), (["x", "y", "x"], [1.0, 2, 1])]
)
def test_a_column_of_another_type_is_named(fitted: Any, given: Any) -> None:
    found = recipe(pandas.DataFrame({"a": fitted}))
    with pytest.raises(ValueError, match=r"column 'a' holds .*s, and the model was fitted on .*s"):
        found.matrix_of(pandas.DataFrame({"a": given}))
    measures: dict[str, Measure] = {}
    add(measures, of_table(pandas.DataFrame({"a": fitted}), ["a"], PLACE))
    with pytest.raises(ValueError, match="further on"):
        add(measures, of_table(pandas.DataFrame({"a": given}), ["a"], PLACE))
    missing = found.matrix_of(pandas.DataFrame({"a": pandas.Series([None, None], dtype=object)}))
    assert not missing.any()


def test_a_model_of_a_table_comes_back(tmp_path: Any) -> None:
    frame = table()
    frame["kind"] = np.where(frame["size"] > 1000, "big", "small")
    model = SoftmaxRegression().fit_batches([frame], target="kind", epochs=2)
    model.save(tmp_path / "m.npz")
    again = SoftmaxRegression.load(tmp_path / "m.npz")
    assert again.columns_ == model.columns_
    shuffled = frame[frame.columns[::-1]].assign(more=1)  # another order, and one more column
    np.testing.assert_array_equal(again.logits(shuffled), model.logits(frame))
    with pytest.raises(ValueError, match=r"'colour' is not there; the columns are"):
        again.logits(frame.drop(columns="colour"))
    with pytest.raises(TypeError, match="expected an Arrow table, a pandas or a polars frame"):
        again.logits(np.ones((2, 3)))
