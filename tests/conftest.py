"""What every test shares: the face under test, hypothesis' settings, and the report's header."""

import importlib
import importlib.metadata
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest

# The helpers beside the tests (oracle, cases, budgets, checks) are imported by their plain names.
sys.path.insert(0, str(Path(__file__).parent))

# The same examples on every run and machine, and no failure because a machine was busy.
hypothesis.settings.register_profile(
    "fixed", derandomize=True, deadline=None, database=None, print_blob=False
)
hypothesis.settings.load_profile("fixed")


class Face:
    """The functions for one array library, with the two conversions that a test needs."""

    def __init__(self, module: str, array: Callable[[Any], Any], numpy: Callable[[Any], Any]):
        self.module = importlib.import_module(module)
        self.array, self.numpy = array, numpy

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module, name)


@pytest.fixture(params=["numpy"], scope="session")
def face(request: pytest.FixtureRequest) -> Face:
    """`face.cross_entropy(face.array(z), ...)`, then `face.numpy(loss)`: one test, every face."""
    return Face({"numpy": "neglog"}[request.param], np.asarray, np.asarray)


@pytest.fixture
def threads(face: Face) -> Any:
    """set_num_threads, put back to what it was when the test is over."""
    before = face.cpu_info().threads
    yield face.set_num_threads
    face.set_num_threads(before)


def pytest_report_header() -> str:
    """Versions and the instruction set: what a failure on another machine has to be read with."""
    versions = []
    for package in ("numpy", "scipy", "mpmath", "hypothesis", "ml_dtypes", "torch"):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{package} absent")
    forced = os.environ.get("NEGLOG_CPU", "not set")
    try:
        info = importlib.import_module("neglog").cpu_info()
        engine = f"{info.instruction_set}, {info.threads} threads, of {', '.join(info.supported)}"
    except Exception as error:  # the header must never be what stops a run
        engine = f"not available ({type(error).__name__}: {error})"
    return f"{', '.join(versions)}\nneglog engine: {engine}; NEGLOG_CPU {forced}"
