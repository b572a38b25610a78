"""The runs by what they cost and what they are worth; those that no other beats in everything make up the front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeproof.report.charts.style import MUTED, chart, series_colour

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LOG_FROM = 6.0


@dataclass(frozen=True)
class Candidate:
    """A run with its figures."""

    number: int
    """Of the run."""
    latency_ms: float
    size_mb: float
    accuracy: float | None
    """mAP, 0..1; None where it was not measured."""


def on_front(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Those that no other one beats or equals in all figures and beats in one. Accuracy counts where all have it."""
    with_accuracy = all(one.accuracy is not None for one in candidates)

    def costs(one: Candidate) -> tuple[float, ...]:
        return (one.latency_ms, one.size_mb, *((-(one.accuracy or 0.0),) if with_accuracy else ()))

    def beaten(one: Candidate) -> bool:
        own = costs(one)
        others = (costs(other) for other in candidates)
        return any(other != own and all(a <= b for a, b in zip(other, own, strict=True)) for other in others)

    return [one for one in candidates if not beaten(one)]


def front_svg(candidates: Sequence[Candidate], name: str) -> str:
    """Latency against accuracy where all runs have it, else against size; what is on the front is filled."""
    with_accuracy = all(one.accuracy is not None for one in candidates)
    best = on_front(candidates)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        largest = max(one.size_mb for one in candidates)
        for one in candidates:
            area = 40 + 160 * one.size_mb / largest if with_accuracy and largest > 0 else 70
            colour = series_colour(one.number)
            value = one.accuracy if with_accuracy and one.accuracy is not None else one.size_mb
            axes.scatter(
                [one.latency_ms],
                [value],
                s=area,
                color=colour if one in best else "none",
                edgecolors=colour,
                linewidths=1.5,
            )
            axes.annotate(
                str(one.number + 1),
                (one.latency_ms, value),
                textcoords="offset points",
                xytext=(7, 5),
                color=MUTED,
                fontsize=8,
            )
        slowest, fastest = max(one.latency_ms for one in candidates), min(one.latency_ms for one in candidates)
        if fastest > 0 and slowest / fastest > _LOG_FROM:
            from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.xaxis.set_minor_formatter(NullFormatter())
        axes.margins(0.15)
        if not with_accuracy:
            axes.set_ylim(bottom=0)
        axes.set_xlabel("total p50, ms")
        axes.set_ylabel("mAP" if with_accuracy else "size, MB")

    return chart(name, "latency against accuracy" if with_accuracy else "latency against size", 2.5, draw)
