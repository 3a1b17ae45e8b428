"""The shape of the package: layers, guests, extras, exports, docstrings, symbols of the kernels."""

import ast
import inspect
import re
import shutil
import subprocess
import sys
import tomllib
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
    {"report", "trace", "learn"},
    {"checker"},  # its rows open in `trace`, and exercises use it
    {"exercises", "testing"},
    {"neglog"},
    {"cli"},
    {"__main__"},
)
DEPTH = {name: depth for depth, names in enumerate(LAYERS) for name in names}

# What a part imports from elsewhere, beyond the standard library and NumPy.
GUESTS = {
    "torch": {"torch"},
    "learn": {"scipy", "sklearn", "threadpoolctl", "dask"},
    "trace": {"rich", "matplotlib"},
    "report": {"rich", "pyarrow", "dask"},
    "checker": {"jax", "rich", "torch"},
    "_read": {"pyarrow"},
    "_show": {"rich", "matplotlib"},
    "cli": {"rich", "sklearn", "matplotlib", "pyarrow"},
}
# What an extra of pyproject.toml must install: what the parts that it serves import.
EXTRAS = {
    "learn": GUESTS["learn"] - {"dask"},  # which only what is distributed needs
    "report": GUESTS["_read"],
    "dask": {"dask"} | GUESTS["_read"],  # what is distributed needs no rich
    "plot": {"matplotlib"},  # what shows things draws with it, and prints with rich
    "cli": GUESTS["cli"] | (GUESTS["learn"] - {"dask"}) | GUESTS["_show"],
    "torch": GUESTS["torch"],
    "all": set().union(*GUESTS.values()) - {"jax"},  # comes with the functions that are checked
}
OURS = sys.stdlib_module_names | {"numpy", "neglog"}
HEAVY = ("torch", "jax", "scipy", "sklearn", "rich", "matplotlib", "pyarrow", "dask", "ml_dtypes")


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
        elif top not in OURS | GUESTS.get(part, set()):
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


def test_every_guest_comes() -> None:
    """A name in the table that nobody imports would stay in an extra for ever."""
    seen: dict[str, set[str]] = {}
    for path in SOURCES:
        tops = {module.partition(".")[0] for module in imported_modules(path)} - OURS
        seen[part_of(path)] = seen.get(part_of(path), set()) | tops
    assert {part: tops for part, tops in seen.items() if tops} == GUESTS


def installed_by(extra: str) -> set[str]:
    """Names of the modules that an extra brings, through other extras of ours, too."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    modules: set[str] = set()
    for requirement in project["optional-dependencies"][extra]:
        name, ours = re.fullmatch(r"([\w-]+)(?:\[(.+)\])?(?:>=.+)?", requirement).groups()  # type: ignore[union-attr]
        if name == "neglog":
            modules = modules.union(*map(installed_by, ours.split(",")))
        else:
            modules.add({"scikit-learn": "sklearn"}.get(name, name))
    return modules


def test_an_extra_installs_what_its_parts_import() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {name: installed_by(name) for name in project["optional-dependencies"]} == EXTRAS


def test_the_suite_runs_on_the_oldest_torch_that_is_promised() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (promise,) = project["optional-dependencies"]["torch"]
    pins = (ROOT / "requirements" / "pins.txt").read_text(encoding="utf-8").splitlines()
    (pin,) = (line for line in pins if line.startswith("torch=="))
    assert pin.startswith(promise.replace(">=", "==") + ".")


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
    lazy = {name for name, part in neglog._LAZY.items() if part not in {"learn", "torch"}}
    assert neglog.__all__ == sorted(neglog.__all__)
    assert set(neglog.__all__) == (visible - parts) | lazy
    for name in neglog.__all__:
        getattr(neglog, name)


def test_importing_the_core_loads_numpy_only() -> None:
    code = f"import sys, neglog; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("part", sorted(set(neglog._LAZY.values())))
def test_a_lazy_name_is_listed_and_loads_its_part_on_first_use(part: str) -> None:
    if part in GUESTS.keys() & EXTRAS.keys():
        pytest.importorskip(f"neglog.{part}", exc_type=ImportError)
    names = [name for name, of in neglog._LAZY.items() if of == part]
    code = f"""if True:
        import sys, neglog
        print({set(names)} <= set(dir(neglog)), "neglog.{part}" in sys.modules)
        neglog.{names[0]}
        print("neglog.{part}" in sys.modules)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False", "True"]


@pytest.mark.parametrize(("part", "missing"), [("torch", "torch"), ("learn", "sklearn")])
def test_a_part_without_its_packages_names_the_extra(part: str, missing: str) -> None:
    code = f"""if True:
        import sys, neglog
        sys.modules[{missing!r}] = None
        from neglog import *
        for use in ("neglog.{part}", "import neglog.{part}"):
            try:
                exec(use)
            except ImportError as error:
                print(error)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said = f"{missing} is not installed: pip install 'neglog[{part}]'"
    assert [line.partition(", and ")[2] for line in done.stdout.splitlines()] == [said, said]


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


# Kernels that another compiler built (`make test CXX=...`) have their objects beside them.
BUILT = Path(neglog._kernels.__file__).parents[2] / "cmake"
OBJECTS = sorted((BUILT if BUILT.exists() else ROOT / "build" / "editable").rglob("isa/v*.cpp.o"))


@pytest.mark.skipif(shutil.which("nm") is None, reason="needs nm, which comes with a compiler")
def test_kernels_share_no_symbol_between_instruction_sets() -> None:
    """The linker keeps one copy of a weak symbol: it may be the one for a CPU that is not here."""
    if not OBJECTS:
        pytest.skip("no build folder at hand, or no x86-64: `make setup` makes the folder")
    for path in OBJECTS:
        instruction_set = path.name.partition(".")[0]
        listing = subprocess.run(
            ["nm", "--demangle", "--defined-only", path], capture_output=True, text=True, check=True
        ).stdout
        symbols = [line.split(maxsplit=2)[1:] for line in listing.splitlines()]
        assert symbols, f"{path.name} is empty"
        weak = [name for kind, name in symbols if kind in "WwVvu"]
        assert weak == [], f"{path.name} lets the linker choose {weak}"
        outside = [n for kind, n in symbols if kind.isupper() and f"::{instruction_set}::" not in n]
        assert outside == [], f"{path.name} gives names outside of its own namespace: {outside}"
