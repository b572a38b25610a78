"""What commands share that measure on many boards: one report of all runs, kept in the history."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from edgeproof.cli.display.keeping import keep_report
from edgeproof.cli.display.progress import shown_progress
from edgeproof.cli.display.run_output import write_report_files
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.many.fleet_work import EXIT_INTERRUPTED, tell, work
from edgeproof.cli.options.boards import FleetOptions
from edgeproof.config.boards import BoardProfile
from edgeproof.fleet.outcome import Done, Outcome
from edgeproof.fleet.reasons import Reason
from edgeproof.fleet.side_by_side import InterruptedWorkError
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.record.run import Report, Run
from edgeproof.wording.printable import printable_line
from edgeproof.wording.progress import ProgressListener

Measurement = Callable[[BoardProfile, ProgressListener], list[Run]]


def measure_on_many(
    fleet: FleetOptions,
    measure: Measurement,
    words: Callable[[Run], str],
    show: Callable[[Report, Terminal], None],
    out: OutputFolder | None,
    as_json: bool,
) -> int:
    """Measures on every board, shows and keeps what came; returns the exit status."""

    def job(board: BoardProfile, progress: ProgressListener) -> Done:
        runs = measure(board, progress)
        cut = [run.error for run in runs if run.error is not None]
        text = printable_line(cut[0]) if cut else "; ".join(map(words, runs))
        data = {"runs": len(runs), "error": cut[0] if cut else None}
        return Done(text, data, result=runs, reason=Reason.CUT if cut else None)

    console = Terminal(stderr=as_json)
    interrupted = False
    try:
        outcomes = work(fleet, job, console)
    except InterruptedWorkError as interrupt:
        outcomes, interrupted = interrupt.outcomes, True
    report = Report.now(tuple(runs_of(outcomes)))
    if report.runs:
        show(report, console)
        console.print()
    status = tell(fleet, outcomes, console, as_json)
    if out is not None and report.runs:
        with out.sealed():
            write_report_files(report, out, console)
    with shown_progress(console) as progress:
        keep_report(report, progress)
    return EXIT_INTERRUPTED if interrupted else status


def runs_of(outcomes: Sequence[Outcome]) -> list[Run]:
    return [run for outcome in outcomes if outcome.done is not None for run in outcome.done.result]


def board_folder(out: Path, board: str) -> Path:
    """A folder for what comes of one board, whatever it is called."""
    return out / re.sub(r"[^\w.@+-]|^\.+", "_", board)
