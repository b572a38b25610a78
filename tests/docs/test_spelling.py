"""codespell over what people read: pages, help, messages."""

import subprocess
import sys

from tests.support.places import ROOT

READ = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "ARCHITECTURE.md",
    "docs",
    "host",
    "device",
    "examples",
    "deploy",
)


def codespell(*paths: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "codespell_lib", *paths]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_nothing_is_misspelt() -> None:
    done = codespell(*READ)
    assert done.stdout == ""
    assert done.returncode == 0, done.stderr


def test_a_slip_is_noticed(tmp_path: object) -> None:
    path = str(tmp_path) + "/page.md"
    with open(path, "w", encoding="utf-8") as file:
        file.write("This is definately recieved.\n")
    assert codespell(path).returncode != 0
