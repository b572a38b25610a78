"""A profile as bars: the operators that took longest, several runs beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeproof.record.measured.profile import Profile
from edgeproof.report.charts.style import chart, series_colour
from edgeproof.report.text.profile import layer_name, operator_name, shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MOST_BARS = 15
_WIDEST_NAME = 34


def operators_svg(profile: Profile, number: int, name: str) -> str:
    """One bar an operator, its share of an inference in per cent, the longest at the top; paler where no delegate
    ran it. Raises `ValueError` without operators."""
    if not profile.operators:
        raise ValueError("there is no profile to draw")
    longest = sorted(profile.operators, key=lambda time: time.share, reverse=True)[:_MOST_BARS]
    names = [shortened(layer_name(time) or operator_name(time), _WIDEST_NAME) for time in longest]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        bars = axes.barh(range(len(longest)), [100 * time.share for time in longest], color=series_colour(number))
        for bar, time in zip(bars, longest, strict=True):
            if not time.ran.delegated:
                bar.set_alpha(0.45)
        axes.set_yticks(range(len(longest)), names)
        axes.invert_yaxis()
        axes.set_xlabel("% of an inference")

    return chart(name, "what the longest operators take of an inference", 0.5 + 0.22 * len(longest), draw)
