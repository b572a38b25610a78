"""What the real agent does, behind a local pipe."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from edgeproof.board.agent.session import AgentSession
from edgeproof.board.agent.streaming import StreamOptions
from edgeproof.board.link.conversation import Conversation, Reply, Request
from edgeproof.bundle import open_bundle
from edgeproof.errors import AgentDiedError, AgentRefusedError
from edgeproof.record.detections import StreamFrame
from edgeproof_agent.detection.digests import array_digest
from edgeproof_agent.detection.preprocess import prepare
from edgeproof_agent.pictures.decoding import decode_picture
from tests.contract.seeing import assert_sees_square, jpeg, png, write_video
from tests.support.boards.local_board import LocalBoard
from tests.support.networks.tiny_ssd import draw_dark, draw_square
from tests.support.processes import is_gone

VARIANTS = ("float32", "int8")


@pytest.mark.parametrize("variant", ["float32", "float16", "dynamic", "int8", "raw-float32", "raw-int8"])
def test_detects_what_the_model_is_built_to_see(board: LocalBoard, session: AgentSession, variant: str) -> None:
    session.load(board.bundle_path(variant))
    pictures = [
        ("bright", png(draw_square("bright", 2, 5))),
        ("nothing", png(draw_dark())),
        ("red", jpeg(draw_square("red", 6, 1))),
    ]
    bright, nothing, red = session.detect(pictures)
    assert_sees_square(bright, 0, 2, 5)
    assert_sees_square(red, 1, 6, 1)
    assert nothing.detections is not None
    assert len(nothing.detections.above(0.6)) == 0
    assert (bright.width, bright.height) == (256, 256)


@pytest.mark.parametrize("variant", VARIANTS)
def test_host_and_board_make_bit_equal_tensors(
    board: LocalBoard, session: AgentSession, variant: str, tiny_bundles: dict[str, Path]
) -> None:
    session.load(board.bundle_path(variant))
    contract = open_bundle(tiny_bundles[variant]).manifest.input
    random = np.random.default_rng(7)
    for shape in ((64, 64), (480, 640), (1080, 1920), (33, 17), (1, 1), (65, 300)):
        picture = cv2.GaussianBlur(random.integers(0, 256, (*shape, 3), np.uint8), (5, 5), 0)
        for data in (jpeg(picture), png(picture)):
            there = session.prepare(data)
            here = prepare(decode_picture(data), contract)
            assert there.dtype == here.dtype == contract.dtype.value
            assert there.tobytes() == here.tobytes()


@pytest.mark.parametrize("variant", ["float32", "int8", "raw-int8"])
def test_digests_are_of_what_each_step_made(board: LocalBoard, session: AgentSession, variant: str) -> None:
    manifest = session.load(board.bundle_path(variant)).manifest
    data, other = jpeg(draw_square("bright", 1, 1)), jpeg(draw_square("bright", 6, 6))
    plain, *_ = session.detect([("a", data)])
    assert plain.digests is None
    first, again, different = session.detect([("a", data), ("b", data), ("c", other)], digests=True)
    assert_sees_square(first, 0, 1, 1)
    pixels = decode_picture(data)
    outputs = session.outputs(data)
    assert first.digests is not None
    assert first.digests.pixels == array_digest(pixels)
    assert first.digests.input == array_digest(prepare(pixels, manifest.input))
    assert first.digests.outputs == tuple(map(array_digest, outputs))
    assert len(outputs) == (2 if variant.startswith("raw") else 4)
    assert again.digests == first.digests
    assert different.digests is not None
    assert different.digests.pixels != first.digests.pixels
    assert different.digests.outputs != first.digests.outputs


def test_a_bench_while_another_is_under_way_is_refused_and_the_first_goes_on(
    board: LocalBoard, session: AgentSession
) -> None:
    session.load(board.bundle_path("int8"))
    refused: list[AgentRefusedError] = []
    with board.session() as other:
        other.load(board.bundle_path("int8"))

        def measure_too(_: object) -> None:
            if not refused:
                with pytest.raises(AgentRefusedError, match="another measurement is under way") as caught:
                    other.bench(jpeg(draw_dark()), runs=1, warmup_runs=0)
                refused.append(caught.value)

        result = session.bench(jpeg(draw_dark()), 1_000_000, 0, max_seconds=1.5, on_block=measure_too)
        assert [error.kind for error in refused] == ["busy"]
        assert result.runs > 1
        assert other.bench(jpeg(draw_dark()), runs=1, warmup_runs=0).runs == 1


def test_a_broken_picture_gets_an_error_and_the_rest_go_on(board: LocalBoard, session: AgentSession) -> None:
    session.load(board.bundle_path("int8"))
    good = jpeg(draw_square("bright", 1, 1))
    results = list(session.detect([("a", good), ("broken", good[:40]), ("empty", b""), ("b", good)]))
    assert [result.name for result in results] == ["a", "broken", "empty", "b"]
    assert [result.error is None for result in results] == [True, False, False, True]
    assert "not a picture" in str(results[1].error)
    assert_sees_square(results[3], 0, 1, 1)


def test_many_pictures_are_answered_in_their_order(board: LocalBoard, session: AgentSession) -> None:
    session.load(board.bundle_path("int8"))
    cells = [(index % 8, index * 3 % 8) for index in range(50)]
    pictures = ((f"{row}-{column}", png(draw_square("bright", row, column))) for row, column in cells)
    for (row, column), result in zip(cells, session.detect(pictures), strict=True):
        assert result.name == f"{row}-{column}"
        assert_sees_square(result, 0, row, column)


def test_bench_returns_a_sample_a_stage_and_run(board: LocalBoard, session: AgentSession) -> None:
    session.load(board.bundle_path("float32"))
    reported: list[int] = []
    result = session.bench(
        jpeg(draw_dark()), runs=25, warmup_runs=3, on_block=lambda block: reported.append(len(block["invoke"]))
    )
    assert set(result.samples_ns) == {"decode", "preprocess", "invoke", "postprocess", "total"}
    assert all(len(samples) == 25 for samples in result.samples_ns.values())
    parts = np.sum([samples for stage, samples in result.samples_ns.items() if stage != "total"], axis=0)
    np.testing.assert_array_equal(parts, result.samples_ns["total"])
    assert all((samples > 0).all() for samples in result.samples_ns.values())
    assert sum(reported) == 25
    assert result.after is not None
    assert result.after.peak_rss_mib is not None
    assert result.after.peak_rss_mib > 10
    assert result.before is not None
    assert result.before.own_cpu_seconds is not None
    assert result.after.own_cpu_seconds is not None
    assert 0 < result.before.own_cpu_seconds <= result.after.own_cpu_seconds
    assert result.after.cpus_allowed == len(os.sched_getaffinity(0))


def test_bench_times_a_fixed_piece_of_work_where_that_is_wanted(board: LocalBoard, session: AgentSession) -> None:
    session.load(board.bundle_path("int8"))
    plain = session.bench(jpeg(draw_dark()), runs=1, warmup_runs=0)
    timed = session.bench(jpeg(draw_dark()), runs=1, warmup_runs=0, yardstick=True)
    assert [state and state.yardstick_ns for state in (plain.before, plain.after)] == [None, None]
    assert all(state is not None and (state.yardstick_ns or 0) > 0 for state in (timed.before, timed.after))


def test_bench_ends_when_its_time_is_up_with_what_it_has(board: LocalBoard, session: AgentSession) -> None:
    session.load(board.bundle_path("float32"))
    result = session.bench(jpeg(draw_dark()), runs=10_000_000 // 10, warmup_runs=0, max_seconds=0.0)
    assert result.runs == 1


def test_a_video_is_streamed_frame_by_frame(board: LocalBoard, session: AgentSession, tmp_path: Path) -> None:
    video = tmp_path / "walk.avi"
    write_video(video, 20)
    session.load(board.bundle_path("int8"))
    frames: list[StreamFrame] = []

    def on_frame(frame: StreamFrame) -> bool:
        frames.append(frame)
        return True

    ended = session.stream(str(video), 1000, on_frame, StreamOptions(jpeg_every=5))
    assert ended.frames == len(frames) == 20
    for index, frame in enumerate(frames):
        assert frame.index == index
        assert_sees_square(frame.result, 0, 0, index % 8)
        assert frame.result.stages_ns["capture"] > 0
        assert (frame.jpeg is not None) == (index % 5 == 0)
    assert decode_picture(frames[5].jpeg or b"").shape == (256, 256, 3)
    assert_sees_square(next(session.detect([("after", png(draw_square("red", 3, 3)))])), 1, 3, 3)


@pytest.mark.parametrize("stop_at", [1, 2, 7])
def test_a_stream_stops_when_the_host_has_enough(
    board: LocalBoard, session: AgentSession, tmp_path: Path, stop_at: int
) -> None:
    video = tmp_path / "walk.avi"
    write_video(video, 40)
    session.load(board.bundle_path("int8"))
    frames: list[int] = []

    def on_frame(frame: StreamFrame) -> bool:
        frames.append(frame.index)
        return len(frames) < stop_at

    session.stream(str(video), 1000, on_frame)
    assert frames == list(range(stop_at))
    assert session.state().load_1min is not None


def test_a_video_that_is_not_there_is_refused(board: LocalBoard, session: AgentSession) -> None:
    session.load(board.bundle_path("int8"))
    with pytest.raises(AgentRefusedError, match="there is no /nowhere.mp4 here"):
        session.stream("/nowhere.mp4", 1, lambda _: True)


def test_a_request_before_load_is_refused_and_the_session_goes_on(board: LocalBoard, session: AgentSession) -> None:
    with pytest.raises(AgentRefusedError, match="no bundle is loaded"):
        next(session.detect([("a", png(draw_dark()))]))
    session.load(board.bundle_path("int8"))
    assert session.prepare(png(draw_dark())).dtype == np.uint8


@pytest.mark.parametrize("kept_bytes", [0, 7, 1000, 8000])
def test_a_truncated_model_is_refused_or_the_death_is_told(
    board: LocalBoard, tmp_path: Path, kept_bytes: int, tiny_bundles: dict[str, Path]
) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(tiny_bundles["float32"], broken)
    model = (broken / "model.tflite").read_bytes()
    assert len(model) > 8000
    (broken / "model.tflite").write_bytes(model[:kept_bytes])
    with board.session() as session:
        with pytest.raises((AgentRefusedError, AgentDiedError)) as caught:
            session.load(str(broken))
        if isinstance(caught.value, AgentRefusedError):
            assert caught.value.kind == "bundle"
            session.load(board.bundle_path("float32"))  # the agent goes on
        else:
            assert "killed by signal" in str(caught.value)
            session.close()


def test_a_bundle_that_is_not_there_is_refused(board: LocalBoard, session: AgentSession) -> None:
    with pytest.raises(AgentRefusedError, match="is no bundle"):
        session.load("/nowhere")


def test_a_killed_agent_is_told_with_its_signal_and_results_stay(board: LocalBoard) -> None:
    with board.session() as session:
        session.load(board.bundle_path("int8"))
        data = png(draw_square("bright", 4, 4))
        arrived = []
        killed = False

        def pictures() -> Iterator[tuple[str, bytes]]:
            for index in range(100):
                nonlocal killed
                if index == 20:
                    os.kill(session.pid, signal.SIGKILL)
                    killed = True
                yield f"{index}", data

        with pytest.raises(AgentDiedError, match=r"died: killed by signal 9 \(SIGKILL\)"):
            for result in session.detect(pictures()):
                arrived.append(result)
        session.close()
    assert killed
    assert 10 <= len(arrived) <= 20
    assert_sees_square(arrived[-1], 0, 4, 4)


def test_the_agent_ends_with_the_host_even_while_it_measures(board: LocalBoard) -> None:
    session = board.session()
    session.load(board.bundle_path("float32"))

    class HostGoesAwayError(Exception):
        pass

    def leave(_: object) -> None:
        raise HostGoesAwayError

    with pytest.raises(HostGoesAwayError):
        session.bench(jpeg(draw_dark()), runs=1_000_000, warmup_runs=0, on_block=leave)
    session.close()
    assert is_gone(session.pid)


def test_an_agent_of_another_protocol_version_is_refused(board: LocalBoard) -> None:
    with board.session() as session:
        conversation: Conversation = session._conversation
        with pytest.raises(AgentRefusedError, match="the host speaks protocol 99") as caught:
            conversation.request(Request("hello", {"protocol": 99}))
    assert caught.value.kind == "protocol"


def test_a_library_that_prints_cannot_break_the_stream(board: LocalBoard, tmp_path: Path) -> None:
    """What writes to standard output, by Python or by descriptor 1, lands on standard error."""
    from edgeproof.board.store.agent_object import agent_object
    from edgeproof_agent.store.objects import Kind

    noisy = (
        "import os, sys; from edgeproof_agent.wire.link import take_standard_streams; "
        "from edgeproof_agent.wire.answering import serve; link = take_standard_streams(); print('noise', flush=True); "
        "os.write(1, b'more noise'); sys.exit(serve(link, {'read': lambda e: ({'stdin': sys.stdin.read()}, b'')}))"
    )
    path = board.store.path(Kind.AGENT, agent_object().digest)
    channel = board.transport.open(f'PYTHONPATH={path} {board.store.facts.python_executable} -c "{noisy}"; exit $?')
    conversation = Conversation(channel, "the noisy agent")
    reply = conversation.request(Request("read"))
    assert reply.fields.text("stdin", default="") == ""
    conversation.close()
    assert "noise" in channel.error_output.tail()
    assert "more noise" in channel.error_output.tail()


def test_a_bundle_is_run_on_loading_unless_the_host_says_otherwise(board: LocalBoard, session: AgentSession) -> None:
    def loaded(**arguments: object) -> tuple[list[str], bool]:
        stages: list[str] = []
        request = Request("load", {"bundle": board.bundle_path("int8"), **arguments})

        def note(_: str, event: Reply) -> None:
            stages.append(event.fields.text("stage"))

        reply = session._conversation.request(request, 60, note)
        return stages, "first_invoke_ns" in reply.fields

    assert loaded() == (["loading", "first inference"], True)
    assert loaded(check_health=True) == (["loading", "first inference"], True)
    assert loaded(check_health=False) == (["loading"], False)
