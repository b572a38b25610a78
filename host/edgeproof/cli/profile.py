"""`edgeproof profile`: what each operator of a model takes on a board."""

import tempfile
from pathlib import Path

import click

from edgeproof.board.deploy import bundle_to_run, choose_runtime, start_agent
from edgeproof.board.open_board import open_board
from edgeproof.bundle import open_bundle
from edgeproof.cli.display.keeping import keep_report
from edgeproof.cli.display.progress import shown_progress
from edgeproof.cli.display.run_output import echo_report, require_whole, write_report_files
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.board import (
    app_option,
    cores_option,
    json_option,
    runtime_option,
    threads_option,
    wait_option,
)
from edgeproof.cli.options.boards import one_or_many
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cli.options.paths import PATH
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import UsageError
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.record.run import Report, Run
from edgeproof.report.text.profile import DEFAULT_TOP, print_profiles
from edgeproof.runs.generated_picture import generated_picture, read_picture
from edgeproof.runs.plan import ProfilePlan, RunPlan
from edgeproof.runs.run import execute

EXPECTED_SECONDS = 60.0
"""What others are told who ask for the board meanwhile."""


@click.command(name="profile", cls=BoardCommand)
@one_or_many("profile", any_option=True)
@click.argument("bundles", nargs=-1, type=PATH, metavar="[BUNDLE...]")
@click.option("--image", type=PATH, help="Picture to run on.  [default: a generated 640 x 480 JPEG]")
@click.option("--runs", type=click.IntRange(1, 1000), default=50, show_default=True, help="Profiled inferences.")
@click.option("--top", type=click.IntRange(1), default=DEFAULT_TOP, show_default=True, help="Operators to list.")
@click.option("--out", type=PATH, help="Folder for a report (JSON and HTML).")
@json_option
@app_option
@runtime_option
@threads_option
@cores_option
@wait_option
def command(
    board: BoardProfile,
    bundles: tuple[Path, ...],
    image: Path | None,
    runs: int,
    top: int,
    out: Path | None,
    as_json: bool,
    app: str | None,
    runtime: str | None,
    threads: int | None,
    cores: str | None,
    wait: float,
) -> None:
    """Profile the model that BOARD serves, operator by operator: what each takes of an inference.

    With BUNDLEs of yours these instead, layer by layer beside each other; they are sent first if the board lacks them.
    A runtime that cannot tell is said to be one: ai-edge-litert 2.2 and later can. An operator marked * ran outside the
    delegate (XNNPACK), in a kernel of the runtime's own.
    """
    if bundles and app is not None:
        raise UsageError("BUNDLE and --app name two models: leave one out.")
    folder = None if out is None else OutputFolder.open(out)
    picture = read_picture(image) if image else generated_picture()
    opened_bundles = [open_bundle(bundle) for bundle in bundles]
    console = Terminal(stderr=as_json)
    profiled: list[Run] = []
    with (
        tempfile.TemporaryDirectory() as scratch,
        open_board(board) as opened,
        shown_progress(console) as progress,
        opened.store.leased("profile", EXPECTED_SECONDS, wait, progress),
    ):
        plan = RunPlan(
            folder or OutputFolder.open(Path(scratch)), profile=ProfilePlan(picture, runs), threads=threads, cores=cores
        )
        own = [bundle_to_run(opened, None, bundle, progress) for bundle in opened_bundles]
        for digest in own or [bundle_to_run(opened, app, None, progress)]:
            with start_agent(opened, choose_runtime(opened, runtime)) as agent:
                profiled.append(execute(opened, agent, digest, plan, progress))
    report = Report.now(tuple(profiled))
    if as_json:
        echo_report(report)
    else:
        print_profiles(report.runs, console, top)
    if folder is not None:
        with folder.sealed():
            write_report_files(report, folder, console)
    with shown_progress(console) as progress:
        keep_report(report, progress)
    require_whole(report)
    _require_profiles(report)


def _require_profiles(report: Report) -> None:
    """Raises where none of the runs has one: who asked for it has got nothing."""
    reasons = [run.profile.unavailable for run in report.runs if run.profile is not None]
    if reasons and all(reason is not None for reason in reasons):
        raise UsageError(
            f"no profile is available: {reasons[0]}. Take --runtime ai-edge-litert, which edgeproof provision BOARD "
            "--runtime ai-edge-litert sets up."
        )
