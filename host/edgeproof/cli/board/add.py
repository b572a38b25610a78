"""`edgeproof board add`: writes a board to edgeproof.toml."""

import shlex
from pathlib import Path

import click

from edgeproof.board.runtime.releases import RUNTIME_NAMES
from edgeproof.cli.display.echo import echo
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.cli.options.paths import PATH
from edgeproof.config.boards import BoardProfile
from edgeproof.config.editing import add_board, config_to_write, path_for_config
from edgeproof.errors import UnknownHostKeyError, UsageError


@click.command(name="add", cls=BoardCommand)
@click.argument("name")
@click.argument("target", metavar="USER@HOST[:PORT]")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of its SSH server.  [default: 22]")
@click.option("--identity-file", type=PATH, help="Private key to log in with.  [default: the SSH agent's and ~/.ssh's]")
@click.option("--known-hosts", type=PATH, help="Where its host key is trusted.  [default: ~/.ssh/known_hosts]")
@click.option("--python", metavar="COMMAND", help="Python 3.9+ on the board.  [default: python3]")
@click.option("--store", metavar="FOLDER", help="Where edgeproof keeps its own on the board.  [default: ~]")
@click.option("--runtime", type=click.Choice(RUNTIME_NAMES), help="Runtime to use when the board has several.")
@click.option("--copy-id", is_flag=True, help="Connect now and put your public key there; asks for the password.")
@click.option("--replace", is_flag=True, help="Change a board of that name; what is not given stays.")
def command(
    name: str,
    target: str,
    port: int | None,
    identity_file: Path | None,
    known_hosts: Path | None,
    python: str | None,
    store: str | None,
    runtime: str | None,
    copy_id: bool,
    replace: bool,
) -> None:
    """Write the board NAME to edgeproof.toml: the one here or in a folder above, else a new one.

    HOST is a name, an address (user@[fe80::1%eth0]:22 for IPv6) or an alias of ~/.ssh/config, which may say user and
    port, too. Nothing is connected yet, unless by --copy-id.
    """
    path = config_to_write()
    if identity_file is not None and not identity_file.expanduser().is_file():
        raise UsageError(f"there is no key {identity_file}. Give the private key's file, or leave --identity-file out.")
    settings: dict[str, str | int | None] = {
        "host": target,
        "port": port,
        "identity_file": None if identity_file is None else path_for_config(identity_file, path),
        "known_hosts": None if known_hosts is None else path_for_config(known_hosts, path),
        "python": python,
        "store": store,
        "runtime": runtime,
    }
    board = add_board(path, name, {key: value for key, value in settings.items() if value is not None}, replace)
    shown = shlex.quote(name)
    if copy_id:
        _copy_id(name, board)
    echo(
        f"{name} ({board.target}) is in {path} now. Next:\n"
        f"  edgeproof board trust {shown}    once: compare its host key, and trust it\n"
        f"  edgeproof board doctor {shown}   what it is, and what is wrong with it\n"
        f"  edgeproof provision {shown}      set up a TFLite runtime"
    )


def _copy_id(name: str, board: BoardProfile) -> None:
    from edgeproof.board.ssh.copy_id import copy_id  # SSH takes a while to load
    from edgeproof.cli.board.trust import trust_board

    try:
        path, added = copy_id(board)
    except UnknownHostKeyError:
        trust_board(board)
        path, added = copy_id(board)
    echo(f"{name} lets you in by {path}{' now' if added else ', which was there already'}: no password is asked for")
