"""The exercises of the package are those of the chapters, and their notebook runs anywhere."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import answers_likelihood
import answers_softmax
import pytest

from neglog import exercises
from neglog._show.language import LANGUAGES
from neglog.exercises._notebook import listed, notebook
from neglog.exercises._notebook.tasks import CHAPTERS, Task

DOCS = Path(__file__).resolve().parents[2] / "docs"
RIGHT = answers_softmax.RIGHT | answers_likelihood.RIGHT
TASKS = [task for chapter in CHAPTERS for task in chapter.tasks]
LINES = r"(?<=[.?:)])\s+(?=[A-Z(가-힣\[])"
# Sentences of the chapters about the attempt that is printed below them, or about another page.
ABOUT_THE_ATTEMPT = re.compile(
    r":$|^The check is|first about|\]\(\.\./|확인 함수|첫 시도|210\.4|맨 먼저|셋째 칸|정의 그대로"
)


def asked(language: str, number: int) -> tuple[str, list[str]]:
    """The title of a chapter, and what its exercises ask."""
    (path,) = (DOCS / language / "tutorial").glob(f"{number:02}-*.md")
    text = path.read_text(encoding="utf-8")
    title = re.findall(r"^# (.*)$", text, re.M)[0]
    part = re.findall(rf"^\(ch{number}-exercises\)=\n(.*?)^:::", text, re.M | re.S)[0]
    prose = re.sub(r"^```.*?^```", "", part, flags=re.M | re.S)
    items = re.split(r"\*\*\d\.\*\* ", prose)[1:]
    kept = [
        " ".join(s for s in re.split(LINES, " ".join(i.split())) if not ABOUT_THE_ATTEMPT.search(s))
        for i in items
    ]
    return title, kept


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("number", range(1, 11))
def test_the_exercises_are_those_of_the_chapters(number: int, language: str) -> None:
    chapter = CHAPTERS[number - 1]
    texts = [getattr(task, language) for task in chapter.tasks]
    assert (getattr(chapter, language), texts) == asked(language, number)
    assert len(texts) >= 3


def test_every_check_has_one_exercise() -> None:
    checks = [name for name in exercises.__all__ if name.startswith("check_")]
    assert sorted(task.check for task in TASKS) == sorted([*checks, "check_loss"])


def cells(language: Any) -> list[str]:
    """The code of the notebook."""
    read = json.loads(notebook(language))
    return ["".join(cell["source"]) for cell in read["cells"] if cell["cell_type"] == "code"]


def answered(code: str, task: Task) -> str:
    """The cell with a right answer in it, which is called as the cell's own first line says."""
    if task.start.startswith("class"):
        return code.replace(f"{task.check}({task.name})", f"{task.check}(ANSWER)")
    if task.start.startswith("def"):
        given = task.answer.removeprefix(task.name)
        return code.replace("    ...", f"    return ANSWER{given}")
    return code.replace("= None", "= ANSWER")


def shown(code: str, names: dict[str, Any]) -> Any:
    """What a notebook shows below a cell: the value of its last line."""
    *body, last = ast.parse(code).body
    assert isinstance(last, ast.Expr)
    exec(compile(ast.Module(body, []), "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)


@pytest.mark.parametrize(("language", "word"), [("en", "right: "), ("ko", "맞음: ")])
def test_right_answers_in_the_notebook_are_right(language: str, word: str) -> None:
    names: dict[str, Any] = {}
    first, *others = cells(language)
    exec(first, names)
    for code, task in zip(others, TASKS, strict=True):
        if task.check == "check_loss":
            names["ANSWER"] = names["neglog"].cross_entropy
            assert shown(answered(code, task), names).ok
            continue
        for answer in RIGHT[task.check]:
            names["ANSWER"] = answer
            assert repr(shown(answered(code, task), names)).startswith(word), task


ALONE = """
import ast, json, pathlib, sys
for absent in {absent}:
    sys.modules[absent] = None
names = {{}}
for cell in json.loads(pathlib.Path("notebook.ipynb").read_text(encoding="utf-8"))["cells"]:
    if cell["cell_type"] == "code":
        *body, last = ast.parse("".join(cell["source"])).body
        exec(compile(ast.Module(body, []), "cell", "exec"), names)
        if isinstance(last, ast.Expr):
            print(repr(eval(compile(ast.Expression(last.value), "cell", "eval"), names)))
        else:
            exec(compile(ast.Module([last], []), "cell", "exec"), names)
"""


@pytest.mark.parametrize(("language", "word"), [("en", "not yet: "), ("ko", "아직: ")])
def test_the_empty_notebook_runs_with_numpy_alone(language: Any, word: str, tmp_path: Path) -> None:
    (tmp_path / "notebook.ipynb").write_text(notebook(language), encoding="utf-8")
    absent = ("rich", "scipy", "sklearn", "matplotlib", "torch", "pyarrow", "IPython", "pip")
    run = subprocess.run(
        [sys.executable, "-X", "utf8", "-W", "error", "-c", ALONE.format(absent=absent)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, "")
    said = [line for line in run.stdout.splitlines() if line.startswith(word)]
    assert len(said) == len(TASKS) - 1  # check_loss has findings instead
    assert list(tmp_path.iterdir()) == [tmp_path / "notebook.ipynb"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_notebook_is_of_the_format(language: Any) -> None:
    whole = json.loads(notebook(language))
    assert (whole["nbformat"], whole["nbformat_minor"]) == (4, 5)
    for cell in whole["cells"]:
        code = {"execution_count", "outputs"} if cell["cell_type"] == "code" else set()
        assert set(cell) == {"cell_type", "id", "metadata", "source"} | code
        assert re.fullmatch(r"[\w-]{1,64}", cell["id"], re.A)
    assert len({cell["id"] for cell in whole["cells"]}) == len(whole["cells"])
    headings = [c for c in whole["cells"] if "".join(c["source"]).startswith("## ")]
    assert len(headings) == 10


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_format_s_own_schema_accepts_it(language: Any) -> None:
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not among the test tools")
    nbformat.validate(json.loads(notebook(language)))


def test_the_list_names_every_exercise_and_check() -> None:
    for language in LANGUAGES:
        lines = listed(language).splitlines()  # type: ignore[arg-type]
        assert [line.split()[-1] for line in lines if line.startswith("   ")] == [
            task.check for task in TASKS
        ]
        assert max(sum(2 if "가" <= c <= "힣" else 1 for c in line) for line in lines) <= 80
