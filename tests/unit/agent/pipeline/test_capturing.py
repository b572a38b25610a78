"""Frames of a capture: all of a file, the newest of a live source, with an end, errors in words, the same memory."""

import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edgeproof_agent.pipeline.capturing import frames_of
from edgeproof_agent.sources.capture import CaptureError

LONG_SECONDS = 60.0
FRAMES = 30


class Capture:
    """Brings frames whose pixels are their number; then ends, raises, or is silent until it is let go."""

    def __init__(self, frames: int = FRAMES, then: str = "end") -> None:
        self.frames, self.then = frames, then
        self.index = 0
        self.let_go = threading.Event()
        self.exhausted = threading.Event()
        self.released = False

    def read(self, image: Any = None) -> tuple[bool, Any]:
        if self.index == self.frames:
            self.exhausted.set()
            if self.then == "error":
                raise cv2.error("(-215:Assertion failed) !buf.empty()")
            if self.then == "silence":
                self.let_go.wait(LONG_SECONDS)
            return False, None
        picture = np.empty((4, 6, 3), np.uint8) if image is None else image
        picture[:] = self.index
        self.index += 1
        return True, picture

    def release(self) -> None:
        self.released = True


def darker(picture: Any, out: Any) -> Any:
    tensor = np.empty(picture.shape, np.float32) if out is None else out
    np.divide(picture, 2, out=tensor)
    return tensor


def shades(frames: Any) -> list[int]:
    seen = []
    while (slot := frames.take()) is not None:
        seen.append(int(slot.picture[0, 0, 0]))
    return seen


@pytest.mark.parametrize("overlap", [True, False])
def test_every_frame_of_a_file_comes_once_and_in_order(overlap: bool) -> None:
    capture: Any = Capture()
    with frames_of(capture, darker, live=False, overlap=overlap) as frames:
        assert shades(frames) == list(range(FRAMES))
        assert frames.dropped == 0
    assert capture.released


@pytest.mark.parametrize("overlap", [True, False])
def test_every_frame_of_a_real_video_comes_once_and_in_order(tmp_path: Path, overlap: bool) -> None:
    path = tmp_path / "shades.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for index in range(20):
        writer.write(np.full((48, 64, 3), index * 10, np.uint8))
    writer.release()
    with frames_of(cv2.VideoCapture(str(path)), darker, live=False, overlap=overlap) as frames:
        assert shades(frames) == pytest.approx([index * 10 for index in range(20)], abs=3)


def test_of_a_live_source_the_newest_comes_and_the_others_are_counted() -> None:
    capture: Any = Capture()
    with frames_of(capture, darker, live=True) as frames:
        assert capture.exhausted.wait(LONG_SECONDS)
        assert shades(frames) == [FRAMES - 1]
        assert frames.dropped == FRAMES - 1


@pytest.mark.parametrize("overlap", [True, False])
def test_a_frame_that_cannot_be_decoded_is_told_in_words_behind_those_before_it(overlap: bool) -> None:
    capture: Any = Capture(1, then="error")
    with frames_of(capture, darker, live=False, overlap=overlap) as frames:
        assert frames.take() is not None
        with pytest.raises(CaptureError, match="^the source gave a frame that cannot be decoded$"):
            frames.take()
    assert capture.released


def test_a_silent_source_is_told_and_not_released_under_its_read() -> None:
    capture: Any = Capture(0, then="silence")
    silent = pytest.raises(CaptureError, match=r"the source has given no frame for 0\.01 s")
    with frames_of(capture, darker, live=True, silence_seconds=0.01) as frames, silent:
        frames.take()
    assert not capture.released
    capture.let_go.set()


def test_whoever_has_enough_frames_ends_the_capturing() -> None:
    capture: Any = Capture(1_000_000)
    with frames_of(capture, darker, live=False) as frames:
        assert frames.take() is not None
    assert capture.released
    assert capture.index < 10


@pytest.mark.parametrize("overlap", [True, False])
def test_frames_are_read_into_the_same_memory(overlap: bool) -> None:
    capture: Any = Capture()
    with frames_of(capture, darker, live=False, overlap=overlap) as frames:
        memory = set()
        while (slot := frames.take()) is not None:
            assert slot.picture is not None
            memory.add(slot.picture.ctypes.data)
    assert len(memory) <= 4


def test_every_frame_of_a_file_comes_with_its_own_tensor_in_memory_that_is_used_again() -> None:
    capture: Any = Capture()
    with frames_of(capture, darker, live=False) as frames:
        memory = set()
        for index in range(FRAMES):
            slot = frames.take()
            assert slot is not None
            assert slot.tensor is not None
            assert (slot.tensor == index / 2).all()
            assert slot.prepare_ns > 0
            memory.add(slot.tensor.ctypes.data)
    assert len(memory) <= 4


@pytest.mark.parametrize(("live", "overlap"), [(True, True), (False, False)])
def test_a_frame_that_may_be_dropped_or_is_read_in_turn_is_not_prepared_ahead(live: bool, overlap: bool) -> None:
    capture: Any = Capture(1)
    with frames_of(capture, darker, live=live, overlap=overlap) as frames:
        slot = frames.take()
        assert slot is not None
        assert slot.tensor is None
