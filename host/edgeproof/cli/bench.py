"""`edgeproof bench`: measures a detector's latency on a board."""

import tempfile
from pathlib import Path

import click

from edgeproof.board.deploy import bundle_to_run, choose_runtime, start_agent
from edgeproof.board.open_board import open_board
from edgeproof.bundle import open_bundle
from edgeproof.cli.display.progress import shown_progress
from edgeproof.cli.display.run_output import echo_report, require_whole, write_report_files
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.board import (
    app_option,
    board_argument,
    bundle_option,
    json_option,
    runtime_option,
    threads_option,
)
from edgeproof.cli.options.paths import PATH
from edgeproof.config.boards import BoardProfile
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.record.run import Report
from edgeproof.report.terminal import print_bench
from edgeproof.runs.generated_picture import generated_picture, read_picture
from edgeproof.runs.plan import BenchPlan, RunPlan
from edgeproof.runs.run import execute


@click.command(name="bench")
@board_argument
@click.option("--image", type=PATH, help="Picture to run on.  [default: a generated 640 x 480 JPEG]")
@click.option("--runs", type=click.IntRange(min=1), default=150, show_default=True, help="Measured runs.")
@click.option("--warmup", type=click.IntRange(min=0), default=10, show_default=True, help="Runs ahead of them.")
@click.option("--out", type=PATH, help="Folder for a report (JSON and HTML).")
@json_option
@app_option
@bundle_option
@runtime_option
@threads_option
def command(
    board: BoardProfile,
    image: Path | None,
    runs: int,
    warmup: int,
    out: Path | None,
    as_json: bool,
    app: str | None,
    bundle: Path | None,
    runtime: str | None,
    threads: int | None,
) -> None:
    """Measure the detector's latency on BOARD, stage by stage, on the board's own clock."""
    folder = None if out is None else OutputFolder.open(out)
    picture = read_picture(image) if image else generated_picture()
    opened_bundle = open_bundle(bundle) if bundle else None
    console = Terminal(stderr=as_json)  # standard output is the document's
    with (
        tempfile.TemporaryDirectory() as scratch,
        open_board(board) as opened,
        shown_progress(console) as progress,
    ):
        digest = bundle_to_run(opened, app, opened_bundle, progress)
        plan = RunPlan(
            out=folder or OutputFolder.open(Path(scratch)), bench=BenchPlan(picture, runs, warmup), threads=threads
        )
        with start_agent(opened, choose_runtime(opened, runtime)) as agent:
            run = execute(opened, agent, digest, plan, progress)
    report = Report.now((run,))
    if as_json:
        echo_report(report)
    elif run.latency is not None:
        print_bench(run, console)
    if folder is not None:
        with folder.sealed():
            write_report_files(report, folder, console)
    require_whole(report)
