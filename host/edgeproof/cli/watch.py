"""`edgeproof watch`: looks at a source through a board's detector, live."""

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import click
from rich.live import Live

from edgeproof.board.deploy import bundle_to_run, choose_runtime, start_agent
from edgeproof.board.open_board import open_board
from edgeproof.bundle import open_bundle
from edgeproof.cli.display.echo import echo
from edgeproof.cli.display.progress import shown_progress
from edgeproof.cli.display.run_output import require_whole, write_report_files
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.board import app_option, board_argument, bundle_option, runtime_option, threads_option
from edgeproof.cli.options.capture import capture_options, capture_settings
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cli.options.paths import PATH
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import UsageError
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.record.run import Report
from edgeproof.report.drawing.detections import write_annotated
from edgeproof.report.text.terminal import print_report
from edgeproof.runs.plan import RunPlan, StreamPlan
from edgeproof.runs.run import execute
from edgeproof.runs.sources import sort_sources
from edgeproof.watch.live_state import LiveState
from edgeproof.watch.live_table import LiveTable
from edgeproof.watch.page_server import PageServer
from edgeproof_agent.sources.grammar import SOURCE_FORMS

_PAGE_PICTURE_SECONDS, _PICTURE_SECONDS = 0.2, 5.0


@click.command(name="watch", cls=BoardCommand)
@board_argument
@click.option("--source", required=True, metavar="SOURCE", help=f"{SOURCE_FORMS}.")
@click.option("--web", is_flag=True, help="Serve a page with the picture, on this machine alone.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="The page's port.  [default: a free one]")
@click.option("--out", type=PATH, help="Folder to record to: a line a frame, some pictures, a report.")
@click.option(
    "--min-score", type=click.FloatRange(0, 1), default=0.5, show_default=True, help="Show and list from here on."
)
@capture_options
@app_option
@bundle_option
@runtime_option
@threads_option
def command(
    board: BoardProfile,
    source: str,
    web: bool,
    port: int,
    out: Path | None,
    min_score: float,
    frames: int | None,
    seconds: float | None,
    no_overlap: bool,
    app: str | None,
    bundle: Path | None,
    runtime: str | None,
    threads: int | None,
    **capture: Any,
) -> None:
    """Look at a source through BOARD's detector, live: a camera, a network stream, a video, a watched folder.

    A table on the terminal shows what is found, the latency by stage, the age of frames, what was dropped, temperature
    and clock. With --web a page shows the picture, too; its address holds a token, and only this machine can open it.
    Ctrl-C ends it.
    """
    (stream,) = sort_sources([source]).streams or [None]
    if stream is None:
        raise UsageError(f"{source} is pictures of this machine: edgeproof detect takes them.")
    settings = capture_settings(**capture)
    opened_bundle = open_bundle(bundle) if bundle else None
    console = Terminal()
    with contextlib.ExitStack() as stack:
        scratch = stack.enter_context(tempfile.TemporaryDirectory()) if out is None else ""
        folder = stack.enter_context(OutputFolder.open(out or Path(scratch)).sealed())
        opened = stack.enter_context(open_board(board))
        with shown_progress(console) as progress:
            digest = bundle_to_run(opened, app, opened_bundle, progress)
        agent = stack.enter_context(start_agent(opened, choose_runtime(opened, runtime)))
        state = LiveState(stream.shown, board.name, _PAGE_PICTURE_SECONDS if web else _PICTURE_SECONDS)
        address = None
        if web:
            server = stack.enter_context(_serve(state, port))
            address = server.url
            echo(f"page: {address}")
        plan = RunPlan(
            out=folder,
            draw=None if out is None else write_annotated,
            stream=StreamPlan(
                stream,
                frames or StreamPlan.frames,
                seconds,
                settings,
                not no_overlap,
                observer=state,
                kept=out is not None,
            ),
            threads=threads,
            min_score=min_score,
        )
        table = LiveTable(state, address)
        shown = Live(table, console=console, refresh_per_second=4) if console.is_terminal else contextlib.nullcontext()
        with shown:
            run = execute(opened, agent, digest, plan)
        state.end()
    report = Report.now((run,))
    print_report(report, console)
    if out is not None:
        with folder.sealed():
            write_report_files(report, folder, console)
    require_whole(report)


def _serve(state: LiveState, port: int) -> PageServer:
    try:
        return PageServer(state, port)
    except OSError as error:
        raise UsageError(
            f"the page cannot be served on port {port}: {error.strerror}. Leave --port out for a free one."
        ) from error
