"""`edgeproof demo`: the whole chain on a board that edgeproof starts itself."""

import time
from pathlib import Path

import click
from rich.text import Text

from edgeproof.cli.display.progress import shown_progress
from edgeproof.cli.display.run_output import require_whole, write_report_files
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cli.options.paths import PATH
from edgeproof.demo.chain import run_demo
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.report.text.comparison import print_comparison
from edgeproof.report.text.terminal import print_report
from edgeproof.report.text.verdict import print_verdict


@click.command(name="demo", cls=BoardCommand)
@click.option("--out", type=PATH, default=Path("build/demo"), show_default=True)
def command(out: Path) -> None:
    """Fetch a pretrained SSD, convert and quantize it, and run it on an embedded board that is reached over SSH."""
    folder = OutputFolder.open(out)
    console = Terminal()
    started = time.monotonic()
    with folder.sealed(), shown_progress(console) as progress:
        report = run_demo(folder, progress)
    console.print()
    print_report(report, console)
    console.print()
    for comparison in report.comparisons:
        print_comparison(report, comparison, console)
        console.print()
    print_verdict(report, console)
    console.print(Text(f"\n{len(report.alone)} runs in {time.monotonic() - started:.0f} s"))
    with folder.sealed():
        write_report_files(report, folder, console)
    require_whole(report)
