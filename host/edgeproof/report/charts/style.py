"""How all charts of report.html look, and an SVG of matplotlib's as a part of the page."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SERIES = 6
"""Colours of series that the page has."""
_INK, _MUTED, _MARK = "#010101", "#020202", "#040404"
INK, MUTED, MARK = _INK, _MUTED, _MARK
# matplotlib writes literal colours; these stand for the page's own, which differ between light and dark.
_PAGE_COLOURS = {_INK: "var(--ink)", _MUTED: "var(--muted)", _MARK: "var(--mark)"}
_PAGE_COLOURS |= {f"#0101{number:02x}": f"var(--series-{number})" for number in range(2, 2 + SERIES)}
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
    "legend.frameon": False,
    "legend.fontsize": 8,
    "text.parse_math": False,  # a name may hold dollar signs
}
WIDTH = 4.7
"""Inches: at this width the letters can be read on a phone, where a chart is as wide as the screen."""


def series_colour(number: int) -> str:
    """The stand-in for a series' colour; further ones begin anew."""
    return f"#0101{number % SERIES + 2:02x}"


def series_variable(number: int) -> str:
    """The same colour for the page's own elements."""
    return f"var(--series-{number % SERIES + 2})"


def chart(name: str, title: str, height: float, draw: Callable[[Figure], object]) -> str:
    """An `<svg>` element; `name` sets its ids apart from others on the page, `title` is what a screen reader says.

    The same drawing gives the same bytes: no date, and ids from a fixed salt. `title` must hold no markup.
    """
    # Its import takes longer than all that a command without a plot does.
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    style: Any = {**_STYLE, "svg.hashsalt": f"edgeproof {name}"}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure)
        stream = io.StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _inline(stream.getvalue(), title)


def _inline(document: str, title: str) -> str:
    """What remains of an SVG file inside an HTML page: no prologue, no metadata, no ids that another one repeats."""
    svg = document[document.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)  # the texts once more, as they were before they were escaped
    svg = re.sub(r'<g id="[^"]*">', "<g>", svg)
    head = f'<svg viewBox="\\1" role="img" aria-label="{title}">'
    svg = re.sub(r'^<svg [^>]*?viewBox="([^"]*)"[^>]*>', head, svg)
    for stand_in, page_colour in _PAGE_COLOURS.items():
        svg = svg.replace(stand_in, page_colour)
    # The page's rules hold here too: its font, and no rule of the picture's that would reach beyond it.
    svg = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font-size: \1", svg)
    return re.sub(r"font-family: [^;\"]*;? ?", "", svg).replace("xlink:href", "href").strip()
