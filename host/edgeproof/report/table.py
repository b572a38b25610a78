"""A table on a terminal in the manner of all of edgeproof's."""

from rich import box
from rich.table import Table
from rich.text import Text


def plain_table(title: str) -> Table:
    """Without a frame, its title above at the left."""
    heading = Text(title, style="bold")
    return Table(
        title=heading, title_justify="left", box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0)
    )
