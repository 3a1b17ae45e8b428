"""A wheel built from the sources works where the sources are out of reach."""

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]

SMOKE = Path(__file__).with_name("smoke.py")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel. What the editable install has compiled is compiled again only where ninja finds
    that a source or a command differs: 4 s instead of 75."""
    pytest.importorskip("scikit_build_core", reason="the wheel is built without a network")
    folder, build, editable = (
        tmp_path_factory.mktemp("wheel"), ROOT / "build" / "wheel", ROOT / "build" / "editable"
    )  # fmt: skip
    if editable.exists():
        shutil.rmtree(build, ignore_errors=True)
        # CMake's cache would point back to the folder; without it the copy is configured anew.
        left_out = shutil.ignore_patterns("CMakeCache.txt", "install", "*.lock")
        shutil.copytree(editable, build, ignore=left_out)
    command = [sys.executable, "-m", "pip", "-qq", "wheel", str(ROOT), "-w", str(folder)]
    command += ["--no-build-isolation", "--no-deps", "--config-settings", f"build-dir={build}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("neglog-*.whl")
    return built


def test_the_wheel_computes_with_the_sources_out_of_reach(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "-qq", "install", "--no-index", "--no-deps"]
    subprocess.run([*install, "--target", str(target), str(wheel)], check=True)
    # Without site-packages' start-up (-S) and without the environment (-I): nothing that an
    # editable install puts on the path is there, and NumPy comes from the folder that is named.
    folders = [str(target), str(Path(np.__file__).parents[1])]
    command = [sys.executable, "-I", "-S", str(SMOKE), *folders]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"neglog"}
    assert "neglog/py.typed" in names
    assert "neglog/_kernels.pyi" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.endswith((".cpp", ".hpp", ".o", ".a"))]


def test_one_wheel_serves_every_python_that_has_the_limited_api(wheel: Path) -> None:
    """`cp312-abi3` from Python 3.12 on; nanobind drops it without a word if CMake is not told."""
    free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    limited = sys.version_info >= (3, 12) and not free_threaded
    names = zipfile.ZipFile(wheel).namelist()
    (kernels,) = (n for n in names if n.startswith("neglog/_kernels.") and not n.endswith(".pyi"))
    own = f"cp{sys.version_info.major}{sys.version_info.minor}"
    assert ("-cp312-abi3-" if limited else f"-{own}-{own}") in wheel.name
    assert kernels.endswith(".abi3.so" if limited else sysconfig.get_config_var("EXT_SUFFIX"))
