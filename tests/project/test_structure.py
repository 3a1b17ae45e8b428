"""The shape of the house: layers, exports, documentation, duplicates, symbols of the kernels."""

import ast
import inspect
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import neglog

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "neglog"
SOURCES = sorted(PACKAGE.rglob("*.py"))

# From the ground up; a module imports only from lines above its own in this list, or from its
# own folder. "neglog" is __init__: it gives names, and nothing under it may ask it for them.
LAYERS = (
    {"_kernels"},
    {"_contract", "_engine"},
    {"_problem"},
    {"_head", "_show", "_read"},
    {"_numpy", "torch", "jax"},
    {"report", "trace", "checker", "learn", "exercises"},
    {"neglog"},
    {"cli"},
    {"__main__"},
)
DEPTH = {name: depth for depth, names in enumerate(LAYERS) for name in names}

# What a part may import from elsewhere, beyond the standard library and NumPy.
GUESTS = {
    "torch": {"torch"},
    "jax": {"jax"},
    "learn": {"scipy", "sklearn", "threadpoolctl"},  # the last comes with scikit-learn
    "report": {"scipy", "rich", "pyarrow", "matplotlib"},
    "trace": {"rich", "matplotlib"},
    "_show": {"rich", "matplotlib"},
    "cli": {"rich", "scipy", "sklearn", "matplotlib", "pyarrow"},
}
HEAVY = ("torch", "jax", "scipy", "sklearn", "rich", "matplotlib", "pyarrow", "ml_dtypes")


def part_of(path: Path) -> str:
    """The part that a file belongs to: a folder's or a file's name, "neglog" for __init__."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return "neglog" if first == "__init__" else first


def imported_modules(path: Path) -> Iterator[str]:
    """Absolute names of the modules that a file imports, at any depth of its code."""
    package = ["neglog", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            if module == "neglog":  # `from neglog import _engine` asks for a part, not for a name
                yield from (
                    f"neglog.{alias.name}" if alias.name in DEPTH else module
                    for alias in node.names
                )
            else:
                yield module


def layer_violations(path: Path) -> Iterator[str]:
    part = part_of(path)
    for module in imported_modules(path):
        top, _, rest = module.partition(".")
        if top == "neglog":
            wanted = rest.partition(".")[0] or "neglog"
            if wanted != part and DEPTH[wanted] >= DEPTH[part]:
                yield f"{path.relative_to(ROOT)} ({part}) imports {module}, which is not below it"
        elif top not in sys.stdlib_module_names | {"numpy"} | GUESTS.get(part, set()):
            yield f"{path.relative_to(ROOT)} ({part}) imports {top}, which {part} may not"


def test_imports_follow_the_layers() -> None:
    assert len(SOURCES) > 4
    assert [line for path in SOURCES for line in layer_violations(path)] == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("_engine/rows.py", "from neglog._numpy import softmax"),  # upwards
        ("_contract.py", "from neglog import _engine"),  # sideways
        ("learn/_x.py", "from neglog import cross_entropy"),  # through __init__
        ("_numpy.py", "import scipy.special"),  # a guest that was not invited
        ("learn/_x.py", "def f():\n    from ..cli import main"),  # relative, inside a function
    ],
)
def test_a_violated_layer_is_seen(
    file: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(line)
    assert len(list(layer_violations(path))) == 1


SUBJECTS = ("softmax", "likelihood")  # folders of the trace; each can be read without the other


def subject_violations(path: Path, subject: str) -> list[str]:
    """What a file of a subject imports from elsewhere in the trace."""
    own = f"neglog.trace.{subject}"
    return [
        f"{path.relative_to(ROOT)} imports {module}"
        for module in imported_modules(path)
        if module.startswith("neglog.trace") and not f"{module}.".startswith(f"{own}.")
    ]


def test_a_subject_of_the_trace_stands_alone() -> None:
    for subject in SUBJECTS:
        files = sorted((PACKAGE / "trace" / subject).rglob("*.py"))
        assert len(files) > 4
        assert [line for path in files for line in subject_violations(path, subject)] == []


@pytest.mark.parametrize(
    "line",
    ["from ..likelihood.text import verdict", "from .._trace import Trace", "import neglog.trace"],
)
def test_a_subject_that_needs_another_is_seen(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / "trace" / "softmax" / "row.py"
    path.parent.mkdir(parents=True)
    path.write_text(f"from .steps import Step\n{line}\n")
    assert len(subject_violations(path, "softmax")) == 1


def test_exports_are_sorted_and_are_the_public_names() -> None:
    # Folders and files without an underscore are imported by their own name.
    parts = {part_of(path) for path in SOURCES} | {"neglog"}
    visible = {
        name
        for name, thing in vars(neglog).items()
        if not name.startswith("_") and getattr(thing, "__module__", "").startswith("neglog")
    }
    lazy = set(neglog._LAZY)
    assert neglog.__all__ == sorted(neglog.__all__)
    assert set(neglog.__all__) == (visible - parts) | lazy
    for name in neglog.__all__:
        getattr(neglog, name)


def test_importing_the_core_loads_numpy_only() -> None:
    code = f"import sys, neglog; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


PUBLIC = sorted(
    name
    for name in neglog.__all__
    if inspect.isroutine(getattr(neglog, name))
    or (inspect.isclass(getattr(neglog, name)) and not issubclass(getattr(neglog, name), Warning))
)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_documented(name: str) -> None:
    thing = getattr(neglog, name)
    text = inspect.getdoc(thing) or ""
    assert re.match(r"[A-Z`].*?[.:]", text, re.S), "the first line is one sentence"
    missing = [section for section in needed_sections(thing) if f"{section}:" not in text]
    assert missing == [], f"{name} says nothing under {missing}"


def needed_sections(thing: object) -> list[str]:
    if inspect.isclass(thing):
        return [] if hasattr(thing, "_fields") else ["Examples"]
    signature = inspect.signature(thing)  # type: ignore[arg-type]
    sections = ["Examples"]
    if signature.parameters:
        sections += ["Args", "Raises"]
    if signature.return_annotation is not None:
        sections += ["Returns"]
    return sections


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


KERNEL_OBJECTS = sorted((ROOT / "build" / "editable").rglob("rows_*.cpp.o"))


@pytest.mark.skipif(shutil.which("nm") is None, reason="needs nm, which comes with a compiler")
def test_kernels_share_no_symbol_between_instruction_sets() -> None:
    """The linker keeps one copy of a weak symbol: it may be the one for a CPU that is not here."""
    if not KERNEL_OBJECTS:
        pytest.skip("no editable build at hand: `make setup` makes one")
    for path in KERNEL_OBJECTS:
        instruction_set = re.fullmatch(r"rows_(\w+)\.cpp\.o", path.name)[1]  # type: ignore[index]
        listing = subprocess.run(
            ["nm", "--demangle", "--defined-only", path], capture_output=True, text=True, check=True
        ).stdout
        symbols = [line.split(maxsplit=2)[1:] for line in listing.splitlines()]
        assert symbols, f"{path.name} is empty"
        weak = [name for kind, name in symbols if kind in "WwVvu"]
        assert weak == [], f"{path.name} lets the linker choose {weak}"
        outside = [n for kind, n in symbols if kind.isupper() and f"::{instruction_set}::" not in n]
        assert outside == [], f"{path.name} gives names outside of its own namespace: {outside}"
