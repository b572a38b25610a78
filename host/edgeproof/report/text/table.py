"""A table on a terminal in the manner of all of edgeproof's."""

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

UNBOUNDED = 10_000
"""Columns; rich measures within a given width."""
_NARROWEST = 76  # a terminal below that wraps lines; rich would drop whole columns


def plain_table(title: str) -> Table:
    """Without a frame, its title above at the left."""
    heading = Text(title, style="bold")
    return Table(
        title=heading, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0)
    )


def print_table(console: Console, table: Table) -> None:
    """Prints a table wider than the terminal rather than cut a number, which would make it a wrong one."""
    for column in table.columns:
        if column.no_wrap:
            column.min_width = max(console.measure(cell).maximum for cell in [column.header, *column.cells])
    least = console.measure(table, options=console.options.update(width=UNBOUNDED)).minimum
    width = console.width
    try:
        console.width = max(width, least, _NARROWEST)
        console.print(table, crop=False, no_wrap=True, overflow="ignore")
    finally:
        console.width = width
