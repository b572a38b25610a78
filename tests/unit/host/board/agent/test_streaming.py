"""What comes ahead of a stream's answer: facts of the source, words, signs of life; bounded whoever sends them."""

from typing import Any

import pytest

from edgeproof.board.agent.streaming import SourceWord, StreamListener, StreamOptions
from edgeproof.board.link.conversation import Reply
from edgeproof.record.detections import SourceTold
from edgeproof_agent.serve.stream_request import StreamRequest
from edgeproof_agent.sources.settings import CaptureSettings
from edgeproof_agent.wire.fields import FieldError, Fields


def listener(words: list[SourceWord]) -> StreamListener:
    nothing: Any = None
    return StreamListener(10, nothing, nothing, words.append)


def event(**fields: Any) -> Reply:
    return Reply(Fields(fields), b"")


def test_the_source_and_what_befalls_it_are_told_and_not_answered() -> None:
    words: list[SourceWord] = []
    listening = listener(words)
    facts = {"live": True, "timestamps": "driver", "width": 640, "height": 480, "fps": 30.0, "pixel_format": "MJPG"}
    assert listening.on_event("source", event(facts=facts)) is None
    assert listening.on_event("notice", event(text="the source\x1b[2J is lost")) is None
    assert listening.on_event("idle", event()) is None
    assert words == [SourceTold(True, "driver", 640, 480, 30.0, "MJPG"), "the source[2J is lost"]
    assert listening.told == words[0]


@pytest.mark.parametrize("name", ["idle", "notice"])
def test_an_agent_that_talks_for_ever_and_sends_no_frames_is_ended(name: str) -> None:
    listening = listener([])
    with pytest.raises(FieldError, match="it talks and sends no frames"):
        for _ in range(100_000):
            listening.on_event(name, event(text="a"))


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("other", {}),
        ("source", {"facts": {"live": True, "timestamps": "sundial"}}),
        ("source", {"facts": {"live": True, "timestamps": "driver", "width": 0}}),
        ("notice", {"text": "a" * 5000}),
    ],
)
def test_what_is_no_such_event_is_refused(name: str, fields: dict[str, Any]) -> None:
    with pytest.raises(FieldError):
        listener([]).on_event(name, event(**fields))


def test_what_a_host_asks_for_is_what_the_agent_understands() -> None:
    capture = CaptureSettings(1280, 720, 15.0, "MJPG", 270, "vertical", False)
    options = StreamOptions(capture, 12.5, False, 3, 0.25, 2.0)
    asked = StreamRequest.read(Fields({"source": "camera:0", "frames": 7, **options.to_json()}))
    assert asked.settings == capture
    assert (asked.seconds, asked.overlap) == (12.5, False)
    assert (asked.pace.frames, asked.pace.jpeg_every, asked.pace.jpeg_seconds, asked.pace.state_seconds) == (
        7,
        3,
        0.25,
        2.0,
    )
    plain = StreamRequest.read(Fields({"source": "a.mp4", "frames": 1, **StreamOptions().to_json()}))
    assert (plain.settings, plain.overlap) == (CaptureSettings(), True)


@pytest.mark.parametrize(
    "capture", [{"rotate": 45}, {"rotate": 360}, {"pixel_format": "MJ"}, {"flip": "both"}, {"width": 0}, {"fps": 0}]
)
def test_an_agent_refuses_what_no_camera_can_be_asked_for(capture: dict[str, Any]) -> None:
    with pytest.raises(FieldError):
        StreamRequest.read(Fields({"source": "camera:0", "frames": 1, "capture": capture}))
