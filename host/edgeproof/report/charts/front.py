"""The runs by what they cost and what they are worth; those that nothing beats are filled."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeproof.report.charts.style import MUTED, chart, series_colour

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LOG_FROM = 6.0


@dataclass(frozen=True)
class Point:
    """A run with its figures."""

    number: int
    """Of the run."""
    latency_ms: float
    size_mb: float
    accuracy: float | None
    """mAP, 0..1; None where it was not measured."""


def front_svg(points: Sequence[Point], best: Collection[int], name: str) -> str:
    """Latency against accuracy where all runs have it, else against size; runs whose numbers are `best` are filled."""
    with_accuracy = all(one.accuracy is not None for one in points)

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        largest = max(one.size_mb for one in points)
        for one in points:
            area = 40 + 160 * one.size_mb / largest if with_accuracy and largest > 0 else 70
            colour = series_colour(one.number)
            value = one.accuracy if with_accuracy and one.accuracy is not None else one.size_mb
            axes.scatter(
                [one.latency_ms],
                [value],
                s=area,
                color=colour if one.number in best else "none",
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
        slowest, fastest = max(one.latency_ms for one in points), min(one.latency_ms for one in points)
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
