"""Carries a check out: cell by cell, what an interrupted one has measured is taken as it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from edgeproof.check.baselines import baselines_of
from edgeproof.check.cell import Cell, measure
from edgeproof.check.kept_cells import KeptCells
from edgeproof.check.remaining import Remaining
from edgeproof.errors import BoardError
from edgeproof.record.run import Report, Run
from edgeproof.record.verdict.claims import Answer
from edgeproof.verify.gates import evaluate
from edgeproof.wording.progress import Progress, ProgressKind, ProgressListener, silent

Measure = Callable[[Cell, ProgressListener], Run]


@dataclass(frozen=True)
class Checked:
    """What came of a check."""

    runs: tuple[Run, ...]
    failures: tuple[str, ...] = ()
    """Cells that could not be measured, with the reason: one a line."""
    causes: tuple[BoardError, ...] = ()
    """What kept each of them from it."""

    @property
    def whole(self) -> bool:
        return not self.failures and all(run.error is None for run in self.runs)


def check(
    cells: Sequence[Cell],
    kept: KeptCells,
    progress: ProgressListener = silent,
    *,
    repeat: bool = False,
    baseline: Report | None = None,
    measure: Measure = measure,
) -> Checked:
    """Measures the cells that `kept` does not have, or all with `repeat`. One that fails does not keep the others back.

    `baseline` is what gates `vs baseline` hold them against.

    Records are dropped once all cells were measured: the next check begins anew.
    """
    runs: list[Run] = []
    failures: list[str] = []
    causes: list[BoardError] = []
    remaining = Remaining(len(cells), progress)
    for number, cell in enumerate(cells, start=1):
        place = f"{number} of {len(cells)}: {cell.title}"
        run = None if repeat else kept.read(cell)
        if run is not None:
            progress(Progress(f"{place}: measured already", ProgressKind.NOTE))
            remaining.end(measured=False)
            runs.append(_judged(cell, run, baseline))
            continue
        remaining.begin(place)
        try:
            run = measure(replace(cell, arrived=kept.arrived), remaining)
        except BoardError as error:
            failures.append(f"{cell.title}: {error}")
            causes.append(error)
            remaining.end(measured=False)
            continue
        remaining.end(measured=True)
        if run.error is None:
            kept.keep(cell, run)
        runs.append(_judged(cell, run, baseline))
    checked = Checked(tuple(runs), tuple(failures), tuple(causes))
    if checked.whole:
        kept.drop(list(cells))
    return checked


def exit_code(verdict: Answer | None, checked: Checked) -> int:
    """0 pass, 1 fail, 3 inconclusive; 2 when a cell could not be measured and nothing failed."""
    if verdict is Answer.FAIL:
        return 1
    if not checked.whole:
        return 2
    return 0 if verdict is Answer.PASS else 3


def _judged(cell: Cell, run: Run, baseline: Report | None) -> Run:
    return replace(run, claims=evaluate(cell.gates, run, baselines_of(baseline, run)))
