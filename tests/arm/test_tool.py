"""The command that users start a virtual board with."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from deploy.virtual_board.artefacts import boards_folder
from deploy.virtual_board.recipe import SUITES
from edgeproof.board.ssh.transport import connect
from edgeproof.config.boards import find_board
from tests.support.boards.emulated import require_emulator
from tests.support.places import ROOT
from tests.support.processes import is_gone

NAME = f"test-{os.getpid()}"
FOLDER = boards_folder() / "running" / NAME
Tool = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def tool() -> Iterator[Tool]:
    require_emulator(SUITES["trixie"])

    def run(command: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        if command == "up" and "--suite" not in arguments:
            arguments = ("--suite", "trixie", *arguments)
        words = [sys.executable, "-m", "deploy.virtual_board", command, "--name", NAME, *arguments]
        return subprocess.run(words, capture_output=True, text=True, cwd=ROOT, timeout=600)

    yield run
    run("down")
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.with_name(f"{NAME}.lock").unlink(missing_ok=True)


def test_a_board_is_started_used_and_stopped(tool: Tool) -> None:
    started = tool("up")
    assert started.returncode == 0, started.stderr
    assert f"{NAME} is ready after" in started.stdout
    assert f"export EDGEPROOF_CONFIG={FOLDER}/edgeproof.toml" in started.stdout
    with connect(find_board(NAME, FOLDER / "edgeproof.toml")):  # what was printed is all that edgeproof needs
        pass
    pid = json.loads((FOLDER / "state.json").read_text())["pid"]
    again = tool("up")
    assert (again.returncode, "is ready after" in again.stdout) == (0, False), "it runs already"
    assert json.loads((FOLDER / "state.json").read_text())["pid"] == pid
    assert tool("up", "--suite", "bookworm").stderr.startswith(f"error: {NAME} runs trixie. Stop it")
    assert tool("ssh", "uname", "-m").stdout == "aarch64\n"
    assert tool("ssh", "exit 7").returncode == 7
    assert "Accepted publickey for pi" in tool("logs").stdout
    assert tool("down").stdout == f"{NAME} is stopped\n"
    assert is_gone(pid)
    assert tool("status").returncode == 1


@pytest.mark.thorough
def test_a_disk_that_is_kept_outlives_a_power_cut_and_a_fresh_one_is_empty(tool: Tool) -> None:
    assert tool("up", "--keep-disk").returncode == 0
    assert tool("ssh", "touch mark && sync").returncode == 0
    os.kill(json.loads((FOLDER / "state.json").read_text())["pid"], signal.SIGKILL)
    assert tool("status").stdout == f"{NAME} does not run\n"
    assert tool("up", "--keep-disk").returncode == 0
    assert tool("ssh", "test -e mark").returncode == 0
    tool("down")
    assert tool("up").returncode == 0
    assert tool("ssh", "test -e mark").returncode == 1
