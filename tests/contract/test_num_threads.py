"""The number of threads: who decides it, and in which order."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import neglog
from neglog import _kernels
from neglog._engine import callers_threads, threads
from neglog._engine.quota import cpu_quota


def now() -> int:
    return neglog.cpu_info().threads


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """The number of threads of a process that starts with these variables and this quota."""
    before = _kernels.set_num_threads(0)

    def start(quota: int | None = None, **environment: str) -> int:
        for name in ("NEGLOG_NUM_THREADS", "OMP_NUM_THREADS"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(threads, "cpu_quota", lambda: quota)
        _kernels.set_num_threads(0)
        threads._from_environment()
        return now()

    yield start
    monkeypatch.undo()
    threads._from_environment()
    _kernels.set_num_threads(before)


CPUS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def test_the_order_of_those_who_decide(started: Callable[..., int]) -> None:
    assert started() == CPUS
    assert started(quota=1) == 1
    assert started(quota=CPUS + 1) == CPUS
    assert started(quota=1, OMP_NUM_THREADS="7") == 7
    assert started(quota=1, OMP_NUM_THREADS="7", NEGLOG_NUM_THREADS="5") == 5
    neglog.set_num_threads(3)
    assert now() == 3


# As OpenMP reads it: a number per level of nesting, of which the outermost counts here.
@pytest.mark.parametrize(
    ("value", "n"), [("1", 1), ("4,2", 4), (" 3 , 2", 3), ("1000000000000", 4096)]
)
def test_openmps_number(started: Callable[..., int], value: str, n: int) -> None:
    assert started(OMP_NUM_THREADS=value) == n


@pytest.mark.parametrize("value", ["", "0", "-2", "abc", "1.5", ",2", "4 2"])
def test_what_openmp_ignores_is_ignored(started: Callable[..., int], value: str) -> None:
    assert started(OMP_NUM_THREADS=value) == CPUS
    assert started(quota=1, OMP_NUM_THREADS=value) == 1


def test_a_new_process_reads_openmps_number() -> None:
    code = "import neglog; print(neglog.cpu_info().threads)"
    env = {k: v for k, v in os.environ.items() if k != "NEGLOG_NUM_THREADS"}
    env["OMP_NUM_THREADS"] = str(CPUS + 1)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
    assert int(done.stdout) == CPUS + 1


def test_a_callers_number(started: Callable[..., int]) -> None:
    """Stronger than OpenMP's, weaker than a number set for the process; for this thread alone."""
    started(OMP_NUM_THREADS="7")
    elsewhere: list[int] = []
    with callers_threads(3):
        assert now() == 3
        other = threading.Thread(target=lambda: elsewhere.append(now()))
        other.start()
        other.join()
        with callers_threads(1):
            assert now() == 1
        assert now() == 3
        neglog.set_num_threads(5)
        assert now() == 5
        _kernels.set_num_threads(0)
    assert (now(), elsewhere) == (7, [7])
    started(NEGLOG_NUM_THREADS="2")
    with callers_threads(3):
        assert now() == 2
    started(quota=2)
    with callers_threads(3):
        assert now() == 2
    with pytest.raises(KeyError), callers_threads(1):
        raise KeyError
    assert now() == min(2, CPUS)


CONTROLLED = """
import neglog, threadpoolctl

class Controller(threadpoolctl.LibController):
    user_api = internal_api = "neglog"
    filename_prefixes, check_symbols = ("_kernels",), ("PyInit__kernels",)
    get_version = lambda self: neglog.__version__
    get_num_threads = lambda self: neglog.cpu_info().threads
    set_num_threads = lambda self, n: neglog.set_num_threads(n)

threadpoolctl.register(Controller)
neglog.set_num_threads(3)
with threadpoolctl.threadpool_limits(1):
    print(neglog.cpu_info().threads, end=" ")
print(neglog.cpu_info().threads)
"""


def test_threadpoolctl_with_a_controller() -> None:
    """As the docstring of set_num_threads says."""
    pytest.importorskip("threadpoolctl", minversion="3.2")  # the first with controllers
    command = [sys.executable, "-c", CONTROLLED]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1", "3"]


# ---- cgroups, as files


def grouped(folder: Path, cgroup: str, files: dict[str, str]) -> int | None:
    """The quota that these files state."""
    for name, text in files.items():
        path = folder / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "cgroup").write_text(cgroup)
    return cpu_quota(str(folder / "cgroup"), str(folder / "fs"))


@pytest.mark.parametrize(
    ("limit", "cpus"),
    [
        ("max 100000\n", None),
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),  # rounded up
        ("1000 100000\n", 1),
        ("30000 10000\n", 3),  # another period
        ("broken\n", None),
        ("", None),
        ("100000 0\n", None),
    ],
)
def test_version_2(tmp_path: Path, limit: str, cpus: int | None) -> None:
    assert grouped(tmp_path, "0::/a/b\n", {"a/b/cpu.max": limit}) == cpus


@pytest.mark.parametrize(("quota", "cpus"), [("-1\n", None), ("250000\n", 3), ("50000\n", 1)])
@pytest.mark.parametrize("mount", ["cpu", "cpu,cpuacct"])
def test_version_1(tmp_path: Path, mount: str, quota: str, cpus: int | None) -> None:
    files = {f"{mount}/job/cpu.cfs_quota_us": quota, f"{mount}/job/cpu.cfs_period_us": "100000\n"}
    groups = "5:memory:/other\n4:cpu,cpuacct:/job\n3:cpuset:/\n0::/\n"
    assert grouped(tmp_path, groups, files) == cpus


def test_a_parents_limit_counts(tmp_path: Path) -> None:
    files = {"cpu.max": "max 100000", "a/cpu.max": "100000 100000", "a/b/cpu.max": "400000 100000"}
    assert grouped(tmp_path, "0::/a/b\n", files) == 1


def test_a_container_sees_its_group_as_the_root(tmp_path: Path) -> None:
    """The host's path of the group, and one that leads out of the namespace, are not there."""
    for path in ("/docker/0123abcd", "/../.."):
        assert grouped(tmp_path, f"0::{path}\n", {"cpu.max": "300000 100000"}) == 3


def test_no_cgroups(tmp_path: Path) -> None:
    assert cpu_quota(str(tmp_path / "absent"), str(tmp_path)) is None
    assert grouped(tmp_path, "nonsense\n::\n", {}) is None
