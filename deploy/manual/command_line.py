"""The command line's pages, out of click's own commands."""

from collections.abc import Iterator
from dataclasses import dataclass

import click

from edgeproof.cli.main import cli
from edgeproof.cli.options.examples import examples_of
from edgeproof.cli.options.grouped_help import in_groups

OVERVIEW = "generated/command-line.md"
FOLDER = "generated/commands"


@dataclass(frozen=True)
class Shown:
    """A command that does something, with the words that call it."""

    words: tuple[str, ...]
    command: click.Command

    @property
    def name(self) -> str:
        return " ".join(self.words)

    @property
    def context(self) -> click.Context:
        return click.Context(self.command, info_name=f"edgeproof {self.name}")


def commands() -> Iterator[Shown]:
    """All of them, in the order of `edgeproof --help`."""
    yield from _below(cli, ())


def _below(group: click.Group, words: tuple[str, ...]) -> Iterator[Shown]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _below(command, (*words, name))
        else:
            yield Shown((*words, name), command)


def pages() -> dict[str, str]:
    """One a command, and one that lists them."""
    shown = list(commands())
    return {
        OVERVIEW: _overview(shown),
        **{f"{FOLDER}/{'-'.join(item.words)}.md": _page(item) for item in shown},
    }


def _overview(shown: list[Shown]) -> str:
    rows = [
        f"| [`{item.name}`](commands/{'-'.join(item.words)}.md) | {_cell(item.command.get_short_help_str(200))} |"
        for item in shown
    ]
    return "\n".join(
        [
            "# Command line",
            "",
            "This page and those of the commands are made out of the commands themselves:",
            "`edgeproof COMMAND --help` says the same. `edgeproof help TOPIC` explains what no single command does.",
            "",
            _paragraphs(cli.help or ""),
            "",
            "| command | what it does |",
            "|---|---|",
            *rows,
            "",
            "Options of `edgeproof` itself, ahead of the command:",
            "",
            *_table([record for option in cli.params if (record := option.get_help_record(click.Context(cli)))]),
            "",
        ]
    )


def _page(item: Shown) -> str:
    context = item.context
    usage = " ".join(item.command.collect_usage_pieces(context))
    lines = [
        f"# edgeproof {item.name}",
        "",
        _paragraphs(item.command.help or ""),
        "",
        "```text",
        f"edgeproof {item.name} {usage}",
        "```",
        "",
        "```shell",
        *examples_of(item.name),
        "```",
        "",
    ]
    for title, records in in_groups(item.command, context):
        lines += [f"## {title}", "", *_table(records), ""]
    return "\n".join(lines)


def _table(records: list[tuple[str, str]]) -> list[str]:
    return [
        "| option | what it is for |",
        "|---|---|",
        *[f"| {_code(option)} | {_cell(said)} |" for option, said in records],
    ]


def _paragraphs(text: str) -> str:
    """click's text, whose paragraphs may be indented."""
    return _escaped("\n\n".join(" ".join(part.split()) for part in text.replace("\b", "").split("\n\n")))


def _cell(text: str) -> str:
    return _escaped(" ".join(text.split())).replace("|", "\\|")


def _code(text: str) -> str:
    return "`" + " ".join(text.split()).replace("|", "\\|") + "`"


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace("*", "\\*").replace("[", "\\[").replace("_", "\\_")
