"""On an emulated ARM board parity and accuracy are judged, and latency is not: it says nothing about real hardware."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from deploy.virtual_board.board import VirtualBoard
from tests.support.boards.emulated import ReadyBoard
from tests.support.networks.tiny_ssd import CLASSES, GRID, draw_square, square_box
from tests.support.report_schema import checked_report

PICTURES = 100
"""The fewest that an interval is given for."""
GATES = {
    "parity differing <= 30 %": "pass",
    "accuracy map >= 0.5": "pass",
    "accuracy map drop vs int8 <= 0.1": "pass",
    "total p50 < 1000 s": "inconclusive",
}


def labelled_squares(folder: Path) -> Path:
    """COCO's file of pictures with a square in one of the cells, whose corners nobody has to guess."""
    images, annotations, side = [], [], 256
    for number in range(PICTURES):
        row, column, kind = number % GRID, number // GRID % GRID, number % len(CLASSES)
        cv2.imwrite(str(folder / f"{number}.png"), draw_square(CLASSES[kind], row, column, side))
        top, left, bottom, right = (side * edge for edge in square_box(row, column))
        box = [left, top, right - left, bottom - top]
        images.append({"id": number + 1, "file_name": f"{number}.png", "width": side, "height": side})
        annotations.append(
            {"id": number + 1, "image_id": number + 1, "category_id": kind + 1, "bbox": box, "area": box[2] * box[3]}
        )
    categories = [{"id": place, "name": name} for place, name in enumerate(CLASSES, start=1)]
    path = folder / "squares.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


@pytest.mark.parametrize("virtual", ["trixie"], indirect=True)
def test_parity_and_accuracy_are_judged_and_latency_is_not(
    virtual: VirtualBoard, board: ReadyBoard, tiny_bundles: dict[str, Path], tiny_pictures: Path, tmp_path: Path
) -> None:
    (tmp_path / "edgeproof.toml").write_text(virtual.configuration())
    command = [sys.executable, "-m", "edgeproof", "check", "virtual", "--bundle", tiny_bundles["int8"], "--runs", 5]
    command += ["--images", tiny_pictures, "--data", labelled_squares(tmp_path), "--out", tmp_path / "out"]
    command += [word for gate in GATES for word in ("--gate", gate)]
    done = subprocess.run([str(word) for word in command], cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 3, f"{done.stdout}\n{done.stderr}"
    assert "verdict: INCONCLUSIVE" in done.stdout
    (run,) = checked_report(tmp_path / "out" / "report.json")["runs"]
    assert run["board"]["runtime"]["name"] == board.runtime.name
    assert {gate["gate"]: gate["answer"] for gate in run["gates"]} == GATES
    (latency,) = [gate for gate in run["gates"] if gate["answer"] == "inconclusive"]
    assert "emulated" in latency["note"]
    assert run["accuracy"]["data_set"]["pictures"] == PICTURES
