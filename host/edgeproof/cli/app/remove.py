"""`edgeproof app remove`: takes an app off a board."""

import click

from edgeproof.board.open_board import open_board
from edgeproof.cli.display.echo import echo
from edgeproof.cli.options.board import board_argument
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.config.boards import BoardProfile


@click.command(name="remove", cls=BoardCommand)
@board_argument
@click.option("--app", required=True, metavar="NAME", help="App to take off the board.")
def command(board: BoardProfile, app: str) -> None:
    """Take an app off BOARD. Its bundles stay until `edgeproof prune`: a push of the same bundle sends nothing."""
    with open_board(board) as opened:
        opened.store.remove_app(app)
    echo(f"{app} is no longer on {board.name}. To free what it took: edgeproof prune {board.name}")
