"""Frames of an opened capture, read beside the detector's work or, for clean timings, between it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable, Optional, Union

import numpy as np

from edgeproof_agent.pictures.opencv import cv2
from edgeproof_agent.pipeline.handover import FrameSlot, Handover, HandoverTimeoutError
from edgeproof_agent.sources.capture import CaptureError

Prepare = Callable[[np.ndarray, Optional[np.ndarray]], np.ndarray]
"""The model's input for uint8 [H, W, 3] in BGR, written into the tensor that is given, if any."""

SILENCE_SECONDS = 10.0
"""A source that gives no frame for so long is held for lost. Slow webcams need 3 s for their first one."""
_FILE_FRAMES_WAITING = 2
_LIVE_FRAMES_WAITING = 1  # a frame that waits grows old


class FramesInTurn:
    """Reads a frame when it is asked for one."""

    dropped = 0

    def __init__(self, capture: cv2.VideoCapture) -> None:
        self._capture = capture
        self._slot = FrameSlot()

    def take(self) -> Optional[FrameSlot]:
        """The next frame, which stays as it is until the next call; None at the end. Raises `CaptureError`."""
        return self._slot if read_into(self._slot, self._capture) else None


class FramesBeside:
    """Reads frames in a thread of its own."""

    def __init__(self, handover: Handover, silence_seconds: float) -> None:
        self._handover = handover
        self._silence_seconds = silence_seconds
        self._taken: Optional[FrameSlot] = None

    @property
    def dropped(self) -> int:
        return self._handover.dropped

    def take(self) -> Optional[FrameSlot]:
        """The next frame, which stays as it is until the next call; None at the end. Raises `CaptureError`."""
        if self._taken is not None:
            self._handover.put_back(self._taken)
            self._taken = None
        try:
            self._taken = self._handover.take(self._silence_seconds)
        except HandoverTimeoutError as error:
            raise CaptureError(f"the source has given no frame for {self._silence_seconds:g} s") from error
        return self._taken


@contextmanager
def frames_of(
    capture: cv2.VideoCapture,
    prepare: Prepare,
    live: bool,
    overlap: bool = True,
    silence_seconds: float = SILENCE_SECONDS,
) -> Iterator[Union[FramesBeside, FramesInTurn]]:
    """The frames of `capture`, which is released at the end. With `overlap` they are captured beside the caller's work.

    Then the newest frame of a `live` source is given, and every one of all others, which are prepared for the model
    beside it, too. Of a live source many may be dropped: preparing those would cost a small board its time. A read that
    does not come back (a camera that was pulled) is left to itself: releasing a capture under it would crash the
    process.
    """
    if not overlap:
        try:
            yield FramesInTurn(capture)
        finally:
            capture.release()
        return
    handover = Handover(_LIVE_FRAMES_WAITING if live else _FILE_FRAMES_WAITING, newest_wins=live)
    thread = threading.Thread(
        target=_capture_all, args=(capture, None if live else prepare, handover), name="capture", daemon=True
    )
    thread.start()
    try:
        yield FramesBeside(handover, silence_seconds)
    finally:
        handover.end()
        thread.join(silence_seconds)
        if not thread.is_alive():
            capture.release()


def read_into(slot: FrameSlot, capture: cv2.VideoCapture) -> bool:
    """Reads the next frame into the memory of `slot` where its size allows. False when there is none.

    Raises `CaptureError`.
    """
    started = time.monotonic_ns()
    try:
        arrived, picture = capture.read(slot.picture)
    except cv2.error as error:
        raise CaptureError("the source gave a frame that cannot be decoded") from error
    slot.ready_at_ns = time.monotonic_ns()
    slot.capture_ns = slot.ready_at_ns - started
    if arrived:
        slot.picture = picture
    return bool(arrived)


def _capture_all(capture: cv2.VideoCapture, prepare: Optional[Prepare], handover: Handover) -> None:
    try:
        while True:
            slot = handover.free_slot()
            if not read_into(slot, capture):
                break
            if prepare is not None:
                assert slot.picture is not None
                slot.tensor = prepare(slot.picture, slot.tensor)
                prepared_at_ns = time.monotonic_ns()
                slot.prepare_ns, slot.ready_at_ns = prepared_at_ns - slot.ready_at_ns, prepared_at_ns
            if not handover.give(slot):
                break
    except Exception as error:  # noqa: BLE001  # raised again in the thread that takes the frames
        handover.end(error)
    finally:
        handover.end()
