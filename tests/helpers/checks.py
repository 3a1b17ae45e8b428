"""Assertions on numbers. Each raises with the place and the values; none returns an answer."""

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from oracle import LD, clearly_within, smallest_normal, ulp, ulp_error, wide

import neglog


def dtype_of(name: str) -> np.dtype[Any]:
    """The dtype of that name; the test is skipped where bfloat16 is not to be had."""
    if name == "bfloat16":
        ml_dtypes = pytest.importorskip("ml_dtypes", reason="ml_dtypes is absent: no bfloat16 here")
        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name)


def assert_runs_on(instruction_set: str, program: str) -> None:
    """The program ends well and prints the instruction set last, in a process of its own.

    The instruction set is chosen once, at import; the one in use is skipped.
    """
    if instruction_set == neglog.cpu_info().instruction_set:
        pytest.skip("the instruction set in use: the other tests run it")
    done = subprocess.run(
        [sys.executable, program], capture_output=True, text=True, timeout=300, check=False,
        env=os.environ | {"NEGLOG_CPU": instruction_set, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.split()[-1] == instruction_set


def assert_ulps(
    actual: Any, exact: Any, dtype: Any, limit: float, what: str, *, size: Any = None
) -> None:
    """Every entry within `limit` ulps of `dtype` at its exact value (at `size`, if given).

    Below the smallest normal number nothing is promised but that the entry is that small too.
    """
    have, want = np.asarray(actual), np.asarray(exact, LD)
    assert have.shape == want.shape, f"{what}: shape {have.shape}, expected {want.shape}"
    if not have.size:
        return
    have, want = np.atleast_1d(have), np.atleast_1d(want)
    if size is not None:
        size = np.broadcast_to(size, have.shape)
        assert not np.isnan(np.where(np.isfinite(want), size, 0)).any(), f"{what}: no size"
    unsure = ~clearly_within(limit, have, want, dtype, size)
    if not unsure.any():
        return
    some, exactly, tiny = have[unsure], want[unsure], smallest_normal(dtype)
    small = (np.abs(exactly) < tiny) & (np.abs(wide(some)) <= tiny)
    error = ulp_error(some, exactly, dtype, None if size is None else size[unsure])
    off = np.zeros(have.shape, LD)
    off[unsure] = np.where(small, LD(0), error)
    worst = np.unravel_index(off.argmax(), off.shape)
    if off[worst] > limit:
        seen, best = have[worst], want[worst]
        raise AssertionError(
            f"{what}: {float(off[worst]):.3g} ulp of {np.dtype(dtype).name}, limit {limit:.3g}, "
            f"at {tuple(map(int, worst))} of {have.shape}: {seen!r}, exact {best:.12g} "
            f"({int((off > limit).sum())} of {off.size} entries are beyond)"
        )


def assert_identical(actual: Any, expected: Any, what: str) -> None:
    """The same dtype, shape and bits; nan equals nan, 0 does not equal -0."""
    have, want = np.ascontiguousarray(actual), np.ascontiguousarray(expected)
    assert have.dtype == want.dtype, f"{what}: {have.dtype}, expected {want.dtype}"
    assert have.shape == want.shape, f"{what}: {have.shape}, expected {want.shape}"
    if have.tobytes() == want.tobytes():
        return
    bits = np.dtype(f"u{have.dtype.itemsize}")
    differ = (have.view(bits) != want.view(bits)) & ~(np.isnan(have) & np.isnan(want))
    if differ.any():
        place = np.unravel_index(differ.argmax(), differ.shape)
        raise AssertionError(
            f"{what}: {int(differ.sum())} of {differ.size} entries differ, first at "
            f"{tuple(map(int, place))}: {have[place]!r}, expected {want[place]!r}"
        )


def assert_rows_sum_to_zero(grad: Any, sizes: Any, dtype: Any, limit: float) -> None:
    """The gradient of a row sums to 0, but for `limit` ulps of each of its entries' sizes."""
    total = wide(grad).sum(axis=-1)
    allowed = limit * ulp(np.asarray(sizes, LD), dtype).sum(axis=-1)
    bad = np.abs(total) > allowed
    if np.any(bad):
        row = int(np.argmax(bad))
        raise AssertionError(f"row {row} of the gradient sums to {total[row]:.3g}")
