"""`edgeproof help`: a topic that no single command explains, or a command's own help."""

import difflib
from collections.abc import Sequence
from importlib.resources import files
from typing import NoReturn

import click

from edgeproof.cli.display.echo import echo
from edgeproof.cli.options.grouped_help import BoardCommand

TOPICS = {
    "boards": "How a board is named, or many of them.",
    "config": "What edgeproof.toml holds, and which one counts.",
    "gates": "What a limit looks like, and when it holds.",
    "sources": "Where pictures and streams come from.",
    "exit": "What an exit status says.",
    "shell": "Completion, colours and man pages.",
}
"""Name to what it is about."""


def topic_text(topic: str) -> str:
    """A topic of `TOPICS` as it is printed."""
    return (files("edgeproof.cli") / "topics" / f"{topic}.txt").read_text(encoding="utf-8")


@click.command(name="help", cls=BoardCommand)
@click.argument("words", nargs=-1, metavar="[TOPIC|COMMAND]")
@click.pass_context
def command(ctx: click.Context, words: Sequence[str]) -> None:
    """Explain a topic or a command.

    Topics: boards, config, gates, sources, exit, shell.
    """
    if len(words) == 1 and words[0] in TOPICS:
        echo(topic_text(words[0]), nl=False)
        return
    parent = ctx.parent
    assert parent is not None
    if not words:
        echo(parent.get_help())
        echo()
        echo("Topics of edgeproof help:")
        for topic, about in TOPICS.items():
            echo(f"  {topic:<9} {about}")
        return
    found = parent
    for word in words:
        group = found.command
        inner = group.get_command(found, word) if isinstance(group, click.Group) else None
        if inner is None:
            _refuse(" ".join(words), ctx)
        found = click.Context(inner, parent=found, info_name=word)
    echo(found.get_help())


def _refuse(words: str, ctx: click.Context) -> NoReturn:
    assert ctx.parent is not None
    group = ctx.parent.command
    assert isinstance(group, click.Group)
    near = difflib.get_close_matches(words, [*TOPICS, *group.list_commands(ctx.parent)], 1)
    meant = f" Did you mean '{near[0]}'?" if near else ""
    raise click.UsageError(f"There is no topic and no command '{words}'.{meant} Topics are: {', '.join(TOPICS)}.", ctx)
