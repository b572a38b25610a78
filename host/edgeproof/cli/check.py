"""`edgeproof check`: measures, holds gates against what was measured, and answers pass, fail or inconclusive."""

from dataclasses import replace
from pathlib import Path

import click
from rich.text import Text

from edgeproof.check.checking import check, exit_code
from edgeproof.check.first_config import find_bundles, write_first_check
from edgeproof.check.kept_cells import KeptCells
from edgeproof.check.matrix import Wanted, cells_of, only
from edgeproof.check.signed import sign_report, signature_path
from edgeproof.cli.display.echo import echo
from edgeproof.cli.display.keeping import keep_report
from edgeproof.cli.display.progress import shown_progress
from edgeproof.cli.display.run_output import echo_report, write_report_files
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.many.check import check_many
from edgeproof.cli.options.board import cores_option, delegate_option, json_option, wait_option
from edgeproof.cli.options.boards import FleetOptions, several_boards
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cli.options.mlflow import mlflow_option
from edgeproof.cli.options.paths import PATH
from edgeproof.cli.options.signing_key import read_signing_key
from edgeproof.config.boards import BoardProfile, all_boards, find_config
from edgeproof.config.check import CheckConfig, read_check
from edgeproof.config.editing import config_to_write
from edgeproof.errors import ReportError, UsageError
from edgeproof.fleet.inventory.selection import Selection
from edgeproof.history.opening import open_history
from edgeproof.history.place import history_url
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.record.reader import read_report
from edgeproof.record.run import Report
from edgeproof.report.sinks.badge import write_badge
from edgeproof.report.sinks.junit import write_junit
from edgeproof.report.sinks.markdown import write_markdown
from edgeproof.report.sinks.mlflow import log_report
from edgeproof.report.sinks.openmetrics import write_openmetrics
from edgeproof.report.text.terminal import print_report
from edgeproof.report.text.verdict import print_answer, print_verdict
from edgeproof.wording.progress import Progress, ProgressKind, ProgressListener

_KEPT = "cells"
_DETAILED_BOARDS = 8
"""Of more than these the terminal shows a line each; the report has the rest."""
_REPORT, _JUNIT, _SUMMARY, _METRICS, _BADGE = "report.json", "junit.xml", "summary.md", "metrics.txt", "badge.svg"


@click.command(name="check", cls=BoardCommand)
@several_boards
@click.option("--init", is_flag=True, help="Write a first [check] into edgeproof.toml, and do nothing else.")
@click.option("--bundle", "bundles", multiple=True, type=PATH, help="Check this bundle, not those of [check].")
@click.option(
    "--gate", "gates", multiple=True, metavar="GATE", help="In place of those of [check]: 'total p95 < 80 ms'."
)
@click.option("--images", "pictures", multiple=True, type=PATH, help="Pictures for parity: files and folders.")
@click.option("--data", type=PATH, metavar="DATASET", help="Labelled data set for accuracy: COCO, VOC or YOLO.")
@click.option("--runs", type=click.IntRange(1, 1_000_000), help="Measured runs.  [default: what the gates need]")
@click.option(
    "--cool-down",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="Wait this long at most for a hot board to cool down, ahead of each cell.",
)
@click.option("--only", "words", multiple=True, metavar="WORD", help="Only the cells whose name has this word.")
@click.option(
    "--on",
    metavar="CLUSTER",
    help="Have a Dask cluster measure: tcp://SCHEDULER:PORT, or local:N workers. BOARDs are those of its workers.",
)
@cores_option
@delegate_option
@wait_option
@click.option("--repeat", is_flag=True, help="Measure again what an interrupted check has measured already.")
@click.option(
    "--baseline", metavar="NAME", help="What gates 'vs baseline' compare with: of the history, or a report.json."
)
@click.option("--metrics", is_flag=True, help="Write OUT/metrics.txt too: OpenMetrics, for GitLab.")
@click.option("--badge", is_flag=True, help="Write OUT/badge.svg too: the verdict, for a README.")
@mlflow_option
@click.option("--allow-inconclusive", is_flag=True, help="In junit.xml, skip what is inconclusive; else it fails.")
@click.option("--sign", "key_path", type=PATH, metavar="KEY", help="Sign the report with an ed25519 SSH key.")
@click.option("--out", type=PATH, default=Path("build/check"), show_default=True, help="Folder for the reports.")
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    boards: tuple[BoardProfile, ...],
    forks: int | None,
    init: bool,
    bundles: tuple[Path, ...],
    gates: tuple[str, ...],
    pictures: tuple[Path, ...],
    data: Path | None,
    runs: int | None,
    cool_down: float,
    words: tuple[str, ...],
    on: str | None,
    cores: str | None,
    delegate: str | None,
    wait: float,
    repeat: bool,
    baseline: str | None,
    metrics: bool,
    badge: bool,
    mlflow: str | None,
    allow_inconclusive: bool,
    key_path: Path | None,
    out: Path,
    as_json: bool,
) -> None:
    """Measure what [check] of edgeproof.toml names, and answer whether its gates hold: pass, fail or inconclusive.

    Each bundle is measured on each board, under each runtime and number of threads. Bundles are sent where they are
    missing; no app is switched. Exit status: 0 pass, 1 fail, 3 inconclusive, 2 error. A check that was interrupted
    goes on where it was.
    """
    if init:
        _init([board.name for board in boards], bundles)
        return
    path = find_config()
    config = (read_check(path) if path is not None else None) or CheckConfig()
    wanted = Wanted(boards, bundles, pictures, gates, data, runs, cool_down, wait, cores, delegate)
    named = () if boards or not config.boards else Selection(path).choose(config.boards).boards
    console = Terminal(stderr=as_json)  # standard output is the document's
    exported = [] if bundles or path is None else _exported(config, path, console)
    note = lambda text: console.print(Text(text), soft_wrap=True)  # noqa: E731
    cells = only(cells_of(config, path, wanted, named, note, exported), words)
    earlier = None if baseline is None else _earlier(baseline, path)
    key = read_signing_key(key_path) if key_path is not None else None
    folder = OutputFolder.open(out)
    measured_on = tuple({cell.board.name: cell.board for cell in cells}.values())
    if on is not None:
        from edgeproof.cluster.checking import check_on_cluster  # Dask takes a while to load
        from edgeproof.cluster.engine import cluster

        with folder.sealed(), cluster(on, measured_on) as client, shown_progress(console) as progress:
            folder.hold()
            kept = KeptCells(out / _KEPT)
            checked = check_on_cluster(client, cells, kept, progress, repeat=repeat, baseline=earlier)
    elif len(measured_on) > 1:
        fleet = FleetOptions("check", measured_on, forks, None, None, path)
        with folder.sealed():
            folder.hold()
            checked = check_many(fleet, cells, out / _KEPT, console, repeat=repeat, baseline=earlier)
    else:
        with folder.sealed(), shown_progress(console) as progress:
            folder.hold()
            checked = check(cells, KeptCells(out / _KEPT), progress, repeat=repeat, baseline=earlier)
    report = replace(Report.now(checked.runs), not_measured=checked.failures)
    if not as_json and len(measured_on) > _DETAILED_BOARDS:
        print_answer(report, console)
    elif not as_json:
        print_verdict(report, console)
        console.print()
        print_report(report, console)
    with folder.sealed():
        junit, summary = folder.claim(_JUNIT, _SUMMARY)
        write_junit(report, junit, allow_inconclusive)
        write_markdown(report, summary)
        if metrics:
            write_openmetrics(report, *folder.claim(_METRICS))
        if badge:
            write_badge(report, *folder.claim(_BADGE))
        if key is not None:
            folder.claim(signature_path(Path(_REPORT)).name)
        write_report_files(report, folder, console)
        if key is not None:
            sign_report(folder.path / _REPORT, key)
    with shown_progress(console) as progress:
        keep_report(report, progress)
        if mlflow is not None:
            _log(report, folder.path / _REPORT, mlflow, progress)
    if as_json:
        echo_report(replace(report, outputs=tuple(folder.names)), folder.path)
    ctx.exit(exit_code(report.verdict, checked))


def _earlier(baseline: str, config: Path | None) -> Report:
    """A report.json, else a baseline of the history."""
    if baseline.endswith(".json") or Path(baseline).is_file():
        return read_report(Path(baseline))
    history = open_history(history_url(config))
    try:
        known = history.baselines()
        if baseline not in known:
            names = ", ".join(known) or "none yet"
            raise UsageError(
                f"There is no file and no baseline {baseline!r} (there are: {names}). "
                f"Name one: edgeproof history --set-baseline {baseline} NUMBER"
            )
        return history.report(known[baseline])
    finally:
        history.close()


def _log(report: Report, file: Path, uri: str, progress: ProgressListener) -> None:
    """A server that does not take it changes no verdict."""
    try:
        said = f"logged to MLflow: run {log_report(report, file, uri)}"
    except ReportError as error:
        said = f"not logged to MLflow: {error}\nOnce it is mended: edgeproof report {file} --mlflow {uri}"
    progress(Progress(said, ProgressKind.NOTE))


def _exported(config: CheckConfig, path: Path, console: Terminal) -> list[Path]:
    """The bundles of the file's model, exported where they are missing or stale."""
    if config.model is None:
        return []
    # Its import takes as long as a board's answer, and only a [check] with a model needs it.
    from edgeproof.check.exported import exported_bundles

    with shown_progress(console) as progress:
        return exported_bundles(config, path, progress)


def _init(boards: list[str], bundles: tuple[Path, ...]) -> None:
    path = config_to_write()
    known = list(all_boards(path)) if path.exists() else []
    write_first_check(path, boards or known, list(bundles) or find_bundles(path.parent))
    echo(f"wrote [check] into {path}: set its limits, then run edgeproof check")
