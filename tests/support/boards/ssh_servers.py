"""Boards behind real SSH servers: the embedded one always, OpenSSH's where it is installed."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeproof.board.link.local import base_python
from edgeproof.config.boards import BoardProfile
from edgeproof.demo.embedded_board import EmbeddedBoard
from tests.support.boards.openssh_server import SSHD, OpenSshBoard

SERVERS = ("embedded", "openssh")

Server = EmbeddedBoard | OpenSshBoard

Command = Callable[..., "subprocess.CompletedProcess[str]"]
"""Runs the command line: its arguments, and `expect`, the exit status that it must end with."""


def make_server(kind: str, folder: Path) -> Server:
    if kind == "embedded":
        return EmbeddedBoard(folder)
    if SSHD is None:
        pytest.skip("sshd is not installed (apt-get install openssh-server): not tested against OpenSSH")
    return OpenSshBoard(folder, base_python())


def write_config(folder: Path, profile: BoardProfile) -> Path:
    """An edgeproof.toml that calls the board `desk`."""
    path = folder / "edgeproof.toml"
    path.write_text(
        f'[boards.desk]\nhost = "{profile.user}@{profile.host}"\nport = {profile.port}\n'
        f'identity_file = "{profile.identity_file}"\nknown_hosts = "{profile.known_hosts}"\n'
        f'python = "{profile.python}"\n'
    )
    return path
