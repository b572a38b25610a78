"""Precision over recall, a line a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeproof.record.accuracy.precision_recall import PrecisionRecall
from edgeproof.report.charts.style import chart, series_colour

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Line:
    number: int
    """Of the run."""
    curve: PrecisionRecall


def precision_recall_svg(lines: Sequence[Line], name: str) -> str:
    """Both axes from 0 to 1: curves of different charts compare at a glance."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for line in lines:
            axes.plot(line.curve.recall, line.curve.precision, color=series_colour(line.number), lw=1.4)
        axes.set_xlim(0, 1.01)
        axes.set_ylim(0, 1.03)
        axes.set_xlabel("recall")
        axes.set_ylabel("precision")

    return chart(name, "precision over recall, one line a run", 2.6, draw)
