"""Push, rollback, status and doctor on an ARM board, by the command."""

import json
import sys

import pytest

from edgeproof.bundle import Bundle
from tests.support.boards.emulated import APP, Command, ReadyBoard


@pytest.mark.parametrize("virtual", ["bookworm", "trixie"], indirect=True)
def test_a_push_is_rolled_back(board: ReadyBoard, edgeproof: Command, bundles: dict[str, Bundle]) -> None:
    name = board.virtual.profile.name
    for variant in ("float32", "int8"):
        assert f"serves {bundles[variant].digest[:12]} now" in edgeproof("push", name, bundles[variant].path)
    assert f"serves {bundles['float32'].digest[:12]} again" in edgeproof("rollback", name, "--app", APP)
    links = json.loads(edgeproof("status", name, "--json"))["apps"][APP]
    assert (links["current"]["variant"], links["previous"]["variant"]) == ("float32", "int8")


def test_doctor_tells_what_the_board_is(
    board: ReadyBoard, edgeproof: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    told = edgeproof("board", "doctor", board.virtual.profile.name)
    suite = board.virtual.suite
    for words in ("The processor is emulated", "vivid", "not available", suite.name.partition("-")[0], "ready"):
        assert words in told, told
    assert ("armv7l" if suite.architecture == "armhf" else "aarch64") in told
    with capsys.disabled():  # part of what a run of the tests shows
        sys.stdout.write(f"\n{told}")
