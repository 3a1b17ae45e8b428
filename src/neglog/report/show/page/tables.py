"""Tables: the first rows in sight, the others in a fold, as many as there is room for."""

from collections.abc import Iterator
from html import escape

from ..parts import Table
from ..words import Words, count

IN_SIGHT = 20
WIDTHS = {"name": 7.5, "number": 5.2, "text": 15}  # rem
NARROW = {
    "row": 4, "document": 5, "p_predicted": 6.2, "p_suggested": 6.2,
    "interval": 9, "by": 6, "confusion": 9, "left_out": 10,
}  # fmt: skip


def table(table: Table, say: Words, key: str) -> str:
    """A table that can be sorted where scripts run; without one it is in the report's order."""
    rows = list(_rows_with_room(table))
    left = len(table.rows) - len(rows)
    caption = f'<caption id="{key}-c">{escape(table.caption)}</caption>'
    folded = ""
    if len(rows) > IN_SIGHT:
        more = escape(say("more", n=count(len(rows) - IN_SIGHT)))
        rest = _scrolling(table, f"{key}-c {key}-m", "", rows[IN_SIGHT:], "data-rest")
        folded = f'<details><summary id="{key}-m">{more}</summary>{rest}</details>'
    cut = f"<p>{escape(say('cut', n=count(left)))}</p>" if left else ""
    first = _scrolling(table, f"{key}-c", caption, rows[:IN_SIGHT], f'id="{key}" data-sort')
    whole = f'<div class="table">{first}{folded}{cut}</div>'
    if not table.folded:
        return whole
    return f"<details><summary>{escape(table.caption)}</summary>{whole}</details>"


def _scrolling(table: Table, named: str, caption: str, rows: list[str], attributes: str) -> str:
    """A table in a box that scrolls sideways, so that the page does not."""
    widths = [_width(table, j) for j in range(len(table.columns))]
    columns = "".join(f'<col style="width:{width}rem">' for width in widths)
    style = f'class="{_numbers(table)}" style="min-width:{sum(widths):g}rem"'
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-labelledby="{named}">'
        f"<table {attributes} {style}>{caption}"
        f"<colgroup>{columns}</colgroup><thead><tr>{_heads(table)}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _width(table: Table, j: int) -> float:
    column = table.columns[j]
    return NARROW.get(column.key, WIDTHS[column.kind])


def _numbers(table: Table) -> str:
    """A class for each column of numbers: one for each cell would take 100 kB."""
    return " ".join(f"n{j}" for j, c in enumerate(table.columns, 1) if c.kind == "number")


def _heads(table: Table) -> str:
    kinds = {"number": ' class="n"', "name": "", "text": ""}
    return "".join(f'<th scope="col"{kinds[c.kind]}>{escape(c.label)}</th>' for c in table.columns)


def _rows_with_room(table: Table) -> Iterator[str]:
    """Rows until the table's room is used up. End tags that HTML does not need are left out."""
    header = next((j for j, c in enumerate(table.columns) if c.kind == "name"), 0)
    barred = next((j for j, c in enumerate(table.columns) if c.key == "share"), None)
    most = max(table.fractions, default=0.0)
    left = table.room
    for i, cells in enumerate(table.rows):
        row = "<tr>"
        for j, cell in enumerate(cells):
            tag = "th scope=row" if j == header else "td"
            if j == barred:
                width = 100 * table.fractions[i] / most if most > 0 else 0.0
                tag += f" style=--w:{width:.0f}%"
            row += f"<{tag}>{escape(cell)}"
        left -= len(row.encode())
        if left < 0:
            return
        yield row
