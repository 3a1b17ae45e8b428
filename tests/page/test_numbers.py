"""The page's arithmetic is Python's: the same numbers, the same flags, on hundreds of rows."""

import math
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import ml_dtypes
import mpmath
import numpy as np
import pytest
from page_helpers.browser import browser_fixture  # noqa: F401
from page_numbers import numbers_fixture  # noqa: F401

from neglog import explain

BITS = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}
LOWEST = {"float16": -14, "bfloat16": -126, "float32": -126, "float64": -1022}
DTYPES = {
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
    "float32": np.float32,
    "float64": np.float64,
}
COLUMNS = ("naive", "shifted", "neglog")


def hard_logits(rng: random.Random, i: int) -> list[float]:
    """2 to 12 logits, small and huge; by turns whole numbers, ties, gaps, infinities and nan."""
    scale = 10 ** rng.uniform(-1, 3)
    z = [rng.gauss(0, scale) for _ in range(rng.randint(2, 12))]
    somewhere = rng.randrange(len(z))
    if i % 5 == 0:
        z = [float(round(x)) for x in z]
    if i % 7 == 0:
        z[somewhere] = max(z)
    if i % 6 == 0:
        z[somewhere] += rng.choice([17, 40, 100, 800])
    if i % 10 == 3:
        z[somewhere] = rng.choice([math.inf, -math.inf, -math.inf, math.nan])
    if i % 40 == 9:
        z = [-math.inf] * len(z)
    if i % 40 == 19:
        z[0] = z[-1] = math.inf
    return z


def hard_rows(dtype: str, n: int = 200) -> list[dict[str, Any]]:
    rng = random.Random(f"rows in {dtype}")
    return [
        {
            "logits": (z := hard_logits(rng, i)),
            "target": rng.randrange(len(z)),
            "dtype": dtype,
            "temperature": rng.choice([1.0, 1.0, 0.1, 0.7, 2.0, 3.3]),
        }
        for i in range(n)
    ]


class Cell(NamedTuple):
    """One number of one step, in Python and on the page."""

    where: str
    column: str
    python: float
    page: float
    flags: tuple[str, str]
    errors: tuple[float, float]
    exact: Decimal


def flat(values: Any) -> list[Any]:
    return [x for value in values for x in flat(value)] if isinstance(values, list) else [values]


def cells(where: str, python: dict[str, Any], page: dict[str, Any]) -> Iterator[Cell]:
    """The numbers of a step; its columns must be the same ones."""
    assert set(python) - {"title", "formula", "classes"} == set(page), where
    for column in COLUMNS:
        assert (python[column] is None) == (page[column] is None), (where, column)
        if python[column] is None:
            continue
        both = [
            (flat(of[column]), flat(of["flag"][column]), flat(of["error"][column]))
            for of in (python, page)
        ]
        truth = python.get("unshifted", python["exact"]) if column == "naive" else python["exact"]
        for a, b, fa, fb, ea, eb, e in zip(
            *(x for pair in zip(*both, strict=True) for x in pair), flat(truth), strict=True
        ):
            yield Cell(
                where, column, float(a), float(b), (fa, fb), (float(ea), float(eb)), Decimal(e)
            )


def exact_pairs(python: dict[str, Any], page: dict[str, Any]) -> Iterator[tuple[Decimal, Decimal]]:
    for key in {"exact", "unshifted"} & set(python):
        yield from zip(map(Decimal, flat(python[key])), map(Decimal, flat(page[key])), strict=True)


def same(a: float, b: float) -> bool:
    return a == b or (math.isnan(a) and math.isnan(b))


def agree(dtype: str, cell: Cell) -> bool:
    """The same number and flag; but float64 is not rounded again after exp and log.

    They differ by an ulp between two libraries, which a step or two make some more; and where a
    step has lost digits already, by what it has lost. A flag may differ for that ulp alone.
    """
    if same(cell.python, cell.page):
        return cell.flags[0] == cell.flags[1]
    if dtype != "float64":
        return False
    near = math.isclose(cell.python, cell.page, rel_tol=2**-48)
    low, high = sorted(cell.errors)
    on_the_edge = 2**-28.5 < low <= high < 2**-24.5
    return (near or 2**-52 < high <= 4 * low) and (len(set(cell.flags)) == 1 or on_the_edge)


@np.errstate(over="ignore")
def ulps(dtype: str, x: float, exact: Decimal) -> float:
    """The error in units in the last place; 0 where a number of the type has no such digits."""
    if not exact.is_finite() or abs(exact) < Decimal(2) ** LOWEST[dtype]:
        return 0 if same(x, float(exact)) or exact.is_finite() else math.inf
    if math.isinf(x):  # right only if the number is beyond the type
        return 0 if math.isinf(float(DTYPES[dtype](float(exact)))) else math.inf
    unit = Decimal(2) ** (math.frexp(float(exact))[1] - BITS[dtype])
    return float(abs(Decimal(x) - exact) / unit)


FAR_LOGITS = (
    [math.nan],
    [-math.inf],
    [math.inf],
    [-0.0],
    [0.0, -3e6],
    [1e30, 5.0],
    [1.7e308, -7e306, 1e308],
    [5e-324, 0.0, -5e-324],
    [3.4028235e38, 65504.0, 65520.0],
)


def far_rows(dtype: str) -> list[dict[str, Any]]:
    """One class alone, and the ends of every type; the target is the first class."""
    return [
        {"logits": z, "target": 0, "dtype": dtype, "temperature": t}
        for z in FAR_LOGITS
        for t in (1.0, 3.0)
    ]


@pytest.mark.parametrize("dtype", BITS)
@pytest.mark.parametrize("make", [hard_rows, far_rows])
def test_rows_agree(make: Any, dtype: str, numbers: Any) -> None:
    """200 rows as they come, and some from the far ends."""
    rows = make(dtype)
    pages = numbers("Row.explain({ logits, target, dtype, temperature })", rows)
    for i, (row, page) in enumerate(zip(rows, pages, strict=True)):
        z, target = row.pop("logits"), row.pop("target")
        python = explain(z, target, **row).to_dict()["rows"][0]
        assert [python[key] for key in ("given", "target", "argmax")] == [
            page[key] for key in ("given", "target", "argmax")
        ]
        for part in ("steps", "losses"):
            assert list(python[part]) == list(page[part])
            for name, step in python[part].items():
                where = f"row {i}, {name}: {z}, target {target}, {row}"
                hold(dtype, where, step, page[part][name])


def hold(dtype: str, where: str, python: dict[str, Any], page: dict[str, Any]) -> None:
    for a, b in exact_pairs(python, page):
        close = a.is_finite() and b.is_finite() and abs(a - b) < abs(a) * Decimal("1e-45")
        assert close or a == b or (a.is_nan() and b.is_nan()), (where, a, b)
    for cell in cells(where, python, page):
        if cell.column == "neglog":
            assert ulps(dtype, cell.page, cell.exact) <= 2, cell
            assert cell.flags[1] in ("", "underflow", "overflow"), cell
        else:
            assert agree(dtype, cell), cell
            if same(cell.python, cell.page):
                assert math.isclose(*cell.errors, rel_tol=1e-9, abs_tol=1e-40), cell


@np.errstate(over="ignore")
def test_rounding_is_that_of_the_types(numbers: Any) -> None:
    rng = np.random.default_rng(5)
    wide = rng.standard_normal(400) * 2.0 ** rng.integers(-160, 140, 400)
    edges = [0.0, 65504.0, 65519.99, 65520.0, 2.0**-24, 2.0**-25, 3 * 2.0**-25, 3.39e38, 3.4e38]
    edges += [2.0**-133, 2.0**-134, 3 * 2.0**-134, 2.0**-149, 5e-324, 1.7e308, np.inf, np.nan]
    halves = np.arange(0, 0x7BFF, 37, dtype=np.uint16)  # up to the largest finite one
    ties = (halves.view(np.float16).astype(float) + (halves + 1).view(np.float16)) / 2
    values = np.concatenate([wide, wide.astype(np.float32), edges, ties])
    values = np.concatenate([values, -values])
    for dtype, kind in DTYPES.items():
        got = numbers("Float.round(dtype, x)", [{"dtype": dtype, "x": float(x)} for x in values])
        want = values.astype(kind).astype(np.float64)
        np.testing.assert_array_equal(np.array(list(map(float, got))), want, dtype)


@pytest.mark.parametrize("function", ["exp", "log", "log1p"])
def test_fifty_digits(function: str, numbers: Any) -> None:
    """Of exp(-1e5) as well, and of log(1 + x) for an x far below the last digit of 1."""
    tiny = [1e-320, 1e-30, 1e-7, 1.1e-6, 0.3, 1.0, 2.5, 12.0, 1e30]
    arguments = {
        "exp": [x * s for x in [*tiny[:-1], 745.2, 1e5, 1e6, 3e15, 2e18] for s in (1, -1)],
        "log": [*tiny, 5e-324, 1.7e308, 1 + 2**-52, 1 - 2**-53],
        "log1p": [*tiny, -1e-9, -0.75],
    }[function]
    got = numbers(f"Exact.text(Exact.{function}(Exact.of(x)))", [{"x": x} for x in arguments])
    with mpmath.workdps(420):
        for x, text in zip(arguments, got, strict=True):
            want = getattr(mpmath, function)(mpmath.mpf(x))
            assert abs(mpmath.mpf(text) - want) <= abs(want) * mpmath.mpf(10) ** -49, (x, text)


def test_losses_down_to_the_smallest_normal_number(numbers: Any) -> None:
    """A right answer by a gap of 708 has a loss of 1e-308, to the last bit; and its derivatives."""
    rows = [
        {"logits": [0.0, -gap, -gap - 0.1], "target": y, "dtype": "float64", "temperature": t}
        for gap in (17.0, 300.0, 600.0, 700.0, 705.0, 708.0)
        for y in (0, 1)
        for t in (1.0, 1.5)
    ]
    for page in numbers("Row.explain({ logits, target, dtype, temperature })", rows):
        for step in [*page["steps"].values(), *page["losses"].values()]:
            pairs = zip(flat(step["neglog"]), flat(step["exact"]), strict=True)
            assert max(ulps("float64", x, Decimal(exact)) for x, exact in pairs) <= 1


def test_a_light_row_has_the_same_numbers(numbers: Any) -> None:
    rows = hard_rows("float32", 20)
    full = numbers("Row.explain({ logits, target, dtype, temperature })", rows)
    light = numbers("Row.explain({ logits, target, dtype, temperature }, { light: true })", rows)
    for page in full:
        for step in [*page["steps"].values(), *page["losses"].values()]:
            for key in set(step) - set(COLUMNS):
                del step[key]
    assert light == full


def test_logits_that_no_exponential_can_take(numbers: Any) -> None:
    """A gap of 1e30 is a loss of 1e30; nothing hangs, and the maximum has all of the mass."""
    row = {"logits": [1e30, -1e30, 5.0], "target": 1, "dtype": "float64", "temperature": 0.5}
    [found] = numbers("Row.explain({ logits, target, dtype, temperature })", [row])
    assert found["steps"]["nll"]["neglog"] == 4e30
    assert found["steps"]["nll"]["exact"] == str(4 * int(1e30))
    assert found["losses"]["method_2"]["neglog"] == pytest.approx(4e30 + 2e30, rel=1e-15)
    assert found["steps"]["prob"]["neglog"] == [1, 0, 0]


def test_the_arithmetic_is_small() -> None:
    page = Path(__file__).parents[2] / "src" / "neglog" / "trace" / "page"
    files = [page / f"{name}.js" for name in ("float", "exact", "row", "likelihood")]
    assert sum(len(path.read_bytes()) for path in files) < 30_000
    assert all(len(path.read_text(encoding="utf-8").splitlines()) < 250 for path in files)
