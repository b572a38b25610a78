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
