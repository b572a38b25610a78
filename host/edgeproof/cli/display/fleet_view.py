"""Many boards at work: a table that fills as their answers come, and what came of all at the end."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.table import Table
from rich.text import Text

from edgeproof.fleet.outcome import INCONCLUSIVE, OK, UNHEALTHY, Outcome, by_reason
from edgeproof.fleet.reasons import Reason
from edgeproof.fleet.side_by_side import Event, Listener
from edgeproof.wording.counting import counted
from edgeproof.wording.name_ranges import name_ranges
from edgeproof.wording.printable import printable_line

_FRAME_LINES = 3  # of the terminal's height: the heading, the count, a line to spare
_NAMES_LISTED = 8
_WIDEST_NAME = 28
_MARKS = {OK: ("✓", "green"), INCONCLUSIVE: ("?", "yellow"), UNHEALTHY: ("!", "yellow")}
_BROKEN = ("✗", "red")
_REFRESHES_A_SECOND = 4


class FleetView:
    """What `rich` draws anew: who is at work, who has failed, who came last, as far as the terminal is high."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._working: dict[str, tuple[str, float]] = {}
        self._outcomes: dict[str, Outcome] = {}

    def take(self, event: Event) -> None:
        if event.outcome is not None:
            self._working.pop(event.board, None)
            self._outcomes[event.board] = event.outcome
        elif event.words:
            begun = self._working.get(event.board, ("", time.monotonic()))[1]
            self._working[event.board] = (event.words, begun)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = max(1, (options.max_height or console.height) - _FRAME_LINES)
        failed = [outcome for outcome in self._outcomes.values() if outcome.status != OK]
        well = [outcome for outcome in self._outcomes.values() if outcome.status == OK]
        table = _table(self._names)
        for outcome in failed[-max(1, room // 3) :]:
            table.add_row(*outcome_cells(outcome))
        now = time.monotonic()
        for name, (words, begun) in list(self._working.items())[: max(1, room - table.row_count)]:
            table.add_row(Text("…", "cyan"), Text(name), _line(words, "dim"), Text(f"{now - begun:.0f} s", "dim"))
        for outcome in well[max(0, len(well) - max(0, room - table.row_count)) :]:
            table.add_row(*outcome_cells(outcome))
        yield table
        parts = [f"{len(well)} of {len(self._names)} done"]
        parts += [f"{len(failed)} failed"] * bool(failed) + [f"{len(self._working)} at work"]
        yield Text(", ".join(parts), "bold")


@contextlib.contextmanager
def shown_fleet(names: Sequence[str], console: Console, quiet: bool = False) -> Iterator[Listener]:
    """Draws on a terminal; elsewhere a line a board is printed as it comes, or nothing with `quiet`."""
    view = FleetView(names)
    if not console.is_terminal:
        count = 0

        def print_line(event: Event) -> None:
            nonlocal count
            if event.outcome is not None and not quiet:
                count += 1
                mark, _ = _mark(event.outcome)
                words = printable_line(event.outcome.words)
                text = f"{mark} {event.board}: {words} ({event.outcome.seconds:.1f} s; {count} of {len(names)})"
                console.print(Text(text), soft_wrap=True)

        yield print_line
        return
    with Live(view, console=console, transient=True, refresh_per_second=_REFRESHES_A_SECOND):
        yield view.take


def print_outcomes(outcomes: Sequence[Outcome], console: Console) -> None:
    """A row a board, in the order in which they were named. Where output is no terminal they stand there already."""
    if not console.is_terminal:
        return
    table = _table([outcome.board for outcome in outcomes])
    for outcome in outcomes:
        table.add_row(*outcome_cells(outcome))
    console.print(table)


def print_summary(outcomes: Sequence[Outcome], console: Console) -> None:
    """How many went well, and why the others did not."""
    waiting = [outcome for outcome in outcomes if outcome.reason is Reason.NOT_BEGUN]
    failed = [outcome for outcome in outcomes if outcome.reason not in (None, Reason.NOT_BEGUN)]
    unwell = [outcome for outcome in outcomes if outcome.reason is None and outcome.status != OK]
    parts = [f"{len(outcomes) - len(failed) - len(unwell) - len(waiting)} of {counted(len(outcomes), 'board')} well"]
    parts += [f"{len(unwell)} not well"] * bool(unwell)
    parts += [f"{len(failed)} failed"] * bool(failed) + [f"{len(waiting)} not begun"] * bool(waiting)
    console.print(Text(", ".join(parts), "bold"), soft_wrap=True)
    print_failures(outcomes, console)


def print_failures(outcomes: Sequence[Outcome], console: Console) -> None:
    """For each reason who failed by it, with the words of the first and what helps."""
    for reason, boards in by_reason(outcomes).items():
        if reason is Reason.NOT_BEGUN:
            continue
        listed = name_ranges([outcome.board for outcome in boards], _NAMES_LISTED)
        console.print(Text(f"  {len(boards)} {reason.value}: ", "red") + Text(listed), soft_wrap=True)
        for line in boards[0].message.strip().splitlines():
            console.print(Text(f"      {line}", "dim"), soft_wrap=True)


def print_retry(path: Path, count: int, console: Console) -> None:
    text = f"{counted(count, 'board')} may succeed later: give @{path} in place of BOARD"
    console.print(Text(text), soft_wrap=True)


def outcome_cells(outcome: Outcome) -> tuple[Text, Text, Text, Text]:
    mark, style = _mark(outcome)
    words = _line(outcome.words, "" if outcome.status == OK else style)
    return Text(mark, style), Text(outcome.board), words, Text(f"{outcome.seconds:.1f} s", "dim")


def _mark(outcome: Outcome) -> tuple[str, str]:
    return _MARKS.get(outcome.status, _BROKEN)


def _line(words: str, style: str) -> Text:
    return Text(printable_line(words), style)


def _table(names: Sequence[str]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, expand=True)
    table.add_column(width=1)
    width = min(_WIDEST_NAME, max(map(len, names), default=1))
    table.add_column(no_wrap=True, overflow="ellipsis", min_width=width, max_width=max(width, _WIDEST_NAME))
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    table.add_column(no_wrap=True, justify="right")
    return table
