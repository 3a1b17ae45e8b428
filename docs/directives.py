"""Extensions for the pages: figures, the live page, plain docstrings, two languages."""

import hashlib
import re
import warnings
from html import escape
from pathlib import Path
from typing import Any, ClassVar

import matplotlib
from docutils import nodes
from docutils.parsers.rst import directives
from formulas import visit_math, visit_math_block
from matplotlib.figure import Figure
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.util.docutils import SphinxDirective

import neglog
from neglog._show.figure import hangul_font

PACKAGE = Path(neglog.__file__).parent
LANGUAGES = {"en": "English", "ko": "한국어"}
CODE_OF_THE_FIGURE = {"en": "The code of this figure", "ko": "이 그림을 그린 코드"}
IN_ITS_OWN_TAB = {"en": "Open this page in a tab of its own", "ko": "이 페이지를 새 탭에서 열기"}
THEME_IN_KOREAN = {
    "Back to top": "맨 위로",
    "Home": "처음으로",
    "Next": "다음",
    "On this page": "이 페이지의 내용",
    "Previous": "이전",
}

CORRECTION = re.compile(
    r"^:::\{admonition\} (?:Corrected|바로잡음): ([\d., ]+)\n:class: corrected\n"
    r"\n\*\*[^*]+\*\* (.+?)\n\n\*\*[^*]+\*\* (.+?)\n\n\*\*",
    re.M | re.S,
)
CORRECTED = {
    "en": (
        "The chapters correct **{count}** of them, each in a box of its own:",
        "| no. | the text says | right is | chapter |",
    ),
    "ko": (
        "이 가운데 **{count}개**는 장에서 상자로 표시해 바로잡았습니다.",
        "| 번호 | 글에서는 | 바른 설명 | 장 |",
    ),
}

def figure_style() -> dict[str, Any]:
    """Matplotlib settings: text becomes outlines, so that it looks the same on every machine.

    If no font has Korean letters, the text stays text, and the reader's browser finds a font.
    """
    hangul = hangul_font()
    return {
        "font.family": ["DejaVu Sans", *hangul],
        "svg.fonttype": "path" if hangul else "none",
        "svg.hashsalt": "neglog",
        "axes.unicode_minus": False,
    }


STYLE = figure_style()


def drawn(code: str, name: str) -> Figure:
    """Run a figure's code and return the figure that it assigns to `figure`."""
    namespace: dict[str, Any] = {}
    exec(compile(code, name, "exec"), namespace)
    figure: Figure = namespace["figure"]
    return figure


class Plot(SphinxDirective):
    """Run the code and show the figure, with the code folded below it.

    matplotlib's own directive handles only pyplot's figures, and it emits reStructuredText, which a
    Markdown page cannot use.
    """

    has_content = True
    option_spec: ClassVar = {"alt": directives.unchanged_required, "caption": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        if "alt" not in self.options:
            raise self.error("a plot needs :alt:, a description for readers who cannot see it")
        for source in PACKAGE.rglob("*.py"):  # redraw the figure when the library changes
            self.env.note_dependency(source)
        code = "\n".join(self.content)
        name = f"plot-{hashlib.sha256(code.encode()).hexdigest()[:16]}.svg"
        try:
            self.save(code, name)
        except Exception as error:
            raise self.error(f"the plot's code raised {type(error).__name__}: {error}") from error
        listing = nodes.literal_block(code, code, language="python")
        summary = CODE_OF_THE_FIGURE[self.config.language]
        opening = f'<div class="plot">{self.html(name)}<details><summary>{summary}</summary>'
        return [
            nodes.raw("", opening, format="html"),
            listing,
            nodes.raw("", "</details></div>", format="html"),
        ]

    def save(self, code: str, name: str) -> None:
        folder = Path(self.env.app.outdir) / "_images"
        folder.mkdir(parents=True, exist_ok=True)
        with matplotlib.rc_context(STYLE), warnings.catch_warnings():
            warnings.simplefilter("error")
            if matplotlib.rcParams["svg.fonttype"] == "none":
                warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
            where = f"{self.env.docname}:{self.lineno}"
            drawn(code, where).savefig(folder / name, metadata={"Date": None})

    def html(self, name: str) -> str:
        alt, caption = escape(self.options["alt"]), self.options.get("caption")
        source = f"{root(self.env.docname)}_images/{name}"
        image = f'<a href="{source}"><img src="{source}" alt="{alt}"></a>'  # a click enlarges it
        below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
        return f"<figure>{image}{below}</figure>"


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


def root(docname: str) -> str:
    """The relative path from a page to the root of its tree."""
    return "../" * docname.count("/")


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
    app.add_directive("plot", Plot)
    app.add_directive("page", Page)
    app.add_directive("corrections", Corrections)
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_math_block, None))
    app.connect("autodoc-process-docstring", keep_columns, priority=400)  # before napoleon
    app.connect("autodoc-process-docstring", keep_letters, priority=600)  # after it
    app.connect("html-page-context", add_other_language)
    app.connect("html-page-context", speak_korean)
    app.connect("build-finished", write_live_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
