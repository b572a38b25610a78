"""edgeproof's board commands as Fabric tasks: `fab -r deploy -H pi status`, for one board or for several.

A host is a board of edgeproof.toml or what ssh understands. The connection is edgeproof's own, which refuses an unknown
host key where Fabric would accept it.
"""

import importlib
from typing import Any

import click
from fabric import Connection, task
from invoke.exceptions import Exit

from edgeproof.config.boards import find_board
from edgeproof.errors import EdgeproofError, ProfileError

EXIT_ERROR = 2


@task(help={"runtime": "tflite-runtime, ai-edge-litert or all; the one that fits best when it is left out"})
def provision(c: Connection, runtime: str = "") -> None:
    """Set up the TFLite runtime on a board, which needs no internet."""
    _run(c, "provision", *_option("--runtime", runtime))


@task(
    help={
        "bundle": "folder or .zip of the bundle",
        "app": "app to switch; the model's name when it is left out",
        "sign": "OpenSSH ed25519 private key to sign the bundle with",
    }
)
def push(c: Connection, bundle: str, app: str = "", sign: str = "") -> None:
    """Put a bundle on a board, run it there once, and switch to it."""
    _run(c, "push", bundle, *_option("--app", app), *_option("--sign", sign))


@task(help={"app": "app to switch back; the only one when it is left out"})
def rollback(c: Connection, app: str = "") -> None:
    """Switch an app back to its previous bundle."""
    _run(c, "rollback", *_option("--app", app))


@task
def status(c: Connection) -> None:
    """Show what a board serves since when, and what is on it."""
    _run(c, "status")


@task
def doctor(c: Connection) -> None:
    """Examine a board: what it is, what is wrong with it, and what helps."""
    _run(c, "board.doctor")


def _option(name: str, value: str) -> list[str]:
    return [name, value] if value else []


def _run(c: Connection, name: str, *arguments: str) -> None:
    """Runs a command of edgeproof on the board that Fabric has in hand."""
    command: click.Command = importlib.import_module(f"edgeproof.cli.{name}").command
    try:
        exit_code: Any = command.main([_board(c), *arguments], prog_name=name, standalone_mode=False)
    except click.ClickException as error:
        raise Exit(error.format_message(), EXIT_ERROR) from error
    except EdgeproofError as error:
        raise Exit(str(error), EXIT_ERROR) from error
    if exit_code:
        raise Exit(code=exit_code)


def _board(c: Connection) -> str:
    """A name of edgeproof.toml, or user@host:port as Fabric was given it."""
    if not isinstance(c, Connection):
        raise Exit("which board? fab -H BOARD TASK, with a name of edgeproof.toml or user@host", EXIT_ERROR)
    name = str(c.original_host)
    try:
        return find_board(name).name
    except ProfileError:
        return f"{c.user}@[{name}]:{c.port}" if ":" in name else f"{c.user}@{name}:{c.port}"
