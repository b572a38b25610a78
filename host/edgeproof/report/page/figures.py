"""The charts of a page that show several runs: how they are spread, and the front."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from edgeproof.errors import UsageError
from edgeproof.record.run import Report, Run
from edgeproof.report.charts.distributions import Spread, distributions_svg
from edgeproof.report.charts.front import Point, front_svg
from edgeproof.report.charts.operators import operators_svg
from edgeproof.report.charts.precision_recall import Line, precision_recall_svg
from edgeproof.report.text.profile import profile_lines
from edgeproof.verify.front import Candidate, Contest
from edgeproof.verify.gate_text import Gate, Quantity, parse_gate
from edgeproof.wording.printable import shown_line

_MOST_OVERLAID = 6
"""Shapes that an eye tells apart, and as many as there are colours."""
_MOST_CURVES = 9
"""All classes together and some of them: a data set may have hundreds."""


@dataclass(frozen=True)
class Front:
    chart: Markup
    best: list[int]
    """Places of the runs on it."""
    with_accuracy: bool
    some_accuracy: bool
    void: bool
    """Whether a latency does not count, so that the front is not by latency."""


def distributions(report: Report) -> list[tuple[Markup, list[int]]]:
    """A chart a stage that gates speak of (total where none does) and six runs, with the places of these."""
    gates = [gate for run in report.runs for gate in _gates(run) if gate.quantity is Quantity.PERCENTILE]
    stages = list(dict.fromkeys(gate.stage for gate in gates)) or ["total"]
    charts = []
    for stage in stages:
        limits = sorted({gate.limit for gate in gates if gate.stage == stage})
        spreads = [
            Spread(number, run.latency.samples_ns[stage])
            for number, run in enumerate(report.runs)
            if run.latency is not None and stage in run.latency.samples_ns
        ]
        for start in range(0, len(spreads), _MOST_OVERLAID):
            part = spreads[start : start + _MOST_OVERLAID]
            svg = distributions_svg(part, limits, stage, f"spread-{stage}-{start}")
            charts.append((Markup(svg), [spread.number for spread in part]))
    return charts


@dataclass(frozen=True)
class Curves:
    """Precision over recall of one class in several runs."""

    title: str
    chart: Markup
    numbers: list[int]
    """Places of the runs."""


def curves(report: Report) -> list[Curves]:
    """A chart a class and IoU, those of the first run first; no more than a page can hold. Empty without a data set."""
    lines: dict[tuple[str, float], list[Line]] = {}
    for number, run in enumerate(report.runs):
        for curve in run.precision_recall:
            lines.setdefault((curve.label, curve.iou), []).append(Line(number, curve))
    return [
        Curves(
            f"{shown_line(label)}, IoU {iou:.2f}",
            Markup(precision_recall_svg(of, f"curve-{place}")),
            [line.number for line in of],
        )
        for place, ((label, iou), of) in enumerate(list(lines.items())[:_MOST_CURVES])
    ]


def profiles(report: Report) -> list[tuple[int, Markup | None, list[str]]]:
    """Places of the runs with a profile, its chart, and what it says; no chart where there is none."""
    found = []
    for number, run in enumerate(report.runs):
        if run.profile is not None:
            svg = operators_svg(run.profile, number, f"operators{number}") if run.profile.operators else None
            found.append((number, None if svg is None else Markup(svg), profile_lines(run.profile)))
    return found


def front(report: Report) -> Front | None:
    """Of the runs that were not measured side by side; None where fewer than two have a latency."""
    places = [
        place
        for place, run in enumerate(report.runs)
        if place not in report.sides and Candidate(run).median is not None
    ]
    if len(places) < 2:
        return None
    candidates = [Candidate(report.runs[place]) for place in places]
    best = [places[place] for place in Contest(candidates).front()]
    known = [one.accuracy is not None for one in candidates]
    points = [
        Point(place, one.median or 0.0, one.size, one.accuracy if all(known) else None)
        for place, one in zip(places, candidates, strict=True)
    ]
    void = any(one.latency is None for one in candidates)
    return Front(Markup(front_svg(points, best, "front")), best, all(known), any(known), void)


def _gates(run: Run) -> Iterator[Gate]:
    for claim in run.claims:
        yield from _parsed(claim.gate)


def _parsed(text: str) -> Iterator[Gate]:
    """The gate as it was written; nothing where another version wrote one that this one does not know."""
    key, _, rest = text.partition(" ")
    try:
        yield parse_gate(key, rest)
    except UsageError:
        return
