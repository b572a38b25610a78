"""The arguments that every command on a board has."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from edgeproof.board.profile import find_board
from edgeproof.board.runtimes import RUNTIME_NAMES
from edgeproof.cli.paths import PATH

_Command = TypeVar("_Command", bound=Callable[..., Any])


def board_argument(command: _Command) -> _Command:
    """BOARD: user@host[:port], or a name from edgeproof.toml."""
    return click.argument("board", type=find_board, metavar="BOARD")(command)


def runtime_option(command: _Command) -> _Command:
    return click.option(
        "--runtime", type=click.Choice(RUNTIME_NAMES), help="Runtime to use.  [default: the preferred one on the board]"
    )(command)


def app_option(command: _Command) -> _Command:
    return click.option("--app", metavar="NAME", help="App on the board.  [default: its only one]")(command)


def bundle_option(command: _Command) -> _Command:
    return click.option(
        "--bundle",
        type=PATH,
        help="Run this bundle of yours instead, without switching the app; it is sent first if the board lacks it.",
    )(command)


def threads_option(command: _Command) -> _Command:
    return click.option(
        "--threads",
        type=click.IntRange(1, 64),
        help="Threads of the interpreter.  [default: the board's CPUs, at most 4]",
    )(command)
