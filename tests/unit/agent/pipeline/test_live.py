"""A live source: the newest frame wins; what is pulled, silent or frozen is opened anew, counted and said."""

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from edgeproof_agent.pipeline.live import LiveFrames
from edgeproof_agent.sources.frame import Capture, CaptureError, FramePlace, SourceFacts

LONG_SECONDS = 60.0


class Camera(Capture):
    """Gives the frames of a list of shades, one each time that it is allowed to; then ends, or waits."""

    facts = SourceFacts(True, "driver")

    def __init__(self, shades: list[int], then: str = "end", broken: bool = False) -> None:
        self.shades, self.then, self.broken = list(shades), then, broken
        self.exhausted = threading.Event()
        self.let_go = threading.Event()
        self.released = threading.Event()

    def read(self, place: FramePlace) -> bool:
        if not self.shades:
            self.exhausted.set()
            if self.then == "silence":
                self.let_go.wait(LONG_SECONDS)
            return False
        place.trouble = "the source gave a frame that cannot be decoded" if self.broken else ""
        place.picture = np.full((32, 32, 3), self.shades.pop(0), np.uint8)
        time.sleep(0.002)  # a pace of its own, so that the taking side sees each
        return True

    def release(self) -> None:
        self.released.set()


class Plug:
    """Opens one camera after the other; what is an error is raised."""

    def __init__(self, *then: "Camera | CaptureError") -> None:
        self.then = list(then)
        self.waits: list[float] = []
        self.notices: list[str] = []

    def frames(
        self, first: Camera, silence_seconds: float = LONG_SECONDS, patience_seconds: float = 60.0
    ) -> LiveFrames:
        return LiveFrames(
            first, self.open, self.notices.append, silence_seconds, patience_seconds, wait=self.waits.append
        )

    def open(self) -> Capture:
        found = self.then.pop(0)
        if isinstance(found, CaptureError):
            raise found
        return found


def shade(frames: LiveFrames) -> int:
    slot = frames.take()
    assert slot is not None
    assert slot.picture is not None
    return int(slot.picture[0, 0, 0])


def test_the_newest_comes_and_the_others_are_counted() -> None:
    camera = Camera(list(range(30)), then="silence")
    frames = Plug().frames(camera)
    assert camera.exhausted.wait(LONG_SECONDS)
    assert shade(frames) == 29
    assert frames.dropped == 29
    camera.let_go.set()
    frames.close()


def test_a_camera_that_was_pulled_is_opened_anew_and_its_frames_come() -> None:
    plug = Plug(CaptureError("there is no camera 0"), Camera([2], then="silence"))
    first = Camera([1])
    frames = plug.frames(first)
    assert shade(frames) == 1
    assert shade(frames) == 2
    assert first.released.is_set()
    assert frames.reconnects == 2
    assert plug.waits == [0.5, 1.0]
    assert plug.notices == [
        "the source is lost: its stream ended; it is opened again in 0.5 s",
        "the source is lost: there is no camera 0; it is opened again in 1 s",
    ]


def test_what_was_dropped_before_a_loss_is_counted_on() -> None:
    first = Camera(list(range(10)), then="silence")
    second = Camera(list(range(20, 25)), then="silence")
    frames = Plug(second).frames(first, silence_seconds=0.2)
    assert first.exhausted.wait(LONG_SECONDS)
    assert shade(frames) == 9
    assert shade(frames) >= 20
    assert second.exhausted.wait(LONG_SECONDS)
    assert 9 <= frames.dropped <= 13
    assert shade(frames) == 24
    assert frames.dropped + 3 >= 9 + 4


def test_a_silent_camera_is_noticed_within_its_limit_and_not_released_under_its_read() -> None:
    plug = Plug(Camera([5], then="silence"))
    first = Camera([1], then="silence")
    frames = plug.frames(first, silence_seconds=0.1)
    assert shade(frames) == 1
    started = time.monotonic()
    assert shade(frames) == 5
    assert 0.1 <= time.monotonic() - started < 5
    assert "no frame came for 0.1 s" in plug.notices[0]
    assert not first.released.is_set()
    first.let_go.set()
    assert first.released.wait(LONG_SECONDS)


def test_a_frozen_camera_is_counted_and_opened_anew_and_a_moving_one_is_not() -> None:
    plug = Plug(Camera([8, 9], then="silence"))
    frames = plug.frames(Camera([7] * 500, then="silence"), silence_seconds=0.2)
    seen = [shade(frames)]
    while seen[-1] == 7:
        seen.append(shade(frames))
    assert frames.repeated >= len(seen) - 2 > 1
    assert frames.reconnects == 1
    assert "one and the same frame for 0.2 s" in plug.notices[0]
    repeated = frames.repeated
    assert seen[-1] == 9 or shade(frames) == 9
    assert frames.repeated == repeated


def test_a_camera_that_gives_broken_frames_alone_is_lost() -> None:
    plug = Plug(Camera([1], then="silence"))
    frames = plug.frames(Camera([3] * 2000, broken=True))
    troubles = 0
    while (slot := frames.take()) is not None and slot.trouble:
        troubles += 1
    assert troubles == 100
    assert "101 frames in turn could not be read" in plug.notices[0]


def test_patience_ends_with_what_was_wrong_last() -> None:
    plug = Plug(*(CaptureError("/dev/video0 is busy: motion (process 7) has it open") for _ in range(1000)))
    frames = plug.frames(Camera([1]), patience_seconds=0.05)
    assert shade(frames) == 1
    with pytest.raises(CaptureError, match=r"busy: motion \(process 7\) has it open; it was tried"):
        frames.take()
    assert frames.reconnects >= 2


def test_waits_grow_to_a_bound() -> None:
    plug = Plug(*(CaptureError("gone") for _ in range(8)), Camera([2]))
    frames = plug.frames(Camera([1]))
    shade(frames)
    shade(frames)
    assert plug.waits == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0, 8.0]


def test_it_ends_when_the_time_is_over() -> None:
    nothing: Callable[..., object] = lambda *_: None  # noqa: E731
    camera = Camera([1], then="silence")
    frames = LiveFrames(camera, Plug().open, nothing, until=time.monotonic() + 0.1)
    assert shade(frames) == 1
    assert frames.take() is None
    camera.let_go.set()
