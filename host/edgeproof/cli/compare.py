"""`edgeproof compare`: two earlier runs against each other."""

import click
from rich.table import Table
from rich.text import Text

from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.config.boards import find_config
from edgeproof.errors import HistoryError
from edgeproof.history.comparing import Compared, MapChange, compare_runs, find_side
from edgeproof.history.environment import FACTS
from edgeproof.history.opening import open_history
from edgeproof.history.place import history_url


@click.command(name="compare", cls=BoardCommand)
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@click.option("--differs", multiple=True, type=click.Choice(FACTS), help="This may differ between them. Repeatable.")
def command(first: str, second: str, differs: tuple[str, ...]) -> None:
    """Compare run B with run A: report.json files, numbers of 'edgeproof history', or baselines.

    Two runs of different days are compared by the intervals of their medians and the day-to-day scatter of a board, so
    a few percent are not told apart: 'edgeproof bench BOARD A B' measures those in turns. mAP is compared picture by
    picture, where both were evaluated on the same ones.
    """
    try:
        history = open_history(history_url(find_config()))
    except HistoryError:
        if not (first.endswith(".json") and second.endswith(".json")):
            raise
        history = None
    try:
        a = find_side(first, history)
        b = find_side(second, history, a.run)
    finally:
        if history is not None:
            history.close()
    _print(compare_runs(a, b, differs), Terminal())


def _print(compared: Compared, console: Terminal) -> None:
    for letter, side in (("A", compared.first), ("B", compared.second)):
        run = side.run
        named = f"{run.bundle.name} {run.bundle.variant} {run.bundle.digest[:12]} on {run.board.name}, "
        named += f"{run.runtime.name} {run.runtime.version}, {side.report.created or 'no date'}"
        console.print(Text(f"{letter}  {named}"), soft_wrap=True)
    for fact, words in compared.differing.items():
        console.print(Text(f"   {fact}: {words}, as declared", style="dim"), soft_wrap=True)
    if compared.stages:
        _print_stages(compared, console)
    if compared.map is not None:
        console.print(Text(_map_line(compared.map)), soft_wrap=True)


def _map_line(change: MapChange | str) -> str:
    if isinstance(change, str):
        return f"mAP is not compared: {change}"
    told = ("better" if change.change.value > 0 else "worse") if change.told_apart else "not told apart"
    line = f"mAP  {change.before.value:.3f} -> {change.after.value:.3f}: {change.change.value:+.4f}"
    if change.change.low is None or change.change.high is None:
        return f"{line}; too few pictures for an interval"
    return f"{line} ({change.change.low:+.4f} to {change.change.high:+.4f}, picture by picture), {told}"


def _print_stages(compared: Compared, console: Terminal) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("stage", "A p50 ms", "B p50 ms", "B over A", "interval", ""):
        table.add_column(title, justify="left" if title in ("stage", "") else "right")
    for change in compared.stages:
        told = ("slower" if change.percent > 0 else "faster") if change.told_apart else "not told apart"
        interval = f"{change.low:+.1f} to {change.high:+.1f} %"
        table.add_row(
            change.stage,
            f"{change.before_ms:.4g}",
            f"{change.after_ms:.4g}",
            f"{change.percent:+.1f} %",
            interval,
            told,
        )
    console.print(table)
    for note in dict.fromkeys(change.note for change in compared.stages if change.note):
        console.print(Text(note, style="dim"), soft_wrap=True)
