"""Lines of a shell that call edgeproof, held against the commands: options exist, values are of their kind."""

import shlex
from collections.abc import Iterator

import click

from edgeproof.cli.main import cli

_SEPARATORS = {"|", "||", "&&", ";", ">", ">>", "<", "2>", "\\"}
_LOOKED_UP = ("board", "boards")
"""What edgeproof.toml says decides whether these are right."""


def calls_of_edgeproof(text: str) -> Iterator[list[str]]:
    """The words behind `edgeproof` of each call in lines of a shell; `#` begins a remark, a backslash goes on."""
    joined = text.replace("\\\n", " ")
    for line in joined.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        lexer.commenters = "#"
        words = list(lexer)
        while words:
            end = next((at for at, word in enumerate(words) if word in _SEPARATORS), len(words))
            call, words = words[:end], words[end + 1 :]
            if call[:1] == ["edgeproof"]:
                yield call[1:]


def require_understood(words: list[str]) -> None:
    """Raises `click.UsageError` for a command or an option that there is not, a value that does not fit, or one that
    is missing. Nothing is run, and no file is looked for."""
    context = click.Context(cli, info_name="edgeproof")
    command: click.Command = cli
    rest = [word for word in words if word != "--debug"]
    if rest in (["--help"], ["--version"]):
        return
    while isinstance(command, click.Group):
        if not rest:
            raise click.UsageError(f"{context.command_path} needs a command")
        name, inner, rest = command.resolve_command(context, rest)
        assert inner is not None
        context, command = click.Context(inner, parent=context, info_name=name), inner
    if "--help" in rest:
        return
    given, _, _ = command.make_parser(context).parse_args(args=list(rest))
    for parameter in command.params:
        value = given.get(str(parameter.name))
        empty = value is None or value == () or not isinstance(value, str | tuple | list | bool | int)
        if empty and parameter.required:
            raise click.UsageError(f"{' '.join(words)}: {parameter.name} is missing")
        if not empty and not isinstance(parameter.type, click.Path) and parameter.name not in _LOOKED_UP:
            parameter.type_cast_value(context, value)
