"""`edgeproof detect` on many boards: the same pictures on each, a folder of results a board."""

from pathlib import Path
from typing import Any

from edgeproof.board.deploy import bundle_to_run, choose_runtime, start_agent
from edgeproof.board.open_board import open_board
from edgeproof.bundle import open_bundle
from edgeproof.cli.detect import draw
from edgeproof.cli.display.echo import echo
from edgeproof.cli.display.run_output import write_report_files
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.many.measuring import board_folder, measure_on_many
from edgeproof.cli.options.boards import FleetOptions
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import UsageError
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.record.run import Report, Run
from edgeproof.runs.pictures import find_pictures
from edgeproof.runs.plan import RunPlan
from edgeproof.runs.run import execute
from edgeproof.wording.counting import counted
from edgeproof.wording.progress import ProgressListener


def run(
    fleet: FleetOptions,
    images: tuple[Path, ...],
    sources: tuple[str, ...],
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
    recursive: bool = False,
    **_of_streams: Any,
) -> int:
    if sources or not images:
        raise UsageError("many boards look at pictures of yours: give some. A board's own sources are for one board.")
    pictures = find_pictures(images, lambda text: echo(text, err=as_json), images_root, recursive)
    opened_bundle = open_bundle(bundle) if bundle else None
    folders = {board.name: board_folder(out, board.name) for board in fleet.boards}
    if len(set(folders.values())) < len(folders):
        raise UsageError("two boards' names come to the same folder: name the boards otherwise in edgeproof.toml.")
    opened_folders = {name: OutputFolder.open(folder) for name, folder in folders.items()}

    def measure(board: BoardProfile, progress: ProgressListener) -> list[Run]:
        with open_board(board) as opened:
            digest = bundle_to_run(opened, app, opened_bundle, progress)
            plan = RunPlan(
                out=opened_folders[board.name],
                draw=draw,
                pictures=pictures,
                threads=threads,
                cores=cores,
                delegate=delegate,
                min_score=min_score,
            )
            with start_agent(opened, choose_runtime(opened, runtime)) as agent:
                return [execute(opened, agent, digest, plan, progress)]

    def write_each(report: Report, console: Terminal) -> None:
        for run in report.runs:
            folder = opened_folders[run.board.name]
            with folder.sealed():
                write_report_files(Report.now((run,)), folder, console)

    return measure_on_many(fleet, measure, _words, write_each, None, as_json)


def _words(run: Run) -> str:
    found = sum(len(picture.detections) for picture in run.pictures)
    failed = sum(picture.error is not None for picture in run.pictures)
    return f"{counted(found, 'detection')} on {counted(len(run.pictures), 'picture')}" + f", {failed} failed" * bool(
        failed
    )
