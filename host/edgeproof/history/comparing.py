"""Compares two runs that were measured at different times, when what is around them is alike or said to differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeproof.errors import ReportError, UsageError
from edgeproof.history.database import History
from edgeproof.history.environment import differences, environment, require_declared
from edgeproof.record.accuracy.figures import Estimate
from edgeproof.record.reader import read_report
from edgeproof.record.run import Report, Run
from edgeproof.record.verdict.claims import Claim
from edgeproof.verify.accuracy.difference import paired_change, same_pictures
from edgeproof.verify.gate_text import parse_gate
from edgeproof.verify.gates import evaluate

_NAME = "first"


@dataclass(frozen=True)
class Side:
    """One of the two: a run, and the report that it is from."""

    words: str
    """As the user named it."""
    run: Run
    report: Report


@dataclass(frozen=True)
class StageChange:
    stage: str
    percent: float
    """Change of the median, of the second over the first: +5 is five percent slower."""
    low: float
    high: float
    before_ms: float
    after_ms: float
    note: str | None

    @property
    def told_apart(self) -> bool:
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class MapChange:
    before: Estimate
    after: Estimate
    change: Estimate
    """mAP of the second less that of the first, by the same pictures: below 0 it has become worse."""

    @property
    def told_apart(self) -> bool:
        low, high = self.change.low, self.change.high
        return low is not None and high is not None and (low > 0 or high < 0)


@dataclass(frozen=True)
class Compared:
    first: Side
    second: Side
    stages: tuple[StageChange, ...]
    """Empty where one of the two has no latency."""
    map: MapChange | str | None
    """None where neither has an accuracy; a reason where they cannot be held against each other."""
    differing: dict[str, str]
    """What of the environment differs, as declared."""


def find_side(words: str, history: History | None, other: Run | None = None) -> Side:
    """The run that `words` name: a report.json, a baseline, `NUMBER` or `NUMBER.PLACE` of the history.

    Of a report of several runs, `other` tells which: the one of the same model, variant, board and runtime.
    Raises UsageError.
    """
    path = Path(words)
    if path.suffix == ".json" or path.is_file():
        report, place = read_report(path), None
    else:
        if history is None:
            raise UsageError(f"There is no file {words}, and no history. Name a report.json.")
        known = history.baselines()
        number, _, inner = words.partition(".")
        if words in known:
            report, place = history.report(known[words]), None
        elif number.isdigit() and (not inner or inner.isdigit()):
            report, place = history.report(int(number)), int(inner) if inner else None
        else:
            names = ", ".join(known) or "none yet"
            raise UsageError(
                f"{words!r} is neither a report.json, nor a number of the history, nor a baseline (there are: {names})."
            )
    return Side(words, _the_run(report, place, words, other), report)


def compare_runs(first: Side, second: Side, declared: tuple[str, ...]) -> Compared:
    """Medians of the stages that both have, and mAP. Raises UsageError for a difference around them that was not
    declared, ReportError when there is nothing that both have."""
    found = differences(environment(first.run, first.report.host), environment(second.run, second.report.host))
    require_declared(found, declared)
    stages = [] if first.run.latency is None or second.run.latency is None else list(first.run.latency.samples_ns)
    changes = []
    for stage in stages:
        change = _change(stage, first.run, second.run)
        if change is not None:
            changes.append(change)
    accuracy = _map_change(first.run, second.run)
    if not changes and not isinstance(accuracy, MapChange):
        why = f" mAP: {accuracy}." if accuracy else ""
        raise ReportError(
            f"{first.words} and {second.words} have no latency of the same stage with its samples: nothing to compare."
            f"{why}"
        )
    return Compared(first, second, tuple(changes), accuracy, found)


def _map_change(first: Run, second: Run) -> MapChange | str | None:
    before, after = first.accuracy, second.accuracy
    if before is None and after is None:
        return None
    if before is None or after is None:
        return "only one of the two has an accuracy"
    if before.samples is None or after.samples is None:
        return "the boxes of one of the two were not kept"
    if not same_pictures(before.samples, after.samples):
        return "the two were not evaluated on the same labelled pictures"
    if before.failed or after.failed:
        return "pictures of one of the two had no answer"
    return MapChange(before.map, after.map, paired_change(before.samples, after.samples))


def _change(stage: str, first: Run, second: Run) -> StageChange | None:
    assert first.latency is not None
    assert second.latency is not None
    before, after = first.latency.stages.get(stage), second.latency.stages.get(stage)
    if before is None or after is None or before.p50_ms is None or after.p50_ms is None:
        return None
    (claim,) = _claims(stage, first, second)
    if claim.value is None or claim.low is None or claim.high is None:
        return None
    return StageChange(stage, claim.value, claim.low, claim.high, before.p50_ms, after.p50_ms, claim.note)


def _claims(stage: str, first: Run, second: Run) -> Sequence[Claim]:
    """By the very rule of a gate against a baseline, so that the two can never say different things."""
    return evaluate([parse_gate(stage, f"p50 vs {_NAME} < +0 %")], second, {_NAME: first})


def _the_run(report: Report, place: int | None, words: str, other: Run | None) -> Run:
    if place is not None:
        if place >= len(report.runs):
            raise UsageError(f"{words}: that report has {len(report.runs)} runs, and the first is number 0.")
        return report.runs[place]
    if len(report.runs) == 1:
        return report.runs[0]
    alike = [run for run in report.runs if other is not None and _cell(run) == _cell(other)]
    if len(alike) == 1:
        return alike[0]
    listed = "\n".join(
        f"  {number}: {run.bundle.name} {run.bundle.variant} on {run.board.name}, {run.runtime.name}"
        for number, run in enumerate(report.runs)
    )
    raise UsageError(f"{words} has {len(report.runs)} runs. Name one of them, as in NUMBER.PLACE:\n{listed}")


def _cell(run: Run) -> tuple[object, ...]:
    threads = None if run.load is None else run.load.threads
    return run.bundle.name, run.bundle.variant, run.board.name, run.runtime.name, threads
