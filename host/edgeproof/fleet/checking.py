"""A check of many boards side by side; the cells of one board are measured one after the other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeproof.check.cell import Cell
from edgeproof.check.checking import Checked, check
from edgeproof.check.kept_cells import KeptCells
from edgeproof.config.boards import BoardProfile
from edgeproof.fleet.outcome import ERROR, INCONCLUSIVE, OK, UNHEALTHY, Done, Outcome
from edgeproof.fleet.reasons import Reason, reason_of
from edgeproof.fleet.side_by_side import Listener, side_by_side
from edgeproof.record.run import Report, Run
from edgeproof.record.verdict.claims import Answer, combined
from edgeproof.wording.counting import counted
from edgeproof.wording.progress import ProgressListener

_STATUS = {Answer.PASS: OK, Answer.FAIL: UNHEALTHY, Answer.INCONCLUSIVE: INCONCLUSIVE}


@dataclass(frozen=True)
class CheckedFleet:
    checked: Checked
    """Of all boards, runs in the cells' order."""
    outcomes: list[Outcome]
    """One a board."""


def check_side_by_side(
    cells: Sequence[Cell],
    kept: Callable[[str], Path],
    forks: int,
    listen: Listener,
    *,
    repeat: bool = False,
    baseline: Report | None = None,
) -> CheckedFleet:
    """`kept` names the folder in which a board's records are kept while the check is not through."""
    by_board: dict[str, list[Cell]] = {}
    boards: dict[str, BoardProfile] = {}
    for cell in cells:
        by_board.setdefault(cell.board.name, []).append(cell)
        boards[cell.board.name] = cell.board

    def job(board: BoardProfile, progress: ProgressListener) -> Done:
        mine = by_board[board.name]
        found = check(mine, KeptCells(kept(board.name)), progress, repeat=repeat, baseline=baseline)
        return _done(found)

    outcomes = side_by_side(list(boards.values()), job, forks, listen)
    runs: dict[str, list[Run]] = {}
    failures: list[str] = []
    for outcome in outcomes:
        found = (
            outcome.done.result if outcome.done is not None else Checked((), (f"{outcome.board}: {outcome.message}",))
        )
        runs[outcome.board] = list(found.runs)
        failures += found.failures
    return CheckedFleet(Checked(tuple(_in_order(cells, runs)), tuple(failures)), outcomes)


def _in_order(cells: Sequence[Cell], runs: dict[str, list[Run]]) -> list[Run]:
    """The runs as one host after the other would have them; a board's own stand in its cells' order already."""
    ordered = []
    for cell in cells:
        waiting = runs[cell.board.name]
        if waiting and waiting[0].bundle.digest == cell.bundle_digest:
            ordered.append(waiting.pop(0))
    return ordered + [run for waiting in runs.values() for run in waiting]


def _done(found: Checked) -> Done:
    claims = [claim for run in found.runs for claim in run.claims]
    if found.failures:
        data = {"failures": list(found.failures)}
        return Done(found.failures[0], data, ERROR, found, reason_of(found.causes[0]))
    cut = next((run.error for run in found.runs if run.error is not None), None)
    if cut is not None:
        return Done(cut, {"error": cut}, ERROR, found, Reason.CUT)
    answer = combined(claim.answer for claim in claims)
    counts = [
        f"{sum(claim.answer is other for claim in claims)} {other.value}"
        for other in (Answer.FAIL, Answer.INCONCLUSIVE, Answer.PASS)
        if any(claim.answer is other for claim in claims)
    ]
    words = f"{answer.value}: {', '.join(counts) or 'no gates'} on {counted(len(found.runs), 'cell')}"
    return Done(words, {"answer": answer.value}, _STATUS[answer], found)
