"""A name for a model, asked for on a terminal where its files do not tell one."""

import sys

import click


def ask_for_name(suggested: str) -> str:
    """What a person says on a terminal, where an empty answer takes the suggestion; elsewhere the suggestion."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return suggested
    return str(click.prompt("The files do not name this model. What are it and its app called?", default=suggested))
