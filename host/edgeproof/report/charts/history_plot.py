"""A figure over time as a picture file: one line a board, model, variant and runtime, with its change points."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeproof.errors import UsageError

_KINDS = ("png", "svg")


@dataclass(frozen=True)
class Line:
    label: str
    times: tuple[str, ...]
    """ISO 8601, one a figure."""
    values: tuple[float, ...]
    changes: tuple[int, ...]
    """Places of the first figure after each change."""


def write_history_plot(path: Path, lines: Sequence[Line], title: str) -> None:
    """Writes a .png or .svg; `title` names the figure with its unit.

    Raises UsageError for another kind, OSError when it cannot be written.
    """
    kind = path.suffix.lower().lstrip(".")
    if kind not in _KINDS:
        raise UsageError(f"{path}: a plot is a .png or a .svg. Give a name that ends so.")
    from datetime import datetime

    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}):
        figure = Figure(figsize=(8.6, 4.2), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        for line in lines:
            times: Any = [datetime.fromisoformat(time.replace("Z", "+00:00")) for time in line.times]
            label = line.label.replace("$", r"\$")
            (drawn,) = axes.plot(times, line.values, marker="o", markersize=3, linewidth=1, label=label)
            for place in line.changes:
                axes.axvline(times[place], color=drawn.get_color(), linewidth=1, linestyle=":")
        axes.set_ylabel(title)
        highest = max((value for line in lines for value in line.values), default=1.0)
        axes.set_ylim(0, 1.1 * highest)
        axes.grid(axis="y", linewidth=0.4)
        if lines:
            axes.legend(frameon=False, loc="lower left")
        figure.autofmt_xdate()
        figure.savefig(path, format=kind, dpi=144)
