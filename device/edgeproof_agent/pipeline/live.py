"""Frames of a live source that may be pulled, fall silent or freeze: it is opened anew, counted and said."""

import threading
import time
import zlib
from typing import Callable, Optional

import numpy as np

from edgeproof_agent.pipeline.handover import FrameSlot, Handover, HandoverTimeoutError
from edgeproof_agent.sources.frame import Capture, CaptureError

SILENCE_SECONDS = 10.0
"""A source that gives no new frame for so long is held for lost. Slow webcams need 3 s for their first one."""
PATIENCE_SECONDS = 60.0
"""A source that has been lost for so long ends the stream."""
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.5, 8.0
_FRAMES_WAITING = 1  # a frame that waits grows old
_SAMPLED = 8
"""Every so many rows and columns are looked at to tell whether a frame is a new one: a sensor's noise is in all."""
_MOST_BROKEN = 100
"""Broken frames one after the other, before the source is held for lost."""

Opener = Callable[[], Capture]
Notice = Callable[[str], object]


class LiveFrames:
    """Frames of a live source, the newest first. `first` is open; `reopen` opens it anew. Not for more than one thread.

    `notice` is told, in words, when the source is lost. `until` is a moment of the monotonic clock.
    """

    def __init__(
        self,
        first: Capture,
        reopen: Opener,
        notice: Notice,
        silence_seconds: float = SILENCE_SECONDS,
        patience_seconds: float = PATIENCE_SECONDS,
        until: float = float("inf"),
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        self.repeated = 0
        self.reconnects = 0
        self._reopen = reopen
        self._notice = notice
        self._silence_seconds = silence_seconds
        self._patience_seconds = patience_seconds
        self._until = until
        self._wait = wait
        self._dropped_before = 0
        self._taken: Optional[FrameSlot] = None
        self._last_print: Optional[int] = None
        self._new_at = time.monotonic()
        self._frame_at = self._new_at
        self._broken = 0
        self._next_wait = _FIRST_WAIT_SECONDS
        self._connection = _Connection(lambda: first)

    @property
    def dropped(self) -> int:
        return self._dropped_before + self._connection.handover.dropped

    def take(self) -> Optional[FrameSlot]:
        """The newest frame, which stays as it is until the next call; None when the time is over.

        Raises `CaptureError` when patience is at its end.
        """
        self._put_back()
        while time.monotonic() < self._until:
            trouble = self._take()
            if trouble is None:
                return self._taken
            if time.monotonic() < self._until:
                self._connect_again(trouble)
        return None

    def close(self) -> None:
        self._put_back()
        self._connection.close(self._silence_seconds)

    def _take(self) -> Optional[str]:
        """Takes a frame; the words for what is wrong with the source when none came, or none that is new."""
        try:
            slot = self._connection.handover.take(min(self._silence_seconds, self._until - time.monotonic()))
        except HandoverTimeoutError:
            return f"no frame came for {self._silence_seconds:g} s"
        except CaptureError as error:
            return str(error)
        if slot is None:
            return "its stream ended"
        now = time.monotonic()
        self._broken = self._broken + 1 if slot.trouble else 0
        if self._broken > _MOST_BROKEN:
            self._connection.handover.put_back(slot)
            return f"{self._broken} frames in turn could not be read"
        slot.repeated = not slot.trouble and self._is_repeated(slot)
        if slot.repeated:
            self.repeated += 1
            if now - self._new_at > self._silence_seconds:
                self._connection.handover.put_back(slot)
                self._new_at = now
                return f"it has given one and the same frame for {self._silence_seconds:g} s"
        elif not slot.trouble:
            self._new_at = now
            self._next_wait = _FIRST_WAIT_SECONDS
        if not slot.trouble:
            self._frame_at = now
        self._taken = slot
        return None

    def _is_repeated(self, slot: FrameSlot) -> bool:
        assert slot.picture is not None
        looked_at = np.ascontiguousarray(slot.picture[::_SAMPLED, ::_SAMPLED])
        print_ = zlib.crc32(looked_at.data)
        same = print_ == self._last_print
        self._last_print = print_
        return same

    def _connect_again(self, trouble: str) -> None:
        lost_seconds = time.monotonic() - self._frame_at
        if lost_seconds > self._patience_seconds:
            raise CaptureError(f"the source is lost: {trouble}; it was tried again for {lost_seconds:.0f} s")
        self._notice(f"the source is lost: {trouble}; it is opened again in {self._next_wait:g} s")
        self._dropped_before += self._connection.handover.dropped
        self._connection.close(0.0)
        self._wait(self._next_wait)
        self._next_wait = min(2 * self._next_wait, _LONGEST_WAIT_SECONDS)
        self.reconnects += 1
        self._connection = _Connection(self._reopen)

    def _put_back(self) -> None:
        if self._taken is not None:
            self._connection.handover.put_back(self._taken)
            self._taken = None


class _Connection:
    """A thread that opens a source and hands over its frames. A read or an opening that does not come back is left to
    itself: releasing a capture under it would crash the process."""

    def __init__(self, open_capture: Opener) -> None:
        self.handover = Handover(_FRAMES_WAITING, newest_wins=True)
        self._thread = threading.Thread(target=self._run, args=(open_capture,), name="capture", daemon=True)
        self._thread.start()

    def close(self, seconds: float) -> None:
        self.handover.end()
        self._thread.join(seconds)

    def _run(self, open_capture: Opener) -> None:
        try:
            capture = open_capture()
            try:
                while True:
                    slot = self.handover.free_slot()
                    if not capture.read(slot):
                        break
                    slot.ready_at_ns = time.monotonic_ns()
                    if not self.handover.give(slot):
                        break
            finally:
                capture.release()
        except Exception as error:  # noqa: BLE001  # raised again in the thread that takes the frames
            self.handover.end(error)
        finally:
            self.handover.end()
