"""Every width, remainder of rows, offset and dtype of one instruction set; run as a program too.

The tests call `sweep` in their own process for the instruction set in use, and start this file
with NEGLOG_CPU set for each of the others. It prints the instruction set that it ran on.
"""

import sys
from itertools import pairwise
from typing import Any

import numpy as np
import oracle
from budgets import RESULT_DTYPE, ULPS
from checks import assert_identical, assert_ulps, dtype_of

import neglog
from neglog import _engine

# 1 to 70: every remainder of a vector of up to 64 lanes; then one class less and one more than
# a power of two, a segment (8192) and two; a row in which the last segment is one class
WIDTHS = (*range(1, 71), 127, 128, 129, 255, 257, 1023, 1025, 8191, 8192, 8193, 16385, 40000)
ROWS = 37  # rows side by side in vectors of 2 to 32 lanes, and an odd one
PREFIXES = (1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33)  # as many rows as lanes, one less, one more


def row_loss(n: int) -> dict[str, Any]:
    return {"nll_coef": np.ones(n), "lse_coef": np.full(n, 0.5), "entropy_coef": np.full(n, -0.25)}


def results(z: Any, target: Any) -> dict[str, Any]:
    """Every number that the rows have."""
    nll, grad = neglog.cross_entropy_and_grad(z, target, reduction="none")
    stats = neglog.row_stats(z, target)
    _engine.run_rows(z, target, **row_loss(len(z)), grad=(row_grad := np.empty_like(z)))
    return {
        "gradient of a row loss": row_grad,
        "nll": nll, "gradient": grad, "nll of stats": stats.nll, "lse": stats.lse,
        "entropy": stats.entropy, "argmax": stats.argmax, "softmax": neglog.softmax(z),
        "log_softmax": neglog.log_softmax(z),
    }  # fmt: skip


def check_values(z: Any, target: Any, seen: dict[str, Any], what: str) -> None:
    name = z.dtype.name
    limit, wide = ULPS[name], RESULT_DTYPE[name]
    r = oracle.rows(z)
    hot = np.arange(z.shape[1]) == target[:, None]
    row_grad, row_size = oracle.row_gradient(r, row_loss(len(z)), hot, np.zeros((1, z.shape[1])))
    exact = oracle.cross_entropy(z, target, reduction="none", known=r)
    lse, entropy = np.maximum(np.abs(r.lse), 1), oracle.entropy(r)
    same = limit.nll if wide == name else limit.grad
    for key, want, dtype, most, size in (
        ("nll", exact.loss, wide, limit.nll, None),
        ("nll of stats", exact.loss, wide, limit.nll, None),
        ("gradient", exact.grad, name, limit.grad, None),
        ("gradient of a row loss", row_grad, name, limit.grad, row_size),
        ("lse", r.lse, wide, limit.nll, lse),
        ("entropy", entropy, wide, limit.nll, np.maximum(entropy, 1)),
        ("softmax", r.p, name, limit.grad, None),
        ("log_softmax", r.log_p, name, same, None),
    ):
        assert_ulps(seen[key], want, dtype, most, f"{key} of {what}", size=size)
    np.testing.assert_array_equal(
        seen["argmax"], oracle.wide(z).argmax(axis=1), f"argmax of {what}"
    )


def check_bits(z: Any, target: Any, seen: dict[str, Any], what: str) -> None:
    """Fewer rows beside them, another alignment: the same bits."""
    prefixes = PREFIXES if z.shape[1] < 1000 else (1,)
    for n in (n for n in prefixes if n < len(z)):
        for key, value in results(z[:n].copy(), target[:n]).items():
            assert_identical(value, seen[key][:n], f"{key} of {what}, {n} rows alone")
    buffer = np.empty(z.size + 19, z.dtype)
    for offset in (1, 2, 3, 5, 8, 13, 19) if z.shape[1] < 1000 else (3,):
        moved = buffer[offset : offset + z.size].reshape(z.shape)
        moved[...] = z
        for key, value in results(moved, target).items():
            assert_identical(value, seen[key], f"{key} of {what}, {offset} elements further")


def check_class_major(z: Any, target: Any, what: str) -> None:
    """The same rows side by side, in blocks of 1 to 37: the same bits."""
    wanted: dict[str, Any] = {"lse": True, "entropy": True, "argmax": True}
    want = _engine.run_rows(
        z, target, **wanted, **row_loss(len(z)), grad=(grad := np.empty_like(z))
    )
    for blocks, columns in ((1, 37), (1, 36), (2, 18), (12, 3), (36, 1)):
        n = blocks * columns
        turned = z[:n].reshape(blocks, columns, -1).swapaxes(1, 2).copy()
        have = _engine.run_rows(turned, target[:n], **wanted, **row_loss(n), grad=turned)
        place = f"of {what}, class-major, {columns} columns"
        for name, seen, value in zip(have._fields, have, want, strict=True):
            if seen is not None and value is not None:
                assert_identical(seen, value[:n], f"{name} {place}")
        assert_identical(turned.swapaxes(1, 2).reshape(n, -1), grad[:n], f"gradient {place}")


def check_panels(z: Any, target: Any, what: str) -> None:
    """The row loss of the same rows, a panel of classes at a time, from the last to the first."""
    coef, width = row_loss(len(z)), z.shape[1]
    panels = _engine.Panels(len(z), width, target, **coef)
    cuts = [0, *sorted({1, width // 3, width // 2} - {0, width}), width]
    pieces = list(pairwise(cuts))[::-1]
    for first, stop in pieces:
        panels.reduce(z[:, first:stop], first)
    grad = z.copy()
    for first, stop in pieces:
        panels.write_gradient(grad[:, first:stop], first)
    hot = np.arange(width) == target[:, None]
    want, size = oracle.row_gradient(oracle.rows(z), coef, hot, np.zeros((1, width)))
    name = z.dtype.name
    assert_ulps(grad, want, name, ULPS[name].grad, f"gradient of {what}, in panels", size=size)


def sweep(dtypes: tuple[str, ...] = tuple(ULPS), widths: tuple[int, ...] = WIDTHS) -> None:
    for name in dtypes:
        for width in widths:
            rng = np.random.default_rng(width)
            rows = ROWS if width < 1000 else 5
            z = rng.standard_normal((rows, width)) * rng.choice([0.5, 4, 20], (rows, 1))
            z[rows // 2, -1] = 25
            z = z.astype(np.float32).astype(dtype_of(name))
            target = rng.integers(0, width, rows).astype(np.int32 if width % 2 else np.int64)
            what = f"{name}, V = {width}, {neglog.cpu_info().instruction_set}"
            seen = results(z, target)
            check_values(z, target, seen, what)
            check_bits(z, target, seen, what)
            check_panels(z, target, what)
            if width <= 256:
                check_class_major(z, target, what)


if __name__ == "__main__":
    sweep(tuple(sys.argv[1:]) or tuple(ULPS))
    print(neglog.cpu_info().instruction_set)
