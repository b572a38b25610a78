"""`edgeproof report`: prints any report again, and makes its page."""

from pathlib import Path

import click
from rich.text import Text

from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cli.options.mlflow import mlflow_option
from edgeproof.cli.options.paths import PATH
from edgeproof.errors import UsageError
from edgeproof.local_files.atomic_file import why_unwritten
from edgeproof.record.reader import read_report
from edgeproof.report.html import write_html
from edgeproof.report.sinks.mlflow import log_report
from edgeproof.report.text.comparison import print_comparison
from edgeproof.report.text.profile import print_profiles
from edgeproof.report.text.terminal import print_bench, print_report
from edgeproof.report.text.verdict import print_verdict

REPORT_FILE = "report.json"
_ALL = 10_000


@click.command(name="report", cls=BoardCommand)
@click.argument("file", type=PATH, metavar="FILE")
@click.option("--html", type=PATH, metavar="PATH", help="Make the HTML page there.")
@mlflow_option
def command(file: Path, html: Path | None, mlflow: str | None) -> None:
    """Print a report.json again (or that of a folder), as after its run.

    Example: edgeproof report results/ --html page.html
    """
    path = file / REPORT_FILE if file.is_dir() else file
    report = read_report(path)
    console = Terminal()
    if report.created is not None:
        console.print(Text(f"{report.created}  {' '.join(report.command)}", style="dim"), soft_wrap=True)
    if report.verdict is not None:
        print_verdict(report, console)
        console.print()
    for comparison in report.comparisons:
        print_comparison(report, comparison, console)
        console.print()
    compared = {place for comparison in report.comparisons for place in (comparison.a, comparison.b)}
    print_profiles([run for place, run in enumerate(report.runs) if place not in compared], console, top=_ALL)
    measured = [run for run in report.runs if run.profile is None or run.latency or run.pictures or run.error]
    if measured and all(run.latency and not run.pictures and not run.stream for run in report.runs):
        for run in report.runs:
            print_bench(run, console)
    elif measured or not report.runs:
        print_report(report, console)
    if html is not None:
        if html.exists():
            raise UsageError(f"{html}: it is there already. Name another file with --html, or move it.")
        try:
            write_html(report, html)
        except OSError as error:
            raise UsageError(f"{html}: {why_unwritten(error, 'name another file with --html')}") from error
        console.print(Text(f"\nreport: {html}"), soft_wrap=True)
    if mlflow is not None:
        console.print(Text(f"\nMLflow run: {log_report(report, path, mlflow)}"), soft_wrap=True)
