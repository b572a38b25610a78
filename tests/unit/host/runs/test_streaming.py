"""A stream's record holds what had come, however the stream ended."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgeproof.board.agent.loading import LoadedBundle
from edgeproof.board.agent.streaming import SourceWord, StreamOptions
from edgeproof.errors import AgentDiedError
from edgeproof.local_files.output_folder import OutputFolder
from edgeproof.record.board import BoardState
from edgeproof.record.detections import StreamFrame, StreamResult
from edgeproof.record.measured.load import LoadResult
from edgeproof.record.measured.measurements import Stream
from edgeproof.runs.plan import RunPlan, StreamPlan
from edgeproof.runs.streaming import StreamRecord
from edgeproof.watch.live_state import LiveState
from edgeproof_agent.sources.grammar import parse_source
from tests.support.example_manifest import MANIFEST
from tests.support.live_frames import TOLD, frame_at


class Session:
    """Streams some frames, then ends as it is told to."""

    def __init__(self, frames: int, then: BaseException | None = None) -> None:
        self.frames, self.then = frames, then
        self.closed = False
        self.options = StreamOptions()

    def stream(
        self,
        source: str,
        frames: int,
        on_frame: Callable[[StreamFrame], bool],
        options: StreamOptions,
        on_word: Callable[[SourceWord], None],
    ) -> StreamResult:
        self.options = options
        on_word(TOLD)
        for index in range(self.frames):
            on_frame(frame_at(index, repeated=index == 1))
        on_word("the source is lost: its stream ended")
        if self.then is not None:
            raise self.then
        return StreamResult(self.frames, BoardState(), BoardState(), TOLD, dropped=5, repeated=1, reconnects=1)

    def close(self) -> None:
        self.closed = True


def recorded(folder: Path, session: Session, raises: type[BaseException] | None = None, **plan: Any) -> Stream | None:
    loaded = LoadedBundle(replace(MANIFEST, label_offset=0), ("person", "cup"), LoadResult(1, 1, 1))
    stream = StreamPlan(parse_source("rtsp://me:secret@camera/1"), **plan)
    run = RunPlan(OutputFolder.open(folder), stream=stream)
    record = StreamRecord(loaded, stream, run, lambda _: None)
    given: Any = session
    if raises is None:
        record.run(given, "rtsp://me:secret@camera/1")
    else:
        with pytest.raises(raises):
            record.run(given, "rtsp://me:secret@camera/1")
    return record.finished()


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "frames.jsonl").read_text().splitlines()]


def test_every_frame_has_a_line_and_the_whole_is_summed_up(tmp_path: Path) -> None:
    stream = recorded(tmp_path, Session(200))
    assert stream is not None
    assert (stream.source, stream.frames, stream.frames_with_detections) == ("rtsp://camera/1", 200, 200)
    assert stream.told == TOLD
    assert stream.age is not None
    assert (stream.age.p50_ms, stream.age.p95_ms) == (45.0, 45.0)
    assert stream.accounted == pytest.approx(stream.stages["total"].mean_ms / 50)
    assert (stream.dropped, stream.repeated, stream.reconnects) == (5, 1, 1)
    assert stream.problems == ("the source is lost: its stream ended",)
    written = lines(tmp_path)
    assert [line["index"] for line in written] == list(range(200))
    assert [line["index"] for line in written if line.get("same_as_before")] == [1]
    assert written[0]["age_ns"] == 45_000_000
    assert written[0]["repeated"] == 0, "the count until then"
    assert [item["label"] for item in written[0]["detections"]] == ["person", "cup"]


def test_ctrl_c_ends_it_and_keeps_what_had_come(tmp_path: Path) -> None:
    session = Session(3, KeyboardInterrupt())
    stream = recorded(tmp_path, session)
    assert session.closed
    assert stream is not None
    assert stream.frames == 3
    assert stream.problems[-1] == "ended by hand"
    assert len(lines(tmp_path)) == 3


def test_an_agent_that_dies_leaves_what_had_come(tmp_path: Path) -> None:
    stream = recorded(tmp_path, Session(3, AgentDiedError("killed")), AgentDiedError)
    assert stream is not None
    assert (stream.frames, stream.dropped) == (3, 2)
    assert len(lines(tmp_path)) == 3


def test_a_stream_without_frames_is_none(tmp_path: Path) -> None:
    assert recorded(tmp_path, Session(0)) is None


def test_what_is_only_looked_at_is_not_kept_and_the_observer_sets_the_pace(tmp_path: Path) -> None:
    state = LiveState("camera", "pi", 0.25)
    session = Session(4)
    stream = recorded(tmp_path, session, observer=state, kept=False)
    assert stream is not None
    assert stream.frames_file is None
    assert not (tmp_path / "frames.jsonl").exists()
    assert (session.options.jpeg_seconds, session.options.state_seconds) == (0.25, 1.0)
    now = state.snapshot()
    assert (now.frames, now.model, now.told) == (4, "pedestrian int8", TOLD)
    assert now.words == ("the source is lost: its stream ended",)
