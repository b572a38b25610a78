"""`edgeproof bench`: measures a detector's latency on a board."""

import tempfile
from dataclasses import replace
from pathlib import Path

import click

from edgeproof.board.deploy import bundle_to_run, choose_runtime, send_bundle, start_agent
from edgeproof.board.open_board import open_board
from edgeproof.bundle import open_bundle
from edgeproof.cli.display.keeping import keep_report
from edgeproof.cli.display.progress import shown_progress
from edgeproof.cli.display.run_output import echo_report, require_whole, write_report_files
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.board import (
    app_option,
    bundle_option,
    cores_option,
    delegate_option,
    json_option,
    runtime_option,
    threads_option,
    wait_option,
)
from edgeproof.cli.options.boards import one_or_many
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cli.options.paths import PATH
from edgeproof.cli.options.side import Side, parse_side
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import UsageError
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.record.run import Report, Run
from edgeproof.record.verdict.comparison import Comparison
from edgeproof.report.text.comparison import print_comparison
from edgeproof.report.text.terminal import print_bench
from edgeproof.runs.comparison import PAIRS, Contender, compare
from edgeproof.runs.generated_picture import generated_picture, read_picture
from edgeproof.runs.plan import BenchPlan, RunPlan
from edgeproof.runs.run import execute
from edgeproof.verify.comparison import FEWEST_PAIRS

IDLE_SECONDS = 5.0
EXPECTED_SECONDS = 120.0
"""What others are told who ask for the board meanwhile."""


@click.command(name="bench", cls=BoardCommand)
@one_or_many("bench", any_option=True)
@click.argument("contenders", nargs=-1, metavar="[A B [...]]")
@click.option("--image", type=PATH, help="Picture to run on.  [default: a generated 640 x 480 JPEG]")
@click.option("--runs", type=click.IntRange(min=1), default=150, show_default=True, help="Measured runs.")
@click.option("--warmup", type=click.IntRange(min=0), default=10, show_default=True, help="Runs ahead of them.")
@click.option(
    "--pairs", type=click.IntRange(FEWEST_PAIRS, 1000), default=PAIRS, show_default=True, help="Block pairs of A and B."
)
@click.option("--out", type=PATH, help="Folder for a report (JSON and HTML).")
@json_option
@app_option
@bundle_option
@runtime_option
@threads_option
@cores_option
@delegate_option
@wait_option
def command(
    board: BoardProfile,
    contenders: tuple[str, ...],
    image: Path | None,
    runs: int,
    warmup: int,
    pairs: int,
    out: Path | None,
    as_json: bool,
    app: str | None,
    bundle: Path | None,
    runtime: str | None,
    threads: int | None,
    cores: str | None,
    delegate: str | None,
    wait: float,
) -> None:
    """Measure the detector's latency on BOARD, stage by stage, on the board's own clock.

    With A and B, each a bundle's folder or BUNDLE@RUNTIME, B is compared with A: both are measured in turns, so that a
    board that heats up meanwhile slows both alike. Further ones are compared with A one after the other.
    """
    if contenders:
        sides = [parse_side(text, runtime) for text in contenders]
        _require_sides(sides, bundle, app)
        if cores is not None or delegate is not None:
            raise UsageError("a comparison runs on all CPUs and without a delegate: leave --cores and --delegate out.")
        _compare(board, sides, image, pairs, threads, out, as_json, wait)
        return
    folder = None if out is None else OutputFolder.open(out)
    picture = read_picture(image) if image else generated_picture()
    opened_bundle = open_bundle(bundle) if bundle else None
    console = Terminal(stderr=as_json)  # standard output is the document's
    with (
        tempfile.TemporaryDirectory() as scratch,
        open_board(board) as opened,
        shown_progress(console) as progress,
        opened.store.leased("bench", EXPECTED_SECONDS, wait, progress),
    ):
        digest = bundle_to_run(opened, app, opened_bundle, progress)
        plan = RunPlan(
            out=folder or OutputFolder.open(Path(scratch)),
            bench=BenchPlan(picture, runs, warmup, idle_seconds=IDLE_SECONDS),
            threads=threads,
            cores=cores,
            delegate=delegate,
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
    with shown_progress(console) as progress:
        keep_report(report, progress)
    require_whole(report)


def _require_sides(sides: list[Side], bundle: Path | None, app: str | None) -> None:
    if len(sides) == 1:
        raise UsageError("a comparison takes two: A and B. To measure one bundle alone, name it with --bundle.")
    if bundle is not None or app is not None:
        raise UsageError("a comparison takes the bundles A and B: leave --bundle and --app out.")


def _compare(
    profile: BoardProfile,
    sides: list[Side],
    image: Path | None,
    pairs: int,
    threads: int | None,
    out: Path | None,
    as_json: bool,
    wait: float,
) -> None:
    folder = None if out is None else OutputFolder.open(out)
    picture = read_picture(image) if image else generated_picture()
    bundles = [open_bundle(side.bundle) for side in sides]
    console = Terminal(stderr=as_json)
    runs: list[Run] = []
    comparisons: list[Comparison] = []
    with (
        open_board(profile) as board,
        shown_progress(console) as progress,
        board.store.leased("a comparison", EXPECTED_SECONDS, wait, progress),
    ):
        first, *others = [
            Contender(send_bundle(board.store, bundle, progress).digest, side.runtime, threads)
            for side, bundle in zip(sides, bundles, strict=True)
        ]
        for other in others:
            found = compare(board, (first, other), picture, pairs, progress)
            comparisons.append(replace(found.comparison, a=len(runs), b=len(runs) + 1))
            runs += found.runs
    report = replace(Report.now(tuple(runs)), comparisons=tuple(comparisons))
    if as_json:
        echo_report(report)
    else:
        for comparison in comparisons:
            print_comparison(report, comparison, console)
    if folder is not None:
        with folder.sealed():
            write_report_files(report, folder, console)
