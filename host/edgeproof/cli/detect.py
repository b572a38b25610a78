"""`edgeproof detect`: runs a board's detector on pictures, videos and cameras."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeproof.board.open_board import open_board
from edgeproof.bundle import open_bundle
from edgeproof.cli.display.echo import echo
from edgeproof.cli.options.board import (
    app_option,
    bundle_option,
    cores_option,
    delegate_option,
    json_option,
    runtime_option,
    threads_option,
)
from edgeproof.cli.options.boards import one_or_many
from edgeproof.cli.options.capture import capture_options, capture_settings, source_option
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cli.options.late_imports import importing
from edgeproof.cli.options.paths import PATH
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import UsageError
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.runs.pictures import find_pictures
from edgeproof.runs.sources import Sources, sort_sources

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from edgeproof.record.pictures import Detection


_FIRST = ("board.deploy", "cli.display.terminal", "cli.display.progress")
"""Imported while the board's store service starts."""


@click.command(name="detect", cls=BoardCommand)
@one_or_many("detect")
@click.argument("images", nargs=-1, type=PATH, metavar="[IMAGE...]")
@source_option
@click.option("--out", required=True, type=PATH, help="Folder for detections and pictures.")
@click.option(
    "--min-score", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Draw and list from here on."
)
@click.option("--images-root", type=PATH, help="Folder of the pictures that a COCO JSON file lists.")
@capture_options
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
    sources: tuple[str, ...],
    out: Path,
    min_score: float,
    images_root: Path | None,
    frames: int | None,
    seconds: float | None,
    no_overlap: bool,
    as_json: bool,
    app: str | None,
    bundle: Path | None,
    runtime: str | None,
    threads: int | None,
    cores: str | None,
    delegate: str | None,
    **capture: Any,
) -> None:
    """Run BOARD's detector on pictures: files, folders of them, or the JSON file of a COCO data set. Or on sources:
    these, and videos, cameras, network streams, one after the other.

    Writes OUT/detections.json (COCO results format), OUT/annotated/ and a report. The image ids are those of the data
    set; other pictures are numbered from 1 in the order of their paths. A stream has a line for each frame in
    frames.jsonl. A camera or network stream needs --frames or --seconds; Ctrl-C ends it, too, and keeps what has come.
    """
    wanted = sort_sources(sources, images)
    settings = capture_settings(**capture)
    require_ends(wanted, frames, seconds)
    folder = OutputFolder.open(out)

    def note(text: str) -> None:
        echo(text, err=as_json)

    pictures = find_pictures(wanted.pictures, note, images_root, settings.recursive) if wanted.pictures else []
    opened_bundle = open_bundle(bundle) if bundle else None
    with folder.sealed(), open_board(board, importing(*_FIRST)) as opened:
        from edgeproof.board.deploy import bundle_to_run, choose_runtime, start_agent

        with contextlib.ExitStack() as stack:
            chosen = choose_runtime(opened, runtime)
            agent = stack.enter_context(start_agent(opened, chosen))
            # Imported while the agent starts, which takes longer.
            from edgeproof.cli.display.progress import shown_progress
            from edgeproof.cli.display.run_output import echo_report, require_whole, write_report_files
            from edgeproof.cli.display.terminal import Terminal
            from edgeproof.record.run import Report
            from edgeproof.report.text.terminal import print_report
            from edgeproof.runs.plan import RunPlan, StreamPlan
            from edgeproof.runs.run import execute

            console = Terminal(stderr=as_json)  # standard output is the document's
            progress = stack.enter_context(shown_progress(console))
            digest = bundle_to_run(opened, app, opened_bundle, progress)
            runs = []
            places = [None] * bool(pictures) + [*wanted.streams]
            for number, stream in enumerate(places, start=1):
                if number > 1:
                    agent = stack.enter_context(start_agent(opened, chosen))
                plan = RunPlan(
                    out=folder,
                    draw=draw,
                    pictures=pictures if stream is None else (),
                    stream=None
                    if stream is None
                    else StreamPlan(stream, frames or StreamPlan.frames, seconds, settings, not no_overlap),
                    threads=threads,
                    cores=cores,
                    delegate=delegate,
                    min_score=min_score,
                    subfolder="" if len(places) == 1 else f"source-{number}",
                )
                runs.append(execute(opened, agent, digest, plan, progress))
            report = Report.now(tuple(runs))
    if not as_json:
        print_report(report, console)
    with folder.sealed():
        write_report_files(report, folder, console)
    if as_json:
        echo_report(report, folder.path)
    require_whole(report)


def require_ends(sources: Sources, frames: int | None, seconds: float | None) -> None:
    if not sources.pictures and not sources.streams:
        raise UsageError("what is to be looked at is missing: give pictures, or a --source.")
    if frames is None and seconds is None:
        for source in sources.streams:
            if source.may_never_end:
                raise UsageError(
                    f"{source.shown} may never end: say with --frames or --seconds how much of it is wanted."
                )


def draw(path: Path, picture: "npt.NDArray[np.uint8]", detections: "Sequence[Detection]") -> None:
    from edgeproof.report.drawing.detections import write_annotated

    write_annotated(path, picture, detections)
