"""Planted mistakes: each is found and named, and so are two at once; nothing else is wrong."""

import mpmath
import numpy as np
import oracle
import pytest
from checker_helpers.planted import MISTAKES, PAIRS, planted

import neglog
from neglog import check_loss
from neglog.checker import battery
from neglog.checker.codes import GRADE_OF
from neglog.checker.recipe import TRUTH

# What a planted mistake brings along, because it is made of the same arithmetic.
BESIDE = {
    "probabilities": {"underflow"},
    "wrong-axis": {"masked-nan", "ignored-leak"},
    "no-shift": {"cancellation", "gradient-cancellation"},
    "underflow": {"gradient-cancellation"},
    "epsilon": {"gradient-cancellation"},
    "cancellation": {"gradient-cancellation"},
    "one-vs-rest": {"cancellation"},
}


def test_nothing_is_found_in_the_correct_function() -> None:
    findings = check_loss(planted())
    assert (findings.codes, findings.ok, findings.remarks) == ((), True, ())


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_planted_mistake_is_named(mistake: str) -> None:
    findings = check_loss(planted(mistake))
    found = set(findings.codes)
    assert mistake in found
    assert {f.code: f.grade for f in findings} == {f.code: GRADE_OF[f.code] for f in findings}
    assert found <= {mistake} | BESIDE.get(mistake, set())


def test_both_of_two_mistakes_are_named() -> None:
    assert len(PAIRS) >= 40
    missed = [pair for pair in PAIRS if not set(pair) <= set(check_loss(planted(*pair)).codes)]
    assert missed == []


CASES = {
    f"{case.name}, {dtype}": case
    for dtype in ("float32", "float64")
    for case in [
        *battery.easy(dtype),
        *battery.hard(dtype).values(),
        *(case for some in battery.with_options(dtype).values() for case in some),
    ]
}


@pytest.mark.parametrize("name", CASES)
def test_the_checker_expects_the_exact_answer(name: str) -> None:
    case = CASES[name]
    options = {k: np.array(v) if k == "weight" else v for k, v in case.options.items()}
    want = oracle.cross_entropy(case.logits, case.target, **options)
    assert np.all(oracle.ulp_error(TRUTH.value(case), want.loss, "float64") <= 0.5 + 1e-3)
    if case.options.get("reduction") is None and "a masked class" not in name:
        near = oracle.ulp_error(TRUTH.gradient(case), want.grad, "float64", size=want.grad_size)
        assert not case.name.endswith("easy rows") or np.all(near < 1e7)  # by differences
    if not case.options:
        exact = TRUTH.exact_gradient(case)
        assert np.all(oracle.ulp_error(exact, want.grad, "float64") <= 1)


@pytest.mark.parametrize("function", ["cross_entropy", "cross_entropy_and_grad"])
def test_nothing_is_found_in_ours(function: str) -> None:
    assert check_loss(getattr(neglog, function)).codes == ()


def test_nothing_is_found_in_the_torch_face() -> None:
    face = pytest.importorskip("neglog.torch", exc_type=ImportError)
    assert check_loss(face.cross_entropy).codes == ()
    assert check_loss(face.CrossEntropyLoss(), framework="torch").codes == ()


def test_nothing_is_found_in_long_doubles() -> None:
    def loss(logits, target):  # type: ignore[no-untyped-def]
        found = oracle.cross_entropy(logits, np.where(target < 0, 99, target))
        return found.loss, found.grad

    assert check_loss(loss).codes == ()


def test_nothing_is_found_in_mpmath() -> None:
    def loss(logits, target):  # type: ignore[no-untyped-def]
        total = mpmath.mpf(0)
        known = {}
        with mpmath.workdps(60):
            for row, y in zip(logits.tolist(), target.tolist(), strict=True):
                if not 0 <= y < len(row):
                    raise IndexError(y)
                if (key := (*row, y)) not in known:
                    parts = [mpmath.exp(mpmath.mpf(z)) for z in row]
                    known[key] = mpmath.log(mpmath.fsum(parts)) - mpmath.mpf(row[y])
                total += known[key]
            return total / len(target)

    assert check_loss(loss).codes == ()
