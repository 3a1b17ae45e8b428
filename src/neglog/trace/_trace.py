"""An explanation, and the four forms in which it can be read."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._show.language import Language
from .likelihood.likelihood import Likelihood
from .softmax.rows import Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import RenderableType


@dataclass(frozen=True)
class Trace:
    """The result of `explain` and `explain_likelihood`: numbers, shown as text, figure or page.

    Rich prints it in a terminal (`rich.print(trace)`); a notebook shows the page.

    Attributes:
        subject: the numbers, `Rows` of a softmax or a `Likelihood`.

    Examples:
        >>> from neglog import explain
        >>> trace = explain([5, 4, 2], 0, class_names=["cat", "dog", "horse"])
        >>> [round(p, 6) for p in trace.subject.rows[0].steps["prob"].neglog.values]
        [0.705384, 0.259496, 0.035119]
        >>> trace.to_dict()["rows"][0]["steps"]["nll"]["exact"]
        '0.3490122167...'
    """

    subject: Rows | Likelihood

    def to_dict(self) -> dict[str, Any]:
        """Everything in the trace, ready for JSON.

        Returns:
            Numbers, strings, lists and dicts; nan and infinities as the strings "nan", "inf" and
            "-inf", exact numbers as strings of up to 50 digits.
        """
        from .likelihood.as_dict import likelihood_dict
        from .softmax.as_dict import rows_dict

        if isinstance(self.subject, Rows):
            return rows_dict(self.subject)
        return likelihood_dict(self.subject)

    def to_text(self, width: int = 80, *, lang: Language = "en") -> str:
        """The explanation as plain text: tables and bars without colour or control characters.

        Args:
            width: columns, at least 40.
            lang: "en" or "ko".

        Raises:
            ValueError: an unknown language.
            ModuleNotFoundError: Rich is missing: install neglog[cli].
        """
        from ._text import text

        return text(self.subject, width, lang)

    def plot(self, *, lang: Language = "en") -> "Figure":
        """The explanation as a matplotlib Figure: `trace.plot().savefig("row.png")`.

        Args:
            lang: "en" or "ko"; Korean needs a font with its letters.

        Raises:
            ValueError: an unknown language.
            ModuleNotFoundError: matplotlib is missing: install neglog[plot].
        """
        from .._show.extras import needs

        with needs("the figure", "plot"):
            import matplotlib  # noqa: F401
        from .._show.figure import in_korean
        from ._words import words
        from .likelihood.plot import likelihood_figure
        from .softmax.plot import rows_figure

        say = words(self.subject, lang)
        if isinstance(self.subject, Rows):
            drawn = rows_figure(self.subject, say)
        else:
            drawn = likelihood_figure(self.subject, say)
        return in_korean(drawn) if say.lang == "ko" else drawn

    def to_html(self, *, lang: Language | None = None) -> str:
        """The explanation as an interactive page: one HTML file that needs no network.

        Args:
            lang: the language in which it opens, "en" or "ko"; without one, the browser's.

        Raises:
            ValueError: an unknown language.
        """
        from ._page import html

        return html(self.subject, lang)

    def __rich__(self) -> "RenderableType":
        """What Rich prints."""
        from ._text import renderable

        return renderable(self.subject, "en")

    def _repr_html_(self) -> str:
        from ._page import notebook

        return notebook(self.subject)
