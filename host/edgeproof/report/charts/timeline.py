"""A run over time: each sample where it was taken, and what the board told of its temperature and clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgeproof.record.board import BoardState
from edgeproof.record.measured.board_sample import BoardSample
from edgeproof.record.run import Run
from edgeproof.report.charts.style import MARK, MUTED, chart, series_colour

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_DOTS = 400
"""More samples are drawn as the range and the median of this many equal parts: each dot is an element of the page."""


def timeline_svg(run: Run, number: int, name: str) -> str | None:
    """The whole of each inference over the seconds of the bench; None when the run has no samples."""
    if run.latency is None or not run.latency.samples_ns:
        return None
    samples = run.latency.samples_ns
    total_ms = (samples["total"] if "total" in samples else list(samples.values())[-1]) / 1e6
    seconds = np.cumsum(total_ms) / 1e3
    states = _states(run, float(seconds[-1]))

    def draw(figure: Figure) -> None:
        if states:
            axes, below = figure.subplots(2, 1, sharex=True, height_ratios=[1.7, 1])
            _draw_states(below, states)
            below.set_xlabel("seconds of the measurement")
        else:
            axes = figure.subplots()
            axes.set_xlabel("seconds of the measurement")
        _draw_samples(axes, seconds, total_ms, series_colour(number))
        axes.set_ylabel("total, ms")
        axes.set_ylim(0, max(float(total_ms.max()) * 1.08, 1e-6))

    return chart(name, "latency over time, with temperature and clock", 2.9 if states else 2.0, draw)


def _draw_samples(axes: Any, seconds: Any, total_ms: Any, colour: str) -> None:
    if len(total_ms) <= _MOST_DOTS:
        axes.plot(seconds, total_ms, ".", color=colour, ms=3)
        return
    parts = np.array_split(np.arange(len(total_ms)), _MOST_DOTS)
    at = [seconds[part[-1]] for part in parts]
    axes.fill_between(
        at,
        [total_ms[part].min() for part in parts],
        [total_ms[part].max() for part in parts],
        color=colour,
        alpha=0.3,
        linewidth=0,
    )
    axes.plot(at, [float(np.median(total_ms[part])) for part in parts], "-", color=colour, lw=1)


def _states(run: Run, length: float) -> list[tuple[float, BoardState]]:
    """What the board told of its heat and clock, by the seconds since the first sample."""
    latency = run.latency
    assert latency is not None
    start, end = latency.before, latency.after
    if latency.timeline:
        return [(sample.at_seconds, state) for sample in latency.timeline if _tells(state := _state_of(sample))]
    listed: list[tuple[float, BoardState | None]] = [(0.0, start), (length, end)]
    if start is not None and start.uptime_seconds is not None and end is not None and end.uptime_seconds is not None:
        listed = [(0.0, start), (max(end.uptime_seconds - start.uptime_seconds, 0.0), end)]
    return [(at, state) for at, state in listed if state is not None and _tells(state)]


def _tells(state: BoardState) -> bool:
    return state.temperature_celsius is not None or _clock(state) is not None


def _state_of(sample: BoardSample) -> BoardState:
    clocks = tuple(cluster.clock_mhz for cluster in sample.clusters if cluster.clock_mhz is not None)
    return BoardState(sample.temperature_celsius, clocks_mhz=clocks)


def _clock(state: BoardState) -> float | None:
    """Of the fastest cluster."""
    return max(state.clocks_mhz) if state.clocks_mhz else state.clock_mhz


def _draw_states(axes: Any, states: list[tuple[float, BoardState]]) -> None:
    heat = [(at, state.temperature_celsius) for at, state in states if state.temperature_celsius is not None]
    clocks = [(at, clock) for at, state in states if (clock := _clock(state)) is not None]
    if heat:
        axes.plot(*zip(*heat, strict=True), "o-", color=MARK, ms=3, lw=1)
        axes.margins(y=0.4)
        axes.set_ylabel("°C", color=MARK)
    else:
        axes.set_yticks([])
    if clocks:
        beside = axes.twinx()
        beside.spines["right"].set_visible(True)
        beside.plot(*zip(*clocks, strict=True), "s--", color=MUTED, ms=3, lw=1)
        beside.margins(y=0.4)
        beside.set_ylabel("MHz")
