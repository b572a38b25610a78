"""Keeps a finished report in the history. What was measured is never lost because that fails."""

from edgeproof.config.boards import find_config
from edgeproof.errors import EdgeproofError
from edgeproof.history.opening import open_history
from edgeproof.history.place import history_url
from edgeproof.record.run import Report
from edgeproof.wording.progress import Progress, ProgressKind, ProgressListener


def keep_report(report: Report, progress: ProgressListener) -> None:
    """Says in one line where it was kept, or why it was not."""
    if not report.runs:
        return
    try:
        history = open_history(history_url(find_config()))
        try:
            number = history.keep(report)
        finally:
            history.close()
    except EdgeproofError as error:
        progress(Progress(f"not kept in the history: {error}", ProgressKind.NOTE))
        return
    progress(Progress(f"kept as report {number}: edgeproof history", ProgressKind.NOTE))
