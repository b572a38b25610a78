"""What a terminal shows of a job: how much of it is done, and for bytes how fast."""

import io

import pytest
from rich.console import Console

from edgeproof.cli.display.progress import shown_progress
from edgeproof.wording.progress import Progress, ProgressKind, ProgressUnit


def shown(*events: Progress, terminal: bool = True, width: int = 120) -> str:
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=width, legacy_windows=False)
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


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_long_step_is_shown_to_its_end(width: int) -> None:
    step = "12 of 24: float32 on my-raspberry-pi, ai-edge-litert, 4 threads: measuring, 618 to go, 2 min left"
    text = shown(Progress(step, done=44, total=662), width=width)
    words = set(text.replace("\r", " ").split())
    assert set(step.split()) <= words
    assert "44/662" in text
    assert "…" not in text
