"""What the host is told of each frame: stages, the whole measured apart, the age from the moment that it was taken."""

import time
from typing import Any

import numpy as np

from edgeproof_agent.detection.detector import Detection
from edgeproof_agent.pipeline.handover import FrameSlot
from edgeproof_agent.pipeline.stream import Pace, stream_frames

MS = 1_000_000


class Source:
    """Frames of a list; the counts of a live one."""

    dropped, repeated, reconnects = 3, 2, 1

    def __init__(self, *frames: FrameSlot) -> None:
        self.frames = list(frames)

    def take(self) -> FrameSlot | None:
        return self.frames.pop(0) if self.frames else None


class Exchange:
    def __init__(self, *controls: str) -> None:
        self.events: list[dict[str, Any]] = []
        self.controls = list(controls)

    def send_event(self, name: str, body: dict[str, Any], payload: bytes = b"") -> None:
        assert name == "frame"
        self.events.append(body)

    def receive_control(self) -> str:
        return self.controls.pop(0) if self.controls else "more"


def slot(**fields: Any) -> FrameSlot:
    now = time.monotonic_ns()
    picture = np.zeros((8, 8, 3), np.uint8)
    moments = {"started_at_ns": now - 300 * MS, "taken_at_ns": now - 100 * MS, "ready_at_ns": now - 50 * MS}
    return FrameSlot(picture, capture_ns=200 * MS, decode_ns=50 * MS, **{**moments, **fields})


def detect(frame: FrameSlot, stages_ns: dict[str, int]) -> Detection:
    stages = {**stages_ns, "invoke": MS}
    stages["total"] = sum(stages.values())
    nothing = np.zeros((0, 4), np.float32)
    return Detection(nothing, np.zeros(0, np.int32), np.zeros(0, np.float32), 8, 8, stages)


def events(source: Source, live: bool, pace: Pace | None = None, *controls: str) -> list[dict[str, Any]]:
    exchange: Any = Exchange(*controls)
    frames: Any = source
    stream_frames(exchange, detect, frames, live, pace or Pace(100, window=4))
    told: list[dict[str, Any]] = exchange.events
    return told


def test_a_live_frame_has_its_age_apart_from_its_whole_and_the_counts() -> None:
    (told,) = events(Source(slot(repeated=True)), live=True)
    assert 100 * MS <= told["age_ns"] < 290 * MS
    assert told["whole_ns"] >= 300 * MS
    assert told["whole_ns"] - told["age_ns"] == 200 * MS
    assert told["repeated_frame"] is True
    assert (told["dropped"], told["repeated"], told["reconnects"]) == (3, 2, 1)
    assert told["stages_ns"]["capture"] == 200 * MS
    assert told["stages_ns"]["decode"] == 50 * MS
    assert told["stages_ns"]["handover"] >= 50 * MS


def test_a_frame_of_a_file_has_its_place_and_no_age() -> None:
    first, second = events(
        Source(slot(media_ns=40 * MS), slot(name="a.png", trouble="a.png: it is broken")), live=False
    )
    assert "age_ns" not in first
    assert first["media_ns"] == 40 * MS
    assert second == {
        "index": 1, "dropped": 3, "repeated": 2, "reconnects": 1, "name": "a.png", "refused": "a.png: it is broken"
    }  # fmt: skip


def test_pictures_and_the_boards_state_come_as_often_as_they_are_wanted() -> None:
    often = events(Source(*(slot() for _ in range(4))), True, Pace(100, 4, jpeg_every=2))
    assert [any(item["name"] == "jpeg" for item in told["arrays"]) for told in often] == [True, False, True, False]
    rarely = events(Source(*(slot() for _ in range(4))), True, Pace(100, 4, jpeg_seconds=60.0, state_seconds=60.0))
    assert [any(item["name"] == "jpeg" for item in told["arrays"]) for told in rarely] == [True, False, False, False]
    assert ["state" in told for told in rarely] == [True, False, False, False]


def test_it_ends_after_so_many_frames_and_when_the_host_says_so() -> None:
    assert len(events(Source(*(slot() for _ in range(9))), True, Pace(5, 4))) == 5
    assert len(events(Source(*(slot() for _ in range(9))), True, Pace(9, 2), "more", "stop")) == 3
