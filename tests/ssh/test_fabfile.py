"""deploy/fabfile.py, by `fab` itself."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeproof.bundle import open_bundle
from tests.support.boards.ssh_servers import Server, write_config
from tests.support.places import ROOT

_FABFILES = ROOT / "deploy"

Fab = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def fab(server: Server, tmp_path: Path) -> Fab:
    """Runs `fab` in a folder whose edgeproof.toml knows the board as `desk`."""
    write_config(tmp_path, server.profile)

    def run(*arguments: object, expect: int = 0) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "fabric", "-r", str(_FABFILES), *map(str, arguments)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280)
        assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


def test_a_board_is_provisioned_pushed_to_rolled_back_and_asked(fab: Fab, tiny_bundles: dict[str, Path]) -> None:
    first, second = tiny_bundles["float32"], tiny_bundles["int8"]
    assert "is ready on desk" in fab("-H", "desk", "provision").stdout
    assert "desk serves" in fab("-H", "desk", "push", first, "--app", "fabric").stdout
    pushed = fab("-H", "desk", "push", second, "--app", "fabric").stdout
    assert open_bundle(second).digest[:12] in pushed
    assert open_bundle(first).digest[:12] in fab("-H", "desk", "rollback", "--app", "fabric").stdout
    assert "fabric" in fab("-H", "desk", "status").stdout
    assert "python" in fab("-H", "desk", "doctor").stdout


def test_every_task_is_listed(fab: Fab) -> None:
    listed = fab("--list").stdout
    for name in ("provision", "push", "rollback", "status", "doctor"):
        assert name in listed


def test_what_is_wrong_is_said_and_is_an_exit_status(fab: Fab, tmp_path: Path) -> None:
    assert "which board?" in fab("status", expect=2).stderr
    assert "no bundle" in fab("-H", "desk", "push", tmp_path / "nothing", expect=2).stderr
    # Fabric would accept the unknown key of this address without a word.
    config = (tmp_path / "edgeproof.toml").read_text().splitlines()
    (tmp_path / "edgeproof.toml").write_text("\n".join(line for line in config if "known_hosts" not in line))
    assert "is not known, so the connection is refused" in fab("-H", "desk", "status", expect=2).stderr
