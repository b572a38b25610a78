"""In what a board differs from the others of its kind: supply, clock, heat, system."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from edgeproof.record.board import BoardState
from edgeproof.record.run import Run

_CLOCK_SHARE = 0.02
_CELSIUS = 8.0
_SUPPLY_BITS = {0: "its supply is too low now", 16: "its supply was too low since boot", 2: "it is throttled now"}
_TEXTS: Sequence[tuple[str, Callable[[Run], str | None]]] = (
    ("machine", lambda run: run.board.machine),
    ("OS", lambda run: run.board.os),
    ("architecture", lambda run: run.board.arch),
    ("Python", lambda run: run.board.python),
    ("runtime", lambda run: f"{run.runtime.name} {run.runtime.version}"),
    ("governor", lambda run: None if (state := _state(run)) is None else state.governor),
)


def oddities(odd: str, runs: Mapping[str, Run]) -> list[str]:
    """What is told of `odd` and of most of the others otherwise; empty where nothing that boards tell differs."""
    others = {name: run for name, run in runs.items() if name != odd}
    return [*_texts(runs[odd], others), *_supply(runs[odd], others), *_numbers(runs[odd], others)]


def _texts(mine: Run, others: Mapping[str, Run]) -> Iterator[str]:
    for name, read in _TEXTS:
        usual, count = Counter(read(run) for run in others.values()).most_common(1)[0]
        if read(mine) != usual and count * 2 > len(others):
            yield f"{name} {read(mine) or 'not told'}, and of most others {usual or 'not told'}"


def _supply(mine: Run, others: Mapping[str, Run]) -> Iterator[str]:
    for bit, words in _SUPPLY_BITS.items():
        with_it = sum(_has_bit(run, bit) for run in others.values())
        if _has_bit(mine, bit) and with_it * 2 < len(others):
            yield words


def _numbers(mine: Run, others: Mapping[str, Run]) -> Iterator[str]:
    clock, clocks = _of(mine, "clock_mhz"), _known(others, "clock_mhz")
    if clock is not None and clocks:
        usual = statistics.median(clocks)
        if usual and abs(clock / usual - 1) > _CLOCK_SHARE:
            yield f"clock {clock:.0f} MHz, and of most others {usual:.0f} MHz"
    heat, heats = _of(mine, "temperature_celsius"), _known(others, "temperature_celsius")
    if heat is not None and heats and abs(heat - statistics.median(heats)) > _CELSIUS:
        yield f"temperature {heat:.0f} °C, and of most others {statistics.median(heats):.0f} °C"


def _known(runs: Mapping[str, Run], name: str) -> list[float]:
    return [value for run in runs.values() if (value := _of(run, name)) is not None]


def _of(run: Run, name: str) -> float | None:
    state = _state(run)
    return None if state is None else getattr(state, name)


def _has_bit(run: Run, bit: int) -> bool:
    state = _state(run)
    return state is not None and state.throttled_bits is not None and bool(state.throttled_bits >> bit & 1)


def _state(run: Run) -> BoardState | None:
    """At the end of the measurement, when it is warm."""
    return run.latency.after if run.latency is not None and run.latency.after is not None else run.after
