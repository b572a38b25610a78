"""`edgeproof fleet status`: what is served where since when, boards that serve the same drawn together."""

import json
from collections.abc import Sequence
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text

from edgeproof.bundle import Bundle, open_bundle
from edgeproof.cli.display.apps import describe_age
from edgeproof.cli.display.echo import echo
from edgeproof.cli.display.fleet_view import print_failures, shown_fleet
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.many.fleet_work import EXIT_INTERRUPTED, forks_of
from edgeproof.cli.many.status import status_of
from edgeproof.cli.options.board import app_option
from edgeproof.cli.options.boards import FleetOptions, choose_boards, forks_option, found_config, narrowing_options
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cli.options.paths import PATH
from edgeproof.config.boards import BoardProfile
from edgeproof.fleet.inventory.selection import ALL
from edgeproof.fleet.outcome import UNHEALTHY, Done, Outcome, worst_status
from edgeproof.fleet.served import ServedGroup, departing, served_groups
from edgeproof.fleet.side_by_side import InterruptedWorkError, side_by_side
from edgeproof.wording.counting import counted
from edgeproof.wording.name_ranges import name_ranges
from edgeproof.wording.progress import ProgressListener

SCHEMA = "edgeproof.fleet-status/1"


@click.command(name="status", cls=BoardCommand)
@click.argument("boards", nargs=-1, metavar="[BOARD...]")
@narrowing_options
@forks_option
@app_option
@click.option("--want", type=PATH, metavar="BUNDLE", help="The bundle that should be served: name who departs from it.")
@click.option("--json", "as_json", is_flag=True, help=f"Print JSON (schema {SCHEMA}).")
@click.pass_context
def command(
    ctx: click.Context,
    boards: tuple[str, ...],
    limit: tuple[str, ...],
    exclude: tuple[str, ...],
    inventories: tuple[Path, ...],
    forks: int | None,
    app: str | None,
    want: Path | None,
    as_json: bool,
) -> None:
    """Show what BOARDs serve since when, those that serve the same in one line. All boards where none is named.

    Exit status: 0 when all is as it should be, 1 when a board departs from --want, 2 when one cannot be asked.
    """
    wanted = open_bundle(want) if want is not None else None
    chosen = choose_boards(boards or (ALL,), limit, exclude, inventories).boards
    fleet = FleetOptions("fleet status", chosen, forks, None, None, found_config())
    console = Terminal(stderr=as_json)

    def job(board: BoardProfile, progress: ProgressListener) -> Done:  # noqa: ARG001
        return status_of(board, app)

    try:
        with shown_fleet([board.name for board in chosen], console, quiet=True) as listen:
            outcomes = side_by_side(chosen, job, forks_of(fleet), listen)
    except InterruptedWorkError:
        ctx.exit(EXIT_INTERRUPTED)
    away = departing(outcomes, app, wanted) if wanted is not None else []
    if as_json:
        echo(json.dumps(_document(outcomes, away, wanted), indent=2))
    else:
        _print(outcomes, away, wanted, console)
    ctx.exit(max(worst_status(outcomes), UNHEALTHY if away else 0))


def _print(outcomes: Sequence[Outcome], away: Sequence[str], wanted: Bundle | None, console: Terminal) -> None:
    failed = sum(outcome.done is None for outcome in outcomes)
    answers = f"{len(outcomes) - failed} of {counted(len(outcomes), 'board')} answer"
    console.print(Text(answers, "bold"))
    table = Table("app", "bundle", "boards", "since", box=None, pad_edge=False, header_style="bold")
    table.columns[2].justify = "right"
    for group in served_groups(outcomes):
        table.add_row(*_cells(group))
    console.print(table)
    for group in served_groups(outcomes):
        what = group.digest[:8] if group.digest is not None else "nothing"
        console.print(Text(f"{what}: ", "bold") + Text(name_ranges(group.boards)))
    if wanted is not None:
        what = f"{wanted.digest[:8]} {wanted.manifest.variant}"
        if away:
            text = Text(f"{counted(len(away), 'board')} depart from {what}: ", "yellow") + Text(name_ranges(away))
        else:
            text = Text(f"every board that answers serves {what}", "green")
        console.print(text)
    print_failures(outcomes, console)


def _cells(group: ServedGroup) -> tuple[Text, ...]:
    if group.digest is None:
        return Text(group.app or "none", "dim"), Text("nothing", "dim"), Text(str(len(group.boards))), Text("")
    newest, oldest = describe_age(group.newest_seconds), describe_age(group.oldest_seconds)
    since = newest if newest == oldest else f"{oldest} to {newest}"
    return Text(group.app or ""), Text(f"{group.digest[:8]} {group.variant}"), Text(str(len(group.boards))), Text(since)


def _document(outcomes: Sequence[Outcome], away: Sequence[str], wanted: Bundle | None) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "want": None if wanted is None else wanted.digest,
        "departing": list(away),
        "boards": [outcome.to_json() for outcome in outcomes],
    }
