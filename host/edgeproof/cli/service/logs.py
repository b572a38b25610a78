"""`edgeproof service logs`: what befell a service."""

import click

from edgeproof.board.open_board import open_board
from edgeproof.board.service import service_events
from edgeproof.cli.display.echo import echo
from edgeproof.cli.display.service import only_service
from edgeproof.cli.options.board import board_argument
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cli.options.service import service_option
from edgeproof.config.boards import BoardProfile


@click.command(name="logs", cls=BoardCommand)
@board_argument
@service_option
@click.option("--lines", type=click.IntRange(1, 1000), default=30, show_default=True, help="How many of the last.")
def command(board: BoardProfile, app: str | None, lines: int) -> None:
    """Show what befell a service of BOARD: starts, lost and found sources, bundles that came and were given up.

    Below that, what systemd says of it, where the login may read its journal. Times are the board's, in UTC.
    """
    with open_board(board) as opened:
        name = only_service(opened, app)
        events, journal = service_events(opened, name, lines)
    for event in events:
        echo(f"{event['time'][:19].replace('T', ' ')}  {event['event']}: {event['text']}")
    if not events:
        echo(f"{name} has written nothing yet")
    if journal is not None:
        echo("\nsystemd's journal:")
        echo(journal.rstrip())
