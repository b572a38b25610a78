"""The arguments that every command on a board has."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from edgeproof.board.runtime.releases import RUNTIME_NAMES
from edgeproof.cli.display.echo import echo
from edgeproof.cli.options.paths import PATH
from edgeproof.config.boards import BoardProfile, find_board, find_config
from edgeproof_agent.serve.cpu_choice import CORES

_Command = TypeVar("_Command", bound=Callable[..., Any])


def board_argument(command: _Command) -> _Command:
    """BOARD: user@host[:port], or a name from edgeproof.toml."""
    return click.argument("board", type=_board, metavar="BOARD")(command)


def boards_argument(command: _Command) -> _Command:
    """BOARD...: as many as are wanted, none among it."""
    return click.argument("boards", type=_board, metavar="[BOARD...]", nargs=-1)(command)


def _board(board: str) -> BoardProfile:
    """Says so when the file that decides lies in a folder above: it may not be the one that is meant."""
    config = find_config()
    profile = find_board(board, config)
    if config is not None and config.parent != Path.cwd() and "EDGEPROOF_CONFIG" not in os.environ:
        echo(f"using {config}", err=True)
    return profile


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


def cores_option(command: _Command) -> _Command:
    return click.option(
        "--cores",
        type=click.Choice(CORES),
        help="CPUs of the board to run on: all, or the big ones alone.  [default: all]",
    )(command)


def delegate_option(command: _Command) -> _Command:
    return click.option(
        "--delegate",
        metavar="LIBRARY",
        help="External delegate on the board: a name that its loader finds (libedgetpu.so.1), or a path there.",
    )(command)


def wait_option(command: _Command) -> _Command:
    return click.option(
        "--wait",
        type=click.FloatRange(0, 7 * 86_400),
        default=0.0,
        metavar="SECONDS",
        help="Wait so long for a board that somebody else measures on.  [default: say who it is]",
    )(command)


def json_option(command: _Command) -> _Command:
    return click.option(
        "--json", "as_json", is_flag=True, help="Print the report as JSON (docs/reference/report.schema.json)."
    )(command)
