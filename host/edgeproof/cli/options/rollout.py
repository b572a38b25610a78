"""The options of a push to many boards: how far it goes at a time, and when it stops."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., Any])

ROLLOUT_OPTIONS = ("canary", "serial", "gates", "canary_seconds", "max_fail", "on_fail", "resume")
"""What they are called as arguments: for many boards alone."""


def rollout_options(command: _Command) -> _Command:
    options = [
        click.option(
            "--canary", metavar="N|N%", help="So many boards first: checked, by the gates too, before the rest."
        ),
        click.option("--serial", metavar="N|N%", help="So many boards at a time after them.  [default: all]"),
        click.option(
            "--gate", "gates", multiple=True, metavar="GATE", help="For canaries, in place of those of [check]."
        ),
        click.option(
            "--canary-for",
            "canary_seconds",
            type=click.FloatRange(0),
            metavar="SECONDS",
            help="Check canaries so long.",
        ),
        click.option("--max-fail", metavar="N|N%", help="Stop when more boards than this have failed.  [default: 0]"),
        click.option(
            "--on-fail", type=click.Choice(["stay", "rollback"]), help="When it stops: roll back what switched."
        ),
        click.option("--resume", is_flag=True, help="Go on where a push of this bundle stopped."),
    ]
    decorated: Callable[..., Any] = command
    for option in reversed(options):
        decorated = option(decorated)
    return decorated  # type: ignore[return-value]
