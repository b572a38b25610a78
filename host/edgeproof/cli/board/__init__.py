"""`edgeproof board`: which boards there are, who may pose as them, and how they are."""

import click

from edgeproof.cli.options.lazy_group import LazyGroup

_COMMANDS = {
    "add": "Write a board to edgeproof.toml.",
    "list": "List the boards of edgeproof.toml.",
    "remove": "Take a board out of edgeproof.toml.",
    "trust": "Trust a board's host key.",
    "cameras": "List a board's cameras with their formats and sizes.",
    "doctor": "Examine a board: what it is, what is wrong with it, and what helps.",
}


@click.group(name="board", cls=LazyGroup, package=__name__, summaries=_COMMANDS)
def command() -> None:
    """Add, list and remove boards, trust their host keys, list cameras, and ask what is wrong with one."""
