"""Numbers and facts as people read them, the same on the terminal and in report.html."""

from collections.abc import Mapping, Sequence
from typing import Any

from edgeproof.record.board import BoardInfo, BoardState
from edgeproof.record.measured.load import LoadResult
from edgeproof.record.measured.throttling import throttled_now, throttled_since_boot
from edgeproof.record.run import Run
from edgeproof.wording.counting import counted
from edgeproof.wording.printable import shown_line

ABSENT = "-"
_NOT_AVAILABLE = "not available"


def ms(value: float | None) -> str:
    """Milliseconds without the unit, to three digits: three decimals below 1, none from 100."""
    if value is None:
        return ABSENT
    for limit, decimals in ((1, 3), (10, 2), (100, 1)):
        if round(value, decimals) < limit:
            return f"{value:.{decimals}f}"
    return f"{value:.0f}"


def megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.2f} MB"


def whole(value: float | None) -> str:
    return ABSENT if value is None else f"{value:.0f}"


def board_facts(board: BoardInfo) -> list[str]:
    """What a latency was measured on, most telling first."""
    facts = [board.machine, board.os, board.arch, f"Python {board.python}", f"{board.cpu_count} CPUs"]
    return [shown_line(fact) for fact in facts if fact] + [f"{board.memory_mib:.0f} MiB"]


def threads_words(load: LoadResult) -> str:
    """With the CPUs that they have, where these are not all of the board's."""
    words = counted(load.threads, "thread")
    cpus = load.cpus
    if cpus is None or cpus.usable >= cpus.total:
        return words if load.delegate is None else f"{words}, delegate {shown_line(load.delegate)}"
    big = ", the big ones" if cpus.cores == "big" else ""
    quota = "" if cpus.quota is None else f", {cpus.quota:.2g} CPUs' worth of time"
    words += f" on {cpus.usable} of {cpus.total} CPUs{big}{quota}"
    return words if load.delegate is None else f"{words}, delegate {shown_line(load.delegate)}"


def run_title(run: Run) -> str:
    return shown_line(
        f"{run.bundle.name} {run.bundle.variant} · {run.runtime.name} {run.runtime.version} · {run.board.name}"
    )


def throttling(bits: int | None) -> str:
    """The bits of `vcgencmd get_throttled` in words."""
    if bits is None:
        return _NOT_AVAILABLE
    now, before = throttled_now(bits), throttled_since_boot(bits)
    parts = [f"now: {', '.join(now)}"] * bool(now) + [f"since boot: {', '.join(before)}"] * bool(before)
    return "; ".join(parts) or "none"


def state_facts(before: BoardState | None, after: BoardState | None) -> dict[str, str]:
    """A board's state over a run, as name to `before → after`; what the board could not tell is `not available`."""
    parts = [_facts(state) for state in (before, after) if state is not None]
    names = parts[0] if parts else {}
    return {name: " → ".join(dict.fromkeys(part[name] for part in parts)) for name in names}


def _facts(state: BoardState) -> dict[str, str]:
    def fact(value: float | None, unit: str, decimals: int = 0) -> str:
        return _NOT_AVAILABLE if value is None else f"{value:.{decimals}f}{unit}"

    return {
        "temperature": fact(state.temperature_celsius, " °C", 1),
        "clock": fact(state.clock_mhz, " MHz"),
        "governor": _NOT_AVAILABLE if state.governor is None else shown_line(state.governor),
        "throttling": throttling(state.throttled_bits),
        "load (1 min)": fact(state.load_1min, "", 2),
        "memory available": fact(state.memory_available_mib, " MiB"),
    }


def flattened(data: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested objects as one level of dotted names: provenance for people."""
    flat: dict[str, str] = {}
    for key, value in data.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            flat |= flattened(value, f"{name}.")
        else:
            flat[name] = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return flat


def missing_reasons(run: Run, percents: Sequence[int]) -> list[str]:
    """Why a table of this run shows `-` where one of these percentiles would be."""
    if run.latency is None:
        return ["no bench was run"]
    reasons = (summary.reasons.get(f"p{percent}_ms") for summary in run.latency.stages.values() for percent in percents)
    return [reason for reason in dict.fromkeys(reasons) if reason is not None]
