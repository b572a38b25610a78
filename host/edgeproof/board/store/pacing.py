"""Measures how fast a board takes what is sent, and fits frames and compression to it."""

import time
import zlib
from collections.abc import Callable

MIN_FRAME_BYTES = 1 << 15
MAX_FRAME_BYTES = 1 << 17
_FRAME_SECONDS = 0.25
"""So long one frame may take: how often progress is seen, and what a cut loses."""
_FRAMES_UNDER_WAY = 8
"""Of the longest frames these are 1 MiB: half of OpenSSH's window. Where more waits in sshd, its buffer grows to
megabytes, which it copies so often that the transfer takes twice the time."""
_SURE_BYTES = 1 << 17
"""So many must have been taken before a measurement counts."""
_ZLIB_LEVEL = 6
_FASTEST_ZLIB = 8e6
"""Bytes a second. On a faster link no sample is taken: zlib takes as long as it can save there, and both ends have
something else to do."""
_WORTHWHILE = 0.97
_SAMPLE_BYTES = 1 << 15
_SAMPLE_EVERY = 8


class LinkPace:
    """One for each object that is sent. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._first_taken: float | None = None
        self._taken_bytes = 0
        self._bytes_per_second: float | None = None
        """None until it is sure."""
        self._packing = False
        self._until_sample = 0

    @property
    def frame_bytes(self) -> int:
        """How much the next frame should hold."""
        if self._bytes_per_second is None:
            return MIN_FRAME_BYTES
        return int(min(max(self._bytes_per_second * _FRAME_SECONDS, MIN_FRAME_BYTES), MAX_FRAME_BYTES))

    def window_bytes(self) -> float:
        """How much may be unanswered."""
        return self.frame_bytes * _FRAMES_UNDER_WAY

    def taken(self, wire_bytes: int) -> None:
        """The board has answered for so many bytes that had travelled."""
        now = self._clock()
        if self._first_taken is None:  # how long that one took says how far the board is, not how fast the link
            self._first_taken = now
            return
        self._taken_bytes += wire_bytes
        if now > self._first_taken and self._taken_bytes >= _SURE_BYTES:
            self._bytes_per_second = self._taken_bytes / (now - self._first_taken)

    def pack(self, data: bytes) -> bytes | None:
        """The data as zlib packs it, or None where it arrives sooner as it is."""
        speed = self._bytes_per_second
        if speed is None or speed > _FASTEST_ZLIB:
            return None
        if not self._packing:
            self._until_sample -= 1
            if self._until_sample >= 0 or self._try(data[:_SAMPLE_BYTES], speed) is None:
                return None
        return self._try(data, speed)

    def _try(self, data: bytes, speed: float) -> bytes | None:
        start = self._clock()
        packed = zlib.compress(data, _ZLIB_LEVEL)
        # What was sent before is under way while zlib works, so the slower of the two counts.
        seconds = max(self._clock() - start, len(packed) / speed)
        self._packing = seconds < _WORTHWHILE * len(data) / speed
        self._until_sample = _SAMPLE_EVERY
        return packed if self._packing else None
