"""Frames of a source, read beside the detector's work or, for clean timings, between it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable, Optional, Union

import numpy as np

from edgeproof_agent.pipeline.handover import FrameSlot, Handover, HandoverTimeoutError
from edgeproof_agent.pipeline.live import PATIENCE_SECONDS, SILENCE_SECONDS, LiveFrames, Notice, Opener
from edgeproof_agent.sources.frame import Capture, CaptureError

Prepare = Callable[[np.ndarray, Optional[np.ndarray]], np.ndarray]
"""The model's input for uint8 [H, W, 3] in BGR, written into the tensor that is given, if any."""

OnIdle = Callable[[], object]
FOR_EVER = float("inf")
_FILE_FRAMES_WAITING = 2
_WATCHING_SECONDS = 1.0
"""How long is waited for a thread that may look at a folder for ever."""


class FramesInTurn:
    """Reads a frame when it is asked for one."""

    dropped = repeated = reconnects = 0

    def __init__(self, capture: Capture, until: float = FOR_EVER) -> None:
        self._capture = capture
        self._until = until
        self._slot = FrameSlot()

    def take(self) -> Optional[FrameSlot]:
        """The next frame, which stays as it is until the next call; None at the end. Raises `CaptureError`."""
        if time.monotonic() >= self._until:
            return None
        if not self._capture.read(self._slot):
            if self._capture.facts.live:
                raise CaptureError("the source is lost: its stream ended")
            return None
        self._slot.ready_at_ns = time.monotonic_ns()
        return self._slot


class FramesBeside:
    """Reads every frame in a thread of its own."""

    dropped = repeated = reconnects = 0

    def __init__(self, handover: Handover, silence_seconds: float, until: float, on_idle: Optional[OnIdle]) -> None:
        self._handover = handover
        self._silence_seconds = silence_seconds
        self._until = until
        self._on_idle = on_idle
        self._taken: Optional[FrameSlot] = None

    def take(self) -> Optional[FrameSlot]:
        """The next frame, which stays as it is until the next call; None at the end, or when the time is over.

        Raises `CaptureError`.
        """
        if self._taken is not None:
            self._handover.put_back(self._taken)
            self._taken = None
        while time.monotonic() < self._until:
            try:
                self._taken = self._handover.take(min(self._silence_seconds, self._until - time.monotonic()))
                return self._taken
            except HandoverTimeoutError as error:
                if time.monotonic() >= self._until:
                    break
                if self._on_idle is None:
                    raise CaptureError(f"the source has given no frame for {self._silence_seconds:g} s") from error
                self._on_idle()
        return None


Frames = Union[LiveFrames, FramesBeside, FramesInTurn]


@contextmanager
def live_frames_of(
    capture: Capture,
    reopen: Opener,
    notice: Notice,
    silence_seconds: float = SILENCE_SECONDS,
    patience_seconds: float = PATIENCE_SECONDS,
    until: float = FOR_EVER,
) -> Iterator[LiveFrames]:
    """The newest frames of a live source: see `LiveFrames`. Many may be dropped, so none is prepared ahead: that would
    cost a small board its time."""
    frames = LiveFrames(capture, reopen, notice, silence_seconds, patience_seconds, until)
    try:
        yield frames
    finally:
        frames.close()


@contextmanager
def frames_of(
    capture: Capture,
    prepare: Prepare,
    overlap: bool = True,
    silence_seconds: float = SILENCE_SECONDS,
    until: float = FOR_EVER,
    on_idle: Optional[OnIdle] = None,
) -> Iterator[Union[FramesBeside, FramesInTurn]]:
    """Every frame of `capture`, which is released at the end.

    With `overlap` they are captured, and prepared for the model, beside the caller's work, `until` that moment of the
    monotonic clock. A source that gives nothing for `silence_seconds` is an error; with `on_idle` that is called
    instead. A read that does not come back is left to itself: releasing a capture under it would crash the process.
    """
    if not overlap:
        try:
            yield FramesInTurn(capture, until)
        finally:
            capture.release()
        return
    handover = Handover(_FILE_FRAMES_WAITING, newest_wins=False)
    thread = threading.Thread(target=_capture_all, args=(capture, prepare, handover), name="capture", daemon=True)
    thread.start()
    try:
        yield FramesBeside(handover, silence_seconds, until, on_idle)
    finally:
        handover.end()
        thread.join(silence_seconds if on_idle is None else _WATCHING_SECONDS)
        if not thread.is_alive():
            capture.release()


def _capture_all(capture: Capture, prepare: Prepare, handover: Handover) -> None:
    try:
        while True:
            slot = handover.free_slot()
            if not capture.read(slot):
                break
            slot.ready_at_ns = time.monotonic_ns()
            if not slot.trouble:
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
