"""A bare ARM board without internet becomes a board that runs detectors."""

import re
import subprocess
from pathlib import Path

import pytest

from deploy.virtual_board.board import VirtualBoard
from edgeproof.board.open_board import open_board
from edgeproof.board.provision import provision
from tests.support.boards.emulated import APP, Command, ReadyBoard

# Runtime, architecture of the userland, and the least that has to travel.
EXPECTED = {
    "bookworm": ("tflite-runtime", "aarch64", 30_000_000),
    "trixie": ("ai-edge-litert", "aarch64", 30_000_000),
    "bookworm-armhf-opencv": ("tflite-runtime", "armv7l", 1_000_000),
}


def on_board(virtual: VirtualBoard, command: str, script: str = "") -> "subprocess.CompletedProcess[str]":
    """Runs a shell command there, with `script` as its input."""
    return subprocess.run(virtual.ssh_command([command]), input=script, capture_output=True, text=True, timeout=120)


def test_the_board_is_bare_and_has_no_internet(virtual: VirtualBoard) -> None:
    assert "No module named pip" in on_board(virtual, "python3 -m pip --version").stderr
    assert "No module named ensurepip" in on_board(virtual, "python3 -m ensurepip").stderr
    for address in (("10.0.2.2", virtual.profile.port), ("192.0.2.1", 53)):  # this machine, and the world
        tried = on_board(virtual, "python3 -", f"import socket; socket.create_connection({address!r}, 3)")
        assert any(word in tried.stderr for word in ("refused", "unreachable", "timed out")), tried.stderr


def test_the_runtime_that_fits_is_set_up_and_works(board: ReadyBoard) -> None:
    runtime, arch, least_bytes = EXPECTED[board.virtual.suite.name]
    assert board.runtime.name == runtime
    assert board.runtime.payload_bytes > least_bytes
    with open_board(board.virtual.profile) as opened:
        assert opened.info.emulated
        assert opened.info.arch == arch
        assert "aarch64" in on_board(board.virtual, "uname -m").stdout, "the kernel has 64 bits in any case"
        (again,) = provision(opened)
        assert (again.digest, again.payload_bytes) == (board.runtime.digest, 0)
    left = on_board(board.virtual, f"ls .edgeproof/incoming .edgeproof/runtimes/{board.runtime.digest}").stdout
    assert "wheels" not in left
    assert "runtimes-" not in left


def test_what_was_said_to_be_needed_is_an_upper_bound_that_is_not_far_off(board: ReadyBoard) -> None:
    said = re.search(r"MiB of disk .* and (\d+) MiB after", board.notes[0])
    assert said is not None
    taken = on_board(board.virtual, f"du -sm .edgeproof/runtimes/{board.runtime.digest}").stdout
    assert 0.7 * int(said[1]) <= int(taken.split()[0]) <= int(said[1])


def test_the_proof_leaves_compiled_what_a_session_imports(board: ReadyBoard) -> None:
    root = f".edgeproof/runtimes/{board.runtime.digest}/venv"
    names = on_board(board.virtual, f"find {root} -name '*.pyc' -printf '%f\\n'").stdout.split()
    assert any(name.startswith("interpreter.cpython") for name in names)
    assert not [name for name in names if name.startswith("test_")]


@pytest.mark.parametrize("virtual", ["trixie"], indirect=True)
def test_a_board_of_512_mb_is_provisioned_and_served_with_what_it_has(
    board: ReadyBoard, edgeproof: Command, tiny_bundles: dict[str, Path], tiny_pictures: Path, tmp_path: Path
) -> None:
    name = board.virtual.profile.name
    edgeproof("push", name, tiny_bundles["float32"], "--app", APP)
    edgeproof("detect", name, tiny_pictures, "--app", APP, "--out", tmp_path / "out")
    memory = dict(line.split(":") for line in on_board(board.virtual, "cat /proc/meminfo").stdout.splitlines())
    total, swap = (int(memory[key].split()[0]) >> 10 for key in ("MemTotal", "SwapTotal"))
    assert (400 < total < 512, swap) == (True, 0)
    assert not [line for line in board.virtual.log_lines() if "Out of memory" in line or "oom-kill" in line]
