"""`edgeproof service start`: starts a service, now and with the board."""

import click

from edgeproof.board.open_board import open_board
from edgeproof.board.service import START_SECONDS, start_service
from edgeproof.cli.display.service import echo_when_active, only_service
from edgeproof.cli.options.board import board_argument
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cli.options.service import service_option
from edgeproof.config.boards import BoardProfile


@click.command(name="start", cls=BoardCommand)
@board_argument
@service_option
def command(board: BoardProfile, app: str | None) -> None:
    """Start a service of BOARD, and have it started with the board."""
    with open_board(board) as opened:
        name = only_service(opened, app)
        start_service(opened, name)
        echo_when_active(opened, name, START_SECONDS)
