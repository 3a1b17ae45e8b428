"""`python -m mutants [WORD]`: one line for each bug (whose name holds WORD), "caught by" the first
test of its files that fails or "SURVIVED"; exit status 1 if one survived.

The working tree is not touched: bugs live in a copy. A bug in kernels/ is built there, for one
instruction set; a bug in Python runs with the kernels that are already built. Before any bug, the
copy as it is must pass the same tests: a suite that fails anyway would catch everything.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection
from pathlib import Path

from mutants.catalogue import MUTANTS, Mutant
from mutants.explanation import EXPLANATION
from mutants.head import LINEAR
from mutants.report_page import REPORT_PAGE

ALL = (*MUTANTS, *EXPLANATION, *LINEAR, *REPORT_PAGE)
ROOT = Path(__file__).resolve().parent.parent
COPIED = (
    "src",
    "kernels",
    "tests",
    "bench",
    "examples",
    "CMakeLists.txt",
    "pyproject.toml",
    "README.md",
)
# A bug may keep its tests from ever ending. The tests of all bugs together take longer.
SECONDS, ALL_SECONDS = 300, 1800


class Tree:
    """The copy, with built kernels beside its Python files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("__pycache__"))
            elif source.exists():
                shutil.copy2(source, root / name)
        self.environment = os.environ | {
            "PYTHONPATH": str(root / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
            # An editable install steps aside for the package on PYTHONPATH.
            "SKBUILD_EDITABLE_SKIP": str(ROOT / "build" / "editable"),
        }

    def run(
        self, *command: str | Path, seconds: float | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*map(str, command)], cwd=self.root, env=self.environment,
            capture_output=True, text=True, timeout=seconds,
        )  # fmt: skip

    def build(self) -> None:
        """Kernels for one instruction set: a bug is in the source that all of them share."""
        build = self.root / "build"
        if not build.exists():
            self._must(
                "cmake", "-S", self.root, "-B", build, "-G", "Ninja", "-DNEGLOG_ONLY=v3",
                "-DCMAKE_BUILD_TYPE=Release", f"-DPython_EXECUTABLE={sys.executable}",
            )  # fmt: skip
        self._must("cmake", "--build", build)
        (module,) = build.glob("_kernels*.so")
        shutil.copy2(module, self.root / "src" / "neglog")

    def _must(self, *command: str | Path) -> None:
        done = self.run(*command)
        if done.returncode:
            raise RuntimeError(f"the copy does not build:\n{done.stdout[-3000:]}{done.stderr}")

    def first_failure(self, tests: Collection[str], seconds: float = SECONDS) -> str | None:
        """The first test in these files that fails, None if all pass."""
        files = [f"tests/{name}.py" for name in sorted(tests)]
        options = ["-x", "-q", "-p", "no:cacheprovider", "--no-header", "-r", "fE"]
        try:
            done = self.run(sys.executable, "-m", "pytest", *options, *files, seconds=seconds)
        except subprocess.TimeoutExpired:
            return f"the time limit of {seconds} s"
        if done.returncode == 0:
            return None
        found = re.search(r"^(?:FAILED|ERROR) (?:tests/)?(\S+)", done.stdout, re.M)
        return found[1] if found else f"pytest's exit status {done.returncode}"


def outcome(tree: Tree, mutant: Mutant) -> str | None:
    """What caught the mutant; the copy is as it was before when this returns."""
    path = tree.root / mutant.file
    original = path.read_text(encoding="utf-8")
    if original.count(mutant.old) != 1:
        count = original.count(mutant.old)
        raise LookupError(f"{mutant.name}: its text stands {count} times in {mutant.file}")
    kernels = mutant.file.startswith("kernels/")
    path.write_text(original.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        if kernels:
            tree.build()
        return tree.first_failure(mutant.tests)
    finally:
        path.write_text(original, encoding="utf-8")


def main() -> int:
    word = sys.argv[1] if len(sys.argv) > 1 else ""
    chosen = [mutant for mutant in ALL if word in mutant.name]
    # Bugs in Python first, with the first build; those in kernels/ each build their own.
    chosen.sort(key=lambda mutant: mutant.file.startswith("kernels/"))
    survived = 0
    with tempfile.TemporaryDirectory(prefix="neglog-mutants-") as folder:
        tree = Tree(Path(folder))
        started = time.perf_counter()
        print("building the copy, running its tests without a bug", flush=True)
        tree.build()
        named = {name for mutant in chosen for name in mutant.tests}
        failure = tree.first_failure(named, ALL_SECONDS)
        if failure:
            print(f"the suite fails without any bug: {failure}")
            return 1
        print(f"they pass ({time.perf_counter() - started:.0f} s)\n", flush=True)
        for mutant in chosen:
            caught = outcome(tree, mutant)
            survived += caught is None
            verdict = f"caught by {caught}" if caught else "SURVIVED"
            print(f"{mutant.name:44} {mutant.file:28} {verdict}", flush=True)
    print(f"\n{len(chosen) - survived} of {len(chosen)} caught")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
