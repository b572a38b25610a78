"""A check whose cells a cluster measures: the same records, gates and report as from one host."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from edgeproof.check.baselines import baselines_of
from edgeproof.check.cell import Cell
from edgeproof.check.checking import Checked
from edgeproof.check.kept_cells import KeptCells
from edgeproof.cluster.engine import results
from edgeproof.errors import BoardError
from edgeproof.record.run import Report, Run
from edgeproof.verify.gates import evaluate
from edgeproof.wording.progress import Progress, ProgressKind, ProgressListener

LOST_SECONDS = 120.0


def check_on_cluster(
    client: Any,
    cells: Sequence[Cell],
    kept: KeptCells,
    progress: ProgressListener,
    *,
    repeat: bool = False,
    baseline: Report | None = None,
    lost_seconds: float = LOST_SECONDS,
) -> Checked:
    """See `edgeproof.check.checking.check`. Runs come in the cells' order, whoever was quickest."""
    runs: dict[int, Run] = {}
    if not repeat:
        runs = {number: run for number, cell in enumerate(cells) if (run := kept.read(cell)) is not None}
    failures: dict[int, str] = {}
    todo = [number for number in range(len(cells)) if number not in runs]
    for place, found in results(client, [cells[number] for number in todo], lost_seconds):
        number = todo[place]
        cell = cells[number]
        how = (
            "measured" if found.run is not None else f"failed: {found.message.splitlines()[0] if found.message else ''}"
        )
        progress(Progress(f"{len(runs) + len(failures) + 1} of {len(cells)}: {cell.title}: {how}", ProgressKind.NOTE))
        if found.run is None:
            failures[number] = f"{cell.title}: {found.message}"
            continue
        runs[number] = found.run
        if found.run.error is None:
            kept.keep(cell, found.run)
    judged = tuple(_judged(cells[number], runs[number], baseline) for number in sorted(runs))
    causes = tuple(BoardError(failures[number]) for number in sorted(failures))
    checked = Checked(judged, tuple(failures[number] for number in sorted(failures)), causes)
    if checked.whole:
        kept.drop(list(cells))
    return checked


def _judged(cell: Cell, run: Run, baseline: Report | None) -> Run:
    return replace(run, claims=evaluate(cell.gates, run, baselines_of(baseline, run)))
