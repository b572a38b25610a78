"""`edgeproof fleet`: what is true of many boards together."""

import click

from edgeproof.cli.options.lazy_group import LazyGroup

_COMMANDS = {
    "status": "Show what is served where since when, and who departs from what should be.",
    "spread": "Tell what differs between boards of one kind from what differs within each.",
}


@click.group(name="fleet", cls=LazyGroup, package=__name__, summaries=_COMMANDS)
def command() -> None:
    """Look at many boards together. What is done to many the commands themselves do: edgeproof push GROUP BUNDLE."""
