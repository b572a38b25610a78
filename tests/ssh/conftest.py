"""Boards behind real SSH servers: the embedded one always, OpenSSH's where it is installed."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from openssh_server import SSHD, OpenSshBoard

from edgeproof.board.profile import BoardProfile
from edgeproof.demo.embedded_board import EmbeddedBoard, base_python

BOARDS = Path(__file__).parents[2] / "build" / "test" / "boards"
SERVERS = ("embedded", "openssh")

Server = EmbeddedBoard | OpenSshBoard


def make_server(kind: str, folder: Path) -> Server:
    if kind == "embedded":
        return EmbeddedBoard(folder)
    if SSHD is None:
        pytest.skip("sshd is not installed (apt-get install openssh-server): not tested against OpenSSH")
    return OpenSshBoard(folder, base_python())


@pytest.fixture(scope="session", params=SERVERS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A running board whose home stays between test runs, so that its runtimes need not be built again."""
    folder = BOARDS / f"ssh-{request.param}"
    folder.mkdir(parents=True, exist_ok=True)
    with make_server(request.param, folder) as board:
        yield board


@pytest.fixture(params=SERVERS)
def bare_server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A running board that has nothing of ours."""
    with make_server(request.param, tmp_path / "board") as board:
        yield board


def write_config(folder: Path, profile: BoardProfile) -> Path:
    """An edgeproof.toml that calls the board `desk`."""
    path = folder / "edgeproof.toml"
    path.write_text(
        f'[boards.desk]\nhost = "{profile.user}@{profile.host}"\nport = {profile.port}\n'
        f'identity_file = "{profile.identity_file}"\nknown_hosts = "{profile.known_hosts}"\n'
        f'python = "{profile.python}"\n'
    )
    return path


Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def edgeproof(server: Server, tmp_path: Path) -> Command:
    """Runs the command line as a user would, in a folder whose edgeproof.toml knows the board as `desk`."""
    write_config(tmp_path, server.profile)

    def run(*arguments: object, expect: int = 0) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "edgeproof", *map(str, arguments)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280)
        assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run
