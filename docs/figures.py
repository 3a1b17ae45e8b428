"""Figures: one style and one palette for all of them, drawn for the light and the dark theme."""

import hashlib
import re
import warnings
from html import escape
from io import StringIO
from pathlib import Path
from typing import Any, ClassVar

import matplotlib
from cycler import cycler
from docutils import nodes
from docutils.parsers.rst import directives
from matplotlib.figure import Figure
from places import root
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import neglog
from neglog._show.figure import COLOURS, GREY, INK, PALE, hangul_font

PACKAGE = Path(neglog.__file__).parent
CODE_OF_THE_FIGURE = {"en": "The code of this figure", "ko": "이 그림을 그린 코드"}
PAIR = re.compile(r"--\w[\w-]*: light-dark\((#\w{6}), (#\w{6})\)")
SIZE = re.compile(r'<svg [^>]*?width="([\d.]+)pt" height="([\d.]+)pt"')
PAINT = re.compile(r"(?<=fill: |roke: )#\w{6}")  # fill and stroke


def night() -> dict[str, str]:
    """Each colour of a figure -> its colour in the dark theme, from the style sheet of all pages.

    The paper is the theme's own; the lines between it and the ink are not in the style sheet.
    """
    pairs = PAIR.findall((PACKAGE / "_show" / "paper.css").read_text("utf-8"))
    return {light: dark for light, dark in pairs if light in {INK, GREY, *COLOURS}} | {
        "#ffffff": "#131416",
        PALE: "#47505b",
    }


NIGHT = night()


def figure_style() -> dict[str, Any]:
    """Matplotlib settings: text becomes outlines, so that it looks the same on every machine.

    If no font has Korean letters, the text stays text, and the reader's browser finds a font.
    The first class is blue, as on the live page.
    """
    hangul = hangul_font()
    inks = ("text.color", "axes.labelcolor", "xtick.labelcolor", "ytick.labelcolor")
    lines = ("axes.edgecolor", "xtick.color", "ytick.color", "grid.color")
    blue_first = [COLOURS[1], COLOURS[0], *COLOURS[2:]]
    return {
        **dict.fromkeys(inks, INK),
        **dict.fromkeys(lines, PALE),
        "font.family": ["DejaVu Sans", *hangul],
        "svg.fonttype": "path" if hangul else "none",
        "svg.hashsalt": "neglog",
        "axes.unicode_minus": False,
        "axes.prop_cycle": cycler(color=blue_first),
        "axes.titlesize": 11,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.titlecolor": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "figure.constrained_layout.use": True,
        "figure.figsize": (8, 3.4),
        "figure.facecolor": "#ffffff",
        "font.size": 10,
        "legend.fontsize": 9.5,
        "legend.frameon": False,
        "lines.linewidth": 2,
        "lines.markersize": 5,
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
    }


STYLE = figure_style()


def drawn(code: str, name: str) -> Figure:
    """Run a figure's code and return the figure that it assigns to `figure`."""
    namespace: dict[str, Any] = {}
    exec(compile(code, name, "exec"), namespace)
    figure: Figure = namespace["figure"]
    return figure


def in_both_schemes(code: str, name: str) -> dict[str, str]:
    """The figure as SVG for the light and for the dark theme.

    It is drawn once, and its colours are exchanged one by one.

    Raises:
        ValueError: the figure has a colour that is not in the palette.
    """
    file = StringIO()
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.simplefilter("error")
        if matplotlib.rcParams["svg.fonttype"] == "none":
            warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        drawn(code, name).savefig(file, format="svg", metadata={"Date": None})
    light = file.getvalue()
    if foreign := set(PAINT.findall(light)) - NIGHT.keys():
        raise ValueError(f"colours outside the palette (use C0 to C5): {sorted(foreign)}")
    return {"light": light, "dark": PAINT.sub(lambda paint: NIGHT[paint[0]], light)}


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
        name = f"plot-{hashlib.sha256(code.encode()).hexdigest()[:16]}"
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
        where = f"{self.env.docname}:{self.lineno}"
        for scheme, svg in in_both_schemes(code, where).items():
            (folder / f"{name}-{scheme}.svg").write_text(svg, "utf-8")
        width, height = SIZE.findall(svg)[0]
        self.size = f'width="{float(width) * 4 / 3:.0f}" height="{float(height) * 4 / 3:.0f}"'

    def html(self, name: str) -> str:
        """Both pictures; the theme shows one. A click enlarges it."""
        alt, caption = escape(self.options["alt"]), self.options.get("caption")
        images = ""
        for scheme in ("light", "dark"):
            source = f"{root(self.env.docname)}_images/{name}-{scheme}.svg"
            image = f'<img src="{source}" {self.size} loading="lazy" alt="{alt}">'
            images += f'<a class="only-{scheme}" href="{source}">{image}</a>'
        below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
        return f"<figure>{images}{below}</figure>"


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("plot", Plot)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
