"""What a terminal shows of a job: how much of it is done, and for bytes how fast."""

import io

from rich.console import Console

from edgeproof.cli.display.progress import shown_progress
from edgeproof.wording.progress import Progress, ProgressKind, ProgressUnit


def shown(*events: Progress, terminal: bool = True) -> str:
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=120, legacy_windows=False)
    with shown_progress(console) as listen:
        for event in events:
            listen(event)
    return output.getvalue()


def test_a_transfer_shows_megabytes_and_their_rate() -> None:
    steps = [Progress("sending x", done=done * 10**6, total=30 * 10**6, unit=ProgressUnit.BYTES) for done in (1, 5, 12)]
    text = shown(*steps)
    assert "sending x" in text
    assert "12.0/30.0 MB" in text
    assert "B/s" in text


def test_items_show_their_number_and_no_rate() -> None:
    text = shown(Progress("detecting", done=3, total=10))
    assert "3/10" in text
    assert "B/s" not in text


def test_without_a_terminal_notes_are_lines_and_steps_are_not_drawn() -> None:
    text = shown(Progress("sending", done=1, total=2), Progress("careful", ProgressKind.WARNING), terminal=False)
    assert text == "warning: careful\n"
