"""Extensions for the pages: the live page, plain docstrings, two languages."""

import re
from html import escape
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from places import root
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.util.docutils import SphinxDirective

import neglog

LANGUAGES = {"en": "English", "ko": "한국어"}
IN_ITS_OWN_TAB = {"en": "Open this page in a tab of its own", "ko": "이 페이지를 새 탭에서 열기"}
THEME_IN_KOREAN = {
    "Back to top": "맨 위로",
    "Home": "처음으로",
    "Next": "다음",
    "On this page": "이 페이지의 내용",
    "Previous": "이전",
}


class Page(SphinxDirective):
    """The live page of `neglog.explain` in a frame; the argument is its URL's fragment."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar = {
        "title": directives.unchanged_required,
        "height": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        if "title" not in self.options:
            raise self.error("a page needs :title:, which screen readers read")
        language = self.config.language
        fragment = escape(f"{self.arguments[0]}&lang={language}")
        href = f"{root(self.env.docname)}_static/explain.html#{fragment}"
        height = self.options.get("height")  # else that of the first screen, from the style sheet
        style = f' style="height: {escape(height)}"' if height else ""
        html = (
            f'<div class="live-page"><iframe src="{href}" loading="lazy"{style} '
            f'title="{escape(self.options["title"])}"></iframe>'
            f'<p><a href="{href}" target="_blank">{IN_ITS_OWN_TAB[language]}</a></p></div>'
        )
        return [nodes.raw("", html, format="html")]


CORRECTION = re.compile(
    r"^:::\{admonition\} (?:Corrected|바로잡음): ([\d., ]+)\n:class: corrected\n"
    r"\n\*\*[^*]+\*\* (.+?)\n\n\*\*[^*]+\*\* (.+?)\n\n\*\*",
    re.M | re.S,
)
CORRECTED = {
    "en": (
        "The chapters correct **{count}** of them, in boxes that also say why:",
        "| no. | the text says | what is right | chapter |",
    ),
    "ko": (
        "이 가운데 **{count}개**를 바로잡았습니다. 까닭은 각 장의 상자 안에 있습니다.",
        "| 번호 | 글에서는 | 바른 설명 | 장 |",
    ),
}


class Corrections(SphinxDirective):
    """What the chapters correct, counted and listed from their own words."""

    def run(self) -> list[nodes.Node]:
        rows, count = [], 0
        for path in sorted((Path(self.env.srcdir) / "tutorial").glob("[0-9]*.md")):
            self.env.note_dependency(path)
            for numbers, said, right, anchor in corrections(path.read_text("utf-8")):
                count += len(numbers.split(", "))
                place = f"[{int(path.name[:2])}](#{anchor})"
                rows.append(f"| {numbers} | {said} | {right} | {place} |")
        head, title = CORRECTED[self.config.language]
        table = [head.format(count=count), "", title, "|---|---|---|---|", *rows]
        return self.parse_text_to_nodes("\n".join(table))


def corrections(text: str) -> list[tuple[str, str, str, str]]:
    """The corrections of a chapter: statements, what a text says, what is right, where."""
    found = []
    for box in CORRECTION.finditer(text):
        numbers, said, right = (" ".join(part.split()).replace("|", r"\|") for part in box.groups())
        anchor = re.findall(r"^\((ch[\w-]+)\)=$", text[: box.start()], re.M)[-1]
        found.append((numbers, said, right, anchor))
    return found


# What reStructuredText would read as markup: |substitution|, target_, a list item "N. ".
MARKUP = re.compile(r"\||(?<=\w)_(?!\w)|(?<!\S)[A-Z](?=\. )")


def keep_columns(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Make an indented block after a colon and an empty line literal: a formula in columns."""
    for number in range(len(lines) - 2):
        line, empty, block = lines[number : number + 3]
        margin = line[: len(line) - len(line.lstrip())]
        if line.endswith(":") and not empty and block.startswith(f"{margin}    "):
            lines[number] += ":"


def keep_letters(
    app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]
) -> None:
    """Escape markup outside code: |a| is an absolute value, classes_ a name, "N. J." not a list."""
    code = literal = False  # up to the next empty line; up to the next line at the margin
    for number, line in enumerate(lines):
        indented = line.startswith(" ")
        literal = literal and (indented or not line)
        code = bool(line) and (code or line.lstrip().startswith((">>>", ".. ")))
        if not (code or literal):
            pieces = re.split(r"(``.+?``|`.+?`)", line)
            pieces[::2] = [MARKUP.sub(r"\\\g<0>", piece) for piece in pieces[::2]]
            lines[number] = "".join(pieces)
        literal = literal or (line.endswith("::") and not code)


def write_live_page(app: Sphinx, error: Exception | None) -> None:
    """Write the page once per tree; the chapters' frames open it at their presets."""
    if error is None:
        trace = neglog.explain([5, 4, 2], 0, class_names=["cat", "dog", "horse"])
        (Path(app.outdir) / "_static" / "explain.html").write_text(trace.to_html(), "utf-8")


def add_other_language(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Let the sidebar link to the same page in the other language, if there is one."""
    (code,) = LANGUAGES.keys() - {app.config.language}
    if (Path(app.srcdir).parent / code / f"{pagename}.md").exists():
        href = f"{root(pagename)}../{code}/{pagename}.html"
        context["other_language"] = {"code": code, "name": LANGUAGES[code], "href": href}


def speak_korean(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Translate the theme, which has no Korean."""
    if app.config.language == "ko":
        context["_"] = context["gettext"] = lambda words: THEME_IN_KOREAN.get(words) or _(words)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("page", Page)
    app.add_directive("corrections", Corrections)
    app.connect("autodoc-process-docstring", keep_columns, priority=400)  # before napoleon
    app.connect("autodoc-process-docstring", keep_letters, priority=600)  # after it
    app.connect("html-page-context", add_other_language)
    app.connect("html-page-context", speak_korean)
    app.connect("build-finished", write_live_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
