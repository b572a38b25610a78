"""The tutorial, line by line as it is written, on a board that this machine plays."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from edgeproof.demo.embedded_board import EmbeddedBoard
from tests.docs.conftest import documents
from tests.support.places import BUILT

ADDRESS = "pi@192.168.1.20"


def lines(name: str) -> list[list[str]]:
    """The calls of edgeproof in a page's blocks for a shell, in their order."""
    (page,) = (document for document in documents() if document.name == name)
    shown = [line for block in page.blocks("shell") for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line)[1:] for line in shown if line.startswith("edgeproof ")]


@pytest.mark.timeout(900)  # the runtime is fetched once
def test_the_first_board_from_nothing_to_a_verdict(tmp_path: Path) -> None:
    folder = BUILT / "boards" / "docs-embedded"
    folder.mkdir(parents=True, exist_ok=True)
    steps = lines("docs/tutorial/first-board.md")
    assert [words[0] for words in steps] == [
        *("board", "board", "board", "provision", "sample", "export", "push", "detect", "bench", "check", "check")
    ]
    with EmbeddedBoard(folder) as board:
        profile = board.profile
        here = {
            "--port": profile.port,
            "--identity-file": profile.identity_file,
            "--known-hosts": tmp_path / "known_hosts",
            "--python": profile.python,
        }
        for words in steps:
            allowed = [0]
            if words[:2] == ["board", "add"]:
                assert words[2:] == ["pi", ADDRESS]
                words = [*words[:3], f"{profile.user}@{profile.host}"]
                words += [str(part) for item in here.items() for part in item]
            if words[:2] == ["board", "doctor"]:
                allowed = [0, 1]  # this machine may be a bad board
            if words == ["check"]:
                allowed = [0, 1, 3]  # how fast it is now is no matter here
            done = subprocess.run(
                [sys.executable, "-m", "edgeproof", *words],
                cwd=tmp_path,
                input="y\n",
                capture_output=True,
                text=True,
                timeout=280,
            )
            assert done.returncode in allowed, f"{words}: {done.stdout}\n{done.stderr}"
    assert len(list((tmp_path / "found/annotated").iterdir())) == 4
    told = (tmp_path / "build/check/report.html").read_text()
    assert "shapes" in told
    assert "[check.gates]" in (tmp_path / "edgeproof.toml").read_text()


def test_the_export_of_the_tutorial_is_what_the_sample_says(tmp_path: Path) -> None:
    """But for the folder of the bundles, and the variants."""
    done = subprocess.run(
        [sys.executable, "-m", "edgeproof", "sample", "shapes", "--out", "sample"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    said = shlex.split(done.stdout.partition("Next: edgeproof ")[2].partition("\n\n")[0])
    (export,) = (words for words in lines("docs/tutorial/first-board.md") if words[0] == "export")
    expected = " ".join(export).replace("--variant float32 --variant int8", "--variant all")
    assert " ".join(said) == expected.replace("--out bundles", "--out sample/bundles")
