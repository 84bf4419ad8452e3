"""The variables of a file as a table."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ._report import plain, size_of

if TYPE_CHECKING:
    from ._native import _Row


def text_table(head: str, rows: Sequence[_Row], more: int, notes: Sequence[str]) -> str:
    """The table of a workspace, for terminals; `more` rows are not shown."""
    lines = [f"<{head}>", *aligned([cells(row) for row in rows])]
    if more:
        lines.append(f"  ... and {more} more")
    lines.extend(f"  note: {plain(note)}" for note in notes)
    return "\n".join(lines)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as lines of columns that stand below each other."""
    shown = [[plain(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown)]
    return ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in shown]


def html_table(caption: str, rows: Sequence[_Row], more: int) -> str:
    """The table of a workspace, for notebooks."""
    head = "".join(f"<th>{title}</th>" for title in ("name", "type", "shape", "size", "attributes"))
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(plain(cell))}</td>" for cell in cells(row)) + "</tr>"
        for row in rows
    )
    if more:
        body += f'<tr><td colspan="5">... and {more} more</td></tr>'
    caption = html.escape(caption)
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


_SHORT = {
    "python.": "",
    "numpy.": "",
}


def cells(row: _Row) -> tuple[str, ...]:
    name, kind, dtype, shape, raw, stored, cold, attributes = row
    for prefix, short in _SHORT.items():
        if kind.startswith(prefix):
            kind = short + kind[len(prefix) :]
    shown = "" if shape is None else str(tuple(shape))
    size = size_of(raw) + (f", {size_of(stored)} stored" if cold else "")
    return name, dtype or kind, shown, size, ", ".join(attributes)
