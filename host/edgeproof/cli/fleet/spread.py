"""`edgeproof fleet spread`: what differs between boards of one kind, against what differs within each."""

import tempfile
from pathlib import Path

import click
from rich.text import Text

from edgeproof.board.deploy import bundle_to_run, choose_runtime, start_agent
from edgeproof.board.open_board import open_board
from edgeproof.bundle import open_bundle
from edgeproof.cli.bench import EXPECTED_SECONDS
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.many.bench import latency_words
from edgeproof.cli.many.measuring import measure_on_many
from edgeproof.cli.options.board import app_option, bundle_option, runtime_option, wait_option
from edgeproof.cli.options.boards import FleetOptions, choose_boards, forks_option, found_config, narrowing_options
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cli.options.paths import PATH
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import UsageError
from edgeproof.fleet.oddities import oddities
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.record.run import Report, Run
from edgeproof.runs.generated_picture import generated_picture
from edgeproof.runs.plan import BenchPlan, RunPlan
from edgeproof.runs.run import execute
from edgeproof.verify.spread import FEWEST_BOARDS, FEWEST_SESSIONS, Share, Spread, spread_of
from edgeproof.wording.progress import ProgressListener

_WARMUP_RUNS = 10


@click.command(name="spread", cls=BoardCommand)
@click.argument("boards", nargs=-1, required=True, metavar="BOARD...")
@narrowing_options
@forks_option
@click.option(
    "--sessions", type=click.IntRange(FEWEST_SESSIONS, 100), default=4, show_default=True, help="Of each board."
)
@click.option("--runs", type=click.IntRange(21), default=100, show_default=True, help="Measured runs of each session.")
@click.option("--out", type=PATH, help="Folder for a report (JSON and HTML).")
@app_option
@bundle_option
@runtime_option
@wait_option
@click.pass_context
def command(
    ctx: click.Context,
    boards: tuple[str, ...],
    limit: tuple[str, ...],
    exclude: tuple[str, ...],
    inventories: tuple[Path, ...],
    forks: int | None,
    sessions: int,
    runs: int,
    out: Path | None,
    app: str | None,
    bundle: Path | None,
    runtime: str | None,
    wait: float,
) -> None:
    """Measure the same on BOARDs of one kind, several times each: how much do boards differ, how much does one board?

    The odd one out is named, with what is told of it otherwise than of the others.
    """
    chosen = choose_boards(boards, limit, exclude, inventories).boards
    if len(chosen) < FEWEST_BOARDS:
        raise UsageError(f"{FEWEST_BOARDS} boards are the least for a spread, and {len(chosen)} are named.")
    folder = None if out is None else OutputFolder.open(out)
    opened_bundle = open_bundle(bundle) if bundle else None
    bench = BenchPlan(generated_picture(), runs, _WARMUP_RUNS)

    def measure(board: BoardProfile, progress: ProgressListener) -> list[Run]:
        with (
            tempfile.TemporaryDirectory() as scratch,
            open_board(board) as opened,
            opened.store.leased("spread", EXPECTED_SECONDS, wait, progress),
        ):
            digest = bundle_to_run(opened, app, opened_bundle, progress)
            plan = RunPlan(OutputFolder.open(Path(scratch)), bench=bench)
            found = []
            for _ in range(sessions):
                with start_agent(opened, choose_runtime(opened, runtime)) as agent:
                    found.append(execute(opened, agent, digest, plan, progress))
            return found

    def show(report: Report, console: Terminal) -> None:
        _show(report, sessions, console)

    fleet = FleetOptions("spread", chosen, forks, None, None, found_config())
    ctx.exit(measure_on_many(fleet, measure, latency_words, show, folder, as_json=False))


def _show(report: Report, sessions: int, console: Terminal) -> None:
    medians: dict[str, list[float]] = {}
    last: dict[str, Run] = {}
    for run in report.runs:
        total = None if run.latency is None else run.latency.stages.get("total")
        if total is not None and total.p50_ms is not None:
            medians.setdefault(run.board.name, []).append(total.p50_ms)
            last[run.board.name] = run
    whole = {board: values for board, values in medians.items() if len(values) == sessions}
    if len(whole) < FEWEST_BOARDS:
        console.print(Text(f"no spread: {len(whole)} boards were measured to the end, {FEWEST_BOARDS} are the least"))
        return
    found = spread_of(whole)
    for line in spread_lines(found, {board: last[board] for board in whole}):
        console.print(Text(line), soft_wrap=True)


def spread_lines(found: Spread, runs: dict[str, Run]) -> list[str]:
    """What is between and within, then each odd one with what differs."""
    lines = [
        f"total p50, median of {len(runs)} boards: {found.median_ms:.2f} ms",
        f"between boards: {_percent(found.between)}",
        f"within a board: {_percent(found.within)}, from session to session",
        "boards differ from each other" if found.told_apart else "boards are not told apart from each other",
    ]
    for board in found.odd:
        why = "; ".join(oddities(board, runs)) or "nothing that boards tell differs"
        lines.append(f"odd one out: {board}, {found.ratios[board]:.3f} times the median: {why}")
    return lines


def _percent(share: Share) -> str:
    return f"{share.value * 100:.2f} % ({share.low * 100:.2f} to {share.high * 100:.2f}, 95 %)"
