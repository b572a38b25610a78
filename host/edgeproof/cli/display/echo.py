"""Lines of text to the terminal, through the same door as tables: nothing in them can steer it. Light to import."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import IO, Any

import click

from edgeproof.wording.printable import shown

_gone: list[str] = []
"""Streams whose readers have ended, as `| head` does."""


def go_quiet(stream: IO[str]) -> None:
    """What is still written to a stream that nobody reads goes nowhere: the command goes on, and writes its files."""
    _gone.append(stream.name)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def is_unread() -> bool:
    """Whether anything of what was printed has found no reader."""
    return bool(_gone)


@contextlib.contextmanager
def _printing(stream: IO[str]) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        go_quiet(stream)


def echo(text: str = "", err: bool = False, nl: bool = True) -> None:
    """Prints a line of text to standard output, or to standard error."""
    with _printing(sys.stderr if err else sys.stdout):
        click.echo(shown(text), err=err, nl=nl)


def echo_heading(text: str) -> None:
    """Prints what an error message begins with."""
    colour = False if os.environ.get("NO_COLOR") else None  # None: where it is a terminal
    with _printing(sys.stderr):
        click.secho(shown(text), fg="red", bold=True, err=True, nl=False, color=colour)


class ShownFile:
    """A file whose text is shown on standard error: click writes its own errors to one."""

    def write(self, text: str) -> int:
        with _printing(sys.stderr):
            click.echo(shown(text), err=True, nl=False)
        return len(text)

    def flush(self) -> None: ...


def show_usage_error(error: click.ClickException) -> None:
    """click's message, which repeats what was typed."""
    file: IO[Any] = ShownFile()  # type: ignore[assignment]
    error.show(file)
