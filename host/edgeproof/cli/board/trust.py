"""`edgeproof board trust`: writes a board's host key to known_hosts."""

import click

from edgeproof.board.ssh.host_keys import known_hosts_path, trust
from edgeproof.board.ssh.transport import fetch_host_key
from edgeproof.cli.display.echo import echo
from edgeproof.cli.options.board import board_argument
from edgeproof.cli.options.grouped_help import BoardCommand
from edgeproof.config.boards import BoardProfile
from edgeproof.errors import HostKeyError


@click.command(name="trust", cls=BoardCommand)
@board_argument
@click.option("--fingerprint", help="Trust the key only if it has this fingerprint (SHA256:...); asks for nothing.")
def command(board: BoardProfile, fingerprint: str | None) -> None:
    """Write BOARD's host key to known_hosts, in place of an older one."""
    trust_board(board, fingerprint)


def trust_board(board: BoardProfile, fingerprint: str | None = None) -> None:
    """Shows the host key and asks, unless it is the one of that fingerprint. Raises `HostKeyError`."""
    server, key = fetch_host_key(board)
    shown = f"{board.name} ({server.host} port {server.port}) shows"
    if fingerprint is None:
        echo(f"{shown} this {key.get_name()} key:\n  {key.fingerprint}")
        question = f"Is that what the board itself shows, and shall {known_hosts_path(server.profile)} trust it?"
        try:
            agreed = click.confirm(question)
        except click.Abort:
            echo()
            agreed = False
        if not agreed:
            raise HostKeyError("nothing was trusted. Where nobody can answer, give the key with --fingerprint.")
    elif fingerprint != key.fingerprint:
        raise HostKeyError(f"{shown} {key.fingerprint}, not {fingerprint}; nothing was trusted.")
    path = trust(server.profile, *server.key_place, key)
    echo(f"{board.name} is trusted now: {key.fingerprint} in {path}")
