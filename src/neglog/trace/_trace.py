"""One explanation, and the four forms in which it can be read."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._dict import as_dict
from ._likelihood import Likelihood
from ._rows import Rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import RenderableType


@dataclass(frozen=True)
class Trace:
    """What `explain` and `explain_likelihood` found: numbers, which text, picture and page show.

    In a terminal Rich prints it (`rich.print(trace)`); a notebook shows the page.

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
        """Everything, as JSON can hold it.

        Returns:
            Numbers, strings, lists and dicts; nan and infinities as the strings "nan", "inf" and
            "-inf", exact numbers as strings of up to 50 digits.
        """
        return as_dict(self.subject)

    def to_text(self, width: int = 80) -> str:
        """The explanation as plain text: tables and bars, no colour, no control characters.

        Args:
            width: columns, at least 40.
        """
        from ._text import text

        return text(self.subject, width)

    def plot(self) -> "Figure":
        """The explanation as a picture, a matplotlib Figure: `trace.plot().savefig("row.png")`."""
        from ._plot import figure

        return figure(self.subject)

    def to_html(self) -> str:
        """The explanation as one page that can be touched: a whole HTML file, without network."""
        from ._page import html

        return html(self.subject)

    def __rich__(self) -> "RenderableType":
        """For Rich's console."""
        from ._text import rich

        return rich(self.subject)

    def _repr_html_(self) -> str:
        from ._page import notebook

        return notebook(self.subject)
