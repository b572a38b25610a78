"""The scripts of examples/, as a user runs them, against real SSH servers."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from edgeproof.board.open_board import open_board
from edgeproof.board.provision import provision
from tests.support.boards.ssh_servers import Server, write_config
from tests.support.networks.tiny_ssd import draw_dark, draw_square
from tests.support.places import ROOT
from tests.support.report_schema import checked_report

Example = Callable[..., str]


@pytest.fixture
def example(server: Server, tmp_path: Path) -> Example:
    """Runs a script in a folder whose edgeproof.toml knows the board as `desk`; gives what it prints."""
    write_config(tmp_path, server.profile)
    with open_board(server.profile) as board:
        provision(board)
    cv2.imwrite(str(tmp_path / "bright.png"), draw_square("bright", 2, 5))
    cv2.imwrite(str(tmp_path / "dark.png"), draw_dark())

    def run(name: str, *arguments: object, expect: int = 0) -> str:
        command = [sys.executable, str(ROOT / "examples" / name), *map(str, arguments)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=280)
        assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


def test_export_and_inspect(example: Example, tiny_frozen_graph: Path, tiny_ssd_folder: Path, tmp_path: Path) -> None:
    printed = example("export_and_inspect.py", tiny_frozen_graph, tiny_ssd_folder / "labels.txt", tmp_path / "bundles")
    assert "float32, 0." in printed
    assert (tmp_path / "bundles" / "float32" / "bundle.json").is_file()


def test_push_and_detect(example: Example, tiny_bundles: dict[str, Path]) -> None:
    printed = example("push_and_detect.py", "desk", tiny_bundles["int8"], "bright.png", "dark.png").splitlines()
    assert printed[0].startswith("bright.png: bright 0.")
    assert printed[1] == "dark.png: nothing"


def test_compare_bundles(example: Example, tiny_bundles: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    bundles = (tiny_bundles["float32"], tiny_bundles["int8"])
    printed = example("compare_bundles.py", "desk", tmp_path / "out" / "report.json", *bundles).splitlines()
    assert [line.partition(":")[0] for line in printed] == ["float32", "int8"]
    document = checked_report(tmp_path / "out" / "report.json")
    assert [run["latency"]["runs"] for run in document["runs"]] == [70, 70]


def test_status_of_boards(example: Example, tiny_bundles: dict[str, Path]) -> None:
    example("push_and_detect.py", "desk", tiny_bundles["int8"], "bright.png")
    printed = example("status_of_boards.py", "desk", "nobody@127.0.0.1:1", expect=1)
    assert "desk: tiny serves tiny int8" in printed
    assert "nobody@127.0.0.1:1: nobody@127.0.0.1:1 (port 1) refuses the connection" in printed


def test_push_or_roll_back(example: Example, tiny_bundles: dict[str, Path]) -> None:
    kept = example("push_or_roll_back.py", "desk", tiny_bundles["float32"], "bright.png", "bright")
    assert kept == "tiny sees bright: kept\n"
    digest = json.loads((tiny_bundles["float32"] / "bundle.json").read_text())["files"]["model.tflite"]["sha256"]
    assert len(digest) == 64
    back = example("push_or_roll_back.py", "desk", tiny_bundles["int8"], "dark.png", "bright", expect=1)
    assert back.startswith("tiny sees no bright: back to ")
