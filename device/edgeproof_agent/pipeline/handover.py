"""The hand-over of frames from the thread that captures to the one that detects: bounded, and without new memory."""

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Optional

import numpy as np

from edgeproof_agent.sources.frame import FramePlace


class HandoverTimeoutError(Exception):
    """No frame came within the limit."""


@dataclass
class FrameSlot(FramePlace):
    """A place for one frame on its way through the pipeline, used again and again."""

    tensor: Optional[np.ndarray] = None
    """The model's input for the picture, when it is prepared beside inference; its memory is used again, too."""
    prepare_ns: int = 0
    """How long that took."""
    ready_at_ns: int = 0
    """When it could be handed over, on the monotonic clock."""
    repeated: bool = False
    """Whether a live source gave the very frame before once more."""


class Handover:
    """Frames in the order in which they came, at most `waiting` of them not yet taken.

    `newest_wins` is for live sources: a new frame puts the oldest that waits aside, which counts as dropped. Without
    it the capturing side waits, and no frame is lost.
    """

    def __init__(self, waiting: int, newest_wins: bool) -> None:
        self.dropped = 0
        self._newest_wins = newest_wins
        self._free = [FrameSlot() for _ in range(waiting + 2)]  # one is being filled, one is being looked at
        self._ready: deque[FrameSlot] = deque()
        self._waiting = waiting
        self._ended = False
        self._failure: Optional[BaseException] = None
        self._changed = threading.Condition()

    def free_slot(self) -> FrameSlot:
        """For the capturing side: a place to read the next frame into."""
        with self._changed:
            return self._free.pop()

    def give(self, slot: FrameSlot) -> bool:
        """Hands over a filled place. False when nobody wants frames any more."""
        with self._changed:
            while len(self._ready) == self._waiting and not self._newest_wins and not self._ended:
                self._changed.wait()
            if self._ended:
                return False
            if len(self._ready) == self._waiting:
                self._free.append(self._ready.popleft())
                self.dropped += 1
            self._ready.append(slot)
            self._changed.notify_all()
            return True

    def end(self, failure: Optional[BaseException] = None) -> None:
        """From either side: no more frames. What waits can still be taken; `failure` is raised behind it."""
        with self._changed:
            self._ended = True
            self._failure = self._failure or failure
            self._changed.notify_all()

    def take(self, limit_seconds: float) -> Optional[FrameSlot]:
        """The oldest frame that waits, or None at the end.

        Raises `HandoverTimeoutError` when none came in time, and what the capturing side has failed with.
        """
        deadline = time.monotonic() + limit_seconds
        with self._changed:
            while not self._ready:
                if self._failure is not None:
                    raise self._failure
                if self._ended:
                    return None
                if not self._changed.wait(deadline - time.monotonic()) and time.monotonic() >= deadline:
                    raise HandoverTimeoutError
            slot = self._ready.popleft()
            self._changed.notify_all()
            return slot

    def put_back(self, slot: FrameSlot) -> None:
        """The detecting side needs the frame no more."""
        with self._changed:
            self._free.append(slot)
