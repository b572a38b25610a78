"""`edgeproof detect`: runs a board's detector on pictures."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgeproof.board.deploy import bundle_to_run, choose_runtime, start_agent
from edgeproof.board.open_board import open_board
from edgeproof.bundle import open_bundle
from edgeproof.cli.display.echo import echo
from edgeproof.cli.options.board import (
    app_option,
    board_argument,
    bundle_option,
    cores_option,
    delegate_option,
    json_option,
    runtime_option,
    threads_option,
)
from edgeproof.cli.options.late_imports import importing
from edgeproof.cli.options.paths import PATH
from edgeproof.config.boards import BoardProfile
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.runs.pictures import find_pictures

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from edgeproof.record.pictures import Detection


@click.command(name="detect")
@board_argument
@click.argument("images", nargs=-1, required=True, type=PATH, metavar="IMAGE...")
@click.option("--out", required=True, type=PATH, help="Folder for detections and pictures.")
@click.option(
    "--min-score", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Draw and list from here on."
)
@click.option("--images-root", type=PATH, help="Folder of the pictures that a COCO JSON file lists.")
@json_option
@app_option
@bundle_option
@runtime_option
@threads_option
@cores_option
@delegate_option
def command(
    board: BoardProfile,
    images: tuple[Path, ...],
    out: Path,
    min_score: float,
    images_root: Path | None,
    as_json: bool,
    app: str | None,
    bundle: Path | None,
    runtime: str | None,
    threads: int | None,
    cores: str | None,
    delegate: str | None,
) -> None:
    """Run BOARD's detector on pictures: files, folders of them, or the JSON file of a COCO data set.

    Writes OUT/detections.json (COCO results format), OUT/annotated/ and a report. The image ids are those of the data
    set; other pictures are numbered from 1 in the order of their paths.
    """
    folder = OutputFolder.open(out)
    pictures = find_pictures(images, lambda note: echo(note, err=as_json), images_root)
    opened_bundle = open_bundle(bundle) if bundle else None
    with folder.sealed(), open_board(board, importing("cli.display.terminal", "cli.display.progress")) as opened:
        from edgeproof.cli.display.progress import shown_progress
        from edgeproof.cli.display.terminal import Terminal

        console = Terminal(stderr=as_json)  # standard output is the document's
        with contextlib.ExitStack() as stack:
            progress = stack.enter_context(shown_progress(console))
            digest = bundle_to_run(opened, app, opened_bundle, progress)
            agent = stack.enter_context(start_agent(opened, choose_runtime(opened, runtime)))
            # Imported while the agent starts: NumPy takes as long as that.
            from edgeproof.record.run import Report
            from edgeproof.runs.plan import RunPlan
            from edgeproof.runs.run import execute

            plan = RunPlan(
                out=folder,
                draw=_draw,
                pictures=pictures,
                threads=threads,
                cores=cores,
                delegate=delegate,
                min_score=min_score,
                # While the board is at work, whose answers these modules draw and show.
                once_sent=importing("report.drawing", "report.terminal", "report.html"),
            )
            report = Report.now((execute(opened, agent, digest, plan, progress),))
    from edgeproof.cli.display.run_output import echo_report, require_whole, write_report_files
    from edgeproof.report.terminal import print_report

    if not as_json:
        print_report(report, console)
    with folder.sealed():
        write_report_files(report, folder, console)
    if as_json:
        echo_report(report, folder.path)
    require_whole(report)


def _draw(path: Path, picture: "npt.NDArray[np.uint8]", detections: "Sequence[Detection]") -> None:
    from edgeproof.report.drawing import write_annotated

    write_annotated(path, picture, detections)
