"""Threads, processes and signals: the same bits, no hang, and a machine left as it was."""

import concurrent.futures
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from budgets import ULPS
from checks import assert_identical, dtype_of

import neglog

LINUX = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="Linux only: CPU affinity")
FORK = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def python(code: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """A fresh Python with this code; a hang ends it after a minute."""
    command, env = [sys.executable, "-c", code], os.environ | environment
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


def script(code: str, **environment: str) -> str:
    """What it prints; it has to end well."""
    done = python(code, **environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


def test_many_callers_at_once(face: Any, threads: Callable[[int], None]) -> None:
    """Sixteen Python threads, different shapes, every call bit for bit as if it were alone."""
    threads(3)
    rng = np.random.default_rng(1)
    shapes = [(4000, 10), (50, 3000), (2, 90000), (7, 7)] * 4
    work = [
        (rng.standard_normal(s).astype(np.float32), rng.integers(0, s[1], s[0])) for s in shapes
    ]
    both = lambda w: [face.numpy(x) for x in face.cross_entropy_and_grad(*w)]  # noqa: E731
    alone = [both(w) for w in work]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        for _ in range(5):
            for have, want in zip(pool.map(both, work), alone, strict=True):
                assert_identical(have[0], want[0], "loss")
                assert_identical(have[1], want[1], "gradient")


@pytest.mark.parametrize("dtype", list(ULPS))
# many short rows; rows of a cache; one row, which is split inside
@pytest.mark.parametrize("shape", [(20000, 10), (300, 1000), (1, 400003)], ids=str)
def test_bits_do_not_depend_on_the_number_of_threads(
    face: Any, shape: tuple[int, int], dtype: str, threads: Callable[[int], None]
) -> None:
    z = (np.random.default_rng(1).standard_normal(shape) * 5).astype(np.float32)
    z, target = face.array(z.astype(dtype_of(dtype))), np.arange(shape[0]) % shape[1]
    threads(1)
    alone = [face.numpy(x) for x in (*face.cross_entropy_and_grad(z, target), face.softmax(z))]
    for n in (2, 3, 5):  # as many as cores; a number that divides nothing; more than cores
        threads(n)
        many = (*face.cross_entropy_and_grad(z, target), face.softmax(z))
        for have, want, what in zip(many, alone, ("loss", "gradient", "softmax"), strict=True):
            assert_identical(face.numpy(have), want, f"{what} by {n} threads")


def test_the_number_of_threads_may_change_while_others_compute(
    face: Any, threads: Callable[[int], None]
) -> None:
    z, target = np.random.default_rng(2).standard_normal((3000, 50)), np.arange(3000) % 50
    want = face.cross_entropy_and_grad(z, target)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(face.cross_entropy_and_grad, z, target) for _ in range(40)]
        for n in (1, 4, 2, 5, 1, 3) * 3:
            threads(n)
        for call in calls:
            grad = face.numpy(call.result(timeout=60)[1])
            assert_identical(grad, face.numpy(want[1]), "gradient")


def test_an_error_in_one_caller_reaches_that_caller_only(face: Any) -> None:
    z = np.zeros((2000, 30)) - 1
    good, bad = np.zeros(2000, int), np.full(2000, 30)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(face.cross_entropy, z, t) for t in [good, bad] * 10]
        for i, call in enumerate(calls):
            if i % 2:
                with pytest.raises(IndexError):
                    call.result(timeout=60)
            else:
                assert float(call.result(timeout=60)) == pytest.approx(np.log(30))


FORKED = """
import os, sys, numpy as np, neglog
neglog.set_num_threads(3)
z = np.random.default_rng(0).standard_normal((3000, 300)).astype(np.float32)
t = np.arange(3000) % 300
loss, grad = neglog.cross_entropy_and_grad(z, t)  # the pool is at work before the fork
for _ in range(3):
    child = os.fork()
    if child == 0:
        again, grad_again = neglog.cross_entropy_and_grad(z, t)
        same = again.tobytes() == loss.tobytes() and grad_again.tobytes() == grad.tobytes()
        os._exit(0 if same else 9)
    pid, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, status
again, grad_again = neglog.cross_entropy_and_grad(z, t)  # and the parent's still is
assert grad_again.tobytes() == grad.tobytes()
print("same")
"""


@FORK
def test_fork_after_first_use() -> None:
    assert script(FORKED, PYTHONWARNINGS="ignore::DeprecationWarning") == "same"


INTERRUPTED = """
import resource, numpy as np, neglog
resource.setrlimit(resource.RLIMIT_AS, (2**33, 2**33))  # 48 GB copied would be an error
neglog.set_num_threads(2)
row = np.linspace(-5, 5, 4000, dtype=np.float32)
z, t = np.broadcast_to(row, (3_000_000, 4000)), np.zeros(3_000_000, np.int32)
before = neglog.cross_entropy(z[:3], t[:3])
print("ready", flush=True)
try:
    neglog.cross_entropy(z, t)
    print("never interrupted", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
assert neglog.cross_entropy(z[:3], t[:3]) == before
assert np.isfinite(neglog.cross_entropy(z[:20000], t[:20000]))
print("still computing", flush=True)
"""


def test_ctrl_c_during_a_long_call() -> None:
    """One call on 12e9 logits (one row, seen 3e6 times) ends soon; the process computes on."""
    command = [sys.executable, "-c", INTERRUPTED]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        try:
            assert child.stdout.readline().strip() == "ready"
            time.sleep(0.5)
            start = time.monotonic()
            child.send_signal(signal.SIGINT)
            assert child.stdout.readline().strip() == "interrupted"
            took = time.monotonic() - start
            assert child.stdout.readline().strip() == "still computing"
            assert child.wait(timeout=30) == 0
        finally:
            child.kill()
    assert took < 2, f"{took:.1f} s from the signal to the exception"


BAD_NUMBERS = [
    (0, ValueError),
    (-1, ValueError),
    (2**40, ValueError),
    (1.5, TypeError),
    ("2", TypeError),
    (None, TypeError),
]


@pytest.mark.parametrize(("bad", "error"), BAD_NUMBERS)
def test_set_num_threads_says_what_it_wants(bad: Any, error: type[Exception]) -> None:
    before = neglog.cpu_info().threads
    with pytest.raises(error, match=r"^n |threads"):
        neglog.set_num_threads(bad)
    assert neglog.cpu_info().threads == before


def test_set_num_threads_is_what_cpu_info_says(threads: Callable[[int], None]) -> None:
    for n in (1, 4, np.int64(2)):
        threads(n)
        assert neglog.cpu_info().threads == n


THREADS = "import neglog; print(neglog.cpu_info().threads)"


def test_the_environment_sets_the_number_of_threads() -> None:
    for n in ("1", "3"):
        assert script(THREADS, NEGLOG_NUM_THREADS=n) == n
    for bad in ("0", "many", "-2"):
        done = python(THREADS, NEGLOG_NUM_THREADS=bad)
        assert done.returncode == 1
        assert "NEGLOG_NUM_THREADS" in done.stderr.splitlines()[-1], done.stderr


@LINUX
def test_the_default_respects_the_affinity() -> None:
    cores = sorted(os.sched_getaffinity(0))
    clean = "import os; [os.environ.pop(f'{x}_NUM_THREADS', None) for x in ('NEGLOG', 'OMP')]; "
    for n in {1, len(cores)}:
        pin = f"{clean}os.sched_setaffinity(0, {cores[:n]}); "
        assert script(pin + THREADS) == str(n)


@LINUX
def test_no_thread_is_left_behind() -> None:
    """A small call stays on the caller's thread; a large one starts no more than was asked."""
    code = """
import os, numpy as np, neglog
count = lambda: len(os.listdir("/proc/self/task"))
before = count()
neglog.set_num_threads(3)
neglog.cross_entropy(np.zeros((32, 10)) - 1, np.zeros(32, int))
small = count() - before
for _ in range(20):
    neglog.cross_entropy_and_grad(np.zeros((4000, 300)) - 1, np.zeros(4000, int))
print(small, count() - before <= 3)
"""
    assert script(code) == "0 True"
