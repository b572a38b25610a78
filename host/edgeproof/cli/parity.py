"""`edgeproof parity`: holds a board against this machine, step by step."""

import tempfile
from pathlib import Path

import click
from rich.text import Text

from edgeproof.board.deploy import choose_runtime, send_bundle, start_agent
from edgeproof.board.open_board import open_board
from edgeproof.bundle import open_bundle
from edgeproof.cli.display.keeping import keep_report
from edgeproof.cli.display.progress import shown_progress
from edgeproof.cli.display.run_output import echo_report, write_report_files
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.board import board_argument, json_option, runtime_option
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cli.options.paths import PATH
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import EdgeproofError
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.record.run import Report
from edgeproof.report.text.verdict import parity_lines
from edgeproof.runs.pictures import find_pictures
from edgeproof.runs.plan import RunPlan
from edgeproof.runs.reference import open_reference, reference_runtime
from edgeproof.runs.run import execute
from edgeproof.runs.variant_beside import parity_plan


@click.command(name="parity", cls=BoardCommand)
@board_argument
@click.argument("images", nargs=-1, required=True, type=PATH, metavar="IMAGE...")
@click.option("--bundle", required=True, type=PATH, help="The bundle to run on both; no app is switched.")
@click.option(
    "--min-score", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="A detection counts from here on."
)
@click.option("--out", type=PATH, help="Folder for a report (JSON and HTML).")
@json_option
@runtime_option
def command(
    board: BoardProfile,
    images: tuple[Path, ...],
    bundle: Path,
    min_score: float,
    out: Path | None,
    as_json: bool,
    runtime: str | None,
) -> None:
    """Run pictures through one bundle on BOARD and on this machine, and name the first step where they part.

    The steps: decoded pixels, input tensor, raw outputs, detections. Exit status 1 when a confident detection differs.
    """
    folder = None if out is None else OutputFolder.open(out)
    console = Terminal(stderr=as_json)  # standard output is the document's
    pictures = find_pictures(images, lambda note: console.print(Text(note), soft_wrap=True))
    opened = open_bundle(bundle)
    with (
        tempfile.TemporaryDirectory() as scratch,
        open_board(board) as there,
        open_reference() as here,
        shown_progress(console) as progress,
    ):
        send_bundle(there.store, opened, progress)
        stored = choose_runtime(there, runtime)
        chosen = reference_runtime(here, stored.name, progress)
        send_bundle(here.store, opened, progress)
        held = parity_plan(here, opened, pictures, chosen, progress)
        plan = RunPlan(OutputFolder.open(Path(scratch)), parity=held, min_score=min_score)
        with start_agent(there, stored) as agent:
            run = execute(there, agent, opened.digest, plan, progress)
    report = Report.now((run,))
    if as_json:
        echo_report(report)
    elif run.parity is not None:
        for line in parity_lines(run.parity):
            console.print(Text(line), soft_wrap=True)
    if folder is not None:
        with folder.sealed():
            write_report_files(report, folder, console)
    with shown_progress(console) as progress:
        keep_report(report, progress)
    if run.error is not None or run.parity is None:
        raise EdgeproofError(run.error or "nothing was compared")
    click.get_current_context().exit(1 if run.parity.differing else 0)
