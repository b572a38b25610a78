"""Shows the progress of a long job on the terminal: a bar or a spinner, and lines for notes and warnings."""

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TransferSpeedColumn,
)
from rich.progress import Progress as Bar
from rich.table import Column
from rich.text import Text

from edgeproof.wording.progress import Progress, ProgressKind, ProgressListener, ProgressUnit

_WIDE = 120  # columns of a terminal
_BAR_WIDTH, _SHORT_BAR_WIDTH = 30, 12
_STYLES = {ProgressKind.NOTE: "dim", ProgressKind.WARNING: "yellow"}


class _AmountColumn(ProgressColumn):
    """Bytes as megabytes and megabytes a second, items as `3/10`, nothing when the total is not known."""

    def __init__(self) -> None:
        super().__init__()
        self._bytes = DownloadColumn()
        self._rate = TransferSpeedColumn()
        self._items = MofNCompleteColumn()

    def render(self, task: Task) -> Text:
        if task.total is None:
            return Text("")
        if task.fields.get("unit") is ProgressUnit.BYTES:
            return Text(" ").join([self._bytes.render(task), self._rate.render(task)])
        return self._items.render(task)


@contextlib.contextmanager
def shown_progress(console: Console) -> Iterator[ProgressListener]:
    """A listener that draws on `console` until the block ends. Where output is no terminal, steps are not drawn."""
    columns = (
        SpinnerColumn(),
        # A long step goes on in a second line: what is cut off here is the time left.
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=False, overflow="fold")),
        BarColumn(bar_width=_BAR_WIDTH if console.width >= _WIDE else _SHORT_BAR_WIDTH),
        _AmountColumn(),
    )
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:

        def listen(event: Progress) -> None:
            if event.kind is ProgressKind.STEP:
                _show_step(bar, event)
                return
            prefix = "warning: " if event.kind is ProgressKind.WARNING else ""
            bar.console.print(Text(prefix + event.text, style=_STYLES[event.kind]), soft_wrap=True)

        yield listen


def _show_step(bar: Bar, event: Progress) -> None:
    for task in bar.tasks:
        if (task.total, task.fields["unit"]) == (event.total, event.unit):
            bar.update(task.id, description=event.text, completed=event.done)
            return
        # A task cannot lose its total: a step with another one begins a new task.
        bar.remove_task(task.id)
    bar.add_task(event.text, total=event.total, completed=event.done, unit=event.unit)
