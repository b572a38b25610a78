"""A recommendation for people, and as JSON."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from edgeproof.record.verdict.claims import Answer
from edgeproof.report.formatting import ABSENT, ms
from edgeproof.report.text.table import plain_table, print_table
from edgeproof.report.text.verdict import claim_line
from edgeproof.verify.front import Candidate, Figure, Relation
from edgeproof.verify.gates import void_of
from edgeproof.verify.recommendation import Recommendation
from edgeproof.wording.printable import shown, shown_line

SCHEMA = "edgeproof.recommendation/1"
_MOST_PAIRS = 10
_STYLES = {Answer.PASS: "green", Answer.FAIL: "red", Answer.INCONCLUSIVE: "yellow"}


def print_recommendation(found: Recommendation, console: Console) -> None:
    """The cell to take first, then all of them, why the others are not on the front, and what is not told apart."""
    for line in _chosen_lines(found):
        console.print(Text(line, style="bold"), soft_wrap=True)
    console.print()
    print_table(console, _table(found))
    for line in _figure_lines(found):
        console.print(Text(line, style="dim"), soft_wrap=True)
    for one, by in found.beaten:
        console.print(Text(f"#{one + 1} is beaten by #{by + 1}: {_relation_words(found, by, one)}"), soft_wrap=True)
    for line in _alike_lines(found):
        console.print(Text(line), soft_wrap=True)
    for judged in found.judged:
        for claim in judged.claims:
            if claim.answer is not Answer.PASS:
                note = "" if claim.note is None else f" ({shown(claim.note)})"
                line = f"#{judged.place + 1} {claim.answer.value}: {claim_line(claim)}{note}"
                console.print(Text(line, style=_STYLES[claim.answer]), soft_wrap=True)


def recommendation_json(found: Recommendation) -> dict[str, Any]:
    """All of it; cells are named by their places in `cells`, from 0."""
    return {
        "schema": SCHEMA,
        "by": found.by.value,
        "cheapest": found.cheapest,
        "as_cheap": list(found.as_cheap),
        "front": list(found.front),
        "figures": [figure.value for figure in found.contest.figures],
        "cells": [
            _cell_json(candidate, judged.answer.value, [claim.to_json() for claim in judged.claims])
            for candidate, judged in zip(found.contest.candidates, found.judged, strict=True)
        ],
        "beaten": [{"cell": one, "by": by} for one, by in found.beaten],
        "alike": [{"cells": [one, other], "in": [item.value for item in items]} for one, other, items in found.alike],
    }


def _cell_json(candidate: Candidate, answer: str, gates: list[dict[str, Any]]) -> dict[str, Any]:
    run = candidate.run
    figures = {"latency_ms": candidate.latency, "map": candidate.accuracy, "size_mb": candidate.size}
    figures["energy_j"] = candidate.energy
    return {
        "bundle": {"name": run.bundle.name, "variant": run.bundle.variant, "digest": run.bundle.digest},
        "board": run.board.name,
        "runtime": {"name": run.runtime.name, "version": run.runtime.version},
        **({} if run.load is None or run.latency is None else {"threads": run.load.threads}),
        **{name: value for name, value in figures.items() if value is not None},
        "answer": answer,
        "gates": gates,
    }


def _chosen_lines(found: Recommendation) -> list[str]:
    gated = any(judged.claims for judged in found.judged)
    if found.cheapest is None:
        open_ones = any(judged.answer is Answer.INCONCLUSIVE for judged in found.judged)
        return ["no cell passes the gates" + (", and of some it is not told" if open_ones else "")]
    chosen = found.contest.candidates[found.cheapest]
    lines = [f"#{found.cheapest + 1} {_name(chosen)}: the least {found.by.value}{' that passes the gates' * gated}"]
    if found.as_cheap:
        others = ", ".join(f"#{place + 1}" for place in found.as_cheap)
        lines.append(f"not told apart from {others} in {found.by.value}, and smaller or as small")
    return lines


def _table(found: Recommendation) -> Table:
    table = plain_table("Cells")
    table.add_column("", no_wrap=True)
    table.add_column("variant\nruntime, board", overflow="fold", min_width=14, max_width=26)
    joules = any(map(_has_energy, found.contest.candidates))
    for head in ("total p50\nms", "mAP", "size\nMB", *["energy\nJ"] * joules):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("front", no_wrap=True)
    table.add_column("gates", no_wrap=True)
    for place, (candidate, judged) in enumerate(zip(found.contest.candidates, found.judged, strict=True)):
        run = candidate.run
        runtime = f"{shown_line(run.runtime.name)} {shown_line(run.runtime.version)}"
        threads = "" if run.load is None or run.latency is None else f", {run.load.threads} thr."
        answer = Text(judged.answer.value, style=_STYLES[judged.answer]) if judged.claims else Text(ABSENT)
        table.add_row(
            Text(f"#{place + 1}"),
            Text(f"{shown_line(run.bundle.variant)}\n{runtime}\n{shown_line(run.board.name)}{threads}"),
            Text(ms(candidate.latency)),
            Text(ABSENT if candidate.accuracy is None else f"{candidate.accuracy:.3f}"),
            Text(f"{candidate.size:.2f}"),
            *[Text(ABSENT if candidate.energy is None else f"{candidate.energy:.3g}")] * joules,
            Text("yes" if place in found.front else "no"),
            answer,
        )
    return table


def _figure_lines(found: Recommendation) -> list[str]:
    """By what the front is, and why not by more."""
    figures = found.contest.figures
    lines = [f"The front is by {', '.join(figure.value for figure in figures)}."]
    for figure in Figure:
        # Few boards have a source of energy: that needs no line.
        if figure not in figures and (figure is not Figure.ENERGY or any(map(_has_energy, found.contest.candidates))):
            without = [place for place, one in enumerate(found.contest.candidates) if one.figure(figure) is None]
            reasons: dict[str, list[str]] = {}
            for place in without:
                reasons.setdefault(_why_not(found.contest.candidates[place], figure), []).append(f"#{place + 1}")
            lines += [f"Not by {figure.value}: of {', '.join(of)} {reason}." for reason, of in reasons.items()]
    return lines


def _has_energy(candidate: Candidate) -> bool:
    return candidate.energy is not None


def _why_not(candidate: Candidate, figure: Figure) -> str:
    run = candidate.run
    if figure is Figure.LATENCY and run.latency is not None:
        return void_of(run) or "there are too few samples"
    if figure is Figure.ACCURACY and run.accuracy is not None:
        return "pictures had no answer"
    return "it was not measured"


def _relation_words(found: Recommendation, one: int, other: int) -> str:
    """`2.10 ms faster (told), mAP 0.002 higher (not told apart), 0.90 MB smaller`."""
    return ", ".join(
        _gain_words(figure, found.contest.relation(one, other, figure)) for figure in found.contest.figures
    )


def _gain_words(figure: Figure, relation: Relation) -> str:
    gain, less = abs(relation.gain), relation.gain < 0
    if gain == 0:
        return f"the same {figure.value}"
    if figure is Figure.LATENCY:
        words = f"{ms(gain)} ms {'slower' if less else 'faster'}"
    elif figure is Figure.ACCURACY:
        words = f"mAP {gain:.4f} {'lower' if less else 'higher'}"
    elif figure is Figure.ENERGY:
        words = f"{gain:.3g} J {'more' if less else 'less'}"
    else:
        return f"{gain:.2f} MB {'larger' if less else 'smaller'}"
    return words if relation.told_apart else f"{words} (not told apart)"


def _alike_lines(found: Recommendation) -> list[str]:
    lines = []
    for one, other, figures in found.alike[:_MOST_PAIRS]:
        words = []
        for figure in figures:
            relation = found.contest.relation(one, other, figure)
            pairs = ", on the same pictures" if figure is Figure.ACCURACY and relation.paired else ""
            side = ", side by side" if figure is Figure.LATENCY and relation.paired else ""
            words.append(f"{figure.value} ({_bounds_words(figure, relation)}{pairs}{side})")
        lines.append(f"#{one + 1} and #{other + 1} are not told apart in {' and '.join(words)}")
    left = len(found.alike) - _MOST_PAIRS
    return lines + [f"and {left} more pairs"] * (left > 0)


def _bounds_words(figure: Figure, relation: Relation) -> str:
    low, high = relation.bounds.finite_low, relation.bounds.finite_high
    if low is None or high is None:
        return "too little was measured"
    if figure is Figure.LATENCY:
        return f"{low:+.3g} to {high:+.3g} ms faster"
    if figure is Figure.ENERGY:
        return f"{low:+.3g} to {high:+.3g} J less"
    return f"{low:+.4f} to {high:+.4f} higher"


def _name(candidate: Candidate) -> str:
    run = candidate.run
    figures = [
        f"{ms(candidate.latency)} ms" if candidate.latency is not None else "",
        f"mAP {candidate.accuracy:.3f}" if candidate.accuracy is not None else "",
        f"{candidate.size:.2f} MB",
        f"{candidate.energy:.3g} J" if candidate.energy is not None else "",
    ]
    runtime = f"{shown_line(run.runtime.name)} on {shown_line(run.board.name)}"
    return f"{shown_line(run.bundle.variant)}, {runtime} ({', '.join(words for words in figures if words)})"
