"""Sources of pictures through the real agent: folders, what comes into one, a network camera that is pulled."""

import statistics
import threading
from collections.abc import Callable
from pathlib import Path
from unittest.mock import ANY

import pytest

from edgeproof.board.agent.session import AgentSession
from edgeproof.board.agent.streaming import SourceWord, StreamOptions
from edgeproof.errors import AgentRefusedError
from edgeproof.record.detections import PictureResult, SourceTold, StreamFrame
from tests.contract.seeing import assert_sees_square, png, write_video
from tests.support.boards.local_board import LocalBoard
from tests.support.mjpeg_server import MjpegCamera
from tests.support.networks.tiny_ssd import draw_dark, draw_square


def test_the_stages_of_a_frame_explain_its_whole(board: LocalBoard, session: AgentSession, tmp_path: Path) -> None:
    video = tmp_path / "walk.avi"
    write_video(video, 20)
    session.load(board.bundle_path("int8"))
    for overlap in (False, True):
        frames: list[StreamFrame] = []
        session.stream(str(video), 1000, kept_in(frames), StreamOptions(overlap=overlap))
        for frame in frames:
            assert set(frame.result.stages_ns) == {
                "capture", "decode", "handover", "preprocess", "invoke", "postprocess", "total"
            }  # fmt: skip
            assert frame.whole_ns is not None
            assert frame.result.stages_ns["total"] <= frame.whole_ns
            assert frame.age_ns is None
        # One frame can be kept waiting between two stages by whatever else the machine does.
        shares = [frame.result.stages_ns["total"] / (frame.whole_ns or 1) for frame in frames]
        assert statistics.median(shares) > 0.5
        assert [frame.media_ns for frame in frames] == [index * 100_000_000 for index in range(20)]


def kept_in(frames: list[StreamFrame]) -> Callable[[StreamFrame], bool]:
    def keep(frame: StreamFrame) -> bool:
        frames.append(frame)
        return True

    return keep


def test_pictures_of_a_folder_are_streamed_and_a_wrong_one_is_one_error(
    board: LocalBoard, session: AgentSession, tmp_path: Path
) -> None:
    for place in range(3):
        (tmp_path / f"{place}.png").write_bytes(png(draw_square("bright", 1, place)))
    (tmp_path / "1.png").write_bytes(b"not a picture")
    session.load(board.bundle_path("int8"))
    frames: list[StreamFrame] = []
    ended = session.stream(f"board:{tmp_path}", 1000, kept_in(frames))
    assert [frame.result.name for frame in frames] == ["0.png", "1.png", "2.png"]
    assert "1.png: it is broken or not a picture" in str(frames[1].result.error)
    for place in (0, 2):
        assert_sees_square(frames[place].result, 0, 1, place)
    assert ended.source is not None
    assert not ended.source.live


def test_pictures_that_come_into_a_watched_folder_are_streamed_until_the_time_is_over(
    board: LocalBoard, session: AgentSession, tmp_path: Path
) -> None:
    (tmp_path / "before.png").write_bytes(png(draw_dark()))
    session.load(board.bundle_path("int8"))
    frames: list[StreamFrame] = []

    def opened(word: SourceWord) -> None:
        threading.Timer(0.3, (tmp_path / "new.png").write_bytes, [png(draw_square("red", 2, 2))]).start()

    session.stream(f"watch:{tmp_path}", 1000, kept_in(frames), StreamOptions(seconds=2.0), opened)
    assert [frame.result.name for frame in frames] == ["new.png"]
    assert_sees_square(frames[0].result, 1, 2, 2)


def test_a_network_camera_gives_its_newest_frame_with_its_age_and_is_opened_anew(
    board: LocalBoard, session: AgentSession
) -> None:
    session.load(board.bundle_path("int8"))
    words: list[SourceWord] = []
    frames: list[StreamFrame] = []
    with MjpegCamera(lambda index: draw_square("bright", 3, index % 8)) as camera:

        def on_frame(frame: StreamFrame) -> bool:
            frames.append(frame)
            if len(frames) == 5:
                camera.pulled.set()
            return len(frames) < 30

        def on_word(word: SourceWord) -> None:
            words.append(word)
            camera.pulled.clear()

        ended = session.stream(camera.url, 1000, on_frame, StreamOptions(), on_word)
    told, lost, *_ = words
    assert told == ended.source == SourceTold(True, "arrival", 256, 256, ANY, ANY)
    assert "the source is lost" in str(lost)
    assert ended.reconnects == camera.connections - 1 >= 1
    assert len(frames) == 30
    for frame in frames:
        assert_sees_square(frame.result, 0, 3, column_of(frame.result))
        assert frame.age_ns is not None
        assert 0 < frame.age_ns < 10e9


def column_of(result: PictureResult) -> int:
    assert result.detections is not None
    return int(result.detections.boxes[0, [1, 3]].mean() * 8)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("camera:97", "there is no camera 97"),
        ("http://127.0.0.1:9/stream", "nobody answers there"),
        ("watch:/nowhere", "there is no folder /nowhere to watch"),
        ("ftp://127.0.0.1/x", "none of the URLs that are read"),
    ],
)
def test_a_source_that_cannot_be_opened_is_refused_and_the_session_goes_on(
    board: LocalBoard, session: AgentSession, source: str, words: str
) -> None:
    session.load(board.bundle_path("int8"))
    with pytest.raises(AgentRefusedError, match=words):
        session.stream(source, 1, lambda _: True)
    assert_sees_square(next(session.detect([("after", png(draw_square("red", 3, 3)))])), 1, 3, 3)
