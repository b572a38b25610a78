"""Lines of text to the terminal, through the same door as tables: nothing in them can steer it. Light to import."""

import contextlib
import os
from collections.abc import Iterator
from typing import IO, Any

import click

from edgeproof.wording.printable import shown

_unread: list[bool] = []
"""Holds something once a reader has ended, as `| head` does."""


def note_lost_reader() -> None:
    """What is still printed goes nowhere: the command goes on, and writes its files."""
    _unread.append(True)


def is_unread() -> bool:
    """Whether anything of what was printed has found no reader."""
    return bool(_unread)


@contextlib.contextmanager
def _printing() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        note_lost_reader()


def echo(text: str = "", err: bool = False, nl: bool = True) -> None:
    """Prints a line of text to standard output, or to standard error."""
    with _printing():
        click.echo(shown(text), err=err, nl=nl)


def echo_heading(text: str) -> None:
    """Prints what an error message begins with."""
    colour = False if os.environ.get("NO_COLOR") else None  # None: where it is a terminal
    with _printing():
        click.secho(shown(text), fg="red", bold=True, err=True, nl=False, color=colour)


class ShownFile:
    """A file whose text is shown on standard error: click writes its own errors to one."""

    def write(self, text: str) -> int:
        with _printing():
            click.echo(shown(text), err=True, nl=False)
        return len(text)

    def flush(self) -> None: ...


def show_usage_error(error: click.ClickException) -> None:
    """click's message, which repeats what was typed."""
    file: IO[Any] = ShownFile()  # type: ignore[assignment]
    error.show(file)
