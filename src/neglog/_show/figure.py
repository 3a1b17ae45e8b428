"""Parts of every figure: colours for colour-blind readers, axes, and fonts."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .words import shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# The light colours of paper.css; PALE lies between its paper and its ink.
INK, PALE, GREY = "#1d2026", "#c9d1d9", "#595f69"
ORANGE, BLUE = "#c04a0c", "#2b5fd0"
# In this order, so that candidates named orange and blue get these colours; in grey, dashes
# distinguish them.
COLOURS = (ORANGE, BLUE, "#0a8a68", "#84207f", "#a06b00", "#474f5c")
DASHES = ("-", "--", "-.", ":", (0, (1, 1)), (0, (5, 1)))

NAME = 16  # letters

# Fonts with Hangul on common systems; the first installed one is used.
HANGUL = (
    "Noto Sans CJK KR",
    "Noto Sans KR",
    "Noto Sans CJK JP",
    "Malgun Gothic",
    "Apple SD Gothic Neo",
    "AppleGothic",
    "NanumGothic",
    "UnDotum",
    "Noto Serif CJK KR",
    "Noto Serif CJK JP",
)


# Their files, for fonts that matplotlib has not listed: the regular one, the bold one.
HANGUL_FILES = {
    "NotoSansCJK-Regular": "NotoSansCJK-Bold",
    "NotoSansCJKkr-Regular": "NotoSansCJKkr-Bold",
    "NanumGothic": "NanumGothicBold",
    "malgun": "malgunbd",
}


class Letters:
    """Names in letters that an installed font has; other names are replaced by their index."""

    def __init__(self, names: Sequence[str], what: str = "class {}") -> None:
        from matplotlib import rcParams

        fonts = list(rcParams["font.family"])
        used = {letter for name in names for letter in name}
        if all(letter.isascii() for letter in used):  # every font has these
            missing: set[str] = set()
        else:
            missing = used - _letters_of(tuple(fonts))
        if missing:
            fonts += _installed()
            missing -= _letters_of(tuple(fonts))
        self.style: dict[str, Any] = {"fontfamily": fonts, "parse_math": False}
        self.all_there = not missing
        self.names = [
            shortened(what.format(j) if missing.intersection(name) else name, NAME)
            for j, name in enumerate(names)
        ]


def _installed() -> list[str]:
    from matplotlib.font_manager import fontManager

    names = set(fontManager.get_font_names())
    return [font for font in HANGUL if font in names][:1] or hangul_font()


@cache
def hangul_font() -> list[str]:
    """The name of an installed font with Korean letters, if there is one.

    matplotlib caches its list of fonts and rarely updates it, so we search the font folders.
    """
    from matplotlib.font_manager import findSystemFonts, fontManager

    found = {Path(path).stem: path for path in findSystemFonts()}
    for regular, bold in HANGUL_FILES.items():
        if regular in found:
            if bold in found:  # else matplotlib warns of each bold label
                fontManager.addfont(found[bold])
                fontManager.ttflist[-1] = replace(fontManager.ttflist[-1], weight=700)  # Nanum: 600
            fontManager.addfont(found[regular])
            return [fontManager.ttflist[-1].name]
    return []


@cache
def _letters_of(fonts: tuple[str, ...]) -> frozenset[str]:
    """The letters that at least one of the fonts has."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    paths = {findfont(FontProperties(family=[font])) for font in fonts}
    return frozenset(chr(code) for path in paths for code in get_font(path).get_charmap())


def in_korean(figure: "Figure") -> "Figure":
    """Set every text of a figure in a font with Korean letters, if one is installed."""
    from matplotlib.text import Text

    fonts = Letters(["가"]).style["fontfamily"]
    texts: list[Any] = figure.findobj(Text)
    for text in texts:
        text.set_fontfamily(fonts)
    return figure


def check_korean() -> None:
    """Refuse to write a figure whose words would be boxes.

    Raises:
        ValueError: no font with Korean letters is installed.
    """
    if not Letters(["가"]).all_there:
        fonts = ", ".join(HANGUL[:4])
        raise ValueError(f"no font with Korean letters is installed: install one, such as {fonts}")


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure that pyplot does not know."""
    from .notebook import NotebookFigure

    figure = NotebookFigure(figsize=(width, height), facecolor="white", layout="constrained")
    engine: Any = figure.get_layout_engine()
    engine.set(w_pad=0.1, h_pad=0.1, hspace=0.04, wspace=0.04)
    return figure


def tidy(axes: Any, title: str) -> None:
    """Set the title and remove lines that carry no information."""
    axes.set_title(title, loc="left", color=INK, fontsize=11, weight="bold", pad=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(PALE)
    axes.tick_params(which="both", color=PALE, labelcolor=INK, labelsize=9)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)


def footnote(figure: Any, text: str) -> None:
    """A remark at the bottom of the figure."""
    figure.supxlabel(text, x=0.01, ha="left", fontsize=8.5, color=GREY)
