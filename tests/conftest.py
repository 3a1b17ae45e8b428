"""What every test shares: the face under test, hypothesis' settings, and the report's header."""

import gc
import importlib.metadata
import importlib.util
import os
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from faces import FACES, LACKS, NumPyFace
from page_helpers.browser import chromium_fixture  # noqa: F401

import neglog

# The same examples on every run and machine, and no failure because a machine was busy.
hypothesis.settings.register_profile(
    "fixed", derandomize=True, deadline=None, database=None, print_blob=False
)
hypothesis.settings.load_profile("fixed")


# Tests that start themselves as a program find the same helpers there.
TESTS = Path(__file__).parent
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(TESTS), str(TESTS / "helpers"), *filter(None, [os.environ.get("PYTHONPATH")])]
)

# Without torch its face is skipped, and the tests that are about nothing else are not collected.
collect_ignore_glob = [] if importlib.util.find_spec("torch") else ["torch_face/*"]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(what): skipped for a face that has it not")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what a face has not, with the reason that faces.py gives."""
    for item in items:
        lacks = LACKS.get(getattr(item, "callspec", None) and item.callspec.params.get("face"), {})
        for mark in item.iter_markers("needs"):
            if mark.args[0] in lacks:
                reason = f"not in neglog.torch, {mark.args[0]}: {lacks[mark.args[0]]}"
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collection_finish() -> None:
    """What collection made lives to the end: with it, each gc.collect() of a test takes 0.4 s."""
    gc.collect()
    gc.freeze()


@pytest.fixture(params=list(FACES), scope="session")
def face(request: pytest.FixtureRequest) -> NumPyFace:
    """`face.cross_entropy(face.array(z), ...)`, then `face.numpy(loss)`: one test, every face."""
    return FACES[request.param]()


@pytest.fixture
def threads() -> Any:
    """set_num_threads, put back to what it was, which may be nothing, when the test is over."""
    before = neglog._kernels.set_num_threads(0)
    neglog._kernels.set_num_threads(before)
    yield neglog.set_num_threads
    neglog._kernels.set_num_threads(before)


def pytest_report_header() -> str:
    """Versions and the instruction set: what a failure on another machine has to be read with."""
    versions = []
    for package in ("numpy", "scipy", "mpmath", "hypothesis", "ml_dtypes", "torch"):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{package} absent")
    forced = os.environ.get("NEGLOG_CPU", "not set")
    info = neglog.cpu_info()
    engine = f"{info.instruction_set}, {info.threads} threads, of {', '.join(info.supported)}"
    return f"{', '.join(versions)}\nneglog engine: {engine}; NEGLOG_CPU {forced}"
