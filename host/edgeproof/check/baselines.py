"""The runs of an earlier report that gates `vs baseline` hold a run against."""

from collections.abc import Mapping

from edgeproof.record.run import Report, Run

NAME = "baseline"
"""What gates call it."""


def baselines_of(report: Report | None, run: Run) -> Mapping[str, Run]:
    """The earlier run of the same model and variant on the same board, with the same runtime, threads, cores, delegate.

    Empty when there is none, or more than one and nobody can say which is meant.
    """
    if report is None:
        return {}
    found = [earlier for earlier in report.runs if _cell(earlier) == _cell(run)]
    return {NAME: found[0]} if len(found) == 1 else {}


def _cell(run: Run) -> tuple[object, ...]:
    load = run.load
    loaded = () if load is None else (load.threads, None if load.cpus is None else load.cpus.cores, load.delegate)
    return run.bundle.name, run.bundle.variant, run.board.name, run.runtime.name, *loaded
