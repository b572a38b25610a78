"""A run's latency as an inline SVG: how the samples are spread, and in which order they came."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeproof.record.latency import LatencySummary, Samples
from edgeproof.report.formatting import ms
from edgeproof.verify.latency import percentile_ns

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# matplotlib writes literal colours; these stand for the page's own, which differ between light and dark.
_INK, _MUTED, _BAR, _MARK = "#010101", "#020202", "#030303", "#040404"
_PAGE_COLOURS = {_INK: "var(--ink)", _MUTED: "var(--muted)", _BAR: "var(--bar)", _MARK: "var(--mark)"}
_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",  # text stays text: it is searched, and takes the page's font
    "font.size": 9,
    "text.color": _INK,
    "axes.edgecolor": _MUTED,
    "axes.labelcolor": _MUTED,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_MOST_DOTS = 500  # more samples are joined by a line: every dot is an element of the page
_TAIL = 1.5  # times the 98th percentile: what lies beyond is counted, not drawn, or it would squeeze all else


def latency_svg(samples_ns: Samples, summary: LatencySummary, stage: str, name: str) -> str:
    """An `<svg>` element of one stage's samples, [runs] in ns; `name` sets its ids apart from others on the page.

    The same samples give the same bytes: no date, and ids from a fixed salt.
    """
    # Its import takes longer than all that a command without a plot does.
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    style: Any = {**_STYLE, "svg.hashsalt": f"edgeproof {name}"}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(7.2, 2.3), layout="constrained")
        FigureCanvasSVG(figure)
        spread, order = figure.subplots(1, 2, width_ratios=[1.5, 1])
        samples_ms = samples_ns / 1e6
        _draw_spread(spread, samples_ms, percentile_ns(samples_ns, 98) / 1e6 * _TAIL, summary)
        spread.set_xlabel(f"{stage}, ms")
        spread.set_ylabel("samples")
        few = len(samples_ms) <= _MOST_DOTS
        order.plot(np.arange(1, len(samples_ms) + 1), samples_ms, "." if few else "-", color=_BAR, ms=3, lw=0.7)
        order.set_xlabel("sample, in the order taken")
        order.set_ylabel(f"{stage}, ms")
        order.set_ylim(0, max(float(samples_ms.max()) * 1.1, 1e-6))
        stream = io.StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _inline(stream.getvalue())


def _draw_spread(
    axes: Axes, samples_ms: np.ndarray[Any, np.dtype[np.float64]], limit: float, of: LatencySummary
) -> None:
    drawn = samples_ms[samples_ms <= limit]
    axes.hist(drawn, bins=min(40, max(8, round(2 * len(drawn) ** 0.5))), color=_BAR)
    marks = [("p50", of.p50_ms, "-"), ("p90", of.p90_ms, "--"), ("p99", of.p99_ms, ":")]
    for label, value, line in marks:
        if value is not None and value <= limit:
            axes.axvline(value, color=_MARK, linewidth=1.4, linestyle=line, label=f"{label} {ms(value)}")
    beyond = len(samples_ms) - len(drawn)
    if beyond:
        axes.plot([], [], " ", label=f"{beyond} beyond {ms(limit)}, up to {ms(of.max_ms)}")
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=4, borderpad=0, fontsize=8)


def _inline(document: str) -> str:
    """What remains of an SVG file inside an HTML page: no prologue, no metadata, no ids that another one repeats."""
    svg = document[document.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg)
    svg = re.sub(r'^<svg [^>]*?viewBox="([^"]*)"[^>]*>', r'<svg viewBox="\1" role="img">', svg)
    for stand_in, page_colour in _PAGE_COLOURS.items():
        svg = svg.replace(stand_in, page_colour)
    # The page's rules hold here too: its font, and no rule of the picture's that would reach beyond it.
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font-size: \1", svg)
    return re.sub(r"font-family: [^;\"]*;? ?", "", svg).replace("xlink:href", "href").strip()
