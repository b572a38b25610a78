"""Progress on standard output for commands that are over in half a second: what draws it is imported for a terminal."""

import contextlib
import sys
from collections.abc import Iterator

from edgeproof.cli.display.echo import echo
from edgeproof.wording.progress import Progress, ProgressKind, ProgressListener


def is_drawn() -> bool:
    """Whether standard output is a terminal, where steps are drawn."""
    return sys.stdout.isatty()


@contextlib.contextmanager
def light_progress() -> Iterator[ProgressListener]:
    """As `shown_progress`: on a terminal steps are drawn, elsewhere notes and warnings are lines and steps nothing."""
    if is_drawn():
        from edgeproof.cli.display.progress import shown_progress
        from edgeproof.cli.display.terminal import Terminal

        with shown_progress(Terminal()) as progress:
            yield progress
        return

    def listen(event: Progress) -> None:
        if event.kind is not ProgressKind.STEP:
            echo(f"warning: {event.text}" if event.kind is ProgressKind.WARNING else event.text)

    yield listen
