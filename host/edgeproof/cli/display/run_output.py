"""What commands that run a board's detector have in common: the files of the report, the exit code."""

import json
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from edgeproof.cli.display.echo import echo
from edgeproof.errors import EdgeproofError
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.record.run import Report
from edgeproof.record.writer import sample_names, write_report
from edgeproof.report.html import write_html
from edgeproof.wording.counting import counted

_FAILURES_LISTED = 20


def write_report_files(report: Report, out: OutputFolder, console: Console) -> None:
    """Writes report.json and report.html and says where they are."""
    data, page, *_ = out.claim("report.json", "report.html", *sample_names(report))
    write_report(replace(report, outputs=tuple(out.names)), data)
    write_html(report, page)
    console.print(Text(f"\nreport: {page}"), soft_wrap=True)


def echo_report(report: Report, folder: Path = Path()) -> None:
    """Prints the report as JSON, with its files named from `folder`."""
    echo(json.dumps(report.to_json(folder), indent=2, ensure_ascii=False, allow_nan=False))


def require_whole(report: Report) -> None:
    """Raises when a run ended early or a picture failed: what had arrived is written by then."""
    for run in report.runs:
        if run.error is not None:
            raise EdgeproofError(run.error)
    pictures = [picture for run in report.runs for picture in run.pictures]
    broken = [picture for picture in pictures if picture.error is not None]
    if broken:
        listed = [f"  {picture.name}: {picture.error}" for picture in broken[:_FAILURES_LISTED]]
        listed += [f"  and {len(broken) - len(listed)} more"] * (len(broken) > len(listed))
        reasons = "\n".join(listed)
        raise EdgeproofError(f"{len(broken)} of {counted(len(pictures), 'picture')} failed:\n{reasons}")
