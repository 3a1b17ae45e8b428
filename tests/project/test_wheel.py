"""A wheel built from the sources works where the sources are out of reach."""

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# Run without site-packages' own start-up (-S) and without the environment (-I): what an editable
# install puts on the path is not there, NumPy is handed over by name.
PROGRAM = """
import sys
sys.path[:0] = [{target!r}, {numpy!r}]
import numpy as np, neglog
assert neglog.__file__.startswith({target!r}), neglog.__file__
logits = np.array([[17.0, 0.0, 0.0], [0.0, 1.0, 2.0]], np.float32)
loss, grad = neglog.cross_entropy_and_grad(logits, np.array([0, 2]), reduction="none")
print(loss.tolist(), neglog.cpu_info())
assert abs(loss[0] / 8.2798749e-08 - 1) < 1e-6, loss
assert grad[0, 0] < 0 and np.allclose(grad.sum(axis=1), 0, atol=1e-7), grad
assert neglog.explain([17, 0, 0], 0).to_html().rstrip().endswith("</html>")  # its parts are there
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel; its build folder is kept in build/wheel, so only the first build takes long."""
    pytest.importorskip("scikit_build_core", reason="the wheel is built without a network")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "-qq", "wheel", str(ROOT), "-w", str(folder)]
    command += ["--no-build-isolation", "--no-deps", "-C", f"build-dir={ROOT / 'build' / 'wheel'}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("neglog-*.whl")
    return built


def test_the_wheel_computes_with_the_sources_out_of_reach(wheel: Path, tmp_path: Path) -> None:
    target = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "-qq", "install", "--no-index", "--no-deps"]
    subprocess.run([*install, "--target", str(target), str(wheel)], check=True)
    program = PROGRAM.format(target=str(target), numpy=sysconfig.get_paths()["platlib"])
    command = [sys.executable, "-I", "-S", "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"neglog"}
    assert "neglog/py.typed" in names
    assert "neglog/_kernels.pyi" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert not [name for name in names if name.endswith((".cpp", ".hpp", ".o", ".a"))]
