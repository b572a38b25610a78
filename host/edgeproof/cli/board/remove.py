"""`edgeproof board remove`: takes a board out of edgeproof.toml."""

import click

from edgeproof.cli.display.echo import echo
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.config.boards import CONFIG_FILE, find_config
from edgeproof.config.editing import remove_board
from edgeproof.errors import ProfileError


@click.command(name="remove", cls=BoardCommand)
@click.argument("name")
def command(name: str) -> None:
    """Take the board NAME out of edgeproof.toml. The board itself and known_hosts stay as they are."""
    path = find_config()
    if path is None:
        raise ProfileError(f"there is no {CONFIG_FILE} here or in a folder above")
    remove_board(path, name)
    echo(f"{name} is no longer in {path}. What edgeproof put on it lies under ~/.edgeproof there.")
