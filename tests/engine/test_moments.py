"""The sums behind weighted means, against long double; and what is outside an array."""

import numpy as np
import pytest

from neglog import _kernels
from neglog._engine.moments import moments


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("per", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n", [0, 1, 3, 5000])
def test_sums(n: int, weighted: bool, per: bool, grouped: bool) -> None:
    rng = np.random.default_rng(n)
    x, w, b = rng.normal(size=n), rng.random(n), rng.random(n)
    group = rng.integers(0, 5, n) if grouped else np.zeros(n, np.int64)
    groups = 7 if grouped else 1
    found = moments(
        x, w if weighted else None, b if per else None, group if grouped else None, groups
    )
    wl = w.astype(np.longdouble) if weighted else np.ones(n, np.longdouble)
    u = wl * (b if per else 1)
    v = wl * x
    terms = np.stack([np.ones(n), v, u, v * v, v * u, u * u], axis=1)
    for g in range(groups):
        expected = terms[group == g].sum(0).astype(float)
        assert found[g] == pytest.approx(expected, rel=1e-13, abs=1e-13)


@pytest.mark.parametrize("group", [[0, 1, 3], [-1, 0, 0]])
def test_a_group_beyond_the_sums_is_refused(group: list[int]) -> None:
    with pytest.raises(IndexError, match="beyond the sums"):
        moments(np.ones(3), group=np.array(group), groups=3)


@pytest.mark.parametrize(
    "arguments",
    [
        (np.ones(3), np.ones(2), None, None, np.zeros((1, 6))),
        (np.ones(3), None, None, np.zeros(4, np.int64), np.zeros((1, 6))),
        (np.ones(3), None, None, None, np.zeros((2, 6))),
        (np.ones(3), None, None, None, np.zeros((1, 5))),
        (np.ones(3), None, None, None, None),
        (None, None, None, None, np.zeros((1, 6))),
        (np.ones(3, np.float32), None, None, None, np.zeros((1, 6))),
    ],
)
def test_memory_is_guarded(arguments: tuple[object, ...]) -> None:
    with pytest.raises((ValueError, TypeError), match=r"(x|weight|group|sums): "):
        _kernels.moments(*arguments)
