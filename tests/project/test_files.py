"""The project's files: their size, what stands in them twice, and what must not stand in them."""

import ast
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest

import neglog

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src" / "neglog").rglob("*.py"))

# A longer file says at its head why: one line with the words "Long because".
MOST_LINES = 300
MOST_FILES = 16  # in one folder
# The page is one document: its script lists these files in the order in which they are joined.
FULL = {"src/neglog/trace/page"}
CODE = {".py", ".pyi", ".cpp", ".hpp", ".js", ".css", ".html"}


def code_files(root: Path) -> list[Path]:
    folders = ("src", "kernels", "bench", "tests")
    found = [path for name in folders for path in sorted((root / name).rglob("*"))]
    return [path for path in found if path.suffix in CODE]


def too_long(root: Path) -> list[str]:
    found = []
    for path in code_files(root):
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > MOST_LINES and not any("Long because " in line for line in lines[:20]):
            found.append(f"{path.relative_to(root)}: {len(lines)} lines")
    return found


def test_no_file_is_long_without_a_reason() -> None:
    assert too_long(ROOT) == []


def test_a_long_file_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "kernels" / "rows" / "one.hpp"
    path.parent.mkdir(parents=True)
    path.write_text("//\n" * MOST_LINES)
    assert too_long(tmp_path) == []
    path.write_text("//\n" * (MOST_LINES + 1))
    assert too_long(tmp_path) == ["kernels/rows/one.hpp: 301 lines"]
    path.write_text("// Long because it is a table.\n" + "//\n" * MOST_LINES)
    assert too_long(tmp_path) == []


def test_no_folder_is_full() -> None:
    """What a reader sees at once: a folder with more files has rooms in it that nobody named."""
    files = Counter(str(path.parent.relative_to(ROOT)) for path in code_files(ROOT))
    full = {folder: count for folder, count in files.items() if count > MOST_FILES}
    assert {folder: full[folder] for folder in full.keys() - FULL} == {}


def body_lines(path: Path) -> list[tuple[str, str]]:
    """(line of code, where) of every function body, without docstrings, comments, layout."""
    lines = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            code = "\n".join(ast.unparse(statement) for statement in body)
            where = f"{path.relative_to(ROOT)}:{node.name}"
            lines += [(line.strip(), where) for line in code.splitlines()]
            lines.append((f"end of {where}", where))  # no run crosses from one function to another
    return lines


def duplicates(paths: list[Path], run: int = 8) -> list[str]:
    seen: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for path in paths:
        lines = body_lines(path)
        for start in range(len(lines) - run + 1):
            window = lines[start : start + run]
            seen[tuple(code for code, _ in window)].add(f"{window[0][1]} (line {start})")
    return sorted({" = ".join(sorted(places)) for places in seen.values() if len(places) > 1})


def test_no_run_of_eight_lines_stands_twice() -> None:
    assert duplicates(SOURCES + sorted((ROOT / "bench").rglob("*.py"))) == []


def test_a_duplicate_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    body = "".join(f"    a{i} = {i}\n" for i in range(8))
    (tmp_path / "one.py").write_text(f"def f():\n{body}")
    (tmp_path / "two.py").write_text(f"def g():\n    '''Doc.'''\n    # why\n{body}")
    assert duplicates([tmp_path / "one.py", tmp_path / "two.py"]) != []
    assert duplicates([tmp_path / "one.py", tmp_path / "two.py"], run=9) == []


def tracked_files() -> list[Path]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: nothing says which files belong to the project")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.splitlines() if (ROOT / name).is_file()]


# Spelled so that this file does not contain what it looks for.
FOREIGN = {
    "a path of one machine": r"(?<![\w.~$}])/(?:home|root|work|Users|mnt|srv)/[A-Za-z]",
    "a package registry's host": r"py[p]i\.org|python[h]osted\.|download\.py[t]orch\.",
    "an unfinished note": r"\b(?:TO[D]O|FIX[M]E|X[X]X)\b",
}


@pytest.mark.parametrize("what", FOREIGN)
def test_no_file_holds(what: str) -> None:
    found = []
    for path in tracked_files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        if "\0" not in text:
            found += [f"{path.relative_to(ROOT)}: {hit}" for hit in re.findall(FOREIGN[what], text)]
    assert found == []


def test_the_changelog_begins_with_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    entries = re.findall(r"^## \[(.+?)\]", text, re.M)
    assert entries[0] == neglog.__version__
