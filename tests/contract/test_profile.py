"""A profile of the real agent under each runtime: told rightly where the runtime can, else why it is not."""

from pathlib import Path

import cv2
import pytest

from edgeproof.board.agent.session import AgentSession
from edgeproof.board.runtime.proof import proof_model
from edgeproof.tflite.file import read_tflite
from edgeproof.verify.operator_times import profile_of
from tests.support.boards.local_board import LocalBoard
from tests.support.networks.tiny_ssd import draw_square

RUNS = 5


@pytest.fixture
def picture() -> bytes:
    return bytes(cv2.imencode(".png", draw_square("bright", 2, 5))[1])


@pytest.mark.parametrize("variant", ["float32", "float16", "int8", "raw-float32"])
def test_the_operators_are_those_of_the_file(
    board: LocalBoard, session: AgentSession, picture: bytes, variant: str
) -> None:
    path = board.bundle_path(variant)
    session.load(path)
    found = session.profile(picture, proof_model(), RUNS, 1, 30.0)
    if board.runtime == "tflite-runtime":
        assert found == "tflite-runtime tells no operator's time; ai-edge-litert does"
        return
    assert not isinstance(found, str), found
    profile = profile_of(found)
    assert profile.runs == RUNS
    layers = read_tflite(Path(path, "model.tflite").read_bytes()).layers
    known = {(layer.operator, layer.name) for layer in layers}
    named = [(time.ran.operator, time.ran.layer) for time in profile.operators if time.ran.layer is not None]
    assert set(named) <= known
    assert len(set(named)) == len(named), "no layer is told twice"
    convolutions = {layer for layer in known if layer[0] in ("CONV_2D", "DEPTHWISE_CONV_2D")}
    assert convolutions <= set(named)
    assert 0 < profile.accounted <= 1


def test_after_a_profile_the_agent_detects_as_before(board: LocalBoard, session: AgentSession, picture: bytes) -> None:
    session.load(board.bundle_path("int8"))
    (before,) = session.detect([("a", picture)], digests=True)
    session.profile(picture, proof_model(), 1, 0, 10.0)
    (after,) = session.detect([("a", picture)], digests=True)
    assert after.digests == before.digests
