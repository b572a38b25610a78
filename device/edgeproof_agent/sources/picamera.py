"""Cameras of libcamera, through picamera2 of the system's packages: a program of the system's own Python reads them.

picamera2 is built for the system's NumPy, and this process may have another.
"""

import subprocess
import time
from pathlib import Path

import numpy as np

from edgeproof_agent.sources.frame import Capture, CaptureError, FramePlace, SourceFacts
from edgeproof_agent.sources.picamera_program import MAGIC, NO_PICAMERA, PREFIX
from edgeproof_agent.sources.settings import CaptureSettings
from edgeproof_agent.sources.turning import is_turned, turn

SYSTEM_PYTHON = "/usr/bin/python3"
_PROGRAM = Path(__file__).with_name("picamera_program.py")
_MAX_SIDE = 16_384
_OLDEST_NS = 60_000_000_000
_GOODBYE_SECONDS = 5.0


class Picamera(Capture):
    """A running program that sends frames."""

    def __init__(self, number: int, settings: CaptureSettings, python: str = SYSTEM_PYTHON) -> None:
        asked = [settings.width or 0, settings.height or 0, settings.fps or 0]
        command = [python, str(_PROGRAM), *map(str, [number, *asked])]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise CaptureError(f"cannot run {python}, which is to read the camera: {error.strerror}") from error
        self._number = number
        self._settings = settings
        self._turned = is_turned(settings)
        self._first = FramePlace()
        if not self._read(self._first):
            words = self._last_words()
            self.release()
            raise CaptureError(words)
        assert self._first.picture is not None
        height, width = self._first.picture.shape[:2]
        self._first_waits = True
        self.facts = SourceFacts(True, "libcamera", width, height, settings.fps, "RGB888")

    def read(self, place: FramePlace) -> bool:
        """See `Capture`."""
        if self._first_waits:
            self._first_waits = False
            place.__dict__.update(self._first.__dict__)
            return True
        return self._read(place)

    def release(self) -> None:
        self._process.kill()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def _read(self, place: FramePlace) -> bool:
        place.trouble = ""
        place.started_at_ns = time.monotonic_ns()
        prefix = bytearray(PREFIX.size)
        if not self._fill(memoryview(prefix)):
            return False
        magic, width, height, taken_ns = PREFIX.unpack(prefix)
        if magic != MAGIC or not 0 < width <= _MAX_SIDE or not 0 < height <= _MAX_SIDE:
            raise CaptureError(f"picamera:{self._number} sent something else than a frame")
        raw = place.raw if self._turned else place.picture
        if raw is None or raw.shape != (height, width, 3):
            raw = np.empty((height, width, 3), np.uint8)
        if not self._fill(raw.data.cast("B")):
            return False
        arrived_ns = time.monotonic_ns()
        place.capture_ns = arrived_ns - place.started_at_ns
        place.taken_at_ns = taken_ns if 0 <= arrived_ns - taken_ns < _OLDEST_NS else arrived_ns
        place.raw = raw if self._turned else None
        turn(raw, place, self._settings)
        place.decode_ns = time.monotonic_ns() - arrived_ns
        return True

    def _fill(self, memory: memoryview) -> bool:
        assert self._process.stdout is not None
        while memory:
            count = self._process.stdout.readinto(memory)  # type: ignore[attr-defined]
            if not count:
                return False
            memory = memory[count:]
        return True

    def _last_words(self) -> str:
        try:
            _, said = self._process.communicate(timeout=_GOODBYE_SECONDS)
        except subprocess.TimeoutExpired:
            return f"picamera:{self._number} does not answer"
        if self._process.returncode == NO_PICAMERA:
            return "the system's Python has no picamera2. Once: sudo apt install -y python3-picamera2"
        lines = said.decode("utf-8", errors="replace").strip().splitlines() or ["it ended without a word"]
        return f"picamera:{self._number} cannot be opened: {lines[-1]}"


def open_picamera(number: int, settings: CaptureSettings, python: str = SYSTEM_PYTHON) -> Picamera:
    """Starts the program and waits for the first frame. Raises `CaptureError`."""
    return Picamera(number, settings, python)
