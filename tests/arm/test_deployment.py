"""Push, rollback, status and doctor on an ARM board, by the command."""

import json
import sys
from pathlib import Path

import pytest

from edgeproof.bundle import open_bundle
from tests.support.boards.emulated import APP, Command, ReadyBoard


@pytest.mark.parametrize("virtual", ["trixie"], indirect=True)
def test_a_push_is_rolled_back(board: ReadyBoard, edgeproof: Command, tiny_bundles: dict[str, Path]) -> None:
    name = board.virtual.profile.name
    digests = {variant: open_bundle(tiny_bundles[variant]).digest[:12] for variant in ("float32", "int8")}
    for variant, digest in digests.items():
        assert f"serves {digest} now" in edgeproof("push", name, tiny_bundles[variant], "--app", APP)
    assert f"serves {digests['float32']} (float32) again, before {digests['int8']} (int8)" in edgeproof(
        "rollback", name, "--app", APP
    )
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
