"""`edgeproof app list`: the apps of a board."""

import click

from edgeproof.board.open_board import open_board
from edgeproof.board.store.status import read_status
from edgeproof.cli.display.apps import apps_table
from edgeproof.cli.display.echo import echo
from edgeproof.cli.display.terminal import Terminal
from edgeproof.cli.options.board import board_argument
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.config.boards import BoardProfile


@click.command(name="list", cls=BoardCommand)
@board_argument
def command(board: BoardProfile) -> None:
    """List the apps on BOARD: model, variant and digest of what each serves and served before."""
    with open_board(board) as opened:
        apps = read_status(opened.store).apps
    if not apps:
        echo(f"{board.name} has no app yet. A push makes one: edgeproof push {board.name} BUNDLE")
        return
    Terminal().print(apps_table(apps))
