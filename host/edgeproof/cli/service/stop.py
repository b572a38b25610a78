"""`edgeproof service stop`: ends a service until it is started by hand."""

import click

from edgeproof.board.open_board import open_board
from edgeproof.board.service import stop_service
from edgeproof.cli.display.echo import echo
from edgeproof.cli.display.service import only_service
from edgeproof.cli.options.board import board_argument
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cli.options.service import service_option
from edgeproof.config.boards import BoardProfile


@click.command(name="stop", cls=BoardCommand)
@board_argument
@service_option
def command(board: BoardProfile, app: str | None) -> None:
    """Stop a service of BOARD. It stays stopped, also when the board starts again; what it wrote stays."""
    with open_board(board) as opened:
        name = only_service(opened, app)
        stop_service(opened, name)
    echo(f"{name} on {board.name} is stopped. Start it again: edgeproof service start {board.name} --app {name}")
