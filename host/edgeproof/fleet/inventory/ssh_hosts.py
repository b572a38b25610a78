"""The aliases of ~/.ssh/config, as boards: `ssh:kitchen-*` means all that are named there."""

from pathlib import Path

from edgeproof.board.ssh.config import load_ssh_config
from edgeproof.config.boards import BoardProfile, board_of
from edgeproof.errors import ProfileError
from edgeproof.wording.printable import printable


def ssh_hosts() -> list[BoardProfile]:
    """Every name of a `Host` line of ~/.ssh/config and what it includes, patterns apart. Raises `ProfileError`."""
    boards = []
    for name in sorted(load_ssh_config().get_hostnames()):
        if any(mark in name for mark in "*?!"):
            continue
        try:
            boards.append(board_of({"host": name}, name, Path()))
        except ProfileError as error:
            raise ProfileError(f"~/.ssh/config is not right: Host {printable(name)}: {error}") from error
    return boards
