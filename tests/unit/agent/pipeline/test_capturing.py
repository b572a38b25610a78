"""Frames of a capture that is no live one: all of them, with an end, errors in words, the same memory."""

import threading
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edgeproof_agent.pipeline.capturing import frames_of
from edgeproof_agent.sources.frame import Capture, CaptureError, FramePlace, SourceFacts
from edgeproof_agent.sources.settings import CaptureSettings
from edgeproof_agent.sources.video import open_file

LONG_SECONDS = 60.0
FRAMES = 30


class Shades(Capture):
    """Brings frames whose pixels are their number; then ends, raises, or is silent until it is let go."""

    def __init__(
        self, frames: int = FRAMES, then: str = "end", live: bool = False, broken: tuple[int, ...] = ()
    ) -> None:
        self.frames, self.then, self.broken = frames, then, broken
        self.index = 0
        self.let_go = threading.Event()
        self.released = False
        self.facts = SourceFacts(live, "arrival")

    def read(self, place: FramePlace) -> bool:
        if self.index == self.frames:
            if self.then == "error":
                raise CaptureError("it broke")
            if self.then == "silence":
                self.let_go.wait(LONG_SECONDS)
            return False
        place.trouble = "it is broken" if self.index in self.broken else ""
        if place.picture is None:
            place.picture = np.empty((4, 6, 3), np.uint8)
        place.picture[:] = self.index
        self.index += 1
        return True

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
    capture = Shades()
    with frames_of(capture, darker, overlap) as frames:
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
    with frames_of(open_file(str(path), CaptureSettings()), darker, overlap) as frames:
        assert shades(frames) == pytest.approx([index * 10 for index in range(20)], abs=3)


@pytest.mark.parametrize("overlap", [True, False])
def test_an_error_of_the_source_comes_behind_the_frames_before_it(overlap: bool) -> None:
    capture = Shades(1, then="error")
    with frames_of(capture, darker, overlap) as frames:
        assert frames.take() is not None
        with pytest.raises(CaptureError, match="^it broke$"):
            frames.take()
    assert capture.released


@pytest.mark.parametrize("overlap", [True, False])
def test_a_broken_frame_is_one_trouble_and_the_others_come(overlap: bool) -> None:
    with frames_of(Shades(3, broken=(1,)), darker, overlap) as frames:
        troubles = []
        while (slot := frames.take()) is not None:
            troubles.append(slot.trouble)
    assert troubles == ["", "it is broken", ""]


def test_a_silent_source_is_told_and_not_released_under_its_read() -> None:
    capture = Shades(0, then="silence")
    silent = pytest.raises(CaptureError, match=r"the source has given no frame for 0\.01 s")
    with frames_of(capture, darker, silence_seconds=0.01) as frames, silent:
        frames.take()
    assert not capture.released
    capture.let_go.set()


def test_a_source_that_may_be_silent_gives_signs_of_life_until_the_time_is_over() -> None:
    capture = Shades(0, then="silence")
    signs: list[int] = []
    until = time.monotonic() + 0.1
    with frames_of(capture, darker, True, 0.01, until, on_idle=lambda: signs.append(1)) as frames:
        assert frames.take() is None
        assert time.monotonic() >= until
        assert len(signs) >= 2
        capture.let_go.set()


@pytest.mark.parametrize("overlap", [True, False])
def test_a_file_ends_when_the_time_is_over(overlap: bool) -> None:
    capture = Shades(1_000_000)
    with frames_of(capture, darker, overlap, until=time.monotonic()) as frames:
        assert frames.take() is None
    assert capture.released


def test_a_live_source_that_is_read_in_turn_does_not_end_without_a_word() -> None:
    with (
        frames_of(Shades(0, live=True), darker, overlap=False) as frames,
        pytest.raises(CaptureError, match="the source is lost"),
    ):
        frames.take()


def test_whoever_has_enough_frames_ends_the_capturing() -> None:
    capture = Shades(1_000_000)
    with frames_of(capture, darker) as frames:
        assert frames.take() is not None
    assert capture.released
    assert capture.index < 10


@pytest.mark.parametrize("overlap", [True, False])
def test_frames_are_read_into_the_same_memory(overlap: bool) -> None:
    with frames_of(Shades(), darker, overlap) as frames:
        memory = set()
        while (slot := frames.take()) is not None:
            assert slot.picture is not None
            memory.add(slot.picture.ctypes.data)
    assert len(memory) <= 4


def test_every_frame_of_a_file_comes_with_its_own_tensor_in_memory_that_is_used_again() -> None:
    with frames_of(Shades(), darker) as frames:
        memory = set()
        for index in range(FRAMES):
            slot = frames.take()
            assert slot is not None
            assert slot.tensor is not None
            assert (slot.tensor == index / 2).all()
            assert slot.prepare_ns > 0
            memory.add(slot.tensor.ctypes.data)
    assert len(memory) <= 4


def test_a_frame_that_is_read_in_turn_is_not_prepared_ahead() -> None:
    with frames_of(Shades(1), darker, overlap=False) as frames:
        slot = frames.take()
        assert slot is not None
        assert slot.tensor is None
