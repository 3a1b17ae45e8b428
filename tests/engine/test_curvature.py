"""The curvature of rows times a vector, against long double; and what is outside an array."""

import numpy as np
import pytest

from neglog import _kernels
from neglog._engine.curvature import times_curvature


def rows_of(n: int, v: int, dtype: type) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1000 * n + v)
    z = 4 * rng.normal(size=(n, v)).astype(dtype)
    p = np.exp(z - z.max(axis=1, keepdims=True, initial=-99))
    return (
        p / p.sum(axis=1, keepdims=True),
        3 + rng.normal(size=(n, v)).astype(dtype),
        rng.random(n),
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "v"), [(0, 3), (3, 1), (5, 2), (4, 7), (3, 10), (2, 133), (2, 9000)])
def test_values(n: int, v: int, dtype: type) -> None:
    p, u, share = rows_of(n, v, dtype)
    wide, weight = p.astype(np.longdouble), share[:, None].astype(np.longdouble)
    mean = (wide * u).sum(1, keepdims=True)
    expected = weight * wide * (u - mean)
    scale = weight * wide * (np.abs(u) + (wide * np.abs(u)).sum(1, keepdims=True))
    times_curvature(p, u, share)
    assert (np.abs(u - expected) <= 8 * np.finfo(dtype).eps * scale).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_may_be_parts_of_longer_rows(dtype: type) -> None:
    p, u, share = rows_of(6, 40, dtype)
    alone = u[::2, 3:30].copy()
    around = u.copy()
    times_curvature(np.ascontiguousarray(p[::2, 3:30]), alone, share[::2].copy())
    times_curvature(p[::2, 3:30], u[::2, 3:30], share[::2].copy())
    np.testing.assert_array_equal(u[::2, 3:30], alone)
    around[::2, 3:30] = alone
    np.testing.assert_array_equal(u, around)


ONES = np.ones((3, 4))


@pytest.mark.parametrize(
    "arguments",
    [
        (0, np.ones((3, 5)), ONES, np.ones(3)),
        (0, np.ones((2, 4)), ONES, np.ones(3)),
        (0, ONES, ONES, np.ones(2)),
        (0, ONES, np.ones((3, 4), np.float32), np.ones(3)),
        (2, ONES.astype(np.float16), ONES.astype(np.float16), np.ones(3)),
        (0, None, ONES, np.ones(3)),
        (0, ONES, ONES, None),
    ],
)
def test_memory_is_guarded(arguments: tuple[object, ...]) -> None:
    with pytest.raises(ValueError, match=r"(p|u|share|dtype)\b.*: "):
        _kernels.curvature(*arguments)
