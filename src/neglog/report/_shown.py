"""What every kind of report can do with its findings."""

from typing import Any

from .._show.html import framed
from .._show.language import Language
from .show import to_console, to_html


class Shown:
    """Findings as a page, as a terminal's text, and in a notebook."""

    def to_dict(self) -> dict[str, Any]:
        """The findings as plain values."""
        raise NotImplementedError

    def to_html(self, language: Language = "en") -> str:
        """The findings as one page: a file that needs no network.

        Args:
            language: "en" or "ko".
        """
        return to_html(self.to_dict(), language)

    def __rich__(self) -> Any:
        return to_console(self.to_dict())

    def _repr_html_(self) -> str:
        return framed(self.to_html(), "neglog report")
