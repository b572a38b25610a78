"""`edgeproof service remove`: ends a service and drops what it wrote."""

import click

from edgeproof.board.open_board import open_board
from edgeproof.board.service import remove_service
from edgeproof.cli.display.echo import echo
from edgeproof.cli.options.board import board_argument
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.config.boards import BoardProfile


@click.command(name="remove", cls=BoardCommand)
@board_argument
@click.option("--app", required=True, metavar="NAME", help="App whose service it is.")
def command(board: BoardProfile, app: str) -> None:
    """End a service of BOARD and drop its unit, its detections and its log. The app and its bundles stay.

    What it has found and you want: edgeproof service pull first.
    """
    with open_board(board) as opened:
        remove_service(opened, app)
    echo(f"the service {app} is no longer on {board.name}")
