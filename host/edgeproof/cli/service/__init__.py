"""`edgeproof service`: an app that a board's systemd keeps running on a source."""

import click

from edgeproof.cli.options.lazy_group import LazyGroup

_COMMANDS = {
    "install": "Have a board run an app on a source from now on.",
    "start": "Start a service, and start it with the board.",
    "stop": "Stop a service, and keep it stopped.",
    "status": "Show how a board's services are.",
    "logs": "Show what befell a service.",
    "pull": "Bring home what a service has found.",
    "remove": "End a service, and drop what it wrote.",
}


@click.group(name="service", cls=LazyGroup, package=__name__, summaries=_COMMANDS)
def command() -> None:
    """Keep a detector running on a board under systemd, through reboots, lost cameras and pushes."""
