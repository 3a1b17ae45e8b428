"""The explanation of a row: exact numbers against mpmath, columns against what they stand for."""

import json
import math
from typing import Any

import ml_dtypes
import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neglog
from neglog.trace import Row, Step, shown
from neglog.trace._floats import TYPES

INF, NAN = math.inf, math.nan
TINY = mpmath.mpf("1e-340")
STEPS = ["logits", "scaled", "maximum", "shifted", "exp", "rest", "sum", "prob", "log_prob", "nll"]
STEPS += ["one_hot", "grad", "jacobian"]
NUMPY = {
    "float64": np.float64,
    "float32": np.float32,
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
}


def row(logits: Any, target: Any = 0, **options: Any) -> Row:
    return neglog.explain(logits, target, **options).subject.rows[0]


def flags(step: Step) -> tuple[Any, ...]:
    columns = (step.naive, step.shifted, step.neglog)
    return tuple(None if c is None else c.flag for c in columns)


def random_rows(seed: int, count: int) -> list[tuple[list[float], int, float]]:
    """Logits of every scale, with ties and gaps; the target and the temperature."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        size = int(random.integers(2, 13))
        z = random.normal(size=size) * 10.0 ** random.integers(-1, 4)
        if random.random() < 0.2:
            z[1] = z[0]
        temperature = float(random.choice([1.0, 1.0, 0.1, 3.0]))
        found.append((z.tolist(), int(random.integers(size)), temperature))
    return found


# ---- rounding


@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16"])
def test_rounding_is_that_of_the_type(name: str) -> None:
    dtype, kind = NUMPY[name], TYPES[name]
    step = 1 << 16 if name == "float32" else 1  # every half; each 65536th of float32
    bits = np.arange(0, (step << 15) - step, step, dtype=np.uint32 if step > 1 else np.uint16)
    below, above = bits.view(dtype), (bits + 1).astype(bits.dtype).view(dtype)
    finite = np.isfinite(above.astype(np.float32))
    low, high = (x[finite].astype(np.float64) for x in (below, above))
    middle = (low + high) / 2
    even = np.where(bits[finite] % 2 == 0, low, high)
    for sign in (1.0, -1.0):
        np.testing.assert_array_equal(kind.round(sign * low), sign * low)
        np.testing.assert_array_equal(kind.round(sign * middle), sign * even)
        np.testing.assert_array_equal(kind.round(sign * np.nextafter(middle, INF)), sign * high)
        np.testing.assert_array_equal(kind.round(sign * np.nextafter(middle, 0)), sign * low)
    largest, limit = (
        float(ml_dtypes.finfo(dtype).max),
        2.0**kind.highest * (1 - 0.5 ** (kind.bits + 1)),
    )
    far = np.array([INF, -INF, NAN, limit, np.nextafter(limit, 0)])
    np.testing.assert_array_equal(kind.round(far), [INF, -INF, NAN, INF, largest])


# ---- the exact column


@pytest.mark.parametrize("case", random_rows(1, 40), ids=str)
def test_the_exact_column_has_fifty_digits(case: tuple[list[float], int, float]) -> None:
    logits, target, temperature = case
    found = row(logits, target, temperature=temperature, dtype="float64")
    with mpmath.workdps(400):  # so many that nothing below cancels
        z = [mpmath.mpf(x) / mpmath.mpf(temperature) for x in logits]
        top = max(z)
        e = [mpmath.exp(x - top) for x in z]
        total = mpmath.fsum(e)
        p = [x / total for x in e]
        nll = [-mpmath.log(x) for x in p]
        y = [mpmath.mpf(j == target) for j in range(len(z))]
        one_against_all = [-mpmath.log(1 - x) for j, x in enumerate(p) if j != target]
        expected = {
            "maximum": [top],
            "shifted": [x - top for x in z],
            "exp": e,
            "rest": [total - 1],
            "sum": [total],
            "prob": p,
            "log_prob": [-x for x in nll],
            "nll": [nll[target]],
            "one_hot": y,
            "grad": [(a - b) / mpmath.mpf(temperature) for a, b in zip(p, y, strict=True)],
            "jacobian": [
                p[i] * ((i == j) - p[j]) / mpmath.mpf(temperature)
                for i in range(len(z))
                for j in range(len(z))
            ],
        }
        losses = {
            "nll": nll[target],
            "method_1": min(nll),
            "method_2": nll[target] + mpmath.fsum(one_against_all),
            "binary": nll[target],
        }
        for name, numbers in expected.items():
            for ours, theirs in zip(found.steps[name].exact, numbers, strict=True):
                assert close(ours, theirs), name
        for name, number in losses.items():
            assert close(found.losses[name].exact[0], number), name
        for ours, x in zip(found.steps["exp"].unshifted, z, strict=True):
            assert close(ours, mpmath.exp(x))


def close(ours: Any, theirs: Any) -> bool:
    """The same to 49 digits; 400 digits of work tell nothing below 1e-340."""
    return bool(abs(mpmath.mpf(str(ours)) - theirs) <= abs(theirs) * mpmath.mpf("1e-49") + TINY)


# ---- the columns are what they say


@pytest.mark.parametrize("case", random_rows(2, 30), ids=str)
@pytest.mark.parametrize("name", ["float32", "float64"])
def test_the_naive_and_the_shifted_column_are_the_usual_code(
    name: str, case: tuple[list[float], int, float]
) -> None:
    dtype = NUMPY[name]
    logits, y, temperature = case
    found = row(logits, y, temperature=temperature, dtype=name)
    with np.errstate(all="ignore"):
        z = np.array(logits, dtype) / dtype(temperature)
        p = np.exp(z) / np.add.accumulate(np.exp(z))[-1]
        one_hot = np.eye(len(z), dtype=dtype)[y]
        naive = {
            "prob": p,
            "log_prob": np.log(p),
            "nll": -np.log(p[y]),
            "grad": (p - one_hot) / dtype(temperature),
        }
        below = z - z.max()
        total = np.add.accumulate(np.exp(below))[-1]
        q = np.exp(below) / total
        shifted = {
            "prob": q,
            "log_prob": below - np.log(total),
            "nll": np.log(total) + z.max() - z[y],
            "grad": (q - one_hot) / dtype(temperature),
        }
    for column, numbers in (("naive", naive), ("shifted", shifted)):
        for step, expected in numbers.items():
            ours = np.reshape(getattr(found.steps[step], column).values, np.shape(expected))
            # NumPy's exponential and ours differ in the last bit, which p - 1 magnifies.
            ulp, size = np.finfo(dtype).eps, max(1.0, float(np.max(np.abs(z))))
            np.testing.assert_allclose(ours, expected, rtol=8 * ulp, atol=8 * ulp * size)


@pytest.mark.parametrize("case", random_rows(3, 30), ids=str)
@pytest.mark.parametrize("name", list(TYPES))
def test_the_third_column_is_this_library(name: str, case: tuple[list[float], int, float]) -> None:
    logits, y, temperature = case
    found = row(logits, y, temperature=temperature, dtype=name)
    z = np.array(found.steps["logits"].neglog.values).astype(NUMPY[name])
    loss, grad = neglog.cross_entropy_and_grad(z[None], [y], temperature=temperature)
    half = found.steps["nll"].neglog.values[0]
    assert half == float(np.asarray(loss).astype(NUMPY[name]))
    np.testing.assert_array_equal(
        np.float64(found.steps["grad"].neglog.values), grad[0].astype(np.float64)
    )
    if temperature == 1.0:
        ulp = float(ml_dtypes.finfo(NUMPY[name]).eps)
        pairs = {
            "prob": neglog.softmax(z),
            "log_prob": neglog.log_softmax(z),
            "jacobian": neglog.softmax_jacobian(z),
        }
        for step, expected in pairs.items():
            ours = np.reshape(found.steps[step].neglog.values, expected.shape)
            np.testing.assert_allclose(ours, expected.astype(np.float64), rtol=2 * ulp, atol=1e-40)


@given(
    st.lists(st.floats(-200, 200, width=32), min_size=2, max_size=8),
    st.sampled_from(list(TYPES)),
)
def test_the_third_column_is_never_flagged_but_for_what_the_type_cannot_hold(
    logits: list[float], name: str
) -> None:
    found = row(logits, len(logits) - 1, dtype=name)
    for step in [*found.steps.values(), *found.losses.values()]:
        for flag, exact in zip(step.neglog.flag, step.exact, strict=True):
            # As many probabilities may have been flushed to 0 before they were added.
            small = abs(exact) < len(logits) * 2.0 ** TYPES[name].lowest
            large = abs(exact) >= 2.0 ** (TYPES[name].highest - 1)
            assert not flag or (flag == "overflow" and large) or (flag != "overflow" and small)


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


@pytest.mark.parametrize(
    ("arguments", "options", "error", "said"),
    [
        (([1, "x"], 0), {}, TypeError, r"logits\[1\] must be a real number, got 'x'"),
        (([[1, 2], [3, None]], [0, 0]), {}, TypeError, r"logits\[1\]\[1\] must be a real number"),
        (([[1, 2], [3]], [0, 0]), {}, ValueError, r"logits\[0\] has 2, logits\[1\] has 1"),
        (([[1, 2], 3], [0, 0]), {}, ValueError, r"logits\[1\] must be one number a class, got 3"),
        (([], 0), {}, ValueError, "logits must be one number a class"),
        (([[]], 0), {}, ValueError, r"logits\[0\] must be one number a class"),
        ((5, 0), {}, ValueError, "logits must be one number a class"),
        (("12", 0), {}, ValueError, "logits must be one number a class"),
        (([1, 2], 2), {}, IndexError, "target is 2, but the classes are 0 to 1"),
        (([1, 2], -1), {}, IndexError, "target is -1, but"),
        (([[1, 2]] * 2, [0, 7]), {}, IndexError, r"target\[1\] is 7, but"),
        (([1, 2], 0.5), {}, TypeError, "target must be an integer, got 0.5"),
        (([1, 2], "cat"), {}, TypeError, "or give class_names"),
        (([1, 2], "cow"), {"class_names": ["cat", "dog"]}, IndexError, "none of the class_names"),
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
