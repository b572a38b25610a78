"""The command line before it does anything: quick to start, light, and clear when it is used wrongly."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from edgeproof.cli.main import COMMANDS


def run(
    *arguments: str, python: tuple[str, ...] = (), folder: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, *python, "-m", "edgeproof", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder)


def test_help_lists_every_command_and_imports_nothing_heavy() -> None:
    done = run("--help", python=("-X", "importtime"))
    assert done.returncode == 0
    assert all(name in done.stdout for name in COMMANDS)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if line.startswith("import time")}
    assert "click" in imported
    heavy = ("tensorflow", "numpy", "cv2", "paramiko", "fabric", "matplotlib", "rich", "asyncssh")
    assert not imported & set(heavy)
    assert "tensorflow" not in done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself_without_tensorflow(name: str) -> None:
    done = run(name, "--help", python=("-X", "importtime"))
    assert done.returncode == 0, done.stderr
    assert "Usage:" in done.stdout
    assert "| tensorflow\n" not in done.stderr.replace("  ", " ")
    assert importlib.import_module(f"edgeproof.cli.{name}").command.name == name


def test_an_unknown_command_ends_with_2() -> None:
    done = run("fly")
    assert done.returncode == 2
    assert "No such command 'fly'" in done.stderr


def test_a_board_that_no_file_knows_is_told_how_to_be_added(tmp_path: Path) -> None:
    done = run("provision", "desk", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: no board is called 'desk'")
    assert "edgeproof board add desk user@host" in done.stderr
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = run("--debug", "push", "pi@127.0.0.1:1", str(tmp_path / "nothing"), folder=tmp_path)
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert "error: " in done.stderr
