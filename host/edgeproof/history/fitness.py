"""Which runs say something of later ones: not those that failed, ended early, or whose figures are void."""

from collections.abc import Sequence
from typing import Any

from edgeproof.record.run import Report, Run
from edgeproof.verify.state import void_reasons


def unfit(report: Report) -> str | None:
    """Why nothing should be compared with a report: it failed, ended early, or its figures are void."""
    if report.verdict is not None and report.verdict.value == "fail":
        return "it failed its own gates"
    if report.not_measured:
        return f"not all of it was measured ({report.not_measured[0]})"
    for run in report.runs:
        if run.error is not None:
            return f"a run of it ended early ({run.error})"
        if is_void(run):
            return f"a run of it is void: {'; '.join(void_reasons(*_states(run)))}"
    return None if report.runs else "it has no runs"


def is_void(run: Run) -> bool:
    """Whether something around the measurement voids its figures."""
    return bool(void_reasons(*_states(run)))


def _states(run: Run) -> Sequence[Any]:
    threads = None if run.load is None else run.load.threads
    if run.latency is None:
        return None, None, threads
    return run.latency.before, run.latency.after, threads, run.latency.timeline
