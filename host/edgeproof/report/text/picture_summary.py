"""A data set's pictures in a few lines: how many were run, on how many something was found, and what."""

from collections import Counter
from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from edgeproof.record.run import Run
from edgeproof.report.text.table import plain_table
from edgeproof.wording.printable import shown_line

MOST_LISTED = 40
"""Pictures that are told of one by one; more of them are summed up."""
_LABELS_SHOWN = 5
_FAILURES_SHOWN = 5


def summary_table(runs: Sequence[Run]) -> Table:
    """One row a run: its pictures, those with detections, the failed ones, detections and their commonest labels."""
    scores = {run.min_score for run in runs}
    table = plain_table("Found on the pictures" + (f", score {min(scores):.2f} or more" if len(scores) == 1 else ""))
    several_boards = len({run.board.name for run in runs}) > 1
    table.add_column("run", overflow="fold", min_width=14)
    for head in ("pictures", "with\ndetections", "failed", "detections"):
        table.add_column(head, justify="right", no_wrap=True)
    table.add_column("most of them", overflow="fold", min_width=16)
    for run in runs:
        who = [run.board.name] * several_boards + [run.runtime.name, run.bundle.variant]
        failed = sum(picture.error is not None for picture in run.pictures)
        labels = Counter(item.label for picture in run.pictures for item in picture.detections)
        listed = [f"{count} {shown_line(label)}" for label, count in labels.most_common(_LABELS_SHOWN)]
        more = [f"{len(labels) - len(listed)} more labels"] if len(labels) > len(listed) else []
        table.add_row(
            Text("\n".join(map(shown_line, who))),
            str(len(run.pictures)),
            str(sum(bool(picture.detections) for picture in run.pictures)),
            Text(str(failed), style="red" if failed else ""),
            str(labels.total()),
            Text(", ".join(listed + more) or "none"),
        )
    return table


def failure_lines(run: Run) -> list[str]:
    """The first pictures that failed, each with its reason, and how many more did."""
    failed = [picture for picture in run.pictures if picture.error is not None]
    lines = [f"{shown_line(picture.name)}: {shown_line(picture.error or '')}" for picture in failed[:_FAILURES_SHOWN]]
    return lines + [f"and {len(failed) - len(lines)} more failed"] * (len(failed) > len(lines))
