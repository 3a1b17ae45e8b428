"""Each instruction set of this machine gives the promised answers, with reproducible bits."""

import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import engine_sweep
import numpy as np
import pytest
from budgets import ULPS
from checks import assert_identical, assert_runs_on, dtype_of

import neglog

SUPPORTED = neglog.cpu_info().supported


def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments], env=os.environ | environment, capture_output=True,
        text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.filterwarnings("ignore::neglog.InputKindWarning")  # V = 1
def test_every_width_and_remainder_here(dtype: str) -> None:
    dtype_of(dtype)  # skips where there is no bfloat16
    engine_sweep.sweep((dtype,))


@pytest.mark.parametrize("instruction_set", SUPPORTED)
def test_every_width_and_remainder_on(instruction_set: str) -> None:
    assert_runs_on(instruction_set, engine_sweep.__file__)


def test_an_unknown_instruction_set_is_named() -> None:
    code = "import neglog; neglog.softmax([1.0, 2.0])"
    done = run("-c", code, NEGLOG_CPU="abacus")
    assert done.returncode == 1
    assert "NEGLOG_CPU" in done.stderr.splitlines()[-1], done.stderr
    assert all(name in done.stderr.splitlines()[-1] for name in SUPPORTED), done.stderr


def test_cpu_info_says_what_is_in_use() -> None:
    info = neglog.cpu_info()
    assert info.instruction_set in info.supported
    assert info.threads >= 1
    assert os.environ.get("NEGLOG_CPU", info.instruction_set) == info.instruction_set


# many short rows; short rows that do not fill the last vector; rows that fit a cache; few rows of
# many parts; one row, whose parts the threads share
SHAPES = ((20000, 10), (4001, 2), (300, 1000), (64, 4097), (3, 50257), (1, 400003))


def everything(z: Any, target: Any) -> dict[str, Any]:
    mean, mean_grad = neglog.cross_entropy_and_grad(z, target, label_smoothing=0.1, z_loss=0.01)
    return engine_sweep.results(z, target) | {"mean": mean, "gradient of the mean": mean_grad}


@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_bits_do_not_depend_on_threads(
    shape: tuple[int, int], dtype: str, threads: Callable[[int], None]
) -> None:
    z = (np.random.default_rng(1).standard_normal(shape) * 5).astype(np.float32)
    z, target = z.astype(dtype_of(dtype)), np.arange(shape[0]) % shape[1]
    threads(1)
    alone = everything(z, target)
    for n in (2, 3, 5):  # as many as cores; a number that divides nothing; more than cores
        threads(n)
        for key, value in everything(z, target).items():
            assert_identical(value, alone[key], f"{key} by {n} threads")


@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("shape", [(23, 10), (9, 1000), (5, 50257)], ids=str)
def test_bits_do_not_depend_on_the_chunk(shape: tuple[int, int], dtype: str) -> None:
    """Rows one by one, as many at once as there are, and in an array with longer rows."""
    z = (np.random.default_rng(2).standard_normal(shape) * 5).astype(np.float32)
    z, target = z.astype(dtype_of(dtype)), np.arange(shape[0]) % shape[1]
    together = engine_sweep.results(z, target)
    single = [engine_sweep.results(z[i : i + 1], target[i : i + 1]) for i in range(len(z))]
    longer = np.concatenate([z, z[:, :7]], axis=1)[:, : shape[1]]
    strided = engine_sweep.results(longer, target)
    for key, value in together.items():
        assert_identical(np.concatenate([s[key] for s in single]), value, f"{key}, one by one")
        assert_identical(strided[key], value, f"{key}, longer rows")


@pytest.mark.parametrize("dtype", list(ULPS))
@pytest.mark.parametrize("width", [10, 64, 300, 20000])
def test_neighbours_do_not_matter(dtype: str, width: int) -> None:
    """A row between rows of nan and infinities has the bits that it has between ordinary ones."""
    z = (np.random.default_rng(3).standard_normal((9, width)) * 5).astype(np.float32)
    z, target = z.astype(dtype_of(dtype)), np.arange(9)
    plain = engine_sweep.results(z, target)
    z[::2] = np.array([np.nan, np.inf, -np.inf, 1e4, -1e4])[:, None]
    for key, value in engine_sweep.results(z, target).items():
        assert_identical(value[1::2], plain[key][1::2], key)
