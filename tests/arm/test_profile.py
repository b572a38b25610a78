"""A profile on an ARM board: of a real detector under ai-edge-litert; elsewhere the reason why there is none."""

from edgeproof.board.deploy import open_session, send_bundle
from edgeproof.board.open_board import open_board
from edgeproof.board.runtime.proof import proof_model
from edgeproof.bundle import Bundle
from edgeproof.runs.generated_picture import generated_picture
from edgeproof.verify.operator_times import profile_of
from edgeproof_agent.store.objects import Kind
from tests.support.boards.emulated import ReadyBoard


def test_the_operators_of_a_real_detector_are_told_where_the_runtime_can(
    board: ReadyBoard, bundles: dict[str, Bundle]
) -> None:
    with open_board(board.virtual.profile) as opened:
        digest = send_bundle(opened.store, bundles["int8"]).digest
        with open_session(opened) as session:
            load = session.load(opened.store.path(Kind.BUNDLE, digest), check_health=False).load
            assert load.cpus is not None
            assert load.cpus.usable == load.cpus.total
            found = session.profile(generated_picture(), proof_model(), runs=2, warmup_runs=0, max_seconds=60.0)
    if board.runtime.name == "tflite-runtime":
        assert found == "tflite-runtime tells no operator's time; ai-edge-litert does"
        return
    assert not isinstance(found, str), found
    profile = profile_of(found)
    assert len(profile.operators) > 100
    assert all(time.ran.layer is not None for time in profile.operators)
    assert 0.9 < profile.accounted <= 1
    assert any(time.ran.operator == "TFLite_Detection_PostProcess" for time in profile.outside)
