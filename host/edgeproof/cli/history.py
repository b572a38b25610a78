"""`edgeproof history`: earlier reports, where their figures changed, and baselines."""

from collections.abc import Sequence
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from edgeproof.cli.display.echo import echo
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cli.options.paths import PATH
from edgeproof.config.boards import find_config
from edgeproof.errors import UsageError
from edgeproof.history.change_points import ChangePoint
from edgeproof.history.database import History
from edgeproof.history.environment import differences
from edgeproof.history.kept_run import KeptRun
from edgeproof.history.opening import open_history
from edgeproof.history.place import history_url
from edgeproof.history.series import FIGURES, MAP, Key, changes_of, series_of, values_of
from edgeproof.wording.counting import counted

_SHOWN = 20


@click.command(name="history", cls=BoardCommand)
@click.option("--board", metavar="NAME", help="Only runs on this board.")
@click.option("--bundle", "model", metavar="NAME", help="Only bundles of this name, or whose digest begins so.")
@click.option(
    "--figure",
    "--stage",
    "figure",
    type=click.Choice(FIGURES),
    default="total",
    show_default=True,
    help="What is listed and judged: a stage's median, or mAP.",
)
@click.option("--last", type=click.IntRange(1, 100_000), default=_SHOWN, show_default=True, help="How many are listed.")
@click.option("--plot", type=PATH, metavar="FILE", help="Draw the figure over time, as a .png or .svg.")
@click.option(
    "--set-baseline", nargs=2, metavar="NAME NUMBER", help="Name a report, for 'compare' and 'check --baseline NAME'."
)
def command(
    board: str | None,
    model: str | None,
    figure: str,
    last: int,
    plot: Path | None,
    set_baseline: tuple[str, str] | None,
) -> None:
    """List what check, bench, parity and accuracy measured before, and tell where it changed for good.

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
        _list(history, board, model, figure, last, plot)
    finally:
        history.close()


def _list(history: History, board: str | None, model: str | None, figure: str, last: int, plot: Path | None) -> None:
    runs = history.runs(board, model)
    if not runs:
        echo(f"{history.shown} has no such runs yet. edgeproof check, bench, parity and accuracy keep theirs there.")
        return
    console = Terminal()
    _print_runs(console, runs[-last:], figure, {number: name for name, number in history.baselines().items()})
    if len(runs) > last:
        console.print(Text(f"the last {last} of {counted(len(runs), 'run')}; --last shows more"), soft_wrap=True)
    lines = series_of(runs, figure)
    changes = {key: changes_of(some, figure) for key, some in lines.items()}
    _print_changes(console, lines, changes, figure)
    if plot is not None:
        from edgeproof.report.charts.history_plot import Line, write_history_plot

        drawn = [
            Line(
                " ".join(key),
                tuple(run.created for run in some),
                tuple(values_of(some, figure)),
                tuple(change.place for change in changes[key]),
            )
            for key, some in lines.items()
        ]
        write_history_plot(plot, drawn, "mAP" if figure == MAP else f"{figure}, median in ms")
        console.print(Text(f"plot: {plot}"), soft_wrap=True)


def _print_runs(console: Terminal, runs: Sequence[KeptRun], figure: str, names: dict[int, str]) -> None:
    numbers = ["mAP"] if figure == MAP else [f"{figure} p50", *["mAP"] * any(run.accuracy for run in runs)]
    table = Table(box=None, pad_edge=False)
    for title in ("run", "when", "board", "bundle", "runtime"):
        table.add_column(title, overflow="fold")
    for title in numbers:
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    for run in runs:
        figures = run.stages.get(figure)
        verdict = " ".join(filter(None, (run.answer, "void" if run.void else None)))
        cells = {
            f"{figure} p50": "-" if figures is None else f"{figures.p50_ms:.3g} ms",
            "mAP": _map_words(run, figure == MAP),
        }
        table.add_row(
            run.number + (f" {names[run.report]}" if run.report in names else ""),
            run.created[:10],
            run.board,
            f"{run.lineage} {run.variant}",
            run.runtime,
            *[cells[title] for title in numbers],
            verdict or "-",
        )
    console.print(table)


def _map_words(run: KeptRun, with_interval: bool) -> str:
    if run.accuracy is None:
        return "-"
    value = run.accuracy.estimate
    words = f"{value.value:.3f}" + (f", {run.accuracy.failed} failed" if run.accuracy.failed else "")
    if not with_interval or value.low is None or value.high is None:
        return words
    return f"{words} ({value.low:.3f} to {value.high:.3f})"


def _print_changes(
    console: Terminal, lines: dict[Key, list[KeptRun]], changes: dict[Key, list[ChangePoint]], figure: str
) -> None:
    for key, found in changes.items():
        for change in found:
            before, after = lines[key][change.place - 1], lines[key][change.place]
            title, unit = ("mAP", "") if figure == MAP else (figure, " ms")
            text = f"{' '.join(key)}: {title} {change.step:+.1%} from run {after.number} on "
            text += f"({change.before:.3g} to {change.after:.3g}{unit})"
            around = differences(before.environment, after.environment)
            if before.digest != after.digest:
                around = {"bundle": f"{before.digest[:6]} -> {after.digest[:6]}", **around}
            why = "; ".join(f"{fact} {words}" for fact, words in around.items())
            console.print(Text(f"{text}; with it changed: {why or 'nothing that is known'}"), soft_wrap=True)
