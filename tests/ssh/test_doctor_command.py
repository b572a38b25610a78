"""`edgeproof board doctor` on boards behind real SSH servers, as a new user types it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.boards.openssh_server import OpenSshBoard
from tests.support.boards.ssh_servers import Server, write_config


def doctor(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "edgeproof", "board", "doctor", "desk", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def test_a_bare_board_is_examined_and_nothing_is_left_there(bare_server: Server, tmp_path: Path) -> None:
    write_config(tmp_path, bare_server.profile)
    before = sorted(bare_server.home.iterdir())
    told = doctor(tmp_path)
    assert told.returncode == 0, told.stderr
    assert "none yet" in told.stdout
    assert "edgeproof provision desk" in told.stdout
    findings = json.loads(doctor(tmp_path, "--json").stdout)["findings"]
    named = {finding["name"]: finding for finding in findings}
    assert {"login", "model", "python", "memory", "disk", "architecture", "runtimes"} <= set(named)
    assert (
        abs(named["clock skew"]["data"]["offset_seconds"]) <= named["clock skew"]["data"]["uncertainty_seconds"] + 0.05
    )
    assert sorted(bare_server.home.iterdir()) == before


def test_a_board_whose_login_shell_talks_is_told_what_to_change(bare_server: Server, tmp_path: Path) -> None:
    if not isinstance(bare_server, OpenSshBoard):
        pytest.skip("the embedded board has no login shell")
    if (
        "bash"
        not in subprocess.run(
            ["getent", "passwd", bare_server.profile.user or ""], capture_output=True, text=True
        ).stdout
    ):
        pytest.skip("this user's login shell is not bash: its start-up files were not tested")
    write_config(tmp_path, bare_server.profile)
    (bare_server.home / ".bashrc").write_text("echo Welcome to the lab\n")
    told = doctor(tmp_path)
    assert told.returncode == 0, told.stderr
    assert "a login file prints: Welcome to the lab" in " ".join(told.stdout.split())
    assert "[[ $- == *i* ]] || return" in told.stdout
    (bare_server.home / ".bashrc").write_text("[[ $- == *i* ]] || return\necho Welcome to the lab\n")
    assert "Welcome" not in doctor(tmp_path).stdout


def test_a_board_that_has_partial_uploads_is_told_so(bare_server: Server, tmp_path: Path) -> None:
    write_config(tmp_path, bare_server.profile)
    folder = bare_server.home / ".edgeproof/incoming" / f"bundles-{'a' * 64}"
    folder.mkdir(parents=True)
    (folder / "model.tflite").write_bytes(b"x" * 2_000_000)
    assert "1 partial upload, 2.0 MB; the next push continues" in doctor(tmp_path).stdout


def test_a_board_without_python_is_unhealthy(bare_server: Server, tmp_path: Path) -> None:
    config = write_config(tmp_path, bare_server.profile)
    config.write_text(config.read_text().replace(bare_server.profile.python, "/nowhere/python3"))
    told = doctor(tmp_path)
    assert told.returncode == 1, told.stderr
    assert "sudo apt install python3" in told.stdout


def test_a_board_that_is_not_there_cannot_be_examined(tmp_path: Path) -> None:
    (tmp_path / "edgeproof.toml").write_text('[boards.desk]\nhost = "pi@127.0.0.1:1"\n')
    told = doctor(tmp_path)
    assert told.returncode == 2
    assert "refuses the connection" in told.stderr
