"""`edgeproof history`: earlier reports, where their figures changed, and baselines."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from edgeproof.cli.display.echo import echo
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.paths import PATH
from edgeproof.config.boards import find_config
from edgeproof.errors import UsageError
from edgeproof.history.change_points import ChangePoint, change_points
from edgeproof.history.database import History
from edgeproof.history.environment import differences
from edgeproof.history.kept_run import KeptRun
from edgeproof.history.opening import open_history
from edgeproof.history.place import history_url
from edgeproof.wording.counting import counted

_SHOWN = 20


@click.command(name="history")
@click.option("--board", metavar="NAME", help="Only runs on this board.")
@click.option("--bundle", "model", metavar="NAME", help="Only bundles of this name, or whose digest begins so.")
@click.option("--stage", default="total", show_default=True, metavar="STAGE", help="Whose median is listed and judged.")
@click.option("--last", type=click.IntRange(1, 100_000), default=_SHOWN, show_default=True, help="How many are listed.")
@click.option("--plot", type=PATH, metavar="FILE", help="Draw the medians over time, as a .png or .svg.")
@click.option(
    "--set-baseline", nargs=2, metavar="NAME NUMBER", help="Name a report, for 'compare' and 'check --baseline NAME'."
)
def command(
    board: str | None, model: str | None, stage: str, last: int, plot: Path | None, set_baseline: tuple[str, str] | None
) -> None:
    """List what check, bench and parity measured before, and tell where it changed for good.

    The history is a file of yours, or a team's database: EDGEPROOF_HISTORY, or [history] url in edgeproof.toml, names
    it as a file or a SQLAlchemy URL.
    """
    history = open_history(history_url(find_config()))
    try:
        if set_baseline is not None:
            name, number = set_baseline
            if not number.isdigit():
                raise UsageError(f"{number!r} is no number of a report. List them: edgeproof history")
            history.set_baseline(name, int(number))
            echo(f"{name} is report {number}")
            return
        _list(history, board, model, stage, last, plot)
    finally:
        history.close()


def _list(history: History, board: str | None, model: str | None, stage: str, last: int, plot: Path | None) -> None:
    runs = history.runs(board, model)
    if not runs:
        echo(f"{history.shown} has no such runs yet. edgeproof check, bench and parity keep theirs there.")
        return
    console = Terminal()
    _print_runs(console, runs[-last:], stage, {number: name for name, number in history.baselines().items()})
    if len(runs) > last:
        console.print(Text(f"the last {last} of {counted(len(runs), 'run')}; --last shows more"), soft_wrap=True)
    lines = series_of(runs, stage)
    changes = {key: _changes(some, stage) for key, some in lines.items()}
    _print_changes(console, lines, changes, stage)
    if plot is not None:
        from edgeproof.report.charts.history_plot import Line, write_history_plot

        drawn = [
            Line(
                " ".join(key),
                tuple(run.created for run in some),
                tuple(run.stages[stage].p50_ms for run in some),
                tuple(change.place for change in changes[key]),
            )
            for key, some in lines.items()
        ]
        write_history_plot(plot, drawn, stage)
        console.print(Text(f"plot: {plot}"), soft_wrap=True)


def series_of(runs: Sequence[KeptRun], stage: str) -> dict[tuple[str, ...], list[KeptRun]]:
    """Runs that can be held against each other: of one board, model, variant, runtime and number of threads.

    Void ones are left out: their figures are not the bundle's.
    """

    def key(run: KeptRun) -> tuple[str, ...]:
        threads = "" if run.threads is None else f"{run.threads}t"
        return run.board, run.lineage, run.variant, run.runtime, threads

    usable = sorted((run for run in runs if stage in run.stages and not run.void), key=key)
    return {name: list(some) for name, some in itertools.groupby(usable, key)}


def _changes(runs: Sequence[KeptRun], stage: str) -> list[ChangePoint]:
    figures = [run.stages[stage].p50_ms for run in runs]
    return change_points(figures) if min(figures) > 0 else []


def _print_runs(console: Terminal, runs: Sequence[KeptRun], stage: str, names: dict[int, str]) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("run", "when", "board", "bundle", "runtime", f"{stage} p50", "verdict"):
        table.add_column(title, justify="right" if title.endswith("p50") else "left", overflow="fold")
    for run in runs:
        figures = run.stages.get(stage)
        verdict = " ".join(filter(None, (run.answer, "void" if run.void else None)))
        table.add_row(
            run.number + (f" {names[run.report]}" if run.report in names else ""),
            run.created[:10],
            run.board,
            f"{run.lineage} {run.variant}",
            run.runtime,
            "-" if figures is None else f"{figures.p50_ms:.3g} ms",
            verdict or "-",
        )
    console.print(table)


def _print_changes(
    console: Terminal,
    lines: dict[tuple[str, ...], list[KeptRun]],
    changes: dict[tuple[str, ...], list[ChangePoint]],
    stage: str,
) -> None:
    for key, found in changes.items():
        for change in found:
            before, after = lines[key][change.place - 1], lines[key][change.place]
            text = f"{' '.join(key)}: {stage} {change.step:+.1%} from run {after.number} on "
            text += f"({change.before:.3g} to {change.after:.3g} ms)"
            around = differences(before.environment, after.environment)
            if before.digest != after.digest:
                around = {"bundle": f"{before.digest[:6]} -> {after.digest[:6]}", **around}
            why = "; ".join(f"{fact} {words}" for fact, words in around.items())
            console.print(Text(f"{text}; with it changed: {why or 'nothing that is known'}"), soft_wrap=True)
