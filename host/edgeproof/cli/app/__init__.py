"""`edgeproof app`: what a board serves, by name."""

import click

from edgeproof.cli.options.lazy_group import LazyGroup

_COMMANDS = {
    "list": "List a board's apps, and which bundle each serves.",
    "remove": "Take an app off a board.",
}


@click.group(name="app", cls=LazyGroup, package=__name__, summaries=_COMMANDS)
def command() -> None:
    """List and remove the apps of a board. A push makes one: a name, and the bundle that it serves."""
