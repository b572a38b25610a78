"""What doctor makes of 26 boards as people posted them in public; `expected` is what they or their tools say."""

import json
from typing import Any

import pytest

from edgeproof.board.doctor.cameras import cameras
from edgeproof.board.doctor.core_names import cores
from edgeproof.board.doctor.examination import CameraNode, FirmwareAnswer, ThermalZone
from edgeproof.board.doctor.readings import temperature, throttled_bits
from edgeproof.board.facts import userland_arch
from tests.support.boards.recorded_boards import findings, recording
from tests.support.places import ROOT

BOARDS: dict[str, Any] = json.loads((ROOT / "tests/support/boards/boards_of_people.json").read_text(encoding="utf-8"))


def answer(board: dict[str, Any], question: str) -> FirmwareAnswer:
    said = board.get("vcgencmd", {}).get(question)
    if said is None:
        return FirmwareAnswer("absent", "")
    return FirmwareAnswer("failed", said) if said.startswith("FAILED") else FirmwareAnswer("ok", said)


def zones(board: dict[str, Any]) -> list[ThermalZone]:
    """A zone that cannot be read tells nothing."""
    return [ThermalZone(name, "" if value == "EAGAIN" else str(value)) for name, value in board.get("thermal", [])]


def seen_cameras(board: dict[str, Any]) -> list[str]:
    lines = [line.partition(" ") for line in board.get("video", [])]
    nodes = [CameraNode(node, name, usable=True, group="video") for node, _, name in lines]
    return [camera.name for camera in cameras(nodes)]


def understood(board: dict[str, Any]) -> dict[str, Any]:
    """The board as a recording of ours with what was posted of it put in, and what doctor says then."""
    ours = recording("rock-5b-bookworm")
    ours["facts"] |= {"machine": board["machine"], "pointer_bits": board["pointer_bits"], "model": board["model"]}
    ours["facts"]["cpuinfo"] = ours["examination"]["cpuinfo"] = board["cpuinfo"]
    ours["examination"]["kernel_machine"] = board["machine"]
    found = findings(ours)
    read = temperature(zones(board), answer(board, "measure_temp"))
    return {
        "arch": userland_arch(board["machine"], board["pointer_bits"]),
        "cpu": ", ".join(cores(board["cpuinfo"])),
        "features": found["cpu features"].value,
        "celsius": None if read is None else read[0],
        "throttled": throttled_bits(answer(board, "get_throttled"), ""),
        "cameras": seen_cameras(board),
    }


def test_there_are_26_of_them() -> None:
    assert len(BOARDS) == 26
    assert all(board["sources"] for board in BOARDS.values())


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_is_what_its_owner_says(name: str) -> None:
    board = BOARDS[name]
    told = understood(board)
    assert {key: told[key] for key in board["expected"]} == board["expected"]
    assert (told["celsius"] is None) == ("celsius" not in board["expected"])
