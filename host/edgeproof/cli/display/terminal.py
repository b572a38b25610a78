"""The one door to the terminal for tables and progress: nothing in what a command shows can steer it."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from edgeproof.cli.display.echo import note_lost_reader
from edgeproof.wording.printable import shown


class Terminal(Console):
    """A console that shows names, labels and messages as they are: no markup, and no control characters of theirs."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=options.pop("highlight", False), **options)

    def on_broken_pipe(self) -> None:
        self.quiet = True
        note_lost_reader()

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Every text becomes a segment here; rich's own control codes are segments of another kind."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(shown(segment.text), segment.style)
