"""Ctrl-C is quiet at any moment of a command's start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Interrupts the process, as Ctrl-C does, while a module is being imported.
_INTERRUPT = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background has it ignored
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["INTERRUPTED_AT"]:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize(
    "module",
    ["edgeproof.cli.main", "click", "edgeproof.cli.status", "rich.console", "msgspec", "paramiko", "cryptography"],
)
def test_an_interrupt_at_an_import_is_one_word_and_its_exit_status(tmp_path: Path, module: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(_INTERRUPT)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path]), "INTERRUPTED_AT": module}
    command = [sys.executable, "-m", "edgeproof", "status", "nobody@127.0.0.1:1"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "\nInterrupted.\n")


def leave(folder: Path, code: str) -> "subprocess.CompletedProcess[str]":
    """Runs some code and then the end of a command, in a process of its own."""
    script = f"import atexit, sys\nfrom edgeproof import __main__ as command\n{code}\n"
    with (folder / "output").open("w") as stream:
        done = subprocess.run([sys.executable, "-c", script], stdout=stream, stderr=subprocess.PIPE, text=True)
    return done


def test_the_quick_end_writes_what_is_left_and_calls_what_was_registered(tmp_path: Path) -> None:
    done = leave(tmp_path, "atexit.register(print, 'registered')\nprint('written')\ncommand._leave(3)")
    assert done.returncode == 3
    assert (tmp_path / "output").read_text() == "written\nregistered\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full: no full disk was tried")
def test_output_that_cannot_be_written_at_the_end_is_no_success(tmp_path: Path) -> None:
    lost = "sys.stdout = open('/dev/full', 'w')\nprint('lost')\n"
    assert leave(tmp_path, f"{lost}command._leave(0)").returncode == 120
    assert leave(tmp_path, f"{lost}command._leave(2)").returncode == 2


def test_without_an_output_the_end_is_as_quick(tmp_path: Path) -> None:
    assert leave(tmp_path, "sys.stdout = None\ncommand._leave(0)").returncode == 0
