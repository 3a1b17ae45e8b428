"""Order and ties in every regime of the engine; run as a program for another instruction set."""

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from budgets import ULPS
from checks import dtype_of

import neglog
from neglog import _engine

# side by side: two classes, a block, more than a vector; one after another; two parts, six, and
# a row whose exponentials are not kept
WIDTHS = ((2, 64), (3, 64), (10, 70), (200, 20), (300, 20), (9000, 4), (40000, 2))
NOT_KEPT = {"float32": 263_000, "float64": 132_000}


def _wide(values: Any) -> Any:
    return np.asarray(values).astype(np.float64)  # exact for every dtype here


def check(z: Any, seen: Any, what: str, target: Any = None) -> None:
    """Along each row, the target left out: no smaller logit with a larger result, no twin apart.

    Without a target the first maximum is that of the logits. A gradient is c p: descending where
    the row's c is negative.
    """
    for row, (logits, values) in enumerate(zip(_wide(z), _wide(seen), strict=True)):
        order = np.argsort(logits, kind="stable")
        order = order if target is None else order[order != target[row]]
        ascending, result = logits[order], values[order]
        assert not np.isnan(result).any(), f"{what}, row {row}"
        apart, step = np.diff(ascending) > 0, np.diff(result)
        assert (step[~apart] == 0).all(), f"{what}, row {row}: equal logits, different results"
        rising = target is None or step.sum() >= 0
        ordered = step[apart] >= 0 if rising else step[apart] <= 0
        assert ordered.all(), f"{what}, row {row}: the order is broken"
        if target is None:
            top = logits.argmax()
            assert values[top] == values.max(), f"{what}, row {row}: the maximum"
            # unless another number has, once rounded, the same probability
            clear = (logits > logits[top] - 0.02).sum() == (logits == logits[top]).sum()
            assert values.argmax() == top or not clear, f"{what}, row {row}: argmax"


def planted(rng: np.random.Generator, rows: int, width: int, dtype: str) -> tuple[Any, Any]:
    """Rows with twins of the maximum, of others, and neighbours one number below them."""
    z = rng.standard_normal((rows, width)) * rng.choice([0.01, 0.5, 3, 20], (rows, 1))
    z = (z + rng.choice([0, 0, 7, 300, 3e4], (rows, 1))).astype(
        "float64" if dtype == "float64" else "float32"
    )
    z[:, rng.integers(0, width)] = z.max(axis=1)
    z[:, -1] = z.max(axis=1)
    below = np.nextafter(z[:, -1], -np.inf, dtype=z.dtype)
    if width > 2:
        z[::2, width // 2] = below[::2]
    if width > 6:
        some = rng.integers(0, width, (4, width // 4))
        z[:, some[0]] = z[:, some[1]]
        z[:, some[2]] = np.nextafter(z[:, some[3]], np.inf, dtype=z.dtype)
        z[:, 0] = np.minimum(z[:, 0], below)
    z = np.minimum(z, 60000).astype(dtype_of(dtype))
    target = _wide(z).argmax(axis=1)
    target[::2] = rng.integers(0, width, len(target[::2]))
    return z, target


def long_rows(dtype: str) -> Iterator[tuple[Any, Any]]:
    """Rows of many parts. Their maxima differ, and twins stand in several of them: near 0; the row
    far from 0 and some parts not; some parts far from 0 and the row not. One thread takes four rows
    or more as wholes, with kept exponentials; two threads share the parts of as few."""
    rng = np.random.default_rng(5)
    part = 4096 if dtype == "float64" else 8192
    border = 65536.0
    if neglog.cpu_info().instruction_set == "x86-64-v2":  # no fused operations
        border = 350.0 if dtype == "float64" else 200.0
    for width in (5 * part, NOT_KEPT[dtype]):
        for offset in (0.0, border - 4, -border - 2):
            rows = 1 if width == NOT_KEPT[dtype] else 4
            z = (rng.standard_normal((rows, width)) * 2 + offset).astype(dtype)
            starts = range(0, width, part)
            for k, start in enumerate(starts):
                z[:, start : start + part] -= np.asarray(3 * (k % 7), z.dtype)
            z[:, ::1111] = np.asarray(offset - 25, z.dtype)  # one number in every part
            z[:, :: 2 * part + 1] = z.max(axis=1, keepdims=True)
            tops = np.abs([z[:, start : start + part].max(axis=1) for start in starts])
            across = (tops.min(axis=0) < border) & (border < tops.max(axis=0))
            assert not offset or across.all(), "no part lies across the border"
            yield z, np.full(rows, 2 * part + 1)


def gradient(z: Any, target: Any, **options: Any) -> Any:
    _engine.run_rows(z, target, grad=(grad := np.empty_like(z)), **options)
    return grad


def check_row_functions(z: Any, target: Any, what: str) -> None:
    check(z, neglog.softmax(z), f"softmax of {what}")
    check(z, neglog.log_softmax(z), f"log_softmax of {what}")
    check(z, gradient(z, target), f"gradient of {what}", target)
    check(z, gradient(z, target, temperature=3.0), f"gradient of {what}, T = 3", target)
    if z.dtype.itemsize > 2:  # what a part keeps, the row may not
        check(z, gradient(z, target, scale=2.0**100), f"large gradient of {what}", target)
    compute = "float64" if z.dtype == "float64" else "float32"
    probs = np.full((1, z.shape[1]), 0.1 / z.shape[1], compute)
    seen = gradient(z, target, probs=probs, lse_coef=np.full(len(z), 0.5))
    check(z, seen, f"gradient of {what}, smoothed", target)


def check_ties(z: Any, target: Any, what: str) -> None:
    """Where a result is no function of the probability alone: a softcap, an entropy."""
    for options in ({"softcap": 5.0}, {"entropy_coef": np.full(len(z), -0.25)}):
        check_twins(z, gradient(z, target, **options), f"{what}, {list(options)}", target)


def check_twins(z: Any, seen: Any, what: str, target: Any) -> None:
    for row, (logits, values) in enumerate(zip(_wide(z), _wide(seen), strict=True)):
        order = np.argsort(logits, kind="stable")
        order = order[order != target[row]]
        twins = np.diff(logits[order]) == 0
        assert (np.diff(values[order])[twins] == 0).all(), f"{what}, row {row}: a tie"


def check_panels(z: Any, target: Any, what: str) -> None:
    panels, cut = _engine.Panels(len(z), z.shape[1], target), z.shape[1] // 3
    for first, stop in ((cut, z.shape[1]), (0, cut)):
        panels.reduce(np.ascontiguousarray(z[:, first:stop]), first)
    grad = z.copy()
    for first, stop in ((cut, z.shape[1]), (0, cut)):
        panels.write_gradient(grad[:, first:stop], first)
    check(z, grad, f"gradient of {what}, in panels", target)


def neighbours(center: float, dtype: Any, count: int = 200) -> Any:
    """Numbers one after another from `center` on, ascending, 0 and its neighbours among them."""
    bits, number = np.dtype(f"i{dtype.itemsize}"), np.array(abs(center), dtype)
    up = (number.view(bits) + np.arange(count, dtype=bits)).view(dtype)
    both = np.concatenate([up, np.zeros(1, dtype), np.array([5e-324, 1e-40, 1e-7]).astype(dtype)])
    z = _wide(np.concatenate([both, -both]))
    return z[np.argsort(z, kind="stable")].astype(dtype)


def check_sigmoids(z: Any) -> None:
    """Two classes, one logit: of ascending neighbours, nothing falls that rises with the logit.

    Float64, which is computed in no wider type, may be out of order by its last bit.
    """
    for name in ("sigmoid", "log_sigmoid"):
        p = _wide(getattr(neglog, name)(z))
        slack = np.spacing(np.abs(p[1:])) if z.dtype == np.float64 else 0
        assert (np.diff(p) >= -slack).all(), f"{name} of {z.dtype}: the order is broken"
        assert (np.diff(p)[np.diff(_wide(z)) == 0] == 0).all(), f"{name} of {z.dtype}: a tie"


def sweep(dtypes: tuple[str, ...] = tuple(ULPS)) -> None:
    for dtype in dtypes:
        for width, rows in WIDTHS:
            z, target = planted(np.random.default_rng(width), rows, width, dtype)
            what = f"{dtype}, V = {width}, {neglog.cpu_info().instruction_set}"
            check_row_functions(z, target, what)
            check_ties(z, target, what)
            if width > 5:
                check_panels(z, target, what)
            if width <= 256:
                turned = z[None].swapaxes(1, 2).copy()
                grad = gradient(turned, target)[0].T
                check(z, grad, f"gradient of {what}, class-major", target)


if __name__ == "__main__":
    sweep(tuple(sys.argv[1:]) or tuple(ULPS))
    for center in (0.0, 1e-9, 1e-3, 0.1, 0.3, 0.7, 1.5, 5.0, 20.0, 80.0):
        for dtype in tuple(sys.argv[1:]) or tuple(ULPS):
            check_sigmoids(neighbours(center, dtype_of(dtype)))
    neglog.set_num_threads(1)
    for dtype in ("float32", "float64"):
        for z, target in long_rows(dtype):
            check_row_functions(z, target, dtype)
    print(neglog.cpu_info().instruction_set)
