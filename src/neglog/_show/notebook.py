"""A matplotlib figure that notebooks show as it is."""

from io import BytesIO

from matplotlib.figure import Figure


class Picture(Figure):
    """A figure without a window; pyplot, which would show one in a notebook, is not needed."""

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()
