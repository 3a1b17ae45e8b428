"""The explanation of a row: what goes wrong is flagged, ties and batches, JSON, the arguments."""

import json
import math
from typing import Any

import numpy as np
import pytest
from explain_helpers import flags, row

import neglog
from neglog.trace import shown
from neglog.trace.softmax.floats import TYPES

INF, NAN = math.inf, math.nan
STEPS = ["logits", "scaled", "maximum", "shifted", "exp", "rest", "sum", "prob", "log_prob", "nll"]
STEPS += ["one_hot", "grad", "jacobian"]


# ---- what goes wrong is said


def test_a_gap_of_17_leaves_the_usual_code_nothing() -> None:
    nll = row([17, 0, 0]).steps["nll"]
    assert nll.shifted.values == (0.0,)
    assert nll.shifted.error == (1.0,)
    assert flags(nll) == (("cancel",), ("cancel",), ("",))
    assert nll.neglog.error[0] < 1e-7
    grad = row([17, 0, 0]).steps["grad"]
    assert grad.shifted.values[0] == 0.0
    assert flags(grad)[1:] == (("cancel", "", ""), ("", "", ""))


def test_an_offset_of_10000_leaves_the_usual_code_nothing() -> None:
    nll = row([1e4, 9990]).steps["nll"]
    assert nll.shifted.values == (0.0,)
    assert nll.neglog.values == (pytest.approx(4.53989e-5),)


def test_a_logit_of_1000_overflows_the_definition() -> None:
    found = row([1000, 0, -5])
    assert flags(found.steps["exp"]) == (
        ("overflow", "", ""),
        ("", "underflow", "underflow"),
        ("", "underflow", "underflow"),
    )
    assert flags(found.steps["prob"])[0] == ("nan", "underflow", "underflow")
    assert flags(found.steps["nll"])[0] == ("nan",)
    assert str(found.steps["sum"].unshifted[0]).endswith("E+434")


def test_a_probability_below_the_type_costs_the_definition_its_loss() -> None:
    nll = row([0, 110]).steps["nll"]
    assert nll.naive.values == (INF,)
    assert flags(nll) == (("overflow",), ("",), ("",))


def test_no_gap_is_too_wide() -> None:
    prob = row([0, -3e6], dtype="float64").steps["prob"]
    assert prob.neglog.flag == ("", "underflow")
    assert prob.neglog.error[1] == 1
    for name in TYPES:
        assert row([1.0, 2.0], temperature=1e-300, dtype=name).steps["nll"].exact[0] > 1e299


def test_what_the_type_cannot_hold_is_lost_with_the_logits() -> None:
    logits = row([70000, 0.1, 1e-9], dtype="float16").steps["logits"]
    assert logits.neglog.flag == ("overflow", "", "underflow")
    assert logits.neglog.values[0] == INF
    assert 0 < logits.neglog.error[1] < 2**-11


@pytest.mark.parametrize("bad", [[NAN, 1.0], [NAN], [-INF, -INF], [INF, 1.0, INF]], ids=str)
def test_a_row_without_probabilities_is_nan_and_no_way_of_computing_is_blamed(bad: Any) -> None:
    found = row(bad)
    for name in ("shifted", "exp", "rest", "sum", "prob", "log_prob", "nll", "grad", "jacobian"):
        step = found.steps[name]
        assert np.isnan(step.neglog.values).all()
        assert all(x.is_nan() for x in step.exact)
        assert set(step.neglog.flag) == {""}


def test_infinite_logits_have_exact_answers() -> None:
    found = row([INF, 1, -INF], 1)
    assert found.steps["prob"].neglog.values == (1, 0, 0)
    assert found.steps["nll"].neglog.values == (INF,)
    assert found.steps["grad"].neglog.values == (1, -1, 0)
    assert [float(x) for x in found.steps["grad"].exact] == [1, -1, 0]
    assert flags(found.steps["prob"])[1] == ("nan", "nan", "nan")
    assert found.steps["shifted"].neglog.values == (0, -INF, -INF)
    assert set(found.steps["shifted"].neglog.flag) == {""}
    masked = row([0, -INF], 1)
    assert masked.steps["nll"].neglog.values == (INF,)
    assert masked.steps["grad"].neglog.values == (1, -1)
    assert set(masked.steps["grad"].neglog.flag) == {""}


# ---- a row


def test_ties_are_all_named() -> None:
    assert row([4, 4, 1], 1).argmax == (0, 1)
    assert row([4, 5, 1], 1).argmax == (1,)
    assert row([4, NAN, 1], 1).argmax == ()


def test_the_losses_stand_side_by_side() -> None:
    logits = np.log([0.2, 0.1, 0.65, 0.05])
    losses = row(logits, 2, dtype="float64").losses
    expected = {
        "nll": -math.log(0.65),
        "method_1": -math.log(0.65),
        "method_2": -math.log(0.65 * 0.8 * 0.9 * 0.95),
        "binary": -math.log(0.65),
    }
    for name, number in expected.items():
        for column in (losses[name].naive, losses[name].shifted, losses[name].neglog):
            assert column.values[0] == pytest.approx(number, rel=1e-12)
    wrong = row([4, 2, 8], 0, dtype="float64").losses
    assert wrong["method_1"].neglog.values[0] < 0.1 < 4 < wrong["nll"].neglog.values[0]


def test_one_class_costs_nothing() -> None:
    found = row([3.0])
    for step in [*found.steps.values(), *found.losses.values()]:
        assert flags(step)[2] == ("",)
    assert found.steps["nll"].neglog.values == (0.0,)


def test_temperature_is_a_step_of_its_own() -> None:
    assert "scaled" not in row([1, 2]).steps
    scaled = row([1, 2], temperature=4).steps["scaled"]
    assert scaled.neglog.values == (0.25, 0.5)


def test_a_batch_has_a_sum_and_a_mean() -> None:
    z, y = [[5, 4, 2], [4, 2, 8], [4, 4, 1]], [0, 2, 1]
    batch = neglog.explain(z, y, dtype="float64").subject
    assert batch.mean.neglog.values[0] == neglog.cross_entropy(np.array(z, float), y)
    assert float(batch.total.exact[0]) == pytest.approx(3 * batch.mean.neglog.values[0])
    assert batch.total.shifted.values[0] == pytest.approx(batch.total.neglog.values[0])
    assert len(batch.rows) == 3


@pytest.mark.parametrize("many", [13, 1000])
def test_of_many_classes_twelve_entries_are_shown(many: int) -> None:
    logits = np.arange(many, dtype=float)
    found = row(logits, 1)
    classes, others = shown(found)
    assert classes == [1, *range(many - 10, many)]
    assert sorted(classes + others) == list(range(many))
    assert len(classes) + 1 == 12
    assert len(found.steps["jacobian"].exact) == 11**2
    assert shown(row(logits, many - 1))[0] == list(range(many - 10, many))
    assert shown(row([*logits, NAN], 1))[0][-1] == many


# ---- as JSON


@pytest.mark.parametrize("logits", [[5, 4, 2], [1000, NAN, INF], list(range(20))], ids=str)
def test_the_dict_is_json_without_literals_of_its_own(logits: Any) -> None:
    trace = neglog.explain(logits, 2, temperature=2.0)
    text = json.dumps(trace.to_dict(), allow_nan=False)
    first = json.loads(text)["rows"][0]
    assert list(first["steps"]) == STEPS
    prob = first["steps"]["prob"]
    assert list(prob) == [
        "title",
        "formula",
        "naive",
        "shifted",
        "neglog",
        "exact",
        "error",
        "flag",
    ]
    assert len(prob["exact"]) == len(logits)
    jacobian = first["steps"]["jacobian"]
    assert len(jacobian["classes"]) == len(jacobian["neglog"]) == len(jacobian["neglog"][0])
    if logits[0] == 1000:
        assert prob["neglog"] == ["nan"] * 3
        assert first["given"] == [1000, "nan", "inf"]


# ---- what may be passed


@pytest.mark.parametrize(
    "logits",
    [(5, 4, 2), np.array([5, 4, 2]), np.float32([5, 4, 2]), [np.int8(5), 4, 2.0], [[5, 4, 2]]],
    ids=repr,
)
@pytest.mark.parametrize("target", [1, np.int64(1), [1], np.array(1), "dog"], ids=repr)
def test_every_kind_of_row_is_the_same_row(logits: Any, target: Any) -> None:
    names = ["cat", "dog", "horse"]
    trace = neglog.explain(logits, target, class_names=names, dtype=np.float32)
    assert trace == neglog.explain([5.0, 4.0, 2.0], 1, class_names=names)


def test_tensors_are_taken() -> None:
    torch = pytest.importorskip("torch")
    z = torch.tensor([5.0, 4.0, 2.0], dtype=torch.bfloat16, requires_grad=True)
    trace = neglog.explain(z, torch.tensor(1), dtype=torch.bfloat16)
    assert trace == neglog.explain([5, 4, 2], 1, dtype="bfloat16")


class Sparse:
    """What SciPy's sparse matrices and arrays have."""

    def toarray(self) -> Any:
        raise AssertionError("the caller decides whether the memory is there")


@pytest.mark.parametrize("dtype", ["float64", "Float64"])
def test_frames_are_taken(dtype: str) -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    frame = pandas.DataFrame([[5, 4], [4, 2]], columns=["cat", "dog"], dtype=dtype)
    whole = neglog.explain(frame, pandas.Series(["cat", "dog"]), class_names=frame.columns)
    rows = [[5, 4], [4, 2]]
    assert whole == neglog.explain(rows, [0, 1], class_names=["cat", "dog"])
    assert neglog.explain(frame.iloc[1], 0) == neglog.explain(rows[1], 0)
    with pytest.raises(TypeError, match=r"'id' is no number; pass logits.select_dtypes"):
        neglog.explain(frame.assign(id="x"), [0, 1])


@pytest.mark.parametrize(
    ("arguments", "options", "error", "said"),
    [
        (([1, "x"], 0), {}, TypeError, r"logits\[1\] must be a real number, got 'x'"),
        (([[1, 2], [3, None]], [0, 0]), {}, TypeError, r"logits\[1\]\[1\] must be a real number"),
        (([[1, 2], [3]], [0, 0]), {}, ValueError, r"logits\[0\] has 2, logits\[1\] has 1"),
        (([[1, 2], 3], [0, 0]), {}, ValueError, r"logits\[1\] must be one number per class, got 3"),
        (([], 0), {}, ValueError, "logits must be one number per class"),
        (([[]], 0), {}, ValueError, r"logits\[0\] must be one number per class"),
        ((5, 0), {}, ValueError, "logits must be one number per class"),
        (("12", 0), {}, ValueError, "logits must be one number per class"),
        (
            (None, 0),
            {},
            TypeError,
            r"cannot be read as an array \(it is None\); pass an array",
        ),
        (({"a": 1}, 0), {}, TypeError, r"pass list\(logits.values\(\)\)"),
        ((Sparse(), 0), {}, TypeError, r"pass logits.toarray\(\)"),
        (([1, 2], 2), {}, IndexError, "target is 2, but the classes are 0 to 1"),
        (([1, 2], -1), {}, IndexError, "target is -1, but"),
        (([[1, 2]] * 2, [0, 7]), {}, IndexError, r"target\[1\] is 7, but"),
        (([1, 2], 0.5), {}, TypeError, "target must be an integer, got 0.5"),
        (([1, 2], "cat"), {}, TypeError, "or give class_names"),
        (([1, 2], "cow"), {"class_names": ["cat", "dog"]}, IndexError, "not in class_names"),
        (([1, 2], [0, 1]), {}, ValueError, "one class for each of 1 rows, got 2"),
        (([1, 2], 0), {"class_names": ["cat"]}, ValueError, "must name 2 classes"),
        (([1, 2], 0), {"class_names": "ab"}, TypeError, "must be a list of strings"),
        (([1, 2], 0), {"class_names": [1, 2]}, TypeError, "must be a list of strings"),
        (([1, 2], 0), {"class_names": ["a", "a"]}, ValueError, "got 'a' twice"),
        (([1, 2], 0), {"dtype": "float8"}, ValueError, "dtype must be one of float64, float32"),
        (([1, 2], 0), {"temperature": 0}, ValueError, "temperature must be finite and above 0"),
        (([1, 2], 0), {"temperature": "hot"}, TypeError, "temperature must be a real number"),
    ],
)
def test_bad_input_is_named(
    arguments: Any, options: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        neglog.explain(*arguments, **options)
