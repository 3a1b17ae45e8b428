"""The exercises as a notebook for Jupyter, JSON of the format 4.5, and as a list."""

import json
from typing import Any

from neglog._show.language import Language, Sentences
from neglog.exercises._notebook.tasks import CHAPTERS, Task

WORDS = {
    "en": {
        "title": "Exercises",
        "intro": "Each cell has a beginning. Write your answer in it and run the cell: "
        "the verdict below says whether it is right, and if not, what to look at. "
        "The next cell installs neglog if it is not there.",
        "hint": "neglog exercises --notebook exercises.ipynb writes a notebook to solve them in",
    },
    "ko": {
        "title": "연습 문제",
        "intro": "칸마다 첫머리가 적혀 있습니다. 답을 채우고 칸을 실행하면 맞았는지, "
        "아직이라면 어디를 볼지 판정이 나옵니다. 바로 아래 칸은 neglog가 없을 때만 설치합니다.",
        "hint": "neglog exercises --lang ko --notebook exercises.ipynb로 풀이용 노트북을 만듭니다",
    },
}
# Plain Python, not %pip: a cell must run where there is no IPython, too.
INSTALL = """\
import importlib.util

if importlib.util.find_spec("neglog") is None:
    import subprocess
    import sys

    subprocess.check_call([sys.executable, "-m", "pip", "install", "neglog"])

import numpy as np

import neglog"""
MODULES = {"en": "neglog.exercises", "ko": "neglog.exercises.ko"}


def notebook(lang: Language = "en") -> str:
    """A notebook of all exercises, as JSON: a text and a cell to fill in for each."""
    say = Sentences(lang, WORDS)
    cells = [_text(f"# {say('title')}\n\n{say('intro')}"), _code(INSTALL)]
    for chapter in CHAPTERS:
        cells.append(_text(f"## {getattr(chapter, lang)}"))
        for number, task in enumerate(chapter.tasks, 1):
            cells.append(_text(f"**{number}.** {getattr(task, lang)}"))
            cells.append(_code(_cell(task, lang)))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    whole = {
        "cells": cells,
        "metadata": {"kernelspec": kernel, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(whole, ensure_ascii=False, indent=1) + "\n"


def listed(lang: Language = "en") -> str:
    """The exercises by chapter: what is written, and the check that judges it."""
    lines = []
    for chapter in CHAPTERS:
        lines.append(getattr(chapter, lang))
        lines += [
            f"   {number}  {task.answer:<39} {task.check}"
            for number, task in enumerate(chapter.tasks, 1)
        ]
    return "\n".join([*lines, "", Sentences(lang, WORDS)("hint")])


def _cell(task: Task, lang: Language) -> str:
    """What the reader fills in, between the import of its check and the call."""
    if task.check == "check_loss":  # says more than right or wrong, and in a table
        return f'{_empty(task)}\n\nneglog.check_loss({task.name}, framework="numpy")'
    head = f"from {MODULES[lang]} import {task.check}"
    return f"{head}\n\n\n{_empty(task)}\n\n{task.check}({task.name})"


def _empty(task: Task) -> str:
    if task.start.startswith("class"):
        return (
            f"{task.start}\n    def forward(self, logits, target):\n        ...\n\n"
            "    def backward(self, dout=1.0):\n        ...\n"
        )
    return f"{task.start}\n    ...\n" if task.start.startswith("def") else task.start


def _text(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": _lines(source)}


def _code(source: str) -> dict[str, Any]:
    more: dict[str, Any] = {"execution_count": None, "outputs": []}
    return {"cell_type": "code", "metadata": {}, "source": _lines(source), **more}


def _lines(source: str) -> list[str]:
    return source.splitlines(keepends=True)
