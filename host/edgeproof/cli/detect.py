"""`edgeproof detect`: runs a board's detector on pictures."""

from pathlib import Path

import click
from rich.console import Console

from edgeproof.board.profile import BoardProfile
from edgeproof.bundle import open_bundle
from edgeproof.cli.board_options import app_option, board_argument, bundle_option, runtime_option, threads_option
from edgeproof.cli.paths import PATH, require_output_folder
from edgeproof.cli.progress_display import shown_progress
from edgeproof.cli.run_output import bundle_digest, require_whole, write_report
from edgeproof.report.model import Report
from edgeproof.report.terminal import print_report
from edgeproof.runs.open_board import open_board
from edgeproof.runs.pictures import find_pictures
from edgeproof.runs.plan import RunPlan
from edgeproof.runs.run import execute


@click.command(name="detect")
@board_argument
@click.argument("images", nargs=-1, required=True, type=PATH, metavar="IMAGE...")
@click.option("--out", required=True, type=PATH, help="Folder for detections and pictures.")
@click.option(
    "--min-score", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Draw and list from here on."
)
@app_option
@bundle_option
@runtime_option
@threads_option
def command(
    board: BoardProfile,
    images: tuple[Path, ...],
    out: Path,
    min_score: float,
    app: str | None,
    bundle: Path | None,
    runtime: str | None,
    threads: int | None,
) -> None:
    """Run BOARD's detector on pictures: files, or folders of them.

    Writes OUT/detections.json (COCO results format), OUT/annotated/ and a report.
    """
    require_output_folder(out)
    pictures = find_pictures(images, left_out=out)
    opened_bundle = open_bundle(bundle) if bundle else None
    console = Console()
    with open_board(board) as opened, shown_progress(console) as progress:
        digest = bundle_digest(opened, app, opened_bundle, progress)
        plan = RunPlan(out=out, pictures=pictures, threads=threads, min_score=min_score)
        report = Report((execute(opened, digest, plan, runtime, progress),))
    print_report(report, console)
    write_report(report, out, console)
    require_whole(report)
