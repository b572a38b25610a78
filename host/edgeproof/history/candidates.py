"""The cells that several reports tell of: what was measured at different times of one bundle, board and runtime."""

from collections.abc import Sequence
from dataclasses import replace

from edgeproof.record.run import Report, Run
from edgeproof.verify.front import Candidate, Contest
from edgeproof.verify.verdict import Interval

_Key = tuple[object, ...]


def contest_of(reports: Sequence[Report], board: str | None = None, newest_bundles: bool = False) -> Contest:
    """Of reports, the newest last, and of one board when it is named.

    A latency is that of the newest report that has one of the cell, and so is an accuracy.

    With `newest_bundles`, of a model's variant on a board, under a runtime and on so many threads only the bundle that
    was measured last counts.
    """
    timed: dict[_Key, Run] = {}
    accurate: dict[_Key, Run] = {}
    compared: dict[_Key, Run] = {}
    for report in reports:
        for run in report.runs:
            if board not in (None, run.board.name):
                continue
            if run.latency is not None:
                timed[(*_cell(run), _threads(run))] = run
            if run.accuracy is not None:
                accurate[_cell(run)] = run
            if run.parity is not None:
                compared[_cell(run)] = run
    runs = [_whole(run, accurate, compared) for run in timed.values()]
    known = {_cell(run) for run in runs}
    runs += [_whole(run, accurate, compared) for cell, run in accurate.items() if cell not in known]
    if newest_bundles:
        runs = list({(*_variant(run), _threads(run)): run for run in runs}.values())
    return Contest([Candidate(run) for run in runs], _ratios(reports, runs))


def _whole(run: Run, accurate: dict[_Key, Run], compared: dict[_Key, Run]) -> Run:
    """With what other reports have of the same cell."""
    cell = _cell(run)
    if cell in accurate:
        run = replace(run, accuracy=accurate[cell].accuracy, precision_recall=accurate[cell].precision_recall)
    return replace(run, parity=compared[cell].parity) if cell in compared else run


def _ratios(reports: Sequence[Report], runs: Sequence[Run]) -> dict[tuple[int, int], Interval]:
    """Of runs that were measured side by side, where these very latencies are the newest."""
    places = {id(run.latency): place for place, run in enumerate(runs) if run.latency is not None}
    ratios = {}
    for report in reports:
        for comparison in report.comparisons:
            sides = [places.get(id(report.runs[side].latency)) for side in (comparison.a, comparison.b)]
            total = comparison.stages.get("total")
            if sides[0] is not None and sides[1] is not None and total is not None and not comparison.void:
                ratios[sides[0], sides[1]] = Interval(total.low, total.high)
    return ratios


def _cell(run: Run) -> _Key:
    return run.bundle.digest, run.board.name, run.runtime.name, run.runtime.version


def _variant(run: Run) -> _Key:
    return run.bundle.name, run.bundle.variant, run.board.name, run.runtime.name


def _threads(run: Run) -> int | None:
    return None if run.load is None or run.latency is None else run.load.threads
