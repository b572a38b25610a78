"""Boards behind real SSH servers, as fixtures."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.boards.ssh_servers import SERVERS, Command, Server, make_server, write_config
from tests.support.places import BUILT

BOARDS = BUILT / "boards"


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
