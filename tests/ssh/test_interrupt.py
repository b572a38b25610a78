"""Ctrl-C on the host leaves no process on the board and no half-written bundle."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from edgeproof.board.deploy import send_bundle
from edgeproof.board.open_board import open_board
from edgeproof.board.provision import provision
from edgeproof.bundle import open_bundle, write_bundle
from edgeproof.local_files.digests import sha256_of_file
from edgeproof_agent.store.objects import Kind
from tests.support.boards.ssh_servers import Server, write_config
from tests.support.processes import none_left_below, processes_below

_START_SECONDS = 60.0


def server_processes(server: Server) -> set[int]:
    """Those of the SSH server itself, which stay."""
    return set(processes_below(server.folder))


def interrupt_when(command: list[str], folder: Path, ready: Callable[[], bool]) -> "tuple[int, str]":
    """Starts a command, waits until `ready()`, sends what Ctrl-C sends; returns its status and error output."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # As in a terminal: what runs in the background of a script inherits that the signal is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    end = time.monotonic() + _START_SECONDS
    while not ready():
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        assert time.monotonic() < end, "the command did not get to where it is interrupted"
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors


def agent_runs(server: Server) -> bool:
    """Whether a process on the board has loaded a model."""
    for pid in processes_below(server.home):
        try:
            if "model.tflite" in Path(f"/proc/{pid}/maps").read_text():
                return True
        except OSError:
            continue
    return False


def test_in_the_middle_of_a_bench(server: Server, tiny_bundles: dict[str, Path], tmp_path: Path) -> None:
    with open_board(server.profile) as board:
        provision(board)
        send_bundle(board.store, open_bundle(tiny_bundles["float32"]))
    keep = server_processes(server)
    write_config(tmp_path, server.profile)
    command = [sys.executable, "-m", "edgeproof", "bench", "desk", "--bundle", str(tiny_bundles["float32"])]
    status, errors = interrupt_when([*command, "--runs", "900000"], tmp_path, lambda: agent_runs(server))
    assert status == 130
    assert "Interrupted" in errors
    assert "Traceback" not in errors
    assert none_left_below(server.home, keep)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_in_the_middle_of_a_push(
    server: Server, tiny_bundles: dict[str, Path], tmp_path: Path, how: signal.Signals
) -> None:
    good = open_bundle(tiny_bundles["float32"])
    # Too large to arrive before the interrupt; a .tflite may have anything behind its own bytes.
    large = write_bundle(
        tmp_path / "large", good.manifest, good.model_path.read_bytes() + os.urandom(250 << 20), good.labels()
    )
    with open_board(server.profile) as board:
        provision(board)
        before = board.store.inventory.bundles
    keep = server_processes(server)
    write_config(tmp_path, server.profile)
    incoming = server.home / ".edgeproof" / "incoming" / f"{Kind.BUNDLE.value}-{large.digest}"

    def under_way() -> bool:
        partial = incoming / "model.tflite"
        return partial.exists() and partial.stat().st_size > 1 << 20

    command = [sys.executable, "-m", "edgeproof", "push", "desk", str(large.path), "--app", "tiny-large"]
    if how is signal.SIGINT:
        assert interrupt_when(command, tmp_path, under_way)[0] == 130
    else:
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not under_way():
            assert process.poll() is None
        process.kill()
        process.wait()
    assert none_left_below(server.home, keep)
    with open_board(server.profile) as board:
        assert board.store.inventory.bundles == before
        assert "tiny-large" not in board.store.inventory.apps
        resumed = send_bundle(board.store, large)
    assert 0 < resumed.payload_bytes < resumed.total_bytes, "what had arrived is used again"
    stored = server.home / ".edgeproof" / "bundles" / large.digest
    assert sha256_of_file(stored / "model.tflite") == large.manifest.files["model.tflite"].sha256
    for path in stored.iterdir():
        path.unlink()
    stored.rmdir()
