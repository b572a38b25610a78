"""The stream of this moment as a table on the terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from edgeproof.report.formatting import ms
from edgeproof.report.text.table import plain_table
from edgeproof.watch.live_state import LiveState, Snapshot
from edgeproof.wording.counting import counted
from edgeproof.wording.printable import shown_line

_WORDS_SHOWN = 3
_ABSENT = "not told"


class LiveTable:
    """Renders the state as it is whenever the terminal asks."""

    def __init__(self, state: LiveState, address: str | None = None) -> None:
        self._state = state
        self._address = address

    def __rich__(self) -> RenderableType:
        return render(self._state.snapshot(), self._address)


def render(now: Snapshot, address: str | None = None) -> RenderableType:
    """One moment as a table, with what befell the source below it."""
    parts: list[RenderableType] = [
        Text(f"{shown_line(now.source)}: {shown_line(now.model)} on {shown_line(now.board)}", "bold")
    ]
    parts.append(Text(f"{now.frames} frames, {now.frames_per_second:.1f} a second{_lost(now)}"))
    if now.age_ms is not None:
        parts.append(Text(f"age of a frame: p50 {ms(now.age_ms[0])} ms, p95 {ms(now.age_ms[1])} ms"))
    parts.append(Text(f"board: {_board(now)}"))
    seen = ", ".join(f"{shown_line(label)} {count}" for label, count in now.found.items()) or "nothing"
    parts.append(Text(f"on the last frame: {seen}", "green" if now.found else ""))
    table = plain_table("")
    for head in ("stage", "p50 ms", "p95 ms"):
        table.add_column(head, justify="left" if head == "stage" else "right", no_wrap=True)
    for stage, (p50, p95) in now.stages_ms.items():
        table.add_row(stage, ms(p50), ms(p95))
    parts.append(table)
    parts += [Text(shown_line(words), "yellow") for words in now.words[-_WORDS_SHOWN:]]
    if address is not None:
        parts.append(Text(f"page: {address}", "dim", no_wrap=True, overflow="fold"))
    return Group(*parts)


def _lost(now: Snapshot) -> str:
    lost = f", {now.refused} could not be looked at" if now.refused else ""
    if now.told is None or not now.told.live:
        return lost
    return f"{lost}, {now.dropped} dropped, {now.repeated} repeated, opened anew {counted(now.reconnects, 'time')}"


def _board(now: Snapshot) -> str:
    state = now.state
    if state is None:
        return _ABSENT
    celsius, mhz = state.temperature_celsius, state.clock_mhz
    heat = _ABSENT if celsius is None else f"{celsius:.0f} °C"
    clock = _ABSENT if mhz is None else f"{mhz:.0f} MHz"
    load = _ABSENT if state.load_1min is None else f"{state.load_1min:.2f}"
    return f"temperature {heat}, clock {clock}, load {load}"
